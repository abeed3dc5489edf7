//! The board thread: samples at the pace that the control thread asks for, and sleeps when it asks for none.
//! A slow sensor delays the next sample and nothing else.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use dynd_board::{Fault, Host};
use dynd_vocab::{Board, Pid, ProblemStatus, Sample};
use tokio::sync::watch;

use crate::clock;
use crate::control::{Command, Mailbox};

/// How often the board is to be sampled, and for whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pace {
    /// Time from one sample to the next; none for no sampling.
    pub(crate) every: Option<Duration>,
    /// The processes whose CPU time is wanted.
    pub(crate) pids: Vec<Pid>,
}

/// Paces that may wait to be heard; the latest counts.
pub(crate) const PACE_QUEUE: usize = 4;

/// Samples `board` as told by `paces` until the control thread hangs up, and publishes what cannot be read.
/// Sampling that starts, starts with a sample at once.
pub(crate) fn run(
    board: &mut Host,
    paces: &Receiver<Pace>,
    mailbox: &Mailbox,
    problems: &watch::Sender<Vec<ProblemStatus>>,
) {
    tell_problems(board, problems);
    let mut sample = Sample::default();
    let mut pace = Pace::default();
    let mut last: Option<Instant> = None;
    loop {
        let heard = match pace.every {
            None => paces.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(every) => {
                let due = last.map_or(Duration::ZERO, |last| every.saturating_sub(last.elapsed()));
                paces.recv_timeout(due)
            }
        };
        match heard {
            Err(RecvTimeoutError::Disconnected) => return,
            Ok(newer) => {
                if newer.every.is_none() {
                    last = None;
                }
                pace = newer;
            }
            Err(RecvTimeoutError::Timeout) => {
                last = Some(Instant::now());
                board.sample(clock::now(), &pace.pids, &mut sample);
                tell_problems(board, problems);
                if mailbox
                    .post_blocking(Command::Sample(Box::new(sample.clone())))
                    .is_err()
                {
                    return;
                }
            }
        }
    }
}

/// Logs the problems that are new, and publishes those in force if they changed.
fn tell_problems(board: &mut Host, problems: &watch::Sender<Vec<ProblemStatus>>) {
    let new = board.take_problems();
    if !new.is_empty() || board.problems().len() != problems.borrow().len() {
        problems.send_replace(board.problems().iter().map(ProblemStatus::from).collect());
    }
    for problem in new {
        match problem.fault {
            Fault::Absent => tracing::info!("{problem}"),
            _ => tracing::warn!("{problem}"),
        }
    }
}
