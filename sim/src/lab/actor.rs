//! What apps and unmanaged loads are at in a world.

use dynd_plant::JobId;
use dynd_vocab::{CpuSet, Pid, Requirement, Timestamp};

use super::world::Run;

/// Processes of apps are numbered from here, those of loads from further on.
const FIRST_APP: u32 = 100;
const FIRST_LOAD: u32 = 10_000;

/// The process of app number `app`.
pub(crate) const fn app_pid(app: usize) -> Pid {
    Pid(FIRST_APP + app as u32)
}

/// The process of load number `load`, and of thread number `thread` of it.
pub(crate) const fn load_pid(load: usize, thread: u32) -> Pid {
    Pid(FIRST_LOAD + 256 * load as u32 + thread)
}

/// One app.
#[derive(Clone, Debug)]
pub(crate) struct AppActor {
    pub(crate) requirement: Requirement,
    pub(crate) present: bool,
    /// Number of the next frame.
    pub(crate) next: u64,
    /// When it is released; absent while that depends on the end of the one before.
    pub(crate) next_release: Option<Timestamp>,
    /// The released frame that has not begun.
    pub(crate) waiting: Option<(u64, Timestamp)>,
    pub(crate) running: Option<Running>,
    /// What the last inference ran.
    pub(crate) previous: Option<Run>,
}

impl AppActor {
    pub(crate) const fn absent(requirement: Requirement) -> Self {
        Self {
            requirement,
            present: false,
            next: 0,
            next_release: None,
            waiting: None,
            running: None,
            previous: None,
        }
    }
}

/// An inference under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Running {
    pub(crate) release: Timestamp,
    pub(crate) began: Timestamp,
    pub(crate) run: Run,
    pub(crate) switched: bool,
    /// By how much it takes longer than the median one.
    pub(crate) factor: f64,
    pub(crate) job: JobId,
    pub(crate) step: Step,
}

/// How far an inference is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A CPU prepares what the accelerator will run.
    Host,
    /// The network runs.
    Network,
}

/// One thread of an unmanaged load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LoadActor {
    pub(crate) load: usize,
    pub(crate) pid: Pid,
    pub(crate) cpus: CpuSet,
    pub(crate) state: LoadState,
}

/// What it is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoadState {
    Absent,
    /// Until then.
    Resting(Timestamp),
    Working(JobId),
}
