//! dynd itself: the real [`Controller`] as the daemon drives it, and the real [`Selector`] in each app.
//!
//! What is played here is daemon and client around them, as in `daemon/src/control.rs` and `client/src/session.rs`: reports go
//! out in batches of 64 or 200 ms and at once when one is late, an assignment is taken up at the next inference and
//! acknowledged after it. Messages take no time.

use std::time::Duration;

use dynd_core::{Controller, Input, Output, Selector};
use dynd_plant::Place;
use dynd_vocab::{
    Actuated, AppId, Assignment, Hello, Identity, ProcessorKind, Report, Requirement, Seconds, Setting,
    Standing, Timestamp,
};

use super::{Manager, News, Orders};
use crate::lab::actor::app_pid;
use crate::lab::brief::Brief;
use crate::lab::world::Run;

/// As in `client/src/outbox.rs`.
const BATCH_TIME: Duration = Duration::from_millis(200);
const BATCH_LEN: usize = 64;

/// The daemon and the clients of all apps.
#[derive(Debug)]
pub struct Dynd {
    brief: Brief,
    controller: Controller,
    clients: Vec<Client>,
    orders: Orders,
    /// The setting asked for last.
    asked: Setting,
    /// When the controller wants to be called again.
    wake_at: Option<Timestamp>,
}

/// The client of one app.
#[derive(Debug)]
struct Client {
    id: AppId,
    selector: Selector,
    requirement: Requirement,
    /// The newest assignment, and whether an inference has taken it up.
    assignment: Option<Assignment>,
    is_fresh: bool,
    is_unacked: bool,
    batch: Vec<Report>,
    /// When the batch leaves.
    leaves_at: Option<Timestamp>,
}

impl Dynd {
    /// A daemon that was just started under the policy that an operator would write for `brief`.
    pub fn new(brief: Brief) -> Self {
        let client = |(index, app): (usize, &crate::lab::AppBrief)| Client {
            id: AppId(index as u32 + 1),
            selector: Selector::new(app.table.clone(), app.requirement, &app.profile),
            requirement: app.requirement,
            assignment: None,
            is_fresh: false,
            is_unacked: false,
            batch: Vec::new(),
            leaves_at: None,
        };
        Self {
            controller: Controller::new(brief.board.clone(), brief.policy(), 1).with_board_file(&brief.file),
            clients: brief.apps.iter().enumerate().map(client).collect(),
            orders: Orders::default(),
            asked: Setting::default(),
            wake_at: None,
            brief,
        }
    }

    fn step(&mut self, now: Timestamp, input: Input) {
        let Output {
            assignments,
            setting,
            wake_at,
            sample_every,
            ..
        } = self.controller.step(now, input);
        for (id, assignment) in assignments {
            if let Some(client) = self.clients.iter_mut().find(|client| client.id == id) {
                client.assignment = Some(assignment);
                client.is_fresh = true;
            }
        }
        self.wake_at = wake_at;
        self.orders.sample_every = sample_every;
        if let Some(setting) = setting {
            self.asked.clone_from(&setting);
            self.orders.setting = Some(setting);
        }
    }

    fn arrive(&mut self, now: Timestamp, app: usize) {
        let brief = &self.brief.apps[app];
        let identity = Identity {
            pid: Some(app_pid(app)),
            ..Identity::default()
        };
        let hello = Hello {
            name: brief.name.clone(),
            model: brief.table.clone(),
            requirement: brief.requirement,
            max_threads: brief.threads,
            profile: brief.profile.clone(),
            holding: None,
        };
        let id = self.clients[app].id;
        self.step(now, Input::Hello(id, identity, hello));
    }

    /// Sends what waits in the batches that are due.
    fn send(&mut self, now: Timestamp) {
        for app in 0..self.clients.len() {
            if self.clients[app].leaves_at.is_some_and(|at| at <= now) {
                let client = &mut self.clients[app];
                client.leaves_at = None;
                let (id, batch) = (client.id, std::mem::take(&mut client.batch));
                self.step(now, Input::Reports(id, batch));
            }
        }
    }

    fn ended(&mut self, now: Timestamp, app: usize, report: &Report) {
        let client = &mut self.clients[app];
        let is_urgent = client.selector.record(report);
        if client.assignment.is_some() {
            client.batch.push(*report);
            let at_once = is_urgent || client.is_unacked || client.batch.len() >= BATCH_LEN;
            let leaves_at = client.leaves_at.unwrap_or(now + BATCH_TIME);
            client.leaves_at = Some(if at_once { now } else { leaves_at });
        }
        if std::mem::take(&mut client.is_unacked)
            && let Some(assignment) = &client.assignment
        {
            let (id, generation) = (client.id, assignment.generation);
            self.step(now, Input::Ack(id, generation));
        }
        self.send(now);
    }

    /// The operator's policy says the new requirement.
    fn change(&mut self, now: Timestamp, app: usize, requirement: Requirement) {
        self.brief.apps[app].requirement = requirement;
        self.clients[app].requirement = requirement;
        let policy = self.brief.policy();
        self.step(now, Input::Policy(policy));
    }

    /// Where `assignment` lets `app` run; at home if it says nothing that can be done.
    fn place(&self, app: usize, assignment: Option<&Assignment>) -> Place {
        let brief = &self.brief.apps[app];
        let assigned = assignment.and_then(|assignment| {
            let named = |found: &dynd_vocab::Processor| found.name == assignment.processor;
            let processor = self.brief.board.processors.iter().position(named)?;
            match self.brief.board.processors[processor].kind {
                ProcessorKind::Cpu => (!assignment.cpus.is_empty()).then_some(Place::Cpus(assignment.cpus)),
                _ => Some(Place::Accelerator(processor)),
            }
        });
        assigned.unwrap_or_else(|| brief.spots[0].widest(brief.threads))
    }
}

impl Manager for Dynd {
    fn hear(&mut self, now: Timestamp, news: News<'_>) -> Orders {
        match news {
            News::Start => self.step(now, Input::Tick),
            News::Arrived(app) => self.arrive(now, app),
            News::Left(app) => {
                let id = self.clients[app].id;
                self.clients[app].batch.clear();
                self.clients[app].leaves_at = None;
                self.clients[app].assignment = None;
                self.step(now, Input::Goodbye(id));
            }
            News::Changed(app, requirement) => self.change(now, app, requirement),
            News::Ended(app, report) => self.ended(now, app, report),
            News::Sample(sample) => self.step(now, Input::Sample(sample.clone())),
            News::Actuated(answers) => {
                let actuated = Actuated {
                    setting: self.asked.clone(),
                    clocks: answers.to_vec(),
                    apps: Vec::new(),
                };
                self.step(now, Input::Actuated(actuated));
            }
            News::Tick => {
                self.send(now);
                if self.wake_at.is_some_and(|at| at <= now) {
                    self.step(now, Input::Tick);
                }
            }
        }
        let batches = self.clients.iter().filter_map(|client| client.leaves_at);
        self.orders.wake_at = batches.chain(self.wake_at).min();
        let orders = self.orders.clone();
        self.orders.setting = None;
        orders
    }

    fn choose(&mut self, now: Timestamp, app: usize, release: Timestamp) -> Run {
        let client = &mut self.clients[app];
        if std::mem::take(&mut client.is_fresh)
            && let Some(assignment) = &client.assignment
        {
            client.selector.assign(assignment);
            client.is_unacked = true;
            client.requirement = assignment.requirement;
        }
        let assignment = self.clients[app].assignment.clone();
        let place = self.place(app, assignment.as_ref());
        let cores = match place {
            Place::Cpus(cpus) => cpus.len(),
            Place::Accelerator(_) => 1,
        };
        let client = &mut self.clients[app];
        let subnetwork = match &assignment {
            Some(assignment) if assignment.standing == Standing::Blocked => 0,
            _ => {
                let remaining = client.requirement.latency - Seconds::from(now.since(release));
                client.selector.choose(remaining, cores).subnetwork
            }
        };
        Run { subnetwork, place }
    }
}
