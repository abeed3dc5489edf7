//! The control thread: owns the controller and drives it, one step per command.
//!
//! It never touches a file or a socket and never waits for anybody: what it publishes goes through channels
//! that keep the newest value or drop the rest. With nothing to do it sleeps until the next command, or until
//! the controller asked to be woken.

use std::collections::{BTreeMap, VecDeque};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use dynd_core::{Controller, Input, Output, ReleaseError, WhyError};
use dynd_vocab::{
    Actuated, AppId, AppStatus, Assignment, BoardStatus, CpuSet, Event, Generation, Hello, Identity, Policy,
    Report, Sample, Timestamp, Why,
};
use tokio::sync::{mpsc, oneshot, watch};

use crate::clock;
use crate::managed::Occupied;
use crate::sampler::Orders;

/// Commands that may wait for the control thread; a step takes far less than the time to fill this.
const QUEUE: usize = 1024;
/// Events that a status shows.
const HISTORY: usize = 64;
/// How long a full queue is given before it is tried again.
const FULL_QUEUE_PAUSE: Duration = Duration::from_millis(1);

/// What the control thread is told.
#[derive(Debug)]
pub(crate) enum Command {
    /// An app opened a session.
    Open(Box<Opening>),
    /// An app reported inferences.
    Reports(AppId, Vec<Report>),
    /// An app acknowledged an assignment.
    Ack(AppId, Generation),
    /// An app's session ended.
    Close(AppId),
    /// The board was sampled.
    Sample(Box<Sample>),
    /// This came of the board's setting.
    Actuated(Actuated),
    /// An operator releases the contested clock of a processor.
    Release(String, oneshot::Sender<Result<(), ReleaseError>>),
    /// A new policy is to be put in force.
    Policy(Box<Policy>),
    /// Somebody asks how things are.
    Look(oneshot::Sender<View>),
    /// Somebody asks why the app called so got what it has.
    Explain(String, oneshot::Sender<Result<Why, WhyError>>),
    /// The daemon stops.
    Stop,
}

/// A session that opens.
#[derive(Debug)]
pub(crate) struct Opening {
    /// Its number.
    pub(crate) app: AppId,
    /// Who it is.
    pub(crate) identity: Identity,
    /// What it says of itself.
    pub(crate) hello: Hello,
    /// Where its assignments go; dropped when the session is over for the control thread.
    pub(crate) outbox: watch::Sender<Option<Assignment>>,
}

/// How things are, as far as the controller knows.
#[derive(Clone, Debug, Default)]
pub(crate) struct View {
    /// The apps, by id.
    pub(crate) apps: Vec<AppStatus>,
    /// The board, but for its problems.
    pub(crate) board: BoardStatus,
    /// The latest events, oldest first.
    pub(crate) events: Vec<Event>,
}

/// The way to the control thread, for every other thread.
#[derive(Clone, Debug)]
pub(crate) struct Mailbox(SyncSender<Command>);

/// The control thread is gone; so is the daemon, soon.
#[derive(Debug, thiserror::Error)]
#[error("the control thread is gone")]
pub(crate) struct Gone;

impl Mailbox {
    /// A mailbox and the end that the control thread reads.
    pub(crate) fn new() -> (Self, Receiver<Command>) {
        let (sender, receiver) = sync_channel(QUEUE);
        (Self(sender), receiver)
    }

    /// Delivers a command; waits while the queue is full.
    pub(crate) async fn post(&self, mut command: Command) -> Result<(), Gone> {
        loop {
            match self.0.try_send(command) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Disconnected(_)) => return Err(Gone),
                Err(TrySendError::Full(back)) => command = back,
            }
            tokio::time::sleep(FULL_QUEUE_PAUSE).await;
        }
    }

    /// Delivers a command from a thread that may block.
    pub(crate) fn post_blocking(&self, command: Command) -> Result<(), Gone> {
        self.0.send(command).map_err(|_| Gone)
    }

    /// Asks why the app called so got what it has.
    pub(crate) async fn explain(&self, app: String) -> Result<Result<Why, WhyError>, Gone> {
        let (reply, answer) = oneshot::channel();
        self.post(Command::Explain(app, reply)).await?;
        answer.await.map_err(|_| Gone)
    }

    /// Asks how things are.
    pub(crate) async fn look(&self) -> Result<View, Gone> {
        let (reply, answer) = oneshot::channel();
        self.post(Command::Look(reply)).await?;
        answer.await.map_err(|_| Gone)
    }

    /// Releases the contested clock of a processor.
    pub(crate) async fn release(&self, processor: String) -> Result<Result<(), ReleaseError>, Gone> {
        let (reply, answer) = oneshot::channel();
        self.post(Command::Release(processor, reply)).await?;
        answer.await.map_err(|_| Gone)
    }
}

/// Where the control thread publishes, besides each session's outbox.
#[derive(Debug)]
pub(crate) struct Outlets {
    /// What is to be done with the board.
    pub(crate) orders: SyncSender<Orders>,
    /// Counts up whenever something changed that a status shows, measured values apart.
    pub(crate) revision: watch::Sender<u64>,
    /// Every event, for the log.
    pub(crate) events: mpsc::Sender<Event>,
    /// Of a virtual board: what apps kept busy, as they report. Its CPUs are nowhere, so that apps are told to stay where
    /// they are.
    pub(crate) occupied: Option<SyncSender<Occupied>>,
}

/// The loop of the control thread.
#[derive(Debug)]
pub(crate) struct Driver {
    controller: Controller,
    outlets: Outlets,
    outboxes: BTreeMap<AppId, watch::Sender<Option<Assignment>>>,
    history: VecDeque<Event>,
    wake_at: Option<Timestamp>,
    wanted: Orders,
    told: Orders,
}

impl Driver {
    /// A loop around `controller`.
    pub(crate) fn new(controller: Controller, outlets: Outlets) -> Self {
        Self {
            controller,
            outlets,
            outboxes: BTreeMap::new(),
            history: VecDeque::new(),
            wake_at: None,
            wanted: Orders::default(),
            told: Orders::default(),
        }
    }

    /// Runs until told to stop, or until nobody is left to command.
    pub(crate) fn run(mut self, commands: &Receiver<Command>) {
        // What the policy asks of the hardware waits for no app.
        self.step(Input::Tick);
        loop {
            let command = match self.wake_at {
                None => commands.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(at) => commands.recv_timeout(at.since(clock::now())),
            };
            match command {
                Ok(Command::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(command) => self.obey(command),
                Err(RecvTimeoutError::Timeout) => self.step(Input::Tick),
            }
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Open(opening) => self.open(*opening),
            Command::Close(app) => self.close(app),
            Command::Reports(app, reports) => {
                self.occupy(app, &reports);
                self.step(Input::Reports(app, reports));
            }
            Command::Ack(app, generation) => {
                self.step(Input::Ack(app, generation));
                self.revise();
            }
            Command::Sample(sample) => self.step(Input::Sample(*sample)),
            Command::Actuated(answers) => {
                self.step(Input::Actuated(answers));
                self.revise();
            }
            Command::Release(processor, reply) => {
                let contested = self.controller.contested(&processor);
                // Who asked may have gone meanwhile.
                let _ = reply.send(contested.map(|processor| self.step(Input::Release(processor))));
            }
            Command::Policy(policy) => {
                self.step(Input::Policy(*policy));
                self.revise();
            }
            Command::Look(reply) => {
                // Who asked may have gone meanwhile.
                let _ = reply.send(self.view());
            }
            Command::Explain(app, reply) => {
                let _ = reply.send(self.controller.why(clock::now(), &app));
            }
            Command::Stop => {}
        }
    }

    fn open(&mut self, opening: Opening) {
        let Opening {
            app,
            identity,
            hello,
            outbox,
        } = opening;
        self.outboxes.insert(app, outbox);
        self.step(Input::Hello(app, identity, hello));
        self.membership_changed();
    }

    fn close(&mut self, app: AppId) {
        self.outboxes.remove(&app);
        self.step(Input::Goodbye(app));
        self.membership_changed();
    }

    /// Tells a virtual board what `app` kept busy.
    fn occupy(&self, app: AppId, reports: &[Report]) {
        let Some(occupied) = &self.outlets.occupied else {
            return;
        };
        let Some((pid, cpus)) = self.controller.place(app) else {
            return;
        };
        for report in reports {
            let cpus = cpus.iter().take(report.cores as usize).collect();
            let time = report.service;
            // A board that does not keep up idles for a while.
            let _ = occupied.try_send(Occupied { pid, cpus, time });
        }
    }

    fn membership_changed(&mut self) {
        self.wanted.pids = self.controller.pids();
        self.give_orders();
        self.revise();
    }

    fn step(&mut self, input: Input) {
        let output = self.controller.step(clock::now(), input);
        self.publish(output);
    }

    fn publish(&mut self, output: Output) {
        let changed = !output.assignments.is_empty() || !output.events.is_empty();
        for (app, mut assignment) in output.assignments {
            if self.outlets.occupied.is_some() {
                assignment.cpus = CpuSet::EMPTY;
            }
            if let Some(outbox) = self.outboxes.get(&app) {
                outbox.send_replace(Some(assignment));
            }
        }
        self.wake_at = output.wake_at;
        self.wanted.every = output.sample_every;
        if let Some(setting) = output.setting {
            self.wanted.setting = setting;
        }
        self.give_orders();
        for event in output.events {
            if self.history.len() == HISTORY {
                self.history.pop_front();
            }
            self.history.push_back(event.clone());
            // A full log loses lines rather than time.
            let _ = self.outlets.events.try_send(event);
        }
        if changed {
            self.revise();
        }
    }

    /// Tells the board thread what to do if that is not what it knows; stuck in a slow sensor it hears of it after a
    /// later step.
    fn give_orders(&mut self) {
        if self.wanted != self.told && self.outlets.orders.try_send(self.wanted.clone()).is_ok() {
            self.told = self.wanted.clone();
        }
    }

    fn revise(&self) {
        self.outlets.revision.send_modify(|revision| *revision += 1);
    }

    fn view(&self) -> View {
        View {
            apps: self.controller.apps(),
            board: self.controller.board(),
            events: self.history.iter().cloned().collect(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
