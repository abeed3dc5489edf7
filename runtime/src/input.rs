//! What a model takes in, allocated once.

use std::sync::Arc;

use dynd_files::InputSpec;
use tract_onnx::prelude::{TValue, Tensor};

use crate::RuntimeError;
use crate::error::Cause;

/// The input tensor of a model: pixels times the manifest's scale. Filled anew for each inference.
#[derive(Clone, Debug)]
pub struct Input {
    tensor: Arc<Tensor>,
    scale: f32,
}

impl Input {
    /// A black image.
    ///
    /// # Errors
    /// If the tensor cannot be had.
    pub fn new(spec: &InputSpec) -> Result<Self, RuntimeError> {
        let tensor = Tensor::zero::<f32>(&spec.shape).map_err(input_error)?;
        Ok(Self {
            tensor: Arc::new(tensor),
            scale: spec.scale as f32,
        })
    }

    /// Takes over `pixels`, one byte per element of the input's shape.
    ///
    /// # Errors
    /// If there are too few or too many of them; the input is unchanged then.
    pub fn fill(&mut self, pixels: &[u8]) -> Result<(), RuntimeError> {
        // No copy is made unless an inference was abandoned without dropping it.
        let mut plain = Arc::make_mut(&mut self.tensor)
            .try_as_plain_ram_mut()
            .map_err(input_error)?;
        let elements = plain.as_slice_mut::<f32>().map_err(input_error)?;
        if elements.len() != pixels.len() {
            return Err(RuntimeError::InputLength {
                expected: elements.len(),
                found: pixels.len(),
            });
        }
        for (element, pixel) in elements.iter_mut().zip(pixels) {
            *element = f32::from(*pixel) * self.scale;
        }
        Ok(())
    }

    pub(crate) fn value(&self) -> TValue {
        TValue::from_const(Arc::clone(&self.tensor))
    }
}

fn input_error(error: tract_onnx::prelude::TractError) -> RuntimeError {
    RuntimeError::Input { source: Cause(error) }
}
