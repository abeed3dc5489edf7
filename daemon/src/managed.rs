//! The board that the daemon manages: the machine at hand, or a virtual one in real time.
//!
//! Nothing runs on a virtual board but what apps report: an inference that kept so many cores busy for so long keeps as
//! many of the CPUs that the app was assigned busy for as long, from when it is heard of. How long it takes is that of
//! the machine it really runs on, whatever clocks the virtual board has; its loads, power and heat are the board's.

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use dynd_board::{Host, JournalError, Units};
use dynd_files::find_board;
use dynd_plant::{Place, Plant, VirtualBoard, Work};
use dynd_vocab::{
    Actuation, Board, BoardDescription, Confined, Confinement, CpuSet, Pid, ProblemStatus, PutBack, Sample,
    Setting, Timestamp,
};

use crate::clock;
use crate::settings::{BoardSource, Settings};
use crate::wiring::StartError;

/// Inferences that may wait to be run on a virtual board: those of a second or two of a busy one.
const QUEUE: usize = 1024;

/// What seeds the noise of a virtual board's sensors.
const SEED: u64 = 1;

/// CPUs that an app kept busy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Occupied {
    /// Whose process.
    pub(crate) pid: Pid,
    /// Which.
    pub(crate) cpus: CpuSet,
    /// For how long.
    pub(crate) time: Duration,
}

/// The board that is managed.
#[derive(Debug)]
pub(crate) enum Managed {
    /// The machine at hand.
    Host(Box<Host>),
    /// A virtual one.
    Virtual(Box<Simulated>),
}

/// A virtual board, and what keeps it busy.
#[derive(Debug)]
pub(crate) struct Simulated {
    board: VirtualBoard,
    occupied: Receiver<Occupied>,
}

impl Managed {
    /// The board that `settings` name; of a virtual one also where to tell what apps keep busy.
    pub(crate) fn open(settings: &Settings) -> Result<(Self, Option<SyncSender<Occupied>>), StartError> {
        match &settings.board {
            BoardSource::Host => Ok((Self::Host(Box::new(Host::discover(&settings.root)?)), None)),
            BoardSource::Virtual(name) => {
                let blueprint = find_board(name).map_err(StartError::VirtualBoard)?;
                let (sender, occupied) = sync_channel(QUEUE);
                let board = VirtualBoard::new(Plant::new(&blueprint, SEED));
                Ok((
                    Self::Virtual(Box::new(Simulated { board, occupied })),
                    Some(sender),
                ))
            }
        }
    }

    /// Lets apps be confined by their units; nothing of this machine's does on a virtual board.
    pub(crate) fn join(&mut self, units: Box<dyn Units>) {
        if let Self::Host(host) = self {
            host.join(units);
        }
    }

    /// Lets clocks be set, and says whether an earlier daemon left some changed; a virtual board ends with its daemon.
    pub(crate) fn keep_journal(&mut self, dir: &Path) -> Result<bool, JournalError> {
        match self {
            Self::Host(host) => host.keep_journal(dir),
            Self::Virtual(_) => Ok(false),
        }
    }
}

impl Simulated {
    /// Brings the board to `now`, and lets it run what it was told since.
    fn catch_up(&mut self, now: Timestamp) {
        self.board.catch_up(now);
        let plant = self.board.plant_mut();
        for Occupied { pid, cpus, time } in self.occupied.try_iter() {
            for cpu in cpus.iter() {
                // Time that no clock changes. What took none is no work.
                let _ = plant.submit(pid, Work::new(time.into(), 0.0), Place::Cpus(CpuSet::single(cpu)));
            }
        }
        // Nobody asks when it is done.
        let _ = plant.completed();
    }
}

impl Board for Managed {
    fn describe(&self) -> &BoardDescription {
        match self {
            Self::Host(host) => host.describe(),
            Self::Virtual(simulated) => simulated.board.describe(),
        }
    }

    fn sample(&mut self, now: Timestamp, apps: &[Pid], into: &mut Sample) {
        match self {
            Self::Host(host) => host.sample(now, apps, into),
            Self::Virtual(simulated) => {
                simulated.catch_up(now);
                simulated.board.sample(now, apps, into);
            }
        }
    }

    fn apply(&mut self, setting: &Setting) -> Vec<Actuation> {
        match self {
            Self::Host(host) => host.apply(setting),
            Self::Virtual(simulated) => {
                simulated.catch_up(clock::now());
                simulated.board.apply(setting)
            }
        }
    }

    fn problems(&self) -> &[ProblemStatus] {
        match self {
            Self::Host(host) => host.problems(),
            Self::Virtual(simulated) => simulated.board.problems(),
        }
    }

    fn confine(&mut self, apps: &[Confinement]) -> Vec<Confined> {
        match self {
            Self::Host(host) => host.confine(apps),
            Self::Virtual(simulated) => simulated.board.confine(apps),
        }
    }

    fn restore(&mut self) -> Vec<PutBack> {
        match self {
            Self::Host(host) => host.restore(),
            Self::Virtual(simulated) => simulated.board.restore(),
        }
    }
}
