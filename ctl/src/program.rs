//! The programs that `dynctl` executes.

use std::env;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::bail;

/// Where packages put programs that people do not call.
const LIBEXEC: &str = "/usr/libexec/dynd";

/// A program of dynd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// The daemon.
    Daemon,
    /// Whatever runs inference.
    Runtime,
}

impl Program {
    /// Its file name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Daemon => "dynd",
            Self::Runtime => "dynd-runtime",
        }
    }

    /// Its file: beside this program, in libexec, or in the search path, in this order.
    ///
    /// # Errors
    /// If it is in none of them.
    pub(crate) fn find(self) -> anyhow::Result<PathBuf> {
        let places = places();
        let mut candidates = places.iter().map(|place| place.join(self.name()));
        match candidates.find(|file| is_executable(file)) {
            Some(file) => Ok(file),
            None => bail!(
                "failed to find the program '{}' beside dynctl, in {LIBEXEC} or in PATH; \
                 in a source tree, build it with 'cargo build --workspace'",
                self.name()
            ),
        }
    }
}

fn places() -> Vec<PathBuf> {
    let own = env::current_exe().ok();
    let beside = own.as_deref().and_then(Path::parent).map(Path::to_path_buf);
    let path = env::var_os("PATH").unwrap_or_default();
    beside
        .into_iter()
        .chain([PathBuf::from(LIBEXEC)])
        .chain(env::split_paths(&path))
        .collect()
}

fn is_executable(file: &Path) -> bool {
    file.metadata()
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}
