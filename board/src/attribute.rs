//! A file of sysfs or procfs that is opened once and read again and again.
//!
//! Each reading starts at offset 0, at which the kernel makes the text anew. After an error the file is opened
//! again at the next reading: an attribute whose device went away stays dead for those who hold it open, even
//! after the device is back.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::Fault;

/// No attribute that is read here comes near; what is longer is no attribute.
const LONGEST: usize = 1 << 20;

/// A file of sysfs or procfs.
#[derive(Debug)]
pub(crate) struct Attribute {
    path: PathBuf,
    file: Option<File>,
}

impl Attribute {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, file: None }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What the file says now, read into `buffer`, which grows as needed. Never empty.
    pub(crate) fn read<'b>(&mut self, buffer: &'b mut Vec<u8>) -> Result<&'b [u8], Fault> {
        match self.fill(buffer) {
            Ok(0) => {
                self.file = None;
                Err(Fault::malformed(b""))
            }
            Ok(length) => Ok(&buffer[..length]),
            Err(error) => {
                self.file = None;
                Err(error.into())
            }
        }
    }

    /// [`read`](Self::read), for files that hold nothing but text.
    pub(crate) fn read_text<'b>(&mut self, buffer: &'b mut Vec<u8>) -> Result<&'b str, Fault> {
        let bytes = self.read(buffer)?;
        std::str::from_utf8(bytes).map_err(|_| Fault::malformed(bytes))
    }

    fn fill(&mut self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        let file = match &mut self.file {
            Some(file) => file,
            closed => closed.insert(File::open(&self.path)?),
        };
        let mut length = 0;
        loop {
            if length == buffer.len() {
                if length >= LONGEST {
                    return Err(io::ErrorKind::FileTooLarge.into());
                }
                buffer.resize((2 * length).max(4096), 0);
            }
            match file.read_at(&mut buffer[length..], length as u64) {
                Ok(0) => return Ok(length),
                Ok(read) => length += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn an_attribute_is_read_anew_and_opened_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("attribute");
        let (mut attribute, mut buffer) = (Attribute::new(path.clone()), Vec::new());
        let mut read = || attribute.read_text(&mut buffer).map(str::to_owned);

        assert_eq!(read(), Err(Fault::Absent));
        fs::write(&path, "1400000\n").unwrap();
        assert_eq!(read().unwrap(), "1400000\n");
        let long = "x".repeat(3 * 4096 + 1);
        fs::write(&path, &long).unwrap();
        assert_eq!(read().unwrap(), long);
        fs::write(&path, "short").unwrap();
        assert_eq!(read().unwrap(), "short");
        fs::write(&path, "").unwrap();
        assert_eq!(read(), Err(Fault::Malformed(String::new())));
        fs::remove_file(&path).unwrap();
        assert_eq!(read(), Err(Fault::Absent), "an empty attribute is not held on to");
    }

    #[test]
    fn a_directory_or_an_endless_file_is_a_fault() {
        let mut buffer = Vec::new();
        for path in ["/proc", "/dev/zero"] {
            let fault = Attribute::new(path.into()).read(&mut buffer).unwrap_err();
            assert!(matches!(fault, Fault::Unreadable(_)), "{path}: {fault:?}");
        }
    }
}
