//! `/proc/PID/stat` of the processes that run on a hosted board: they come and go, unlike everything else in a tree.
//!
//! Their CPU time is that of the board, whose slower cores take longer for the same.

use std::path::{Path, PathBuf};

use dynd_vocab::Pid;

use crate::machine::Machine;
use crate::procfs::ticks;
use crate::refusal::Refusal;

/// Where processes are.
pub(crate) const PROC: &str = "proc";
pub(crate) const STAT: &str = "stat";

/// A path that belongs to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProcessPath {
    /// `proc/PID`.
    Directory(Pid),
    /// `proc/PID/stat`.
    Stat(Pid),
}

impl ProcessPath {
    /// What `path` below the root is.
    pub(crate) fn parse(path: &Path) -> Option<Self> {
        let mut names = path.strip_prefix(PROC).ok()?.iter();
        let name = names.next()?.to_str()?;
        let pid = Pid(name.parse().ok().filter(|pid: &u32| pid.to_string() == name)?);
        match (names.next(), names.next()) {
            (None, _) => Some(Self::Directory(pid)),
            (Some(file), None) if file == STAT => Some(Self::Stat(pid)),
            _ => None,
        }
    }

    /// Its path.
    pub(crate) fn path(self) -> PathBuf {
        match self {
            Self::Directory(pid) => Path::new(PROC).join(pid.0.to_string()),
            Self::Stat(pid) => Self::Directory(pid).path().join(STAT),
        }
    }

    /// Whether there is such a process.
    pub(crate) fn exists(self, machine: &Machine) -> bool {
        let (Self::Directory(pid) | Self::Stat(pid)) = self;
        let visitors = machine.visitors.as_ref();
        visitors.is_some_and(|visitors| visitors.processes.contains(&pid))
    }
}

/// What the file at `path` says.
pub(crate) fn read(machine: &Machine, path: &Path) -> Result<String, Refusal> {
    let path = ProcessPath::parse(path).filter(|path| path.exists(machine));
    match path.ok_or(Refusal::Absent)? {
        ProcessPath::Directory(_) => Err(Refusal::Directory),
        ProcessPath::Stat(pid) => {
            let busy = machine.plant.cpu_time(pid).unwrap_or_default();
            // State, ten fields of no interest, then user and system time.
            Ok(format!(
                "{} (app) R 0 0 0 0 0 0 0 0 0 0 {} 0\n",
                pid.0,
                ticks(busy)
            ))
        }
    }
}
