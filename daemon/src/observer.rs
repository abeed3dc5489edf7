//! The observation path: read-only and cheap. The control thread is asked only if somebody wants to know, and
//! while nothing changes at most every 100 ms; the rest of a status is gathered here, on the io thread.

use std::sync::Arc;
use std::time::Duration;

use dynd_vocab::{BoardStatus, DaemonStatus, PolicyStatus, ProblemStatus, Status};
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;

use crate::control::{Gone, Mailbox, View};
use crate::own_usage::OwnUsage;

/// How old an answer of the control thread may be to serve the next who asks, if nothing changed meanwhile.
const FRESH: Duration = Duration::from_millis(100);

/// What an observer puts together.
#[derive(Debug)]
pub(crate) struct Sources {
    /// The way to the control thread.
    pub(crate) mailbox: Mailbox,
    /// Counts up with each change; see [`crate::control::Outlets`].
    pub(crate) revision: watch::Receiver<u64>,
    /// The policy in force.
    pub(crate) policy: watch::Receiver<PolicyStatus>,
    /// What cannot be read of the board at present.
    pub(crate) problems: watch::Receiver<Vec<ProblemStatus>>,
    /// What the daemon costs.
    pub(crate) usage: OwnUsage,
}

/// Answers how things are.
#[derive(Clone, Debug)]
pub(crate) struct Observer {
    sources: Arc<Sources>,
    latest: Arc<Mutex<Option<Latest>>>,
}

#[derive(Debug)]
struct Latest {
    at: Instant,
    revision: u64,
    view: Arc<View>,
}

impl Observer {
    /// An observer of `sources`.
    pub(crate) fn new(sources: Sources) -> Self {
        Self {
            sources: Arc::new(sources),
            latest: Arc::default(),
        }
    }

    /// A receiver that notices every change.
    pub(crate) fn revision(&self) -> watch::Receiver<u64> {
        self.sources.revision.clone()
    }

    /// A receiver of the policy in force.
    pub(crate) fn policy(&self) -> watch::Receiver<PolicyStatus> {
        self.sources.policy.clone()
    }

    /// How things are as far as the controller knows; measured values may be 100 ms old.
    pub(crate) async fn view(&self) -> Result<Arc<View>, Gone> {
        let mut latest = self.latest.lock().await;
        // Read before asking: a change in between makes the answer count as old, never as new.
        let revision = *self.sources.revision.borrow();
        match latest.as_ref() {
            Some(latest) if latest.revision == revision && latest.at.elapsed() < FRESH => {
                Ok(Arc::clone(&latest.view))
            }
            _ => {
                let view = Arc::new(self.sources.mailbox.look().await?);
                *latest = Some(Latest {
                    at: Instant::now(),
                    revision,
                    view: Arc::clone(&view),
                });
                Ok(view)
            }
        }
    }

    /// The state of everything.
    pub(crate) async fn status(&self) -> Result<Status, Gone> {
        let View { apps, board, events } = self.view().await?.as_ref().clone();
        let Sources {
            problems,
            policy,
            usage,
            ..
        } = self.sources.as_ref();
        Ok(Status {
            board: BoardStatus {
                problems: problems.borrow().clone(),
                ..board
            },
            apps,
            policy: policy.borrow().clone(),
            daemon: DaemonStatus {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                pid: std::process::id(),
                uptime_s: usage.uptime().as_secs_f64(),
                rss_bytes: usage.rss_bytes(),
                cpu_share: usage.cpu_share(),
            },
            events,
        })
    }
}
