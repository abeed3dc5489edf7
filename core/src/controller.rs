//! The controller: one step per input.

use alloc::vec::Vec;
use core::time::Duration;

use dynd_vocab::{
    AppId, AppStatus, Assignment, BoardDescription, Event, Generation, Hello, Identity, Pid, Policy,
    ProcessorStatus, Report, Sample, Timestamp,
};

/// Everything that can change a decision.
#[derive(Clone, Debug)]
pub enum Input {
    /// The board was sampled.
    Sample(Sample),
    /// An app opened a session.
    Hello(AppId, Identity, Hello),
    /// An app reported inferences, oldest first.
    Reports(AppId, Vec<Report>),
    /// An app runs what this generation assigned.
    Ack(AppId, Generation),
    /// An app's session ended.
    Goodbye(AppId),
    /// A new policy.
    Policy(Policy),
    /// The time asked for in [`Output::wake_at`] has come.
    Tick,
}

/// What a step asks its driver to do.
#[derive(Clone, Debug, Default)]
pub struct Output {
    /// Assignments to publish; only what changed.
    pub assignments: Vec<(AppId, Assignment)>,
    /// What happened, in order.
    pub events: Vec<Event>,
    /// When to call again with [`Input::Tick`] if nothing else comes; never if absent.
    pub wake_at: Option<Timestamp>,
    /// How often the board should be sampled from now on; not at all if absent (a quiet system stays asleep).
    pub sample_every: Option<Duration>,
}

/// Owns all that is known of apps and board, and decides.
#[derive(Debug)]
pub struct Controller {
    board: BoardDescription,
    policy: Policy,
    epoch: u64,
}

impl Controller {
    /// A controller of `board` under `policy`. `epoch` tells this controller's generations from those of an
    /// earlier one and should be random.
    pub fn new(board: BoardDescription, policy: Policy, epoch: u64) -> Self {
        Self { board, policy, epoch }
    }

    /// Takes in one input and decides what follows from it.
    pub fn step(&mut self, now: Timestamp, input: Input) -> Output {
        let _ = (now, input, self.epoch, &self.policy);
        Output::default()
    }

    /// The processes whose CPU time should be sampled.
    pub fn pids(&self) -> Vec<Pid> {
        Vec::new()
    }

    /// The apps as operators see them, by id.
    pub fn apps(&self) -> Vec<AppStatus> {
        Vec::new()
    }

    /// The processors as operators see them.
    pub fn processors(&self) -> Vec<ProcessorStatus> {
        let _ = &self.board;
        Vec::new()
    }

    /// Unmanaged tasks that compete for each core, rounded; absent until measured.
    pub fn unmanaged_tasks_per_core(&self) -> Option<u32> {
        None
    }
}
