//! The board thread: samples at the pace that the control thread asks for, keeps the clocks as it asks, and sleeps
//! when it asks for nothing. A slow sensor delays the next sample and the clocks, and nothing else.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use dynd_board::Fault;
use dynd_vocab::{Board, Pid, ProblemStatus, Sample, Setting};
use tokio::sync::watch;

use crate::clock;
use crate::clock_keeper::ClockKeeper;
use crate::control::{Command, Gone, Mailbox};
use crate::managed::Managed;

/// What is to be done with the board.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Orders {
    /// Time from one sample to the next; none for no sampling.
    pub(crate) every: Option<Duration>,
    /// The processes whose CPU time is wanted.
    pub(crate) pids: Vec<Pid>,
    /// What it is to be set to.
    pub(crate) setting: Setting,
}

/// Orders that may wait to be heard; the latest counts.
pub(crate) const ORDER_QUEUE: usize = 4;

/// Does with `board` as told by `orders` until the control thread hangs up, and publishes what cannot be read.
/// Sampling that starts, starts with a sample at once. At the end the clocks are put back, unless they are to
/// stay.
pub(crate) fn run(
    board: &mut Managed,
    orders: &Receiver<Orders>,
    mailbox: &Mailbox,
    problems: &watch::Sender<Vec<ProblemStatus>>,
) {
    let mut keeper = ClockKeeper::default();
    // Whoever hangs up first, the other notices by it.
    let _: Result<(), Gone> = obey(board, orders, mailbox, &mut keeper, problems);
    keeper.leave(board);
}

fn obey(
    board: &mut Managed,
    orders: &Receiver<Orders>,
    mailbox: &Mailbox,
    keeper: &mut ClockKeeper,
    problems: &watch::Sender<Vec<ProblemStatus>>,
) -> Result<(), Gone> {
    tell_problems(board, problems);
    let mut sample = Sample::default();
    let mut order = Orders::default();
    let mut sampled: Option<Instant> = None;
    loop {
        let rest = |every: Duration| sampled.map_or(Duration::ZERO, |at| every.saturating_sub(at.elapsed()));
        let due = order.every.map(rest).into_iter().chain(keeper.due()).min();
        let heard = match due {
            None => orders.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(due) => orders.recv_timeout(due),
        };
        match heard {
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Err(RecvTimeoutError::Timeout) => {}
            Ok(newer) => {
                keeper.ask(&newer.setting);
                order = newer;
                if order.every.is_none() {
                    sampled = None;
                }
            }
        }
        if let Some(answers) = keeper.keep(board) {
            mailbox.post_blocking(Command::Actuated(answers))?;
        }
        if order
            .every
            .is_some_and(|every| sampled.is_none_or(|at| at.elapsed() >= every))
        {
            sampled = Some(Instant::now());
            board.sample(clock::now(), &order.pids, &mut sample);
            tell_problems(board, problems);
            mailbox.post_blocking(Command::Sample(Box::new(sample.clone())))?;
        }
    }
}

/// Logs the problems that are new, and publishes those in force if they changed.
fn tell_problems(board: &mut Managed, problems: &watch::Sender<Vec<ProblemStatus>>) {
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
