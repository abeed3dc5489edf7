//! The IDX format of MNIST: bytes in a box.
//!
//! Two zero bytes, the element type (8 for bytes, the only one read here), the number of dimensions, each
//! dimension as a big-endian `u32`, then the elements, the last dimension fastest.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

const BYTES: u8 = 8;

/// The content of an IDX file of bytes: items of equal size, such as images or labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idx {
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

/// Why a file is no IDX file of bytes.
#[derive(Debug, thiserror::Error)]
pub enum IdxError {
    /// The file could not be read.
    #[error("failed to read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file does not begin as an IDX file of bytes does.
    #[error("failed to read {}: it is no IDX file of bytes", path.display())]
    Header {
        /// The file.
        path: PathBuf,
    },
    /// The file is shorter or longer than its dimensions say.
    #[error("failed to read {}: {found} bytes follow its header, its dimensions {shape:?} need another number", path.display())]
    Length {
        /// The file.
        path: PathBuf,
        /// Its dimensions.
        shape: Vec<usize>,
        /// The bytes it has.
        found: usize,
    },
}

impl Idx {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// If it cannot be read, or is no complete IDX file of bytes with at least one dimension.
    pub fn read(path: &Path) -> Result<Self, IdxError> {
        let bytes = fs::read(path).map_err(|source| IdxError::Read {
            path: path.into(),
            source,
        })?;
        let header = || IdxError::Header { path: path.into() };
        let (dimensions, rest) = match bytes.as_slice() {
            [0, 0, BYTES, dimensions @ 1..=255, rest @ ..] => (usize::from(*dimensions), rest),
            _ => return Err(header()),
        };
        let (sizes, items) = rest.split_at_checked(dimensions * 4).ok_or_else(header)?;
        let shape: Vec<usize> = sizes
            .as_chunks()
            .0
            .iter()
            .map(|size| u32::from_be_bytes(*size) as usize)
            .collect();
        let elements = shape
            .iter()
            .try_fold(1_usize, |product, size| product.checked_mul(*size));
        if elements == Some(items.len()) {
            Ok(Self {
                shape,
                bytes: items.to_vec(),
            })
        } else {
            Err(IdxError::Length {
                path: path.into(),
                shape,
                found: items.len(),
            })
        }
    }

    /// The number of items: the first dimension.
    pub fn len(&self) -> usize {
        self.shape[0]
    }

    /// True if there is no item.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes in one item.
    pub fn item_len(&self) -> usize {
        self.shape[1..].iter().product()
    }

    /// The item at `index`, if there is one.
    pub fn item(&self, index: usize) -> Option<&[u8]> {
        let length = self.item_len();
        self.bytes.get(index * length..(index + 1) * length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Idx, IdxError> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file.idx");
        fs::write(&path, bytes).unwrap();
        Idx::read(&path)
    }

    #[test]
    fn items_come_in_order() {
        let idx = read(&[0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6]).unwrap();
        assert_eq!((idx.len(), idx.item_len()), (2, 3));
        assert_eq!(idx.item(1), Some([4, 5, 6].as_slice()));
        assert_eq!(idx.item(2), None);
    }

    fn refuses(bytes: &[u8], expect: &str) {
        let message = read(bytes).unwrap_err().to_string();
        assert!(
            message.contains("file.idx") && message.contains(expect),
            "{message}"
        );
    }

    #[test]
    fn what_is_not_whole_is_refused() {
        refuses(&[], "no IDX file");
        refuses(&[0, 0, 13, 1, 0, 0, 0, 0], "no IDX file");
        refuses(&[0, 0, 8, 0], "no IDX file");
        refuses(&[0, 0, 8, 2, 0, 0, 0, 1], "no IDX file");
        refuses(&[0, 0, 8, 1, 0, 0, 0, 3, 1, 2], "2 bytes follow");
        refuses(&[0, 0, 8, 1, 0, 0, 0, 1, 1, 2], "2 bytes follow");
        refuses(&[&[0, 0, 8, 4][..], &[255; 16]].concat(), "0 bytes follow");
    }
}
