//! By whose choice frames run.

use std::time::Duration;

use dynd_client::{CpuSet, Job, Session, Timestamp};
use dynd_vocab::Generation;

/// By whose choice frames run.
#[derive(Debug)]
pub(crate) enum Way {
    /// The daemon's, and the session's own without one.
    Managed(Box<Session>),
    /// Nobody's: one sub-network, unpinned.
    Fixed { subnetwork: usize, threads: u32 },
}

/// What to run for one frame.
#[derive(Debug)]
pub(crate) struct Decision {
    pub(crate) subnetwork: usize,
    pub(crate) cores: u32,
    /// Where it runs; empty when it is not pinned.
    pub(crate) cpus: CpuSet,
    pub(crate) switched: bool,
    /// How long it was put off for the scheduler's tick.
    pub(crate) waited: Duration,
    pub(crate) generation: Option<Generation>,
    job: Option<Job>,
}

impl Way {
    /// Decides for the frame released at `release`; pins if the decision is new.
    pub(crate) fn decide(&mut self, release: Timestamp) -> Decision {
        match self {
            Self::Managed(session) => {
                let job = session.begin(release);
                Decision {
                    subnetwork: job.subnetwork,
                    cores: job.cores,
                    cpus: job.cpus,
                    switched: job.switched,
                    waited: job.waited,
                    generation: session.assignment().map(|assignment| assignment.generation),
                    job: Some(job),
                }
            }
            Self::Fixed { subnetwork, threads } => Decision {
                subnetwork: *subnetwork,
                cores: *threads,
                cpus: CpuSet::EMPTY,
                switched: false,
                waited: Duration::ZERO,
                generation: None,
                job: None,
            },
        }
    }

    /// Reports that the frame decided on has ended.
    pub(crate) fn finish(&mut self, decision: Decision) {
        if let (Self::Managed(session), Some(job)) = (self, decision.job) {
            session.end(job);
        }
    }

    /// What went wrong with the daemon or the pinning, if anything did.
    pub(crate) fn refusal(&self) -> Option<String> {
        match self {
            Self::Managed(session) => session.refusal(),
            Self::Fixed { .. } => None,
        }
    }
}
