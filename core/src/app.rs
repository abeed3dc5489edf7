//! What the controller knows of one app: its requirement, its history, what it was granted. ([`points`]: what it could
//! run.)

mod points;

pub(crate) use points::Prospects;

use alloc::collections::{BTreeMap, VecDeque};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::time::Duration;

use dynd_vocab::{
    AppId, Assignment, BoardDescription, CoreBounds, CpuSet, Generation, Hello, Holding, Identity,
    ModelTable, Objective, Policy, Processor, ProcessorKind, Report, Requirement, Seconds, Standing,
    Timestamp,
};

use crate::budget::MissBudget;
use crate::conditions::Conditions;
use crate::dwell::{self, Dwell};
use crate::forecast::{Forecast, Point};
use crate::grant::{Grant, Offer};
use crate::kalman::Kalman;
use crate::load::{Level, MAX_LEVEL};
use crate::surroundings::{Occupancy, Surroundings};
use crate::transition::Seat;

/// Inferences that `p95` and `within target` look back on.
const HISTORY: usize = 256;

/// An app that reported within this time is inferring; and within so many of its periods or of its latest inference, but
/// nobody is for so long.
const ACTIVE: Duration = Duration::from_secs(1);
const ACTIVE_PERIODS: f64 = 3.0;
const LONGEST_ACTIVE: Duration = Duration::from_secs(60);

/// The longest that an acknowledgement is waited for.
const LONGEST_PATIENCE: Duration = Duration::from_secs(2);

/// How long a report may be on its way: the client sends them in batches.
const UNDERWAY: Duration = Duration::from_millis(250);

/// One app.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) id: AppId,
    pub(crate) identity: Identity,
    pub(crate) name: String,
    pub(crate) model: ModelTable,
    pub(crate) requirement: Requirement,
    pub(crate) assignment: Option<Assignment>,
    pub(crate) acked: Option<Generation>,
    pub(crate) inferences: u64,
    /// Per processor, the log of measured over expected undisturbed latency.
    slowdown: BTreeMap<usize, Kalman>,
    pub(crate) last_heard: Timestamp,
    asked: Requirement,
    max_threads: u32,
    priority: i32,
    weight: f64,
    processors: Vec<usize>,
    cores: CoreBounds,
    forecast: Forecast,
    budget: MissBudget,
    dwell: Dwell,
    load_changed_at: Timestamp,
    history: VecDeque<(Seconds, bool)>,
    /// Threads running or waiting at a random moment; nothing before that was seen where it runs.
    occupancy: Option<f64>,
    last_ended: Option<Timestamp>,
    /// What the latest inference would have taken alone, on an accelerator, at the clock it had.
    alone: Option<Seconds>,
    granted: Option<Grant>,
    /// Index of the processor that it acknowledged to run on.
    runs_on: Option<usize>,
    is_enforced: bool,
    /// The least and the most of the model's qualities.
    qualities: (f64, f64),
}

impl App {
    /// An app that just arrived.
    pub(crate) fn new(id: AppId, identity: Identity, hello: Hello, now: Timestamp) -> Self {
        Self {
            id,
            identity,
            qualities: qualities(&hello.model),
            forecast: Forecast::new(&hello.model),
            budget: budget(&hello.requirement),
            dwell: Dwell::from(now),
            name: hello.name,
            model: hello.model,
            requirement: hello.requirement,
            asked: hello.requirement,
            max_threads: hello.max_threads.max(1),
            priority: 0,
            weight: 1.0,
            processors: Vec::new(),
            cores: CoreBounds {
                min: 1,
                max: u32::MAX,
            },
            assignment: None,
            acked: None,
            inferences: 0,
            slowdown: BTreeMap::new(),
            last_heard: now,
            load_changed_at: now,
            history: VecDeque::new(),
            occupancy: None,
            last_ended: None,
            alone: None,
            granted: None,
            runs_on: None,
            is_enforced: false,
        }
    }

    /// Takes over the measured points that name a processor of `board`.
    pub(crate) fn profile(&mut self, board: &BoardDescription, points: &[dynd_vocab::OperatingPoint]) {
        let usable = |point: &&dynd_vocab::OperatingPoint| point.cores <= self.max_threads;
        for (index, processor) in board.processors.iter().enumerate() {
            self.forecast.know(index, processor.kind);
        }
        for point in points.iter().filter(usable) {
            if let Some(processor) = board
                .processors
                .iter()
                .position(|p| p.name == point.processor && point.cores <= p.cpus.len().max(1))
            {
                let at = Point {
                    subnetwork: point.subnetwork,
                    processor,
                    cores: point.cores,
                };
                let highest = board.processors[processor].opps.last();
                let slowness = point
                    .clock
                    .zip(highest)
                    .map(|(at, highest)| highest.as_hz() as f64 / at.as_hz().max(1) as f64);
                let conditions = Conditions {
                    slowness,
                    ..Conditions::at(0)
                };
                self.forecast.profiled(at, &conditions, (point.median, point.p95));
            }
        }
    }

    /// Takes over what the app still runs of an earlier daemon's assignment, if this board has it: it is preferred
    /// as if it had been granted here.
    pub(crate) fn resume(&mut self, board: &BoardDescription, holding: &Holding) {
        let mut processors = board.processors.iter().enumerate();
        let named = processors.find(|(_, processor)| processor.name == holding.processor);
        if let Some((processor, Processor { cpus, .. })) = named
            && holding.subnetwork < self.model.subnetworks.len()
            && (cpus.is_empty() || holding.cpus.difference(*cpus).is_empty())
        {
            let offer = Offer {
                processor,
                cores: holding.cpus.len(),
                subnetwork: holding.subnetwork,
                violation: 0.0,
                conditions: Conditions::at(0),
                opp: None,
            };
            self.granted = Some(Grant {
                offer,
                cpus: holding.cpus,
            });
        }
    }

    /// Where it is to run by what was granted last; nowhere before that, or if it is blocked.
    pub(crate) fn seat(&self) -> Option<Seat> {
        self.granted.map(|grant| Seat {
            processor: Some(grant.offer.processor),
            cpus: grant.cpus,
        })
    }

    /// It runs what it was told in this generation.
    pub(crate) fn acked(&mut self, generation: Generation) {
        self.acked = Some(generation);
        let latest = self.assignment.as_ref().map(|assignment| assignment.generation);
        if latest == Some(generation) {
            let runs_on = self.granted.map(|grant| grant.offer.processor);
            if runs_on != self.runs_on {
                (self.occupancy, self.last_ended) = (None, None);
            }
            self.runs_on = runs_on;
        }
    }

    /// True if the policy wants the kernel to keep it on its CPUs.
    pub(crate) fn is_enforced(&self) -> bool {
        self.is_enforced
    }

    /// Applies what `policy` says of this app.
    pub(crate) fn govern(&mut self, now: Timestamp, policy: &Policy, board: &BoardDescription) {
        let rule = policy
            .apps
            .iter()
            .find(|rule| rule.matches.admits(&self.name, &self.identity));
        let asked = self.asked;
        self.requirement = rule.map_or(asked, |rule| Requirement {
            latency: rule.latency.unwrap_or(asked.latency),
            percentile: rule.percentile.unwrap_or(asked.percentile),
            min_quality: rule.min_quality.unwrap_or(asked.min_quality),
            period: asked.period,
        });
        self.is_enforced = rule.is_some_and(|rule| rule.enforce);
        self.priority = rule.map_or(0, |rule| rule.priority);
        self.weight = rule.and_then(|rule| rule.weight).unwrap_or(1.0);
        self.cores = rule.and_then(|rule| rule.cores).unwrap_or(CoreBounds {
            min: 1,
            max: u32::MAX,
        });
        let allowed = |processor: &Processor| {
            rule.is_none_or(|rule| {
                rule.processors.is_empty() || rule.processors.iter().any(|p| p.means(processor))
            })
        };
        let processors = board.processors.iter().enumerate();
        let allowed: Vec<usize> = processors
            .filter(|(_, processor)| allowed(processor))
            .map(|(index, _)| index)
            .collect();
        // Whether it can run on an accelerator is known if it was measured there, or if the policy leaves it nothing else.
        let is_cpu = |index: &usize| board.processors[*index].kind == ProcessorKind::Cpu;
        let runs = |index: &usize| is_cpu(index) || self.forecast.is_profiled_on(*index);
        self.processors = if allowed.iter().any(runs) {
            allowed.into_iter().filter(runs).collect()
        } else {
            allowed
        };
        self.budget = budget(&self.requirement);
        self.dwell = Dwell::from(now);
    }

    /// Learns from a report under `conditions`; true if the inference was late. One of more
    /// cores than the app said it can use is not believed.
    pub(crate) fn observe(&mut self, report: &Report, conditions: &Conditions) -> bool {
        if report.cores > self.max_threads {
            return false;
        }
        let conditions = Conditions {
            level: self.felt(conditions.level),
            ..*conditions
        };
        let late = Seconds::from(report.latency) > self.requirement.latency;
        self.inferences += 1;
        if self.history.len() == HISTORY {
            self.history.pop_front();
        }
        self.history.push_back((report.latency.into(), late));
        self.budget.observe(late);
        let point = Point {
            subnetwork: report.subnetwork,
            processor: self.processor(),
            cores: report.cores,
        };
        let observed = self.forecast.observe(point, &conditions, report);
        if let Some(turn) = self.forecast.turn() {
            self.strangers_changed(turn);
        }
        self.alone = self.forecast.alone(point, &conditions);
        self.follow_occupancy(report);
        if let Some(latency) = observed {
            self.slowdown
                .entry(point.processor)
                .or_insert_with(|| Kalman::new(0.0, 0.1))
                .observe(libm::log(latency / self.forecast.undisturbed(point)));
        }
        late
    }

    /// What competes with it on an accelerator is more than before, or less, by what its inferences take.
    fn strangers_changed(&mut self, turn: Ordering) {
        self.dwell.forget();
        if turn.is_lt() {
            self.budget.relieve();
        }
    }

    /// What competes with it is more than before, or less.
    pub(crate) fn neighbours_changed(&mut self, now: Timestamp, turn: Ordering) {
        self.dwell = Dwell::from(now);
        if turn.is_lt() {
            self.budget.relieve();
        }
    }

    /// The processor it runs on.
    pub(crate) fn processor(&self) -> usize {
        self.runs_on
            .or(self.granted.map(|grant| grant.offer.processor))
            .unwrap_or(0)
    }

    /// Measured over undisturbed latency on `processor`: mean, and variance of its logarithm.
    pub(crate) fn slowdown(&self, processor: usize) -> (f64, f64) {
        let seen = self.slowdown.get(&processor);
        seen.map_or((1.0, 0.0), |seen| (libm::exp(seen.mean()), seen.noise()))
    }

    /// The unmanaged load changed, from a level to another.
    pub(crate) fn load_changed(&mut self, from: Level, to: Level, now: Timestamp) {
        self.forecast.level_changed();
        self.load_changed_at = now;
        self.neighbours_changed(now, to.cmp(&from));
    }

    /// Who comes first when not all can be served.
    pub(crate) fn priority(&self) -> i32 {
        self.priority
    }

    /// The CPUs that are its own.
    pub(crate) fn holds(&self) -> CpuSet {
        let own = self.granted.filter(|grant| grant.offer.cores > 0);
        own.map_or(CpuSet::EMPTY, |grant| grant.cpus)
    }

    /// True if it may run on the processor of this index, and can: on an accelerator, if it was measured there.
    pub(crate) fn may_run_on(&self, processor: usize) -> bool {
        self.processors.contains(&processor)
    }

    /// The share of inferences that may be late for now.
    pub(crate) fn allowed(&self) -> f64 {
        self.budget.allowed() + self.budget.affordable()
    }

    /// Takes over what the planner grants; the assignment if it says anything new.
    pub(crate) fn grant(
        &mut self,
        grant: Option<Grant>,
        scene: &Scene<'_>,
        epoch: u64,
    ) -> Option<&Assignment> {
        let standing = match grant {
            None => Standing::Blocked,
            Some(grant) if grant.offer.violation > 0.0 => Standing::Degraded,
            Some(_) => Standing::Met,
        };
        let processor = grant.map_or("", |grant| &scene.board.processors[grant.offer.processor].name);
        let cpus = grant.map_or(CpuSet::EMPTY, |grant| grant.cpus);
        let contended = grant.is_some_and(|grant| grant.offer.conditions.level > 0);
        let unchanged = self.assignment.as_ref().is_some_and(|now| {
            now.standing == standing
                && now.processor == processor
                && now.cpus == cpus
                && self.granted.map(|grant| (grant.offer.cores, grant.offer.opp))
                    == grant.map(|grant| (grant.offer.cores, grant.offer.opp))
                && now.requirement == self.requirement
                && now.contended == contended
                && now.ladder.first().map(|rung| rung.subnetwork) == grant.map(|grant| grant.offer.subnetwork)
        });
        if unchanged {
            return None;
        }
        let number = self.assignment.as_ref().map_or(0, |now| now.generation.number) + 1;
        let assignment = Assignment {
            generation: Generation { epoch, number },
            standing,
            reason: self.reason(grant, scene),
            processor: processor.into(),
            cpus,
            ladder: grant.map_or_else(Vec::new, |grant| self.ladder(&grant.offer)),
            requirement: self.requirement,
            contended,
        };
        if let Some((from, to)) = self.granted.zip(grant) {
            let (from, to) = (points::point(&from.offer), points::point(&to.offer));
            if from != to {
                self.dwell.moved(scene.now, from, to);
            }
        }
        self.granted = grant;
        Some(&*self.assignment.insert(assignment))
    }

    /// True if it is inferring, as far as it was heard.
    pub(crate) fn is_active(&self, now: Timestamp) -> bool {
        let period = self.requirement.period.unwrap_or(self.requirement.latency);
        let patience = self.pause_after(period).min(LONGEST_ACTIVE.as_secs_f64());
        now.since(self.last_heard).as_secs_f64() <= ACTIVE.as_secs_f64().max(patience)
    }

    /// True if it has not inferred for three of its periods: its share is lent until it is heard again. An app without a
    /// period, one that has not begun and one that is not let run do not pause.
    pub(crate) fn is_paused(&self, now: Timestamp) -> bool {
        let Some(period) = self.requirement.period else {
            return false;
        };
        let silence = now.since(self.last_heard).as_secs_f64() - UNDERWAY.as_secs_f64();
        self.inferences > 0 && self.granted.is_some() && silence > self.pause_after(period)
    }

    /// Three of its periods, or of its latest inference if that took longer, in seconds.
    fn pause_after(&self, period: Seconds) -> f64 {
        let latest = self.history.back().map_or(period, |(latency, _)| *latency);
        ACTIVE_PERIODS * period.get().max(latest.get())
    }

    /// How long its acknowledgement may take: it comes after the first inference that runs what was told, before which the
    /// one under way has to end and the next to be due. Whatever it says of itself, the others do not wait longer than
    /// [`LONGEST_PATIENCE`].
    pub(crate) fn patience(&self) -> Duration {
        let period = self.requirement.period.map_or(0.0, Seconds::get);
        let latest = self.history.back().map_or(0.0, |(latency, _)| latency.get());
        let longest = self.requirement.latency.get().max(latest);
        let seconds = (period + 2.0 * longest).min(LONGEST_PATIENCE.as_secs_f64());
        Duration::from_secs_f64(seconds)
    }

    /// How busy it keeps the processor it runs on: threads that run or wait at a random moment.
    pub(crate) fn occupancy(&self, now: Timestamp) -> Occupancy {
        let active = self.is_active(now) && !self.is_paused(now);
        let expected = || self.granted.and_then(|grant| self.expected(&grant.offer));
        let units = self.occupancy.or_else(expected).unwrap_or(0.0);
        Occupancy {
            app: self.id,
            processor: self.processor(),
            units: if active { units } else { 0.0 },
            is_seen: self.occupancy.is_some() || !active,
        }
    }

    /// 95th percentile of the recent latencies.
    pub(crate) fn p95(&self) -> Option<Seconds> {
        let mut latencies: Vec<f64> = self.history.iter().map(|(latency, _)| latency.get()).collect();
        latencies.sort_by(f64::total_cmp);
        let rank = (latencies.len() * 95).div_ceil(100);
        rank.checked_sub(1).map(|index| Seconds::new(latencies[index]))
    }

    /// Share of recent inferences within the target.
    pub(crate) fn within_target(&self) -> Option<f64> {
        let late = self.history.iter().filter(|(_, late)| *late).count();
        (!self.history.is_empty()).then(|| 1.0 - late as f64 / self.history.len() as f64)
    }

    /// Share of all inferences that were late, and what it cannot exceed as things stand.
    pub(crate) fn long_run(&self) -> Option<(f64, f64)> {
        self.budget.long_run()
    }

    /// True while misses exceed what the percentile allows.
    pub(crate) fn violated(&self) -> bool {
        self.budget.overdrawn()
    }

    fn reason(&self, grant: Option<Grant>, scene: &Scene<'_>) -> String {
        let Some(Grant { offer, .. }) = grant else {
            return String::from(
                "nothing that the policy allows fits: no usable core, or no room in time, power or heat",
            );
        };
        let late = self.late(&offer, scene) * 100.0;
        let allowed = self.allowed() * 100.0;
        let target = self.requirement.latency;
        let place = if offer.cores == 0 {
            "on a shared core, "
        } else {
            ""
        };
        if offer.violation > 0.0 {
            format!("{place}nothing holds {target} often enough: least late, {late:.1} % expected")
        } else {
            let aim = scene.objective.label();
            format!(
                "{place}{aim} among what holds {target}: {late:.1} % late expected, {allowed:.1} % allowed"
            )
        }
    }

    /// The load level this app feels: one more task per core if it shares its core with managed apps.
    fn felt(&self, level: Level) -> Level {
        if self.granted.is_some_and(|grant| grant.offer.cores == 0) {
            crowded(level)
        } else {
            level
        }
    }

    fn follow_occupancy(&mut self, report: &Report) {
        if let Some(last) = self.last_ended.replace(report.ended) {
            let interval = report.ended.since(last).max(report.service).as_secs_f64();
            if interval > 0.0 {
                // What waits for a core competes for it; on an accelerator only what runs keeps it busy.
                let service = self.alone.map_or(report.service.as_secs_f64(), Seconds::get);
                let now = service.min(interval) / interval * f64::from(report.cores);
                let before = self.occupancy.unwrap_or(now);
                self.occupancy = Some(before + 0.1 * (now - before));
            }
        }
    }
}

/// What all apps see alike during one plan.
#[derive(Debug)]
pub(crate) struct Scene<'a> {
    pub(crate) board: &'a BoardDescription,
    pub(crate) usable: CpuSet,
    pub(crate) objective: Objective,
    pub(crate) level: Level,
    pub(crate) surroundings: &'a Surroundings,
    pub(crate) now: Timestamp,
}

/// What an app of this requirement may miss; a stay that is paid for lasts as long as a move must not be taken back.
fn budget(requirement: &Requirement) -> MissBudget {
    let period = requirement.period.unwrap_or(requirement.latency).get();
    MissBudget::new(1.0 - requirement.percentile, dwell::SOON.as_secs_f64() / period)
}

/// The least and the most of the qualities of a model.
fn qualities(model: &ModelTable) -> (f64, f64) {
    let all = model
        .subnetworks
        .iter()
        .map(|subnetwork| subnetwork.quality.get());
    all.fold((1.0_f64, 0.0_f64), |(low, high), q| (low.min(q), high.max(q)))
}

fn crowded(level: Level) -> Level {
    (level + 1).min(MAX_LEVEL)
}

#[cfg(test)]
mod tests;
