//! The way to systemd, and to the files of cgroups: what is read and written is a set of CPUs in both.

use std::fmt::Debug;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use dynd_vocab::CpuSet;

use crate::fenced::Place;
use crate::kernel::put;

/// The way to systemd, which sets the property `AllowedCPUs` of a unit until the next boot. The empty set stands for
/// no limit.
pub trait Units: Debug + Send {
    /// The CPUs that a unit is allowed.
    ///
    /// # Errors
    /// If systemd does not say.
    fn allowed_cpus(&mut self, unit: &str) -> Result<CpuSet, FenceError>;

    /// Allows a unit these CPUs only.
    ///
    /// # Errors
    /// If systemd refuses, or does not answer.
    fn allow_cpus(&mut self, unit: &str, cpus: CpuSet) -> Result<(), FenceError>;
}

/// Why a set of CPUs cannot be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FenceError {
    /// The unit or control group is no more.
    #[error("it does not exist any more")]
    Gone,
    /// Nobody answers in time, here in words: what was asked may be done all the same, before anything that is asked later.
    #[error("{0}")]
    Unanswered(String),
    /// Something else, in words.
    #[error("{0}")]
    Failed(String),
}

/// Reads and writes sets of CPUs.
#[derive(Debug)]
pub(crate) struct Fences {
    root: PathBuf,
    units: Option<Box<dyn Units>>,
}

impl Fences {
    pub(crate) fn new(root: &Path, units: Option<Box<dyn Units>>) -> Self {
        Self {
            root: root.to_path_buf(),
            units,
        }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn has_units(&self) -> bool {
        self.units.is_some()
    }

    pub(crate) fn read(&mut self, place: &Place) -> Result<CpuSet, FenceError> {
        match place {
            Place::Unit(unit) => self.units()?.allowed_cpus(unit),
            Place::File(path) => {
                let text = fs::read_to_string(self.root.join(path)).map_err(|error| fault(path, &error))?;
                text.parse()
                    .map_err(|error| FenceError::Failed(format!("/{}: {error}", path.display())))
            }
        }
    }

    pub(crate) fn write(&mut self, place: &Place, cpus: CpuSet) -> Result<(), FenceError> {
        match place {
            Place::Unit(unit) => self.units()?.allow_cpus(unit, cpus),
            Place::File(path) => {
                let file = self.root.join(path);
                let written = match put(&file, &cpus) {
                    // A cgroup of version 2 that once had CPUs is not without as long as processes are in it
                    // (`validate_change` of kernel/cgroup/cpuset.c). All of those above it are no limit either.
                    Err(error) if cpus.is_empty() && error.kind() == io::ErrorKind::StorageFull => {
                        put(&file, &self.above(path)?)
                    }
                    written => written,
                };
                written.map_err(|error| fault(path, &error))
            }
        }
    }

    /// Whether a place that reads `cpus` is without a limit.
    pub(crate) fn is_free(&self, place: &Place, cpus: CpuSet) -> bool {
        match place {
            Place::Unit(_) => cpus.is_empty(),
            Place::File(path) => {
                let all = self.above(path);
                cpus.is_empty() || all.is_ok_and(|all| all.difference(cpus).is_empty())
            }
        }
    }

    /// The CPUs of the cgroup above the one of which this file is.
    fn above(&self, path: &Path) -> Result<CpuSet, FenceError> {
        let above = path.ancestors().nth(2).unwrap_or(Path::new(""));
        let path = above.join("cpuset.cpus.effective");
        let text = fs::read_to_string(self.root.join(&path)).map_err(|error| fault(&path, &error))?;
        text.parse()
            .map_err(|error| FenceError::Failed(format!("/{}: {error}", path.display())))
    }

    fn units(&mut self) -> Result<&mut Box<dyn Units>, FenceError> {
        let none = || FenceError::Failed("there is no way to systemd: see --dbus".into());
        self.units.as_mut().ok_or_else(none)
    }
}

fn fault(path: &Path, error: &io::Error) -> FenceError {
    // A control group whose last process is gone answers so while it is taken away.
    const ENODEV: i32 = 19;
    if error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(ENODEV) {
        FenceError::Gone
    } else {
        FenceError::Failed(format!("/{}: {error}", path.display()))
    }
}
