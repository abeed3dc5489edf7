//! The controller: one step per input.
//!
//! Steps:
//! 1. Take the input in: a sample moves the load level, reports teach the forecasts, arrivals and departures
//!    change who takes part.
//! 2. If that gives reason to think again ([`Cause`]), and the last plan is old enough, plan for all apps.
//! 3. Do of that what can be done by now ([`Transition`]): tell apps whose assignment changed, ask the board for clocks
//!    and CPU sets; and say when to call again.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::time::Duration;

use dynd_vocab::{
    Actuated, Actuation, AppId, AppStatus, Assignment, AssignmentStatus, Blueprint, BoardDescription,
    BoardStatus, Cause, ClockStatus, Confined, CpuSet, Enforcement, Event, Generation, Hello, Hold, Identity,
    Pid, Policy, Processor, Report, Sample, Seconds, Setting, Standing, Timestamp, Why,
};

use crate::app::{App, Scene};
use crate::clocks;
use crate::grant::{self, Pool};
use crate::joint::{self, Clocks, Joint};
use crate::load::LoadMeter;
use crate::physics::Physics;
use crate::plan::Solution;
use crate::relapse::Relapses;
use crate::release::ReleaseError;
use crate::surroundings::Surroundings;
use crate::transition::{Confinee, Seat, Transition};
use crate::why::{self, WhyError};

/// At most one plan in this time.
const PLAN_INTERVAL: Duration = Duration::from_millis(5);

/// A controller that has just started waits this long after the first app that comes back from an earlier one, so
/// that it plans for all of them together: until then each keeps what it has.
const GATHERING: Duration = Duration::from_millis(750);

/// How often to think again while apps infer, about what was learned.
const LEARN_INTERVAL: Duration = Duration::from_millis(200);

/// Inferences after which an app is no longer new.
const YOUNG: u64 = 64;

/// How often to sample the board while apps infer.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(50);

/// How often to sample it while none does and the policy has a budget to be watched.
const WATCH_INTERVAL: Duration = Duration::from_secs(1);

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
    /// What came of a setting.
    Actuated(Actuated),
    /// An operator releases the contested clock of the processor of this index; see
    /// [`Controller::contested`].
    Release(usize),
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
    /// What the hardware is to be set to from now on; as before if absent.
    pub setting: Option<Setting>,
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
    apps: BTreeMap<AppId, App>,
    load: LoadMeter,
    planned_at: Option<Timestamp>,
    /// No plan before this.
    gathering_until: Timestamp,
    /// Why to think again, if there is reason.
    pending: Option<Cause>,
    /// Apps that pause and lend their share.
    paused: BTreeSet<AppId>,
    violated: BTreeMap<AppId, bool>,
    /// The way from what is in force to what is planned.
    transition: Transition,
    /// What came of the last setting, per processor.
    actuations: Vec<Actuation>,
    /// What came of it, per app that was to be confined.
    confined: Vec<Confined>,
    /// Per processor, the operating points that the policy lets be chosen.
    choices: Vec<Vec<usize>>,
    /// Per processor, the one that was; empty while none is.
    opps: Vec<Option<usize>>,
    relapses: Relapses,
    /// The latest plan, and whom it is for.
    plan: Option<(Vec<AppId>, Solution)>,
    physics: Physics,
    surroundings: Surroundings,
    /// Why the power budget is not kept, as told last.
    refusal: Option<String>,
}

impl Controller {
    /// A controller of `board` under `policy`. `epoch` tells this controller's generations from those of an
    /// earlier one and should be random.
    pub fn new(board: BoardDescription, policy: Policy, epoch: u64) -> Self {
        let mut transition = Transition::default();
        transition.aim(clocks::setting(&policy, &board, &[]));
        Self {
            transition,
            actuations: Vec::new(),
            confined: Vec::new(),
            choices: clocks::choices(&policy, &board),
            opps: Vec::new(),
            relapses: Relapses::none(board.processors.len()),
            plan: None,
            physics: physics(&board, &policy, None),
            surroundings: Surroundings::new(&board),
            refusal: None,
            board,
            policy,
            epoch,
            apps: BTreeMap::new(),
            load: LoadMeter::default(),
            planned_at: None,
            gathering_until: Timestamp::default(),
            pending: None,
            paused: BTreeSet::new(),
            violated: BTreeMap::new(),
        }
    }

    /// Believes what `file` says of the board's power and heat, until it is measured.
    #[must_use]
    pub fn with_board_file(mut self, file: &Blueprint) -> Self {
        self.physics = physics(&self.board, &self.policy, Some(file));
        self
    }

    /// Takes in one input and decides what follows from it.
    pub fn step(&mut self, now: Timestamp, input: Input) -> Output {
        let mut output = Output::default();
        match input {
            Input::Sample(sample) => self.sampled(now, &sample, &mut output.events),
            Input::Hello(id, identity, hello) => self.arrived(now, id, identity, hello, &mut output.events),
            Input::Reports(id, reports) => self.reported(now, id, &reports, &mut output.events),
            Input::Ack(id, generation) => self.acked(id, generation),
            Input::Goodbye(id) => self.left(now, id, &mut output.events),
            Input::Policy(policy) => self.governed(now, policy, &mut output.events),
            Input::Actuated(actuated) => self.actuated(actuated, &mut output.events),
            Input::Release(processor) => self.transition.release(processor),
            Input::Tick => {}
        }
        self.judge_budget(&mut output.events);
        self.plan_if_due(now, &mut output);
        let stage = self.transition.advance(now);
        output.assignments = stage.assignments;
        output.setting = stage.setting;
        output.wake_at = output.wake_at.into_iter().chain(stage.wake_at).min();
        output
    }

    /// The processes whose CPU time should be sampled.
    pub fn pids(&self) -> Vec<Pid> {
        // One process may hold several sessions.
        let pids: BTreeSet<Pid> = self.apps.values().filter_map(|app| app.identity.pid).collect();
        pids.into_iter().collect()
    }

    /// The apps as operators see them, by id.
    pub fn apps(&self) -> Vec<AppStatus> {
        let status = |app| AppStatus {
            enforcement: self.enforcement(app),
            paused: self.paused.contains(&app.id),
            ..app_status(app)
        };
        self.apps.values().map(status).collect()
    }

    /// The index of the processor of this name, whose clock somebody else has changed and which is left alone.
    ///
    /// # Errors
    /// If there is no such processor, or its clock is not contested.
    pub fn contested(&self, processor: &str) -> Result<usize, ReleaseError> {
        let mut processors = self.board.processors.iter();
        let index = processors.position(|one| one.name == processor);
        let index = index.ok_or_else(|| ReleaseError::unknown(processor, &self.board))?;
        let hold = self.actuations.get(index).map(|actuation| &actuation.hold);
        match hold {
            Some(Hold::Contested { .. }) => Ok(index),
            hold => Err(ReleaseError::not_contested(processor, hold)),
        }
    }

    /// The process of an app, and the CPUs that it is assigned.
    pub fn place(&self, app: AppId) -> Option<(Pid, CpuSet)> {
        let app = self.apps.get(&app)?;
        Some((app.identity.pid?, app.assignment.as_ref()?.cpus))
    }

    /// The board as operators see it: as the latest sample found it, while the board is sampled.
    pub fn board(&self) -> BoardStatus {
        let load = |processor: &Processor| {
            let shares = processor.cpus.iter().filter_map(|cpu| self.load.busy_share(cpu));
            let (sum, count) = shares.fold((0.0, 0), |(sum, count), share| (sum + share, count + 1));
            (count > 0).then(|| sum / f64::from(count))
        };
        let loads: Vec<Option<f64>> = self.board.processors.iter().map(load).collect();
        let mut status = BoardStatus::new(&self.board, &loads, self.load.last());
        status.unmanaged_tasks_per_core = self.load.measured().map(u32::from);
        status.budget = self.physics.status(&self.board, &self.policy);
        for (processor, actuation) in status.processors.iter_mut().zip(&self.actuations) {
            processor.clocks = Some(ClockStatus::from(actuation));
        }
        status
    }

    fn sampled(&mut self, now: Timestamp, sample: &Sample, events: &mut Vec<Event>) {
        let occupancies = self.apps.values().map(|app| app.occupancy(now));
        self.surroundings.occupied(occupancies);
        self.surroundings.sampled(sample);
        let managed = self.surroundings.on_cpus(&self.board);
        let from = self.load.level();
        if self.load.observe(sample, managed) {
            let to = self.load.level();
            self.apps
                .values_mut()
                .for_each(|app| app.load_changed(from, to, now));
            events.push(Event::LoadChanged {
                from: from.into(),
                to: to.into(),
            });
            self.think_again(Cause::Load);
        }
        self.physics
            .observe(&self.board, sample, |cpu| self.load.busy_share(cpu));
    }

    /// One event each time the power budget ceases to be kept, or for another reason.
    fn judge_budget(&mut self, events: &mut Vec<Event>) {
        let refusal = self.physics.refusal(&self.board, &self.policy);
        if refusal != self.refusal {
            events.extend(
                refusal
                    .clone()
                    .map(|reason| Event::BudgetUnenforceable { reason }),
            );
            self.refusal = refusal;
        }
    }

    fn arrived(
        &mut self,
        now: Timestamp,
        id: AppId,
        identity: Identity,
        hello: Hello,
        events: &mut Vec<Event>,
    ) {
        if hello.model.subnetworks.is_empty() || self.apps.contains_key(&id) {
            return;
        }
        events.push(Event::Arrived {
            app: id,
            name: hello.name.clone(),
        });
        let (profile, holding) = (hello.profile.clone(), hello.holding.clone());
        let mut app = App::new(id, identity, hello, now);
        app.profile(&self.board, &profile);
        if let Some(holding) = holding {
            app.resume(&self.board, &holding);
            if self.apps.is_empty() && self.planned_at.is_none() {
                self.gathering_until = now + GATHERING;
            }
        }
        app.govern(now, &self.policy, &self.board);
        self.transition.arrived(id, app.seat());
        let others = self.apps.values_mut();
        others.for_each(|app| app.neighbours_changed(now, Ordering::Greater));
        self.apps.insert(id, app);
        self.confine();
        self.think_again(Cause::Arrival);
    }

    fn reported(&mut self, now: Timestamp, id: AppId, reports: &[Report], events: &mut Vec<Event>) {
        let level = self.load.level();
        let Some(app) = self.apps.get_mut(&id) else { return };
        let conditions = self
            .surroundings
            .conditions(&self.board, id, app.processor(), level);
        app.last_heard = now;
        let before = app.inferences;
        let mut latest_late = None;
        for report in reports {
            if app.observe(report, &conditions) {
                latest_late = Some(report.latency);
            }
        }
        // The first inferences of an app teach most: it is thought of again whenever their number has doubled.
        let doubled = before.leading_zeros() != app.inferences.leading_zeros();
        if doubled && app.inferences <= YOUNG {
            self.pending.get_or_insert(Cause::Learning);
        }
        let violated = app.violated();
        let was = self.violated.insert(id, violated).unwrap_or(false);
        if let Some(latency) = latest_late {
            if violated && !was {
                let target = app.requirement.latency;
                events.push(Event::Violated {
                    app: id,
                    latency: latency.into(),
                    target,
                });
            }
            self.think_again(Cause::Violation);
        }
    }

    fn acked(&mut self, id: AppId, generation: Generation) {
        if let Some(app) = self.apps.get_mut(&id) {
            app.acked(generation);
            self.transition.acked(id, generation);
        }
    }

    fn left(&mut self, now: Timestamp, id: AppId, events: &mut Vec<Event>) {
        if self.apps.remove(&id).is_some() {
            self.paused.remove(&id);
            self.violated.remove(&id);
            self.transition.left(id);
            self.confine();
            events.push(Event::Left { app: id });
            let others = self.apps.values_mut();
            others.for_each(|app| app.neighbours_changed(now, Ordering::Less));
            self.think_again(Cause::Departure);
        }
    }

    fn governed(&mut self, now: Timestamp, policy: Policy, events: &mut Vec<Event>) {
        self.policy = policy;
        self.apps
            .values_mut()
            .for_each(|app| app.govern(now, &self.policy, &self.board));
        self.confine();
        self.physics.govern(&self.policy);
        self.choices = clocks::choices(&self.policy, &self.board);
        // What may still be chosen stays until the next plan.
        for (opp, choices) in self.opps.iter_mut().zip(&self.choices) {
            *opp = opp.filter(|opp| choices.contains(opp));
        }
        self.transition
            .aim(clocks::setting(&self.policy, &self.board, &self.opps));
        events.push(Event::PolicyChanged);
        self.think_again(Cause::Policy);
    }

    /// One event per processor whose hold on its clocks changed. While a clock is throttled its bounds come and go
    /// with the heat, of which no more is told.
    fn actuated(&mut self, actuated: Actuated, events: &mut Vec<Event>) {
        let host = joint::host(
            &self.board,
            self.board.cpus().difference(self.policy.reserve_cpus),
        );
        self.surroundings
            .actuated((&self.board, host), &actuated.setting, &actuated.clocks);
        self.transition.applied(actuated.setting);
        for Confined { app, enforcement } in &actuated.apps {
            let before = self.confined.iter().find(|confined| confined.app == *app);
            if before.is_none_or(|before| before.enforcement.state != enforcement.state) {
                events.push(Event::EnforcementChanged {
                    app: *app,
                    enforcement: enforcement.clone(),
                });
            }
        }
        self.confined = actuated.apps;
        let before = core::mem::replace(&mut self.actuations, actuated.clocks);
        for (index, now) in self.actuations.iter().enumerate() {
            let was = before.get(index).cloned().unwrap_or_default();
            let is_as_asked = matches!(now.hold, Hold::Held | Hold::Unchanged);
            if was.hold != now.hold || (is_as_asked && was.bounds != now.bounds) {
                events.extend(
                    self.board
                        .processors
                        .get(index)
                        .map(|processor| Event::ClocksChanged {
                            processor: processor.name.clone(),
                            clocks: now.into(),
                        }),
                );
            }
        }
    }

    /// Says which apps the kernel is to confine.
    fn confine(&mut self) {
        for app in self.apps.values() {
            let confinee = self.confinee(app).and_then(Result::ok);
            self.transition.confine(app.id, confinee);
        }
    }

    /// What the kernel is to confine of an app of which the policy wants that; else why it cannot.
    fn confinee(&self, app: &App) -> Option<Result<Confinee, &'static str>> {
        if !app.is_enforced() {
            return None;
        }
        let Some(pid) = app.identity.pid else {
            return Some(Err("its process is out of the daemon's sight"));
        };
        let mut others = self.apps.values().filter(|other| other.id != app.id);
        if others.any(|other| other.identity.pid == Some(pid)) {
            return Some(Err(
                "its process has another session, which it would confine, too",
            ));
        }
        let unit = app.identity.unit.clone();
        Some(Ok(Confinee { pid, unit }))
    }

    fn enforcement(&self, app: &App) -> Option<Enforcement> {
        Some(match self.confinee(app)? {
            Err(reason) => Enforcement::refused(None, reason.into()),
            Ok(_) => {
                let told = self.confined.iter().find(|confined| confined.app == app.id);
                told.map(|confined| confined.enforcement.clone())
                    .unwrap_or_default()
            }
        })
    }

    /// The first cause is the one told.
    fn think_again(&mut self, cause: Cause) {
        if !matches!(cause, Cause::Learning | Cause::Violation) {
            self.relapses.forget();
        }
        self.pending.get_or_insert(cause);
    }

    /// Whoever pauses lends its share to those who do not, until it infers again. While nobody infers there is nobody to
    /// lend to.
    fn notice_pauses(&mut self, now: Timestamp) {
        let paused: BTreeSet<AppId> = self
            .apps
            .values()
            .filter(|app| app.is_paused(now))
            .map(|app| app.id)
            .collect();
        if paused == self.paused || paused.len() == self.apps.len() {
            return;
        }
        let cause = if self.paused.is_subset(&paused) {
            Cause::Pause
        } else {
            Cause::Return
        };
        self.paused = paused;
        self.think_again(cause);
    }

    /// The apps to plan for.
    fn partakers(&self) -> impl Iterator<Item = &App> {
        let partakes = |app: &&App| !self.paused.contains(&app.id);
        self.apps.values().filter(partakes)
    }

    fn plan_if_due(&mut self, now: Timestamp, output: &mut Output) {
        self.notice_pauses(now);
        let active = self.apps.values().any(|app| app.is_active(now));
        // What is learned of power and heat may let an app infer that was not allowed to.
        let learns = active || (self.has_limits() && !self.apps.is_empty());
        if learns && self.planned_at.is_some_and(|at| now.since(at) >= LEARN_INTERVAL) {
            self.think_again(Cause::Learning);
        }
        if let Some(cause) = self.pending {
            let earliest = self.planned_at.map_or(now, |at| at + PLAN_INTERVAL);
            let earliest = earliest.max(self.gathering_until);
            if now >= earliest {
                self.pending = None;
                self.planned_at = Some(now);
                self.plan(now, cause, output);
            } else {
                output.wake_at = Some(earliest);
            }
        }
        if active {
            output.sample_every = Some(SAMPLE_INTERVAL);
            output.wake_at = output.wake_at.or(Some(now + LEARN_INTERVAL));
        } else if self.policy.has_budget() || (self.has_limits() && self.blocks_any()) {
            output.sample_every = Some(WATCH_INTERVAL);
        } else {
            self.load.pause();
        }
        if !active {
            self.let_clocks_go();
        }
    }

    /// True if there is an app that is not let run.
    fn blocks_any(&self) -> bool {
        let standing = |app: &App| app.assignment.as_ref().map(|now| now.standing);
        self.apps
            .values()
            .any(|app| standing(app) == Some(Standing::Blocked))
    }

    /// Why the app that is `called` so, by number or name, got what it has.
    ///
    /// # Errors
    /// If there is none, or several, or if nothing was planned for it yet.
    pub fn why(&self, now: Timestamp, called: &str) -> Result<Why, WhyError> {
        let id = why::find(called, self.apps.values())?;
        if self.paused.contains(&id) {
            return Err(WhyError::Paused(id));
        }
        let scene = self.scene(now);
        let apps: Vec<&App> = self.partakers().collect();
        let (choices, stays) = (self.choices(now), self.stays(now));
        let clocks = Clocks {
            choices: &choices,
            held: &self.opps,
            stays: &stays,
        };
        let problem = Joint::new(&apps, &scene, &self.physics, &self.policy, &clocks);
        let planned = self.plan.as_ref().filter(|(ids, solution)| {
            ids.iter().eq(apps.iter().map(|app| &app.id)) && problem.has(&solution.modes)
        });
        let index = apps.iter().position(|app| app.id == id);
        let why = planned
            .zip(index)
            .and_then(|((_, solution), index)| why::why(&problem, solution, index));
        why.ok_or(WhyError::Unplanned(id))
    }

    /// Per processor, the operating points that may be chosen: none where somebody else holds the clock; while a sensor
    /// of heat is lost, none above the one that the board was last known to bear, else the lowest.
    fn choices(&self, now: Timestamp) -> Vec<Vec<usize>> {
        let mut choices = self.choices.clone();
        let heat = self.physics.heat();
        let is_blind = heat.blind(now).is_some();
        for (processor, choices) in choices.iter_mut().enumerate() {
            if self.is_foreign(processor) {
                choices.clear();
            }
            if is_blind {
                let lowest = choices.first().copied();
                let borne = heat
                    .proven()
                    .and_then(|proven| proven.opps.get(processor).copied());
                choices.retain(|opp| Some(*opp) <= borne || Some(*opp) == lowest);
            }
        }
        choices
    }

    /// True if the clock of this processor is not in our hands, whatever we ask.
    fn is_foreign(&self, processor: usize) -> bool {
        let actuation = self.actuations.get(processor);
        actuation.is_some_and(|told| matches!(told.hold, Hold::Contested { .. } | Hold::Refused { .. }))
    }

    /// `opps`, but of a clock that is not in our hands what was asked last: to ask for anything else would be to contest
    /// it again.
    fn with_foreign(&self, mut opps: Vec<Option<usize>>) -> Vec<Option<usize>> {
        opps.resize(self.board.processors.len(), None);
        for (processor, opp) in opps.iter_mut().enumerate() {
            if self.is_foreign(processor) {
                *opp = self.opps.get(processor).copied().flatten();
            }
        }
        if opps.iter().all(Option::is_none) {
            opps.clear();
        }
        opps
    }

    /// Nobody infers: the clocks are those of the policy.
    fn let_clocks_go(&mut self) {
        let opps = self.with_foreign(Vec::new());
        if opps != self.opps {
            self.opps = opps;
            self.transition
                .aim(clocks::setting(&self.policy, &self.board, &self.opps));
        }
    }

    /// True if plans are bound by power or heat.
    fn has_limits(&self) -> bool {
        self.policy.has_budget() || self.physics.is_described()
    }

    /// Per processor, whether its clock had to be raised again so often that it is left alone for a while.
    fn stays(&self, now: Timestamp) -> Vec<bool> {
        let processors = 0..self.board.processors.len();
        processors
            .map(|processor| self.relapses.forbid(processor, now))
            .collect()
    }

    fn scene(&self, now: Timestamp) -> Scene<'_> {
        Scene {
            board: &self.board,
            usable: self.board.cpus().difference(self.policy.reserve_cpus),
            objective: self.policy.objective,
            level: self.load.level(),
            surroundings: &self.surroundings,
            now,
        }
    }

    fn plan(&mut self, now: Timestamp, cause: Cause, output: &mut Output) {
        // Not `scene()`: the apps are changed while this is in use.
        let scene = Scene {
            board: &self.board,
            usable: self.board.cpus().difference(self.policy.reserve_cpus),
            objective: self.policy.objective,
            level: self.load.level(),
            surroundings: &self.surroundings,
            now,
        };
        let apps: Vec<&App> = self.partakers().collect();
        let (choices, stays) = (self.choices(now), self.stays(now));
        let clocks = Clocks {
            choices: &choices,
            held: &self.opps,
            stays: &stays,
        };
        let problem = Joint::new(&apps, &scene, &self.physics, &self.policy, &clocks);
        let decision = problem.decide(&clocks);
        let holds: Vec<CpuSet> = apps.iter().map(|app| app.holds()).collect();
        let pool = Pool {
            processors: &self.board.processors,
            usable: scene.usable,
            host: joint::host(&self.board, scene.usable),
        };
        let busy = |cpu| self.load.busy_share(cpu).unwrap_or(0.0);
        let grants = grant::deal(&decision.offers, &holds, &pool, busy);
        let opps = if apps.is_empty() {
            Vec::new()
        } else {
            decision.opps
        };
        let opps = self.with_foreign(opps);
        self.plan = Some((apps.iter().map(|app| app.id).collect(), decision.solution));
        self.transition
            .aim(clocks::setting(&self.policy, &self.board, &opps));
        self.relapses.planned(now, &self.opps, &opps);
        self.opps = opps;
        let paused = &self.paused;
        let partakes = |app: &&mut App| !paused.contains(&app.id);
        for (app, grant) in self.apps.values_mut().filter(partakes).zip(grants) {
            let id = app.id;
            let Some(assignment) = app.grant(grant, &scene, self.epoch).cloned() else {
                continue;
            };
            let seat = app.seat().unwrap_or(Seat::NOWHERE);
            output.events.push(Event::Assigned {
                app: id,
                subnetwork: assignment
                    .ladder
                    .first()
                    .map(|rung| app.model.subnetworks[rung.subnetwork].name.clone()),
                cpus: assignment.cpus,
                standing: assignment.standing,
                cause,
            });
            self.transition.assign(id, assignment, seat, app.patience());
        }
    }
}

fn physics(board: &BoardDescription, policy: &Policy, file: Option<&Blueprint>) -> Physics {
    let mut physics = Physics::new(board, file);
    physics.govern(policy);
    physics
}

fn app_status(app: &App) -> AppStatus {
    let assigned = app.assignment.as_ref();
    let subnetwork = assigned
        .and_then(|a| a.ladder.first())
        .map(|rung| &app.model.subnetworks[rung.subnetwork]);
    AppStatus {
        id: app.id,
        name: app.name.clone(),
        pid: app.identity.pid.map(|pid| pid.0),
        identity: app.identity.clone(),
        model: app.model.name.clone(),
        table: app.model.clone(),
        state: assigned.map_or(Standing::Blocked, |a| a.standing),
        target_ms: app.requirement.latency.as_millis(),
        percentile: app.requirement.percentile,
        p95_ms: app.p95().map(Seconds::as_millis),
        within_target: app.within_target(),
        miss_rate: app.long_run().map(|(rate, _)| rate),
        miss_bound: app.long_run().map(|(_, bound)| bound),
        quality: subnetwork.map_or(0.0, |subnetwork| subnetwork.quality.get()),
        slowdown: app.slowdown(app.processor()).0,
        inferences: app.inferences,
        assignment: assigned
            .zip(subnetwork)
            .map(|(assigned, subnetwork)| AssignmentStatus {
                subnetwork: subnetwork.name.clone(),
                processor: assigned.processor.clone(),
                cpus: assigned.cpus,
                generation: assigned.generation,
                acked: app.acked == Some(assigned.generation),
                reason: assigned.reason.clone(),
            }),
        enforcement: None,
        paused: false,
    }
}
