//! What the controller knows of one app: its requirement, its history, its offers.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use dynd_vocab::{
    AppId, Assignment, BoardDescription, CoreBounds, CpuSet, Generation, Hello, Holding, Identity,
    ModelTable, Objective, Policy, Processor, Report, Requirement, Rung, Seconds, Standing, Timestamp,
};

use crate::budget::MissBudget;
use crate::conditions::Conditions;
use crate::forecast::{Forecast, Outlook, Point};
use crate::kalman::Kalman;
use crate::load::{Level, MAX_LEVEL};
use crate::planner::{Candidate, Grant, Offer};
use crate::surroundings::{Occupancy, Surroundings};
use crate::transition::Seat;

/// How long after a change of load the planner trusts only what is likely to hold, and tries nothing.
const CAUTIOUS: Duration = Duration::from_millis(400);

/// After that, a point is tried if its risk of lateness less this many standard deviations is in budget.
const CURIOSITY: f64 = 1.5;

/// A point that is late more often than this is taken to be late, whatever was saved.
const MOST_RISK: f64 = 0.45;

/// By how much less often the running point is taken to be late, where answers in time are what counts.
const LOYALTY: f64 = 0.01;

/// What sharing cores costs in utility: more than any quality gains, so that apps share only to avoid a miss.
const SHARING_COST: f64 = 10.0;

/// Inferences that `p95` and `within target` look back on.
const HISTORY: usize = 256;

/// An app that reported within this time is inferring.
pub(crate) const ACTIVE: Duration = Duration::from_secs(1);

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
    processors: Vec<usize>,
    cores: CoreBounds,
    forecast: Forecast,
    budget: MissBudget,
    load_changed_at: Timestamp,
    history: VecDeque<(Seconds, bool)>,
    /// Threads running or waiting at a random moment.
    occupancy: f64,
    last_ended: Option<Timestamp>,
    granted: Option<Grant>,
    /// Index of the processor that it acknowledged to run on.
    runs_on: Option<usize>,
    is_enforced: bool,
}

impl App {
    /// An app that just arrived.
    pub(crate) fn new(id: AppId, identity: Identity, hello: Hello, now: Timestamp) -> Self {
        Self {
            id,
            identity,
            forecast: Forecast::new(&hello.model),
            budget: MissBudget::new(1.0 - hello.requirement.percentile),
            name: hello.name,
            model: hello.model,
            requirement: hello.requirement,
            asked: hello.requirement,
            max_threads: hello.max_threads.max(1),
            priority: 0,
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
            occupancy: 0.0,
            last_ended: None,
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
                .position(|p| p.name == point.processor && point.cores <= p.cpus.len())
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
            && holding.cpus.difference(*cpus).is_empty()
        {
            let offer = Offer {
                processor,
                cores: holding.cpus.len(),
                subnetwork: holding.subnetwork,
                violation: 0.0,
                utility: 0.0,
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
            self.runs_on = self.granted.map(|grant| grant.offer.processor);
        }
    }

    /// True if the policy wants the kernel to keep it on its CPUs.
    pub(crate) fn is_enforced(&self) -> bool {
        self.is_enforced
    }

    /// Applies what `policy` says of this app.
    pub(crate) fn govern(&mut self, policy: &Policy, board: &BoardDescription) {
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
        self.cores = rule.and_then(|rule| rule.cores).unwrap_or(CoreBounds {
            min: 1,
            max: u32::MAX,
        });
        let allowed = |processor: &Processor| {
            rule.is_none_or(|rule| {
                rule.processors.is_empty() || rule.processors.iter().any(|p| p.means(processor))
            })
        };
        let processors = board
            .processors
            .iter()
            .enumerate()
            .filter(|(_, processor)| allowed(processor));
        self.processors = processors.map(|(index, _)| index).collect();
        self.budget = MissBudget::new(1.0 - self.requirement.percentile);
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
        self.follow_occupancy(report);
        let point = Point {
            subnetwork: report.subnetwork,
            processor: self.processor(),
            cores: report.cores,
        };
        if let Some(latency) = self.forecast.observe(point, &conditions, report) {
            self.slowdown
                .entry(point.processor)
                .or_insert_with(|| Kalman::new(0.0, 0.1))
                .observe(libm::log(latency / self.forecast.undisturbed(point)));
        }
        late
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
        if to < from {
            self.budget.relieve();
        }
    }

    /// What the planner may choose from.
    pub(crate) fn candidate(&self, scene: &Scene<'_>) -> Candidate {
        let mut offers = Vec::new();
        for &processor in &self.processors {
            let room = scene.board.processors[processor]
                .cpus
                .intersection(scene.usable)
                .len();
            let most = self.max_threads.min(self.cores.max).min(room);
            for cores in self.cores.min.max(1)..=most {
                offers.extend(self.best_offer(processor, cores, scene));
            }
            if self.cores.min <= 1 && room > 0 {
                offers.extend(self.best_offer(processor, 0, scene));
            }
        }
        let holds = self
            .granted
            .filter(|grant| grant.offer.cores > 0)
            .map_or(CpuSet::EMPTY, |grant| grant.cpus);
        Candidate {
            priority: self.priority,
            offers,
            holds,
        }
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
        let ladder = grant.map_or_else(Vec::new, |grant| self.ladder(&grant.offer, scene));
        let processor = grant.map_or("", |grant| &scene.board.processors[grant.offer.processor].name);
        let cpus = grant.map_or(CpuSet::EMPTY, |grant| grant.cpus);
        let contended = grant.is_some_and(|grant| level_of(&grant.offer, scene) > 0);
        let unchanged = self.assignment.as_ref().is_some_and(|now| {
            now.standing == standing
                && now.processor == processor
                && now.cpus == cpus
                && self.granted.map(|grant| grant.offer.cores) == grant.map(|grant| grant.offer.cores)
                && now.requirement == self.requirement
                && now.contended == contended
                && now.ladder.first().map(|rung| rung.subnetwork)
                    == ladder.first().map(|rung| rung.subnetwork)
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
            ladder,
            requirement: self.requirement,
            contended,
        };
        self.granted = grant;
        Some(&*self.assignment.insert(assignment))
    }

    /// How busy it keeps the processor it runs on: threads that run or wait at a random moment.
    pub(crate) fn occupancy(&self, now: Timestamp) -> Occupancy {
        let active = now.since(self.last_heard) <= ACTIVE;
        Occupancy {
            app: self.id,
            processor: self.processor(),
            units: if active { self.occupancy } else { 0.0 },
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

    fn best_offer(&self, processor: usize, cores: u32, scene: &Scene<'_>) -> Option<Offer> {
        let reaches_minimum =
            |index: &usize| self.model.subnetworks[*index].quality >= self.requirement.min_quality;
        let all = 0..self.model.subnetworks.len();
        let good: Vec<usize> = all.clone().filter(reaches_minimum).collect();
        // A model that cannot reach its minimum at all still runs, degraded.
        let short = good.is_empty();
        let choice = if short { all.collect() } else { good };
        let offers = choice.into_iter().map(|subnetwork| {
            let offer = Offer {
                processor,
                cores,
                subnetwork,
                violation: 0.0,
                utility: 0.0,
            };
            let violation = self.excess_risk(&offer, scene) + f64::from(u8::from(short));
            Offer {
                violation,
                utility: self.utility(&offer, scene),
                ..offer
            }
        });
        offers.min_by(|a, b| {
            a.violation
                .total_cmp(&b.violation)
                .then_with(|| b.utility.total_cmp(&a.utility))
        })
    }

    /// How far the risk of lateness exceeds the budget; 0 if it does not.
    fn excess_risk(&self, offer: &Offer, scene: &Scene<'_>) -> f64 {
        let (patience, loyalty) = if self.runs(offer) {
            (self.budget.patience(), self.budget.loyalty())
        } else {
            (0.0, 0.0)
        };
        let allowed = (self.budget.allowed() + patience).min(MOST_RISK);
        if self.risk(offer, scene) <= allowed {
            return 0.0;
        }
        (self.outlook(offer, scene).late - allowed - loyalty).max(1e-6)
    }

    /// The risk of lateness to reckon with: of what may be tried, the least that is likely.
    fn risk(&self, offer: &Offer, scene: &Scene<'_>) -> f64 {
        let outlook = self.outlook(offer, scene);
        let cautious = scene.now.since(self.load_changed_at) < CAUTIOUS;
        if cautious || offer.cores == 0 {
            outlook.late
        } else {
            (outlook.late - CURIOSITY * self.budget.curiosity() * outlook.unsure).max(0.0)
        }
    }

    /// True if this is what runs now.
    fn runs(&self, offer: &Offer) -> bool {
        self.granted.is_some_and(|grant| {
            let now = grant.offer;
            (now.processor, now.cores, now.subnetwork) == (offer.processor, offer.cores, offer.subnetwork)
        })
    }

    fn outlook(&self, offer: &Offer, scene: &Scene<'_>) -> Outlook {
        let target = self.requirement.latency;
        self.forecast
            .outlook(point(offer), &self.conditions(offer, scene), target, scene.now)
    }

    /// Under what it would run if it took `offer`.
    fn conditions(&self, offer: &Offer, scene: &Scene<'_>) -> Conditions {
        scene
            .surroundings
            .conditions(scene.board, self.id, offer.processor, level_of(offer, scene))
    }

    fn utility(&self, offer: &Offer, scene: &Scene<'_>) -> f64 {
        let stretch = self
            .forecast
            .stretch(point(offer), &self.conditions(offer, scene));
        let undisturbed = self.forecast.undisturbed(point(offer)) * stretch;
        let relative = undisturbed / self.requirement.latency;
        let capacity = f64::from(scene.board.processors[offer.processor].capacity) / 1024.0;
        let busy = relative * f64::from(offer.cores.max(1)) * capacity;
        let quality = self.model.subnetworks[offer.subnetwork].quality.get();
        let gain = match scene.objective {
            // Among equals, the one that costs less.
            Objective::MaxQuality => self.normalised(quality) - 1e-3 * busy,
            Objective::MaxTimelyQuality => {
                self.normalised(quality * self.in_time(offer, scene)) - 1e-3 * busy
            }
            Objective::MinEnergy => -busy,
            Objective::MinLatency => -relative,
        };
        if offer.cores == 0 {
            gain - SHARING_COST
        } else {
            gain
        }
    }

    /// 0 for the quality of the model's worst sub-network, 1 for that of its best: what may be compared across apps.
    fn normalised(&self, quality: f64) -> f64 {
        let all = self
            .model
            .subnetworks
            .iter()
            .map(|subnetwork| subnetwork.quality.get());
        let (worst, best) = all.fold((1.0_f64, 0.0_f64), |(low, high), q| (low.min(q), high.max(q)));
        if best > worst {
            (quality - worst) / (best - worst)
        } else {
            quality
        }
    }

    /// The share of answers that come in time, the running point's a little more: a switch must pay for itself.
    fn in_time(&self, offer: &Offer, scene: &Scene<'_>) -> f64 {
        let loyalty = if self.runs(offer) { LOYALTY } else { 0.0 };
        1.0 - (self.risk(offer, scene) - loyalty).max(0.0)
    }

    /// The assigned rung, then every cheaper sub-network that is good enough.
    fn ladder(&self, offer: &Offer, scene: &Scene<'_>) -> Vec<Rung> {
        let conditions = self.conditions(offer, scene);
        let rung = |subnetwork: usize| {
            let at = Point {
                subnetwork,
                ..point(offer)
            };
            Rung {
                subnetwork,
                undisturbed: self.forecast.undisturbed(at) * self.forecast.stretch(at, &conditions),
                bound: self
                    .forecast
                    .quantile(at, &conditions, self.requirement.percentile),
            }
        };
        let good = |index: &usize| self.model.subnetworks[*index].quality >= self.requirement.min_quality;
        let short = !good(&offer.subnetwork);
        let rungs = (0..=offer.subnetwork).rev().filter(|index| short || good(index));
        rungs.map(rung).collect()
    }

    fn reason(&self, grant: Option<Grant>, scene: &Scene<'_>) -> String {
        let Some(Grant { offer, .. }) = grant else {
            return String::from("no processor that the policy allows has a usable core");
        };
        let late = self.outlook(&offer, scene).late * 100.0;
        let allowed = self.budget.allowed() * 100.0;
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
                let now = report.service.as_secs_f64() / interval * f64::from(report.cores);
                self.occupancy += 0.1 * (now - self.occupancy);
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

fn point(offer: &Offer) -> Point {
    Point {
        subnetwork: offer.subnetwork,
        processor: offer.processor,
        cores: offer.cores.max(1),
    }
}

/// The load level that an app feels there.
fn level_of(offer: &Offer, scene: &Scene<'_>) -> Level {
    if offer.cores == 0 {
        crowded(scene.level)
    } else {
        scene.level
    }
}

fn crowded(level: Level) -> Level {
    (level + 1).min(MAX_LEVEL)
}
