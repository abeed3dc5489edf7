//! What an app could run, and what that is worth.
//!
//! Steps, for a point (sub-network, processor, cores) at a spot (clocks, sharing):
//! 1. *Prospects*: per plan, what of each point is the same at all spots, once.
//! 2. *Conditions*: unmanaged load, clocks, and how busy all others keep an accelerator at most; how far that stretches it.
//! 3. *Violation*: how far the risk of lateness exceeds the budget. For a while after a change of load only what is likely
//!    to hold is trusted; then what may hold is tried. What runs already is judged more kindly, so that a switch pays
//!    for itself.
//! 4. *Gain* by the policy's objective, comparable across apps; *cost* in watts, with a toll on moving.
//!
//! The planner asks for the same points at dozens of spots, and most of them are worse than another in everything. The
//! risk is what takes long, so that it is found last, and not for those ([`Prospects::front`]): whether a point is in
//! budget is known wherever it is stretched less than where it was, or more than where it was not.

use alloc::vec::Vec;
use core::cell::{Cell, OnceCell};
use core::time::Duration;

use dynd_vocab::{Objective, ProcessorKind, Rung};

use super::{App, Scene, crowded};
use crate::conditions::Conditions;
use crate::forecast::{self, Footing, Moment, Outlook, Point, Strain};
use crate::grant::Offer;
use crate::joint::{Sharing, Spot};
use crate::plan::{self, Micro, micro};
use crate::stretch::{self, Doubts, Slopes};

/// How long after a change of load the planner trusts only what is likely to hold, and tries nothing.
const CAUTIOUS: Duration = Duration::from_millis(400);

/// After that, a point is tried if its risk of lateness less this many standard deviations is in budget.
const CURIOSITY: f64 = 1.5;

/// After moves on hope have failed, other points are doubted by so many standard deviations instead; and always what is
/// paid for by what was saved.
const WARINESS: f64 = 1.0;

/// A point that is late more often than this is taken to be late, whatever was saved.
const MOST_RISK: f64 = 0.45;

/// By how much less often the running point is taken to be late, where answers in time are what counts.
const LOYALTY: f64 = 0.01;

/// What sharing cores costs in utility: more than any quality gains, so that apps share only to avoid a miss.
pub(super) const SHARING_COST: f64 = 10.0;

/// What a core of the strongest kind, busy all the time, costs in timely quality: of what gains about as much, the
/// smaller is run.
const EFFORT_COST: f64 = 1e-3;

/// What it weighs against the share that is late to take e times as long as allowed.
const SLOWNESS_WEIGHT: f64 = 0.1;

/// Where quality counts, the allowed risk is there for quality: of what has the same, a clock may be lower as long as this
/// share of it is not spent; beyond, more risk costs so much of the range of quality.
const SPARED: f64 = 0.25;
const RISK_COST: f64 = 0.05;

/// The least violation that there is.
const LEAST: f64 = 1e-6;

/// What one app could run during one plan.
#[derive(Debug)]
pub(crate) struct Prospects<'a> {
    app: &'a App,
    scene: &'a Scene<'a>,
    moment: Moment<'a>,
    /// By how many standard deviations less often than expected a point is hoped to be late: what runs, and any other.
    hope: (f64, f64),
    /// The risk that what is saved pays for, of what does not run.
    affordable: f64,
    /// By how much what runs may exceed the risk that is allowed.
    patience: f64,
    /// Inferences per second.
    rate: f64,
    /// Per processor.
    places: Vec<Ground>,
}

/// What one app could run on one processor.
#[derive(Debug)]
struct Ground {
    /// Conditions with clocks as they are: of cores for this app alone, and of one that it shares.
    alone: Conditions,
    beside: Conditions,
    /// κ, and by how much strangers slow it.
    kappa: f64,
    strangers: f64,
    /// By cores, and then the best by the objective first, as far as that is known before the clocks are.
    prospects: Vec<Prospect>,
    /// Per sub-network, how clocks are believed to stretch it before anything of it is learned: the same on any number of
    /// cores.
    believed: Vec<OnceCell<Slopes>>,
}

/// What of one point is the same at all spots.
#[derive(Debug)]
struct Prospect {
    subnetwork: usize,
    /// Cores for this app alone; 0 where it shares.
    cores: u32,
    /// Found when it is first looked at.
    basis: OnceCell<Basis>,
    quality: f64,
    /// The most that it can gain.
    most: Micro,
    /// True if it runs now, be it at another clock.
    runs: bool,
    /// Whether it misses the minimum quality.
    is_short: bool,
    known: Cell<Bounds>,
}

/// What the forecast says of one point, whatever its clocks.
#[derive(Debug)]
struct Basis {
    footing: Footing,
    slopes: Slopes,
    /// How far they may be off, on an accelerator.
    doubts: Option<Doubts>,
}

/// What was found of one point so far. The risk grows with how far it is stretched.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    /// The most that it was stretched, and the risk cost nothing.
    free: f64,
    /// The most that it was, and was in budget.
    held: f64,
    /// The least that it was, and was not.
    failed: f64,
}

/// What the risk of lateness means for a point at a spot.
#[derive(Clone, Copy, Debug)]
enum Verdict {
    /// It is in budget and costs nothing.
    Free,
    /// It is in budget and costs some gain; the outlook where it was found.
    Held(Option<Outlook>),
    /// It is not in budget.
    Late(Option<Outlook>),
}

/// How a point goes at a spot.
#[derive(Clone, Copy, Debug)]
struct Course<'a> {
    basis: &'a Basis,
    conditions: Conditions,
    strain: Strain,
    /// The share of time that each of its cores, or the accelerator, is busy with inferences; more than 1 if they take
    /// longer than their period.
    busy: f64,
}

impl App {
    /// How likely an inference is late that runs `offer`.
    pub(crate) fn late(&self, offer: &Offer, scene: &Scene<'_>) -> f64 {
        self.outlook(offer, scene).late
    }

    pub(super) fn outlook(&self, offer: &Offer, scene: &Scene<'_>) -> Outlook {
        let target = self.requirement.latency;
        self.forecast
            .outlook(point(offer), &offer.conditions, target, scene.now)
    }

    /// How busy it will keep an accelerator that was offered to it; nothing if that is none.
    pub(super) fn expected(&self, offer: &Offer) -> Option<f64> {
        let alone = self.forecast.alone(point(offer), &offer.conditions)?;
        Some((alone.get() / self.period()).min(1.0))
    }

    /// The period of its inferences in seconds, as far as it is known.
    fn period(&self) -> f64 {
        self.requirement.period.unwrap_or(self.requirement.latency).get()
    }

    /// 0 for the quality of the model's worst sub-network, 1 for that of its best: what may be compared across apps.
    pub(super) fn normalised(&self, quality: f64) -> f64 {
        let (worst, best) = self.qualities;
        if best > worst {
            (quality - worst) / (best - worst)
        } else {
            quality
        }
    }

    /// The assigned rung, then every cheaper sub-network that is good enough.
    pub(super) fn ladder(&self, offer: &Offer) -> Vec<Rung> {
        let conditions = offer.conditions;
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
        let short = self.is_short(offer.subnetwork);
        let rungs = (0..=offer.subnetwork).rev();
        rungs
            .filter(|index| short || !self.is_short(*index))
            .map(rung)
            .collect()
    }

    /// The sub-networks of enough quality, the best by the objective first as far as that is known before all else. A model
    /// that cannot reach its minimum at all still runs, degraded.
    fn candidates(&self, objective: Objective) -> Vec<usize> {
        let all = 0..self.model.subnetworks.len();
        let short = all.clone().all(|subnetwork| self.is_short(subnetwork));
        let mut good: Vec<usize> = all
            .filter(|subnetwork| short || !self.is_short(*subnetwork))
            .collect();
        let table = &self.model.subnetworks;
        match objective {
            Objective::MaxQuality | Objective::MaxTimelyQuality => good.sort_by(|a, b| {
                let (a, b) = (table[*a].quality.get(), table[*b].quality.get());
                b.total_cmp(&a)
            }),
            Objective::MinEnergy | Objective::MinLatency => good.sort_by_key(|index| table[*index].macs),
        }
        good
    }

    /// Whether a sub-network misses the minimum quality.
    fn is_short(&self, subnetwork: usize) -> bool {
        self.model.subnetworks[subnetwork].quality < self.requirement.min_quality
    }
}

impl<'a> Prospects<'a> {
    /// What `app` could run, as things stand.
    pub(crate) fn new(app: &'a App, scene: &'a Scene<'a>) -> Self {
        let budget = &app.budget;
        let hope = CURIOSITY * budget.curiosity();
        let hope = if scene.now.since(app.load_changed_at) < CAUTIOUS {
            (0.0, 0.0)
        } else if app.dwell.is_wary(scene.now) {
            (hope, -WARINESS)
        } else {
            (hope, hope)
        };
        let saved = if app.dwell.is_settled(scene.now) {
            budget.affordable()
        } else {
            0.0
        };
        let patience = if app.dwell.is_calm(scene.now) {
            budget.patience()
        } else {
            budget.least_patience()
        };
        let mut prospects = Self {
            patience,
            moment: app.forecast.moment(app.requirement.latency, scene.now),
            hope,
            affordable: (budget.allowed() + saved).min(MOST_RISK),
            rate: 1.0 / app.period(),
            places: Vec::new(),
            app,
            scene,
        };
        let processors = 0..scene.board.processors.len();
        prospects.places = processors.map(|index| prospects.place(index)).collect();
        prospects
    }

    fn place(&self, index: usize) -> Ground {
        let (app, scene) = (self.app, self.scene);
        let conditions = |level| scene.surroundings.conditions(scene.board, app.id, index, level);
        let alone = conditions(scene.level);
        let mut ground = Ground {
            alone,
            strangers: app.forecast.strangers(index, &alone),
            beside: conditions(crowded(scene.level)),
            kappa: app.forecast.crowding(index),
            prospects: Vec::new(),
            believed: Vec::new(),
        };
        if !app.may_run_on(index) {
            return ground;
        }
        let processor = &scene.board.processors[index];
        let is_cpu = processor.kind == ProcessorKind::Cpu;
        let room = processor.cpus.intersection(scene.usable).len();
        let most = if is_cpu {
            app.max_threads.min(app.cores.max).min(room)
        } else {
            1
        };
        let least = if is_cpu { app.cores.min.max(1) } else { 1 };
        let shares = is_cpu && app.cores.min <= 1 && room > 0;
        let running = app.granted.map(|grant| grant.offer);
        let running = running.map(|offer| (offer.processor, offer.cores, offer.subnetwork));
        let order = app.candidates(scene.objective);
        ground
            .believed
            .resize_with(app.model.subnetworks.len(), OnceCell::new);
        for cores in shares.then_some(0).into_iter().chain(least..=most) {
            let prospects = order.iter().map(|&subnetwork| Prospect {
                subnetwork,
                cores,
                basis: OnceCell::new(),
                quality: app.model.subnetworks[subnetwork].quality.get(),
                most: self.most_gain(subnetwork, cores),
                runs: running == Some((index, cores, subnetwork)),
                is_short: app.is_short(subnetwork),
                known: Cell::new(Bounds {
                    free: 0.0,
                    held: 0.0,
                    failed: f64::INFINITY,
                }),
            });
            ground.prospects.extend(prospects);
        }
        ground
    }

    /// What the forecast says of a point on the processor of this index.
    fn basis(&self, index: usize, prospect: &Prospect) -> Basis {
        let (ground, forecast) = (&self.places[index], &self.app.forecast);
        let at = Point {
            subnetwork: prospect.subnetwork,
            processor: index,
            cores: prospect.cores.max(1),
        };
        let believed = || {
            let believed = &ground.believed[prospect.subnetwork];
            *believed.get_or_init(|| forecast.believed_slopes(at))
        };
        Basis {
            footing: self.moment.footing(at, ground.now(prospect.cores).level),
            slopes: forecast.learned_slopes(at).unwrap_or_else(believed),
            doubts: forecast.doubts(at),
        }
    }

    /// Adds what the planner may choose from at `spot`.
    pub(crate) fn points(&self, spot: &Spot<'_>, into: &mut Vec<plan::Point>) {
        let all = self.places[spot.index].prospects.iter();
        into.extend(all.map(|prospect| self.point(spot, prospect, &self.course(spot, prospect))));
    }

    /// The same less what another point with as many cores makes needless; watts count by themselves if they are
    /// `limited`.
    pub(crate) fn front(&self, spot: &Spot<'_>, limited: bool, into: &mut Vec<plan::Point>) {
        let is_cpu = spot.processor.kind == ProcessorKind::Cpu;
        let mut late = Vec::new();
        let prospects = &self.places[spot.index].prospects;
        for team in prospects.chunk_by(|a, b| a.cores == b.cores) {
            let first = into.len();
            let needless = |sketch: &plan::Point, into: &[plan::Point]| {
                into[first..].iter().any(|point| point.dominates(sketch, limited))
            };
            for prospect in team {
                // Of what takes nothing but cores, the best in budget makes all needless that gains less.
                let settles =
                    |best: &plan::Point| best.worth.violation == 0 && best.worth.gain > prospect.most;
                if is_cpu && !limited && into[first..].iter().any(settles) {
                    continue;
                }
                let course = self.course(spot, prospect);
                let sketch = self.sketch(spot, prospect, &course);
                if needless(&sketch, into) {
                    continue;
                }
                match self.judge(spot, prospect, &course) {
                    Verdict::Free => into.push(sketch),
                    Verdict::Held(outlook) => {
                        into.push(self.filled(sketch, spot, prospect, (&course, outlook)));
                    }
                    Verdict::Late(outlook) => late.push((prospect, course, sketch, outlook)),
                }
            }
            for (prospect, course, mut sketch, outlook) in late.drain(..) {
                sketch.worth.violation += micro(LEAST);
                if !needless(&sketch, into) {
                    into.push(self.filled(sketch, spot, prospect, (&course, outlook)));
                }
            }
        }
    }

    /// What it would get if it ran this sub-network on so many cores at `spot`; nothing if it cannot.
    pub(crate) fn offer(&self, spot: &Spot<'_>, (subnetwork, cores): (usize, u32)) -> Option<Offer> {
        let mut all = self.places[spot.index].prospects.iter();
        let prospect = all.find(|one| (one.subnetwork, one.cores) == (subnetwork, cores))?;
        let course = self.course(spot, prospect);
        let outlook = self.moment.outlook(&course.basis.footing, course.strain);
        Some(Offer {
            processor: spot.index,
            cores,
            subnetwork,
            violation: self.violation(spot, prospect, (&course, &outlook)),
            conditions: course.conditions,
            opp: spot.speed.opp,
        })
    }

    fn course<'b>(&self, spot: &Spot<'_>, prospect: &'b Prospect) -> Course<'b> {
        let basis = prospect.basis.get_or_init(|| self.basis(spot.index, prospect));
        let ground = &self.places[spot.index];
        let now = ground.now(prospect.cores);
        let clocked = Conditions {
            slowness: spot.speed.slowness.or(now.slowness),
            host_slowness: spot.host.and_then(|host| host.slowness).or(now.host_slowness),
            ..now
        };
        let clocks = basis.slopes.factor(&clocked);
        let busy = basis.footing.undisturbed().get() * clocks * self.rate;
        let crowd = match spot.sharing {
            _ if spot.processor.kind == ProcessorKind::Cpu => now.crowd,
            Sharing::Alone => 0.0,
            Sharing::Within(ceiling) => (ceiling - busy).max(0.0),
        };
        let crowd = crowd.min(1.0);
        let slowdown = stretch::crowded(ground.kappa, crowd) * ground.strangers;
        let stretch = clocks * slowdown;
        let conditions = Conditions { crowd, ..clocked };
        let strain = match &basis.doubts {
            Some(doubts) => Strain {
                stretch,
                shelf: forecast::shelf(slowdown),
                doubt: doubts.of(&conditions, clocks),
            },
            None => Strain::of_cpu(stretch, now.level),
        };
        Course {
            basis,
            conditions,
            strain,
            busy,
        }
    }

    /// What the risk of lateness means, if possible without finding it.
    fn judge(&self, spot: &Spot<'_>, prospect: &Prospect, course: &Course<'_>) -> Verdict {
        // On an accelerator, more than how far it is stretched differs from spot to spot.
        let is_typical = !self.runs(spot, prospect) && course.basis.doubts.is_none();
        let stretch = course.strain.stretch;
        let known = prospect.known.get();
        if is_typical && stretch <= known.free {
            return Verdict::Free;
        }
        if is_typical && stretch >= known.failed {
            return Verdict::Late(None);
        }
        if is_typical && stretch <= known.held && self.is_priced() {
            return Verdict::Held(None);
        }
        let outlook = self.moment.outlook(&course.basis.footing, course.strain);
        let holds = self.excess_risk(spot, prospect, (course, &outlook)) <= 0.0;
        let is_free = holds && !(self.is_priced() && self.costs(spot, prospect, &outlook));
        if is_typical {
            let raised = |most: f64, by: bool| if by { most.max(stretch) } else { most };
            prospect.known.set(Bounds {
                free: raised(known.free, is_free),
                held: raised(known.held, holds),
                failed: if holds {
                    known.failed
                } else {
                    known.failed.min(stretch)
                },
            });
        }
        match (holds, is_free) {
            (false, _) => Verdict::Late(Some(outlook)),
            (true, true) => Verdict::Free,
            (true, false) => Verdict::Held(Some(outlook)),
        }
    }

    /// Whether the objective counts the risk of what is in budget.
    fn is_priced(&self) -> bool {
        matches!(
            self.scene.objective,
            Objective::MaxQuality | Objective::MaxTimelyQuality
        )
    }

    /// Whether that costs anything.
    fn costs(&self, spot: &Spot<'_>, prospect: &Prospect, outlook: &Outlook) -> bool {
        match self.scene.objective {
            Objective::MaxTimelyQuality => self.in_time(spot, prospect, outlook) < 1.0,
            _ => self.spent(outlook) > 0.0,
        }
    }

    fn violation(&self, spot: &Spot<'_>, prospect: &Prospect, found: (&Course<'_>, &Outlook)) -> f64 {
        self.excess_risk(spot, prospect, found) + f64::from(u8::from(prospect.is_short))
    }

    /// How far the risk of lateness exceeds the budget; 0 if it does not.
    fn excess_risk(
        &self,
        spot: &Spot<'_>,
        prospect: &Prospect,
        (course, outlook): (&Course<'_>, &Outlook),
    ) -> f64 {
        let budget = &self.app.budget;
        let runs = self.runs(spot, prospect);
        let (patience, loyalty) = if runs {
            (self.patience, budget.loyalty())
        } else {
            (0.0, 0.0)
        };
        let allowed = (budget.allowed() + patience).min(MOST_RISK);
        // Hope is for trying what is allowed. What is beyond that is paid for, and may turn out dearer.
        let is_paid = !runs && outlook.late + WARINESS * outlook.unsure <= self.affordable;
        if is_paid || self.risk(spot, prospect, outlook) <= allowed {
            return 0.0;
        }
        // Where all are late for sure, the one that is late by least.
        let beyond = libm::log(self.relative(course).max(1.0));
        (outlook.late - allowed - loyalty).max(LEAST) + SLOWNESS_WEIGHT * beyond
    }

    /// The risk of lateness to reckon with: of what may be tried, the least that is likely.
    fn risk(&self, spot: &Spot<'_>, prospect: &Prospect, outlook: &Outlook) -> f64 {
        let hope = match prospect.cores {
            0 => 0.0,
            _ if self.runs(spot, prospect) => self.hope.0,
            _ => self.hope.1,
        };
        (outlook.late - hope * outlook.unsure).max(0.0)
    }

    /// True if this is what runs now.
    fn runs(&self, spot: &Spot<'_>, prospect: &Prospect) -> bool {
        prospect.runs
            && self
                .app
                .granted
                .is_some_and(|grant| grant.offer.opp == spot.speed.opp)
    }

    /// A point with all that it gains and takes.
    fn point(&self, spot: &Spot<'_>, prospect: &Prospect, course: &Course<'_>) -> plan::Point {
        let sketch = self.sketch(spot, prospect, course);
        self.filled(sketch, spot, prospect, (course, None))
    }

    /// A sketch, completed by what the risk of lateness makes of it, which may have been found already.
    fn filled(
        &self,
        mut point: plan::Point,
        spot: &Spot<'_>,
        prospect: &Prospect,
        (course, outlook): (&Course<'_>, Option<Outlook>),
    ) -> plan::Point {
        let outlook = outlook.unwrap_or_else(|| self.moment.outlook(&course.basis.footing, course.strain));
        point.worth.violation = micro(self.violation(spot, prospect, (course, &outlook)));
        match self.scene.objective {
            Objective::MaxTimelyQuality => {
                let in_time = self.in_time(spot, prospect, &outlook);
                point.worth.gain = self.gain(spot, prospect, (course, in_time));
            }
            Objective::MaxQuality => point.worth.gain -= micro(self.spent(&outlook) * self.app.weight),
            Objective::MinEnergy | Objective::MinLatency => {}
        }
        point
    }

    /// The same as if it were never late.
    fn sketch(&self, spot: &Spot<'_>, prospect: &Prospect, course: &Course<'_>) -> plan::Point {
        let is_cpu = spot.processor.kind == ProcessorKind::Cpu;
        let watts = course.busy.min(1.0) * spot.speed.watts(f64::from(prospect.cores.max(1)));
        let hosted = if is_cpu { 0.0 } else { self.hosted(course) };
        let host_watts = spot.host.map_or(0.0, |host| host.watts(hosted));
        let stays = self.app.granted.is_none() || prospect.runs;
        let toll = if stays { 0.0 } else { spot.toll };
        let demand = match spot.sharing {
            _ if is_cpu => f64::from(prospect.cores),
            Sharing::Alone => 1.0,
            Sharing::Within(_) => course.busy,
        };
        plan::Point {
            subnetwork: prospect.subnetwork,
            cores: prospect.cores,
            worth: plan::Worth {
                violation: micro(f64::from(u8::from(prospect.is_short))),
                gain: match self.scene.objective {
                    Objective::MaxQuality | Objective::MinEnergy => prospect.most,
                    _ => self.gain(spot, prospect, (course, 1.0)),
                },
                cost: micro(watts + host_watts + toll),
            },
            demand: micro(demand),
            watts: micro(watts),
            host_demand: micro(hosted),
            host_watts: micro(host_watts),
        }
    }

    /// The share of time that a core of its host is busy for inferences of an accelerator.
    fn hosted(&self, course: &Course<'_>) -> f64 {
        let Basis { footing, slopes, .. } = course.basis;
        let slowness = course.conditions.host_slowness.unwrap_or(1.0);
        let seconds = footing.undisturbed().get() * (slopes.host * slowness);
        (seconds * self.rate).min(1.0)
    }

    /// The most that the objective gains, besides power, of a sub-network on so many cores.
    fn most_gain(&self, subnetwork: usize, cores: u32) -> Micro {
        let quality = self.app.model.subnetworks[subnetwork].quality.get();
        let gain = match self.scene.objective {
            Objective::MaxQuality | Objective::MaxTimelyQuality => self.app.normalised(quality),
            Objective::MinEnergy | Objective::MinLatency => 0.0,
        };
        self.weighed(gain, cores)
    }

    /// What the objective gains besides power if this share of answers comes in time.
    fn gain(&self, spot: &Spot<'_>, prospect: &Prospect, (course, in_time): (&Course<'_>, f64)) -> Micro {
        let relative = || self.relative(course);
        let gain = match self.scene.objective {
            Objective::MaxQuality => self.app.normalised(prospect.quality),
            Objective::MaxTimelyQuality => {
                let capacity = f64::from(spot.processor.capacity) / 1024.0;
                let busy = relative() * f64::from(prospect.cores.max(1)) * capacity;
                self.app.normalised(prospect.quality * in_time) - EFFORT_COST * busy
            }
            Objective::MinEnergy => 0.0,
            Objective::MinLatency => -relative(),
        };
        self.weighed(gain, prospect.cores)
    }

    /// A gain as it counts among all apps.
    fn weighed(&self, gain: f64, cores: u32) -> Micro {
        let sharing = if cores == 0 { SHARING_COST } else { 0.0 };
        micro(gain * self.app.weight - sharing)
    }

    /// What the risk of lateness costs where quality counts, as a share of its range.
    fn spent(&self, outlook: &Outlook) -> f64 {
        RISK_COST * (outlook.late - SPARED * self.app.budget.allowed()).max(0.0)
    }

    /// Expected latency over the target.
    fn relative(&self, course: &Course<'_>) -> f64 {
        let expected = course.basis.footing.undisturbed().get() * course.strain.stretch;
        expected / self.app.requirement.latency.get()
    }

    /// The share of answers that come in time. Hope is for what was not tried: of what runs, evidence tells, and a little
    /// more, since a switch must pay for itself.
    fn in_time(&self, spot: &Spot<'_>, prospect: &Prospect, outlook: &Outlook) -> f64 {
        let late = if self.runs(spot, prospect) {
            (outlook.late - LOYALTY).max(0.0)
        } else {
            self.risk(spot, prospect, outlook)
        };
        1.0 - late
    }
}

impl Ground {
    /// Conditions of so many cores, with clocks as they are.
    fn now(&self, cores: u32) -> Conditions {
        if cores == 0 { self.beside } else { self.alone }
    }
}

pub(super) fn point(offer: &Offer) -> Point {
    Point {
        subnetwork: offer.subnetwork,
        processor: offer.processor,
        cores: offer.cores.max(1),
    }
}
