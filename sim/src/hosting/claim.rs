//! Whose this machine's CPUs are: a second live board would slow the first one's programs, and neither be as fast as
//! its clocks. A lock on a file says so, which ends with its process however that ends; the file stays, and names the
//! process that holds the lock.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use super::HostingError;

/// The file. Only root makes cgroups, so it is where only root writes, and gone after a boot.
const FILE: &str = "/run/dynd-live.lock";

/// This machine's CPUs, for as long as the value lives.
#[derive(Debug)]
pub(crate) struct Claim(File);

impl Drop for Claim {
    /// To close the file would not be enough: a process that is just being started has a copy of it.
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

impl Claim {
    /// Claims them, unless another process has.
    pub(crate) fn new() -> Result<Self, HostingError> {
        Self::by(Path::new(FILE))
    }

    fn by(path: &Path) -> Result<Self, HostingError> {
        let failed = |source: io::Error| HostingError::Claim {
            path: path.to_path_buf(),
            source,
        };
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(HostingError::Claimed { by: owner(file) }),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        file.set_len(0).map_err(failed)?;
        write!(file, "{}", std::process::id()).map_err(failed)?;
        Ok(Self(file))
    }
}

/// Who has locked `file`, which says so a moment later.
fn owner(mut file: File) -> String {
    let mut pid = String::new();
    match file.read_to_string(&mut pid) {
        Ok(1..) => format!("process {pid}"),
        _ => "another process".into(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;

    #[test]
    fn the_second_is_refused_until_the_first_ends() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let first = Claim::by(&path).unwrap();
        let by = match Claim::by(&path) {
            Err(HostingError::Claimed { by }) => by,
            other => panic!("{other:?}"),
        };
        assert_eq!(by, format!("process {}", std::process::id()));
        drop(first);
        Claim::by(&path).unwrap();
    }

    #[test]
    fn a_file_that_cannot_be_made_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("gone/lock");
        let error = Claim::by(&path).unwrap_err();
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    }
}
