//! A virtual board that is served on a directory, and the programs of this machine that run on it.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, anyhow};
use dynd_sim::{Ending, Hosting, HostingError, MountError, Mounted, Tree, deal};
use dynd_vocab::Blueprint;

use crate::failure::Failure;

/// A mounted board, and, if it is live, its programs. It ends with the value.
#[derive(Debug)]
pub(crate) struct ServedBoard {
    /// There until the end.
    mounted: Option<Mounted>,
    hosting: Option<Hosting>,
}

/// Whether programs run on a board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Programs {
    /// Nothing does.
    None,
    /// Those that are put into its cgroup.
    Real,
}

impl ServedBoard {
    /// Mounts `board` on `directory`. Made for `programs` by [`part`] of it.
    ///
    /// # Errors
    /// If this user may not, or the directory will not do.
    pub(crate) fn mount(board: &Blueprint, directory: &Path, programs: Programs) -> Result<Self, Failure> {
        // Another boot each time, so that no journal of an earlier one counts.
        let tree = Tree::new(board, dynd_client::now().as_nanos());
        let mounted = Mounted::mount(tree, directory).map_err(|error| refused(error, directory))?;
        let hosting = match programs {
            Programs::None => None,
            Programs::Real => Some(Hosting::start(&mounted)).transpose().map_err(unhosted)?,
        };
        let mounted = Some(mounted);
        Ok(Self { mounted, hosting })
    }

    /// Lets it go on to the present, which it does by itself when somebody looks.
    pub(crate) fn catch_up(&self) {
        if let Some(mounted) = &self.mounted {
            mounted.with(|_| ());
        }
    }

    /// True once somebody else has unmounted it.
    pub(crate) fn is_over(&self) -> bool {
        self.mounted.as_ref().is_none_or(Mounted::is_over)
    }

    /// The cgroup of what runs on it; absent if nothing does.
    pub(crate) fn group(&self) -> Option<&Path> {
        self.hosting.as_ref().map(Hosting::group)
    }

    /// Lets the process `pid` run on it.
    ///
    /// # Errors
    /// If it is gone.
    pub(crate) fn admit(&self, pid: u32) -> anyhow::Result<()> {
        let group = self
            .group()
            .ok_or_else(|| anyhow!("nothing runs on this board"))?;
        let list = group.join("cgroup.procs");
        fs::write(&list, pid.to_string())
            .with_context(|| format!("failed to put {pid} into {}", list.display()))
    }

    /// Ends it: whoever runs on it runs on as before.
    ///
    /// # Errors
    /// If the kernel does not let go of it.
    pub(crate) fn unmount(mut self) -> anyhow::Result<Ending> {
        self.end()
    }

    fn end(&mut self) -> anyhow::Result<Ending> {
        drop(self.hosting.take());
        let ending = self.mounted.take().map(Mounted::unmount);
        ending
            .unwrap_or(Ok(Ending::Clean))
            .context("failed to take the board away")
    }
}

/// Whoever wants to know whether it worked [unmounts](ServedBoard::unmount) it.
impl Drop for ServedBoard {
    fn drop(&mut self) {
        let _ = self.end();
    }
}

/// The part of `board` that the CPUs of this process can play, with their numbers.
///
/// # Errors
/// If the board has no CPUs.
pub(crate) fn part(board: &Blueprint) -> Result<Blueprint, Failure> {
    let cpus = dynd_client::allowed_cpus()?;
    let none = || {
        Failure::BadInput(anyhow!(
            "failed to play {} on CPUs {cpus}: there is no CPU",
            board.name
        ))
    };
    deal(board, cpus).ok_or_else(none)
}

/// Why the board is not mounted, and what to do.
fn refused(error: MountError, directory: &Path) -> Failure {
    let directory = directory.display();
    let advice = match &error {
        MountError::OpenDirectory { .. } => {
            format!("make an empty directory, or 'umount {directory}' if a board was left there")
        }
        MountError::Occupied { .. } => "choose an empty one".into(),
        MountError::OpenFuse { .. } => {
            "mounting needs root, and a kernel with FUSE ('modprobe fuse'); a container must be given the device".into()
        }
        _ => return Failure::Failed(error.into()),
    };
    advised(error, &advice)
}

/// Why no program can run on the board, and what to do.
fn unhosted(error: HostingError) -> Failure {
    let advice = match &error {
        HostingError::NoController => {
            "mount cgroups of version 1 or 2 with the controller 'cpu'; a container must be given them"
        }
        HostingError::Claimed { .. } => "end that one first, or wait until it has ended",
        HostingError::Claim { .. } => "--live needs root, and a /run that it may write to",
        HostingError::Group { .. } => "--live needs root, and cgroups that it may write to",
        HostingError::Metronome { .. } => "--live needs root and the program 'chrt'",
        _ => return Failure::Failed(error.into()),
    };
    advised(error, advice)
}

fn advised(error: impl std::error::Error + Send + Sync + 'static, advice: &str) -> Failure {
    let error = anyhow::Error::new(error);
    Failure::BadInput(anyhow!("{error:#}; {advice}"))
}
