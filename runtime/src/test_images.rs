//! Labelled images that a model's quality is checked with.

use std::path::PathBuf;

use dynd_files::{InputSpec, TestSet};

use crate::idx::{Idx, IdxError};

/// Images with their labels; never empty.
#[derive(Clone, Debug)]
pub struct TestImages {
    images: Idx,
    labels: Idx,
}

/// Why test images could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum TestImagesError {
    /// One of the two files is no IDX file.
    #[error("failed to load test images")]
    Idx(#[from] IdxError),
    /// There are more images than labels, or the other way round, or none.
    #[error("failed to load test images: {} holds {images}, {} holds {labels} labels", image_file.display(), label_file.display())]
    Count {
        /// The images' file.
        image_file: PathBuf,
        /// How many it holds.
        images: usize,
        /// The labels' file.
        label_file: PathBuf,
        /// How many it holds.
        labels: usize,
    },
    /// The images do not fit the model's input.
    #[error("failed to load test images: those in {} have {found} pixels, the model takes {expected}", path.display())]
    Size {
        /// The images' file.
        path: PathBuf,
        /// The pixels of an image.
        found: usize,
        /// The elements of the model's input.
        expected: usize,
    },
}

impl TestImages {
    /// Loads `set` for a model that takes `input`.
    ///
    /// # Errors
    /// If a file cannot be read, the two do not belong together, or the images do not fit the input.
    pub fn load(set: &TestSet, input: &InputSpec) -> Result<Self, TestImagesError> {
        let images = Idx::read(&set.images)?;
        let labels = Idx::read(&set.labels)?;
        if images.len() != labels.len() || images.is_empty() || labels.item_len() != 1 {
            return Err(TestImagesError::Count {
                image_file: set.images.clone(),
                images: images.len(),
                label_file: set.labels.clone(),
                labels: labels.len(),
            });
        }
        let expected = input.shape.iter().product();
        if images.item_len() != expected {
            return Err(TestImagesError::Size {
                path: set.images.clone(),
                found: images.item_len(),
                expected,
            });
        }
        Ok(Self { images, labels })
    }

    /// How many there are.
    #[expect(clippy::len_without_is_empty, reason = "there is always one")]
    pub fn len(&self) -> usize {
        self.images.len()
    }

    /// The pixels and the class of image `index`, counted modulo [`len`](Self::len): a camera that starts
    /// over when its film ends.
    pub fn get(&self, index: usize) -> (&[u8], usize) {
        let index = index % self.len();
        let pixels = self.images.item(index).unwrap_or_default();
        let class = self.labels.item(index).and_then(|label| label.first());
        (pixels, class.copied().map_or(usize::MAX, usize::from))
    }
}
