//! Runs dynamic models with tract.
//!
//! A [`DynamicModel`] holds every sub-network of a manifest, loaded, optimised and warmed, so that switching
//! is a matter of passing another index to [`run`](DynamicModel::run). Sub-networks that are exits of one
//! ONNX file are one graph with shared weights; [`start`](DynamicModel::start) runs them one after the other
//! without computing anything twice.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use dynd_runtime::{DynamicModel, Input};
//!
//! let manifest = dynd_files::load_manifest("models/exit-mnist".as_ref())?;
//! let mut model = DynamicModel::load(&manifest, 2)?;
//! let mut input = Input::new(&manifest.input)?;
//! input.fill(&[0; 56 * 56])?;
//! let quick = model.run(0, 1, &input)?;
//! let mut progressive = model.start(&input, 2);
//! let mut answer = progressive.advance(0)?;
//! if answer.confidence < 0.9 {
//!     answer = progressive.advance(2)?;
//! }
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

mod answer;
mod error;
mod graph;
mod idx;
mod input;
mod model;
mod progressive;
mod test_images;
mod threads;

pub use answer::Answer;
pub use error::{Cause, RuntimeError};
pub use idx::{Idx, IdxError};
pub use input::Input;
pub use model::DynamicModel;
pub use progressive::Progressive;
pub use test_images::{TestImages, TestImagesError};
