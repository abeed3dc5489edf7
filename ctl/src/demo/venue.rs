//! Where the demo takes place: on this machine, or on a virtual board whose CPUs are this machine's.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use dynd_files::find_board;
use dynd_vocab::Blueprint;
use tempfile::TempDir;

use super::process::Process;
use crate::failure::Failure;
use crate::served_board::{Programs, ServedBoard, part};

/// The governor of every cluster of a board: all ways have the highest clocks that heat allows, so that they differ in
/// who chooses the sub-networks, and in nothing else.
const GOVERNOR: &str = "performance";

/// Where the demo takes place; this machine by default.
#[derive(Debug, Default)]
pub(crate) struct Venue(Option<Board>);

/// A live board. It is unmounted before its directory goes.
#[derive(Debug)]
struct Board {
    served: ServedBoard,
    directory: TempDir,
}

impl Venue {
    /// The board called `name`, mounted and live.
    ///
    /// # Errors
    /// If there is no such board, or this user may not mount it.
    pub(crate) fn board(name: &str) -> Result<Self, Failure> {
        let board = part(&find_board(name).map_err(Failure::bad_input)?)?;
        let directory = tempfile::Builder::new().prefix("dynctl-board-").tempdir();
        let directory = directory.context("failed to make a directory for the board")?;
        let served = ServedBoard::mount(&board, directory.path(), Programs::Real)?;
        for policy in policies(&board, directory.path()) {
            let file = policy.join("scaling_governor");
            fs::write(&file, GOVERNOR).with_context(|| format!("failed to write {}", file.display()))?;
        }
        eprintln!(
            "dynctl: the demo takes place on {}, mounted on {}",
            board.name,
            directory.path().display()
        );
        Ok(Self(Some(Board { served, directory })))
    }

    /// Whether that is this machine.
    pub(crate) const fn is_machine(&self) -> bool {
        self.0.is_none()
    }

    /// Where its `sys` and `proc` are.
    pub(crate) fn root(&self) -> &Path {
        self.0
            .as_ref()
            .map_or(Path::new("/"), |board| board.directory.path())
    }

    /// Lets `process` run there.
    ///
    /// # Errors
    /// If it has ended.
    pub(crate) fn admit(&self, process: &Process) -> anyhow::Result<()> {
        self.0
            .as_ref()
            .map_or(Ok(()), |board| board.served.admit(process.id()))
    }
}

/// The directories of the cpufreq policies of `board`, mounted on `root`.
fn policies<'a>(board: &'a Blueprint, root: &'a Path) -> impl Iterator<Item = PathBuf> + 'a {
    let policy = |number: u32| root.join(format!("sys/devices/system/cpu/cpufreq/policy{number}"));
    board.clusters.iter().map(move |cluster| policy(cluster.policy))
}
