//! Why there is no board to observe.

use std::io;
use std::path::PathBuf;

/// Why a board could not be discovered. Everything less than this is a [`SensorProblem`](crate::SensorProblem).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BoardError {
    /// The root directory cannot be opened.
    #[error("failed to open the board's root directory {}", path.display())]
    OpenRoot {
        /// The root directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Neither sysfs nor procfs names a CPU.
    #[error("failed to find a CPU below {} (are sysfs and procfs mounted there?)", path.display())]
    FindCpus {
        /// The root directory.
        path: PathBuf,
    },
}
