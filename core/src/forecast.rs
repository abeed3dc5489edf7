//! How long an inference of one app will take: what is believed before it was tried, and what was seen.
//!
//! Steps, for a point (sub-network, processor, cores) under a load level, at a clock, beside neighbours ([`Conditions`]):
//! 1. *Undisturbed latency*, at the highest clock and without neighbours: the profile, else what was seen without load, else the nearest known
//!    sub-network scaled by MACs, else a slow machine is assumed.
//! 2. *Prior*: under load level n a core is shared with n tasks. A long inference gets 1/(1+n) of it; one
//!    shorter than a scheduler slice mostly runs through: slowdown = 1 + n · S²/(S² + slice²) for service time
//!    S, times a correction that a Kalman filter per level learns from all points of the app. (Measured medians
//!    on an idle 2-core machine, Linux 6.18, HZ 250, one busy thread per core: S = 0.5, 2, 4.5, 8 ms became
//!    0.6, 2.1, 8.5, 16 ms; the formula says 0.5, 2.6, 7.6, 15.) Threads that wait for each other at every layer
//!    lose more: each of c threads loses slices, and each loss stalls the others, so that n and S both count c²
//!    times. (Measured as above, c = 2: S = 1.9, 3.0, 5.3, 6.5 ms became 9.1, 14, 28, 35 ms; the formula says 8.6,
//!    14, 26, 32.) Around it the latency is taken to be log-logistic, with a width that says how unsure the prior
//!    is.
//!    Clocks and neighbours stretch it ([`Stretch`]); where they are not known the factor is 1.
//! 3. *Evidence*: a [`Spread`] per point and level (of an accelerator: by how much others slow it), of latencies over the
//!    undisturbed one and the stretch, so that it holds at other clocks; no shape is assumed.
//!    Without unmanaged load the noise of a point whose undisturbed latency was measured is taken to be that of the
//!    app's other points: what was hardly tried has the tails of what was, as a time if that was shorter.
//! 4. *Posterior*: P(late) = (w · prior + evidence) / (w + weight of evidence), with its standard deviation as
//!    of a beta distribution. The prior weighs as much as `PRIOR_WEIGHT` observations.
//!
//! Evidence younger than `SETTLING` counts at once but is written down only later: if the load level changes in
//! the meantime it belongs to neither level (sensing a change takes a few samples) and is dropped.

mod footing;

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::time::Duration;

use dynd_vocab::{ModelTable, ProcessorKind, Report, Seconds, Timestamp};

use crate::conditions::Conditions;
use crate::kalman::Kalman;
use crate::load::{Level, MAX_LEVEL};
use crate::spread::{FAST, SLOW, Spread};
use crate::stretch::{Doubts, Slopes, Stretch};

pub(crate) use footing::{Footing, Moment, Strain};

const LEVELS: usize = MAX_LEVEL as usize + 1;

/// Weight of the prior, in observations.
const PRIOR_WEIGHT: f64 = 6.0;

/// Evidence of another point of the app weighs this share of a point's own.
const POOLED_SHARE: f64 = 0.05;

/// From which slowdown on evidence of an accelerator goes to the next shelf.
const SHELVES: [f64; LEVELS - 1] = [1.12, 1.3, 1.6];

/// How old evidence must be before it is written down.
const SETTLING: Duration = Duration::from_millis(300);

/// The most evidence that waits to be written down.
const MOST_RECENT: usize = 128;

/// The time a task runs before the scheduler takes the core away in favour of an equal (Linux, CFS and
/// EEVDF: 3 to 4 ms on boards of 2 to 8 cores).
const SLICE: Seconds = Seconds::from_millis(3.0);

/// Seconds per MAC on the fastest core of an unknown board: 4 GMAC/s, slow on purpose.
const UNKNOWN_RATE: f64 = 0.25e-9;

/// Share of the ideal speed-up that every further core brings where nothing was measured.
const PARALLEL_GAIN: f64 = 0.7;

/// How latency is believed to grow with MACs, to a smaller sub-network and to a larger one: with this power of them. Dynamic-OFA
/// on the GPU of a Xavier NX has 0.5 from the smallest to the largest and 0.7 among the small ones; launches take their time.
const CPU_GROWTH: (f64, f64) = (0.8, 1.0);
const ACCELERATOR_GROWTH: (f64, f64) = (0.7, 0.7);

/// What that weighs: it may be off by 0.3, and a latency by 5 % (variances).
const GROWTH_WEIGHT: f64 = 0.028;

/// Width of the prior (standard deviation of log latency): measured alone, scaled from a neighbour, nothing
/// known, and what unmanaged load adds.
const WIDTH_PROFILED: f64 = 0.05;
const WIDTH_SCALED: f64 = 0.2;
const WIDTH_UNKNOWN: f64 = 0.5;
const WIDTH_LOADED: f64 = 0.3;

/// The log of the most that an inference may take longer, or less, than was believed.
const FAR_OFF: f64 = 6.0 * core::f64::consts::LN_2;

/// The most that good luck under a load may speed the prior up, as the log of a factor.
const LUCK: f64 = -0.2;

/// Weight of the newest inference in the mean length of those that taught the correction.
const TEACHING: f64 = 0.05;

/// A logistic distribution of this scale has standard deviation 1: √3/π.
const LOGISTIC_SCALE: f64 = 0.551_328_895_421_792;

/// Evidence of one point at one level weighs no more than this after this time without new evidence: a
/// rejected point is tried again, rarely.
const HALF_LIFE: Duration = Duration::from_secs(30);

/// A way to run one inference, apart from the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Point {
    pub(crate) subnetwork: usize,
    pub(crate) processor: usize,
    pub(crate) cores: u32,
}

/// What is believed of a point under a load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outlook {
    /// Probability that an inference is late.
    pub(crate) late: f64,
    /// Standard deviation of that probability.
    pub(crate) unsure: f64,
}

/// Everything known about the latency of one app.
#[derive(Debug)]
pub(crate) struct Forecast {
    macs: Vec<u64>,
    stretch: Stretch,
    /// Where each point is in `known`.
    indices: BTreeMap<Point, usize>,
    known: Vec<Known>,
    /// The point of the latest inference: mostly that of the next one, too.
    latest: Option<(Point, usize)>,
    /// Per shelf, evidence of all points.
    pooled: [Spread; LEVELS],
    recent: VecDeque<Recent>,
    /// Per level, log of (measured / prior) slowdown.
    correction: [Kalman; LEVELS],
    /// How long the inferences take, undisturbed, that taught the correction without load: a fading mean of the log.
    taught_by: Option<f64>,
    last_ended: Timestamp,
    /// Whether strangers slow the app more or less since its latest inference, if that has changed.
    turn: Option<Ordering>,
}

/// What is known of one point.
#[derive(Debug, Default)]
struct Known {
    measured: Option<Measured>,
    /// Log of the undisturbed latency as seen without load.
    seen: Option<Kalman>,
    /// Per shelf; absent before there was any.
    evidence: [Option<Box<Evidence>>; LEVELS],
}

/// Latencies over the undisturbed one and the stretch, and when the newest was seen.
#[derive(Debug)]
struct Evidence {
    spread: Spread,
    at: Timestamp,
}

/// The latency of an inference that nothing disturbs, at the highest clock, and how sure that is.
#[derive(Clone, Copy, Debug)]
struct Undisturbed {
    seconds: Seconds,
    /// Log of seconds.
    log: f64,
    /// Standard deviation of the log.
    width: f64,
}

/// A point of the profile: median and its log, and width of the log latency.
#[derive(Clone, Copy, Debug)]
struct Measured {
    median: Seconds,
    log: f64,
    width: f64,
    /// The highest clock over the one it was measured at.
    slowness: f64,
}

#[derive(Clone, Copy, Debug)]
struct Recent {
    at: Timestamp,
    point: Point,
    index: usize,
    /// Where evidence of it belongs.
    shelf: usize,
    /// What it took, if clock, neighbours and strangers had not stretched it, and the log of that in seconds.
    alone: Seconds,
    log_alone: f64,
    lesson: Option<Lesson>,
}

/// What an inference without unmanaged load teaches of clocks and neighbours.
#[derive(Clone, Copy, Debug)]
struct Lesson {
    conditions: Conditions,
    /// What it took, on an accelerator without strangers and at the highest clocks.
    service: Seconds,
    undisturbed: Seconds,
}

impl Forecast {
    /// Nothing but the model's table is known.
    pub(crate) fn new(table: &ModelTable) -> Self {
        Self {
            macs: table
                .subnetworks
                .iter()
                .map(|subnetwork| subnetwork.macs.max(1))
                .collect(),
            stretch: Stretch::default(),
            indices: BTreeMap::new(),
            known: Vec::new(),
            latest: None,
            pooled: [const { Spread::EMPTY }; LEVELS],
            recent: VecDeque::new(),
            correction: [Kalman::new(0.0, 0.2); LEVELS],
            taught_by: None,
            last_ended: Timestamp::default(),
            turn: None,
        }
    }

    /// Says what kind of processor the one of this index is.
    pub(crate) fn know(&mut self, processor: usize, kind: ProcessorKind) {
        self.stretch.know(processor, kind);
    }

    /// Adds a measured point: how long one inference takes alone on idle cores, with clocks as `conditions` say. Of
    /// several of one point, the one at the highest clock counts, and the others tell how the clock scales it.
    pub(crate) fn profiled(
        &mut self,
        point: Point,
        conditions: &Conditions,
        (median, p95): (Seconds, Seconds),
    ) {
        if point.subnetwork >= self.macs.len() || !median.is_positive() || !p95.is_positive() {
            return;
        }
        let width = (libm::log(p95 / median) / 1.645).max(WIDTH_PROFILED);
        let slowness = conditions.slowness.unwrap_or(1.0);
        if conditions.slowness.is_some() {
            let reference = match self.measured(point) {
                Some(_) => self.undisturbed(point),
                None => median * (1.0 / self.stretch.clock_factor(point, conditions, &self.macs)),
            };
            let pair = (median.get(), reference.get());
            self.stretch.observe(point, conditions, pair, &self.macs);
        }
        let known = self.measured(point);
        if known.is_none_or(|known| slowness <= known.slowness) {
            let index = self.index(point);
            self.known[index].measured = Some(Measured {
                median,
                log: libm::log(median.get()),
                width,
                slowness,
            });
        }
    }

    /// Learns from an inference at `point` under `conditions`; returns its latency less the time it
    /// had to wait for its own predecessor, or nothing if it says nothing.
    pub(crate) fn observe(
        &mut self,
        point: Point,
        conditions: &Conditions,
        report: &Report,
    ) -> Option<Seconds> {
        self.turn = None;
        let level = conditions.level;
        let latency = self.own_latency(report)?;
        if point.subnetwork >= self.macs.len() {
            return None;
        }
        let index = self.index(point);
        let service = Seconds::from(report.service);
        // The first inference after a switch says little of how long others take. It counts as evidence all the same:
        // a selector that steps down after it would leave no other, and the point would be tried for ever.
        let is_telling = service.is_positive() && !report.after_switch;
        let is_accelerator = self.stretch.is_accelerator(point.processor);
        if is_telling && is_accelerator {
            self.feel(point, index, conditions, service);
        }
        let stretch = self.stretch(point, conditions);
        let alone = latency * (1.0 / stretch);
        let log_alone = libm::log(alone.get());
        if is_telling && !is_accelerator {
            let base = self.undisturbed_as(point, &self.known[index]);
            let mut log_prior = base.log;
            if level > 0 {
                log_prior += libm::log(sharing(point, base.seconds * stretch, level));
            }
            let learned = self.correction_of(base.log, level).0;
            let off = (log_alone - log_prior - learned).clamp(-FAR_OFF, FAR_OFF);
            self.correction[usize::from(level)].observe(off + learned);
            if level == 0 {
                let taught_by = self.taught_by.unwrap_or(base.log);
                self.taught_by = Some(taught_by + TEACHING * (base.log - taught_by));
                let log_service = match service == latency {
                    true => log_alone,
                    false => libm::log(service.get() / stretch),
                };
                let first = || Kalman::new(log_service, 0.1);
                let seen = self.known[index].seen.get_or_insert_with(first);
                seen.observe(log_service);
            }
        }
        // An inference on an accelerator has taught what it felt at once, but for its neighbours.
        let teaches = is_telling && level == 0 && conditions.stretches();
        let (clocks, felt) = match is_accelerator {
            true => (
                None,
                stretch / self.stretch.crowd_factor(point.processor, conditions),
            ),
            false => (conditions.slowness, 1.0),
        };
        let lesson = teaches.then(|| Lesson {
            conditions: Conditions {
                slowness: clocks,
                host_slowness: None,
                ..*conditions
            },
            service: service * (1.0 / felt),
            undisturbed: self.undisturbed_as(point, &self.known[index]).seconds,
        });
        if self.recent.len() == MOST_RECENT {
            self.write_down_oldest();
        }
        self.recent.push_back(Recent {
            at: report.ended,
            point,
            index,
            shelf: match is_accelerator {
                true => self.strain(point, conditions).shelf,
                false => usize::from(level),
            },
            alone,
            log_alone,
            lesson,
        });
        while self
            .recent
            .front()
            .is_some_and(|oldest| report.ended.since(oldest.at) > SETTLING)
        {
            self.write_down_oldest();
        }
        Some(latency)
    }

    /// Learns from an inference on an accelerator how much strangers slow it; from the first one at a point that nobody
    /// has timed, how long that takes.
    fn feel(&mut self, point: Point, index: usize, conditions: &Conditions, service: Seconds) {
        if self.known[index].is_timed() {
            let undisturbed = self.undisturbed_as(point, &self.known[index]).seconds;
            let pair = (service.get(), undisturbed.get());
            let before = self.stretch.strangers_factor(point.processor, conditions);
            if self.stretch.felt(point, conditions, pair, &self.macs) {
                let after = self.stretch.strangers_factor(point.processor, conditions);
                self.turn = Some(after.total_cmp(&before));
                self.recent.clear();
            }
        }
        let log_service = libm::log(service.get() / self.stretch(point, conditions));
        let first = || Kalman::new(log_service, 0.1);
        let seen = self.known[index].seen.get_or_insert_with(first);
        seen.observe(log_service);
    }

    /// The load level changed: evidence not yet written down belongs to neither level.
    pub(crate) fn level_changed(&mut self) {
        self.recent.clear();
    }

    /// What an inference at `point` keeps an accelerator busy for, if it is one; neighbours do not make that longer.
    pub(crate) fn alone(&self, point: Point, conditions: &Conditions) -> Option<Seconds> {
        let clock = || self.stretch.clock_factor(point, conditions, &self.macs);
        let is_accelerator = self.stretch.is_accelerator(point.processor);
        is_accelerator.then(|| self.undisturbed(point) * clock())
    }

    /// By how much `conditions` stretch an inference at `point`.
    pub(crate) fn stretch(&self, point: Point, conditions: &Conditions) -> f64 {
        self.stretch.factor(point, conditions, &self.macs)
    }

    /// How much `conditions` strain an inference at `point`.
    fn strain(&self, point: Point, conditions: &Conditions) -> Strain {
        let stretch = self.stretch(point, conditions);
        if !self.stretch.is_accelerator(point.processor) {
            return Strain::of_cpu(stretch, conditions.level);
        }
        let clocks = self.stretch.clock_factor(point, conditions, &self.macs);
        Strain {
            stretch,
            shelf: shelf(stretch / clocks),
            doubt: self.stretch.doubts(point).of(conditions, clocks),
        }
    }

    /// Whether the latest inference told that strangers slow the app more on its accelerator, or less.
    pub(crate) fn turn(&self) -> Option<Ordering> {
        self.turn
    }

    /// By how much what nobody manages slows inferences on `processor`.
    pub(crate) fn strangers(&self, processor: usize, conditions: &Conditions) -> f64 {
        self.stretch.strangers_factor(processor, conditions)
    }

    /// How far it may be off how clocks stretch an inference at `point`; nothing is told of a CPU's.
    pub(crate) fn doubts(&self, point: Point) -> Option<Doubts> {
        let is_accelerator = self.stretch.is_accelerator(point.processor);
        is_accelerator.then(|| self.stretch.doubts(point))
    }

    /// Shares of the undisturbed latency at `point` that clocks scale, if any were learned.
    pub(crate) fn learned_slopes(&self, point: Point) -> Option<Slopes> {
        self.stretch.learned(point)
    }

    /// The same as it is believed before, on any number of cores.
    pub(crate) fn believed_slopes(&self, point: Point) -> Slopes {
        self.stretch.believed(point, &self.macs)
    }

    /// What a neighbour that keeps `processor` fully busy adds, as a share of the undisturbed latency.
    pub(crate) fn crowding(&self, processor: usize) -> f64 {
        self.stretch.crowding(processor)
    }

    /// True if anything was measured beforehand on the processor of this index.
    pub(crate) fn is_profiled_on(&self, processor: usize) -> bool {
        let mut there = self
            .indices
            .iter()
            .filter(|(point, _)| point.processor == processor);
        there.any(|(_, index)| self.known[*index].measured.is_some())
    }

    /// Latency of an inference that nothing disturbs, at the highest clock.
    pub(crate) fn undisturbed(&self, point: Point) -> Seconds {
        self.undisturbed_of(point).seconds
    }

    /// Latency at quantile `share` under `conditions`, from evidence if there is enough, else that of the app's other points
    /// without load, else the prior.
    pub(crate) fn quantile(&self, point: Point, conditions: &Conditions, share: f64) -> Seconds {
        let undisturbed = self.undisturbed(point) * self.stretch(point, conditions);
        if let Some(Evidence { spread, .. }) = self.evidence(point, conditions)
            && spread.weight() >= 20.0
            && let Some(ratio) = spread.quantile(share)
        {
            return undisturbed * ratio;
        }
        let is_accelerator = self.stretch.is_accelerator(point.processor);
        let pooled = &self.pooled[self.strain(point, conditions).shelf];
        if (is_accelerator || conditions.level == 0)
            && self.known(point).is_some_and(Known::is_timed)
            && pooled.weight() >= 20.0
            && let Some(ratio) = pooled.quantile(share)
        {
            let same = if is_accelerator {
                1.0
            } else {
                self.share_of(self.undisturbed_of(point).log)
            };
            let excess = (ratio - 1.0).max(0.0) * same;
            return undisturbed * (ratio.min(1.0) + excess);
        }
        let (middle, width) = self.prior(point, conditions);
        let odds = libm::log(share / (1.0 - share));
        middle * libm::exp(width * LOGISTIC_SCALE * odds)
    }

    /// Probability that an inference at `point` under `conditions` takes longer than `target`, at time `now`.
    pub(crate) fn outlook(
        &self,
        point: Point,
        conditions: &Conditions,
        target: Seconds,
        now: Timestamp,
    ) -> Outlook {
        let moment = self.moment(target, now);
        let footing = moment.footing(point, conditions.level);
        moment.outlook(&footing, self.strain(point, conditions))
    }

    /// Time between release and end that is not the fault of the app's own previous inference.
    fn own_latency(&mut self, report: &Report) -> Option<Seconds> {
        let since_last = report.ended.since(self.last_ended);
        let first = self.last_ended == Timestamp::default();
        self.last_ended = self.last_ended.max(report.ended);
        let own = if first {
            report.latency
        } else {
            report.latency.min(since_last).max(report.service)
        };
        let own = Seconds::from(own);
        own.is_positive().then_some(own)
    }

    fn write_down_oldest(&mut self) {
        let Some(oldest) = self.recent.pop_front() else {
            return;
        };
        if let Some(lesson) = oldest.lesson {
            let pair = (lesson.service.get(), lesson.undisturbed.get());
            self.stretch
                .observe(oldest.point, &lesson.conditions, pair, &self.macs);
        }
        let undisturbed = self.undisturbed_as(oldest.point, &self.known[oldest.index]);
        let log_ratio = oldest.log_alone - undisturbed.log;
        self.pooled[oldest.shelf].observe(log_ratio, SLOW);
        let first = || {
            Box::new(Evidence {
                spread: Spread::EMPTY,
                at: oldest.at,
            })
        };
        let known = &mut self.known[oldest.index].evidence[oldest.shelf];
        let evidence = known.get_or_insert_with(first);
        let age = oldest.at.since(evidence.at).as_secs_f64() / HALF_LIFE.as_secs_f64();
        evidence.spread.fade(libm::exp2f(-age as f32));
        evidence.spread.observe(log_ratio, FAST);
        evidence.at = oldest.at;
    }

    /// Middle and width of the prior.
    fn prior(&self, point: Point, conditions: &Conditions) -> (Seconds, f64) {
        let stretch = self.stretch(point, conditions);
        self.belief(point, conditions.level).prior(stretch)
    }

    /// What was learned of this level so far, as the log of a factor for an inference whose undisturbed latency has the log
    /// `base`, and how doubtful that is. It may slow the prior down by any amount but speed it up by little: being lucky is
    /// no promise.
    ///
    /// Without load, short inferences lose time to wake-ups, longer ones hardly more of it: what was learned of shorter
    /// ones is taken to be a time rather than a factor, with half of the difference as doubt.
    fn correction_of(&self, base: f64, level: Level) -> (f64, f64) {
        let factor = self.correction[usize::from(level)].mean().max(LUCK);
        let share = if level == 0 && factor > 0.0 {
            self.share_of(base)
        } else {
            1.0
        };
        if share < 1.0 {
            let time = libm::log1p(libm::expm1(factor) * share);
            (time, (factor - time) / 2.0)
        } else {
            (factor, 0.0)
        }
    }

    /// The length of the inferences that taught what there is to lose without load, over that of one whose undisturbed
    /// latency has the log `base`; 1 at most.
    fn share_of(&self, base: f64) -> f64 {
        match self.taught_by {
            Some(taught_by) if taught_by < base => libm::exp(taught_by - base),
            _ => 1.0,
        }
    }

    fn undisturbed_of(&self, point: Point) -> Undisturbed {
        const NOTHING: Known = Known {
            measured: None,
            seen: None,
            evidence: [const { None }; LEVELS],
        };
        self.undisturbed_as(point, self.known(point).unwrap_or(&NOTHING))
    }

    /// The undisturbed latency of `point`, of which `known` is known.
    fn undisturbed_as(&self, point: Point, known: &Known) -> Undisturbed {
        if let Some(measured) = known.measured {
            let conditions = Conditions {
                slowness: Some(measured.slowness),
                ..Conditions::at(0)
            };
            let Measured {
                median, log, width, ..
            } = measured;
            return match self.stretch.clock_factor(point, &conditions, &self.macs) {
                1.0 => Undisturbed {
                    seconds: median,
                    log,
                    width,
                },
                stretch => Undisturbed {
                    seconds: median * (1.0 / stretch),
                    log: log - libm::log(stretch),
                    width,
                },
            };
        }
        if let Some(seen) = known.seen {
            return Undisturbed {
                seconds: Seconds::new(libm::exp(seen.mean())),
                log: seen.mean(),
                width: libm::sqrt(seen.uncertainty()) + WIDTH_PROFILED,
            };
        }
        let (seconds, width) = self.scaled(point);
        Undisturbed {
            seconds,
            log: libm::log(seconds.get()),
            width,
        }
    }

    /// The undisturbed latency of a point that was never tried, and the width of its log.
    fn scaled(&self, point: Point) -> (Seconds, f64) {
        if let Some((near, latency)) = self.nearest(point) {
            let macs = self.macs[point.subnetwork] as f64 / self.macs[near.subnetwork] as f64;
            let (growth, unsure) = self.growth(near, macs);
            let cores = speed_up(near.cores) / speed_up(point.cores);
            let width = match near.cores == point.cores {
                true => libm::hypot(WIDTH_PROFILED, unsure * libm::log(macs)),
                false => WIDTH_SCALED,
            };
            return (latency * (libm::pow(macs, growth) * cores), width);
        }
        let macs = self.macs[point.subnetwork] as f64;
        (
            Seconds::new(macs * UNKNOWN_RATE / speed_up(point.cores)),
            WIDTH_UNKNOWN,
        )
    }

    /// The known point on the same processor nearest to `point`: same number of cores first, then by MACs.
    fn nearest(&self, point: Point) -> Option<(Point, Seconds)> {
        let timed = self
            .indices
            .iter()
            .filter(|(_, index)| self.known[**index].is_timed());
        let near = timed
            .map(|(near, _)| *near)
            .filter(|near| near.processor == point.processor);
        let macs = |p: &Point| self.macs[p.subnetwork].abs_diff(self.macs[point.subnetwork]);
        near.min_by_key(|near| (near.cores.abs_diff(point.cores), macs(near)))
            .map(|near| (near, self.undisturbed(near)))
    }

    /// How latency grows from `near` on with MACs, of which there are `ratio` times as many: as their ratio to this power. A
    /// smaller sub-network is rarely faster in proportion, a larger one rarely slower than that; what other sub-networks
    /// take on the same cores tells it better (least squares on logarithms, with that as a prior). And how far it may be off.
    fn growth(&self, near: Point, ratio: f64) -> (f64, f64) {
        let (smaller, larger) = match self.stretch.is_accelerator(near.processor) {
            true => ACCELERATOR_GROWTH,
            false => CPU_GROWTH,
        };
        let believed = if ratio < 1.0 { smaller } else { larger };
        let from = self.undisturbed_of(near).log;
        let (mut both, mut own) = (GROWTH_WEIGHT * believed, GROWTH_WEIGHT);
        for (other, index) in &self.indices {
            let alike = (other.processor, other.cores) == (near.processor, near.cores);
            if alike && self.known[*index].is_timed() {
                let macs = self.macs[other.subnetwork] as f64 / self.macs[near.subnetwork] as f64;
                let macs = libm::log(macs);
                both += macs * (self.undisturbed_as(*other, &self.known[*index]).log - from);
                own += macs * macs;
            }
        }
        ((both / own).clamp(0.0, 1.0), WIDTH_PROFILED / libm::sqrt(own))
    }

    fn known(&self, point: Point) -> Option<&Known> {
        self.indices.get(&point).map(|index| &self.known[*index])
    }

    /// Where `point` is in `known`, from now on.
    fn index(&mut self, point: Point) -> usize {
        if let Some((latest, index)) = self.latest
            && latest == point
        {
            return index;
        }
        let next = self.known.len();
        let index = *self.indices.entry(point).or_insert(next);
        if index == next {
            self.known.push(Known::default());
        }
        self.latest = Some((point, index));
        index
    }

    fn measured(&self, point: Point) -> Option<Measured> {
        self.known(point)?.measured
    }

    fn evidence(&self, point: Point, conditions: &Conditions) -> Option<&Evidence> {
        let shelf = self.strain(point, conditions).shelf;
        self.known(point)?.evidence[shelf].as_deref()
    }
}

impl Known {
    /// Whether its undisturbed latency was measured, or seen.
    const fn is_timed(&self) -> bool {
        self.measured.is_some() || self.seen.is_some()
    }
}

/// Where evidence of an accelerator belongs, of whose load nobody tells a level: by how much neighbours and strangers slow
/// inferences there.
pub(crate) fn shelf(slowdown: f64) -> usize {
    SHELVES.iter().filter(|least| slowdown >= **least).count()
}

/// By how much tasks of a load level stretch an inference at `point` that takes `undisturbed` beside its neighbours.
fn sharing(point: Point, undisturbed: Seconds, level: Level) -> f64 {
    let team = f64::from(point.cores) * f64::from(point.cores);
    let slices = undisturbed * team / SLICE;
    let exposed = slices * slices / (slices * slices + 1.0);
    1.0 + f64::from(level) * team * exposed
}

fn speed_up(cores: u32) -> f64 {
    1.0 + PARALLEL_GAIN * (f64::from(cores.max(1)) - 1.0)
}

#[cfg(test)]
mod tests {
    use alloc::string::String;
    use alloc::vec;

    use dynd_vocab::{ModelKind, Quality, Subnetwork};

    use super::*;

    const TARGET: Seconds = Seconds::from_millis(9.0);

    fn at(cores: u32) -> Point {
        Point {
            subnetwork: 0,
            processor: 0,
            cores,
        }
    }

    /// One sub-network that was measured to take 3 ms on one core and 2 ms on two.
    fn profiled() -> Forecast {
        let subnetwork = Subnetwork {
            name: String::from("s"),
            quality: Quality::new(0.9).unwrap(),
            macs: 1_000_000,
            memory_bytes: 0,
        };
        let mut forecast = Forecast::new(&ModelTable {
            name: String::from("m"),
            kind: ModelKind::Family,
            quality_metric: String::from("top-1"),
            subnetworks: vec![subnetwork],
        });
        for (cores, ms) in [(1, 3.0), (2, 2.0)] {
            let median = Seconds::from_millis(ms);
            forecast.profiled(at(cores), &Conditions::at(0), (median, median * 1.05));
        }
        forecast
    }

    fn risk(forecast: &Forecast, cores: u32, level: Level) -> f64 {
        forecast
            .outlook(at(cores), &Conditions::at(level), TARGET, forecast.last_ended)
            .late
    }

    #[test]
    fn two_threads_are_the_better_choice_on_free_cores_and_the_worse_on_contended_ones() {
        let forecast = profiled();
        assert!(forecast.prior(at(2), &Conditions::at(0)).0 < forecast.prior(at(1), &Conditions::at(0)).0);
        assert!(risk(&forecast, 1, 1) < 0.05, "{}", risk(&forecast, 1, 1));
        assert!(risk(&forecast, 2, 1) > 0.3, "{}", risk(&forecast, 2, 1));
    }

    /// A family whose sub-networks have so many millions of MACs, on an accelerator.
    fn on_accelerator(macs: &[u64]) -> Forecast {
        let subnetwork = |(index, macs): (usize, &u64)| Subnetwork {
            name: alloc::format!("s{index}"),
            quality: Quality::new(0.9).unwrap(),
            macs: macs * 1_000_000,
            memory_bytes: 0,
        };
        let mut forecast = Forecast::new(&ModelTable {
            name: String::from("m"),
            kind: ModelKind::Supernet,
            quality_metric: String::from("top-1"),
            subnetworks: macs.iter().enumerate().map(subnetwork).collect(),
        });
        forecast.know(0, ProcessorKind::Gpu);
        forecast
    }

    fn took(forecast: &mut Forecast, subnetwork: usize, frame: u64, milliseconds: f64) {
        let latency = Duration::from_secs_f64(milliseconds * 1e-3);
        let report = Report {
            subnetwork,
            cores: 1,
            ended: Timestamp::from_nanos(frame * 100_000_000),
            service: latency,
            latency,
            after_switch: false,
        };
        let point = Point { subnetwork, ..at(1) };
        forecast.observe(point, &Conditions::at(0), &report);
    }

    #[test]
    fn a_neighbour_on_an_accelerator_is_answered_and_forgotten_within_two_inferences() {
        let mut forecast = on_accelerator(&[1]);
        let median = Seconds::from_millis(46.0);
        forecast.profiled(at(1), &Conditions::at(0), (median, median * 1.1));
        let risk = |forecast: &Forecast| {
            let target = Seconds::from_millis(60.0);
            forecast
                .outlook(at(1), &Conditions::at(0), target, forecast.last_ended)
                .late
        };
        let mut frame = 0;
        let mut run = |forecast: &mut Forecast, count: u64, milliseconds: f64| {
            for _ in 0..count {
                frame += 1;
                let noise = [0.97, 1.0, 1.04, 1.08][frame as usize % 4];
                took(forecast, 0, frame, milliseconds * noise);
            }
        };
        run(&mut forecast, 100, 46.0);
        assert!(risk(&forecast) < 0.02, "{}", risk(&forecast));
        for _ in 0..3 {
            run(&mut forecast, 2, 66.0);
            assert!(risk(&forecast) > 0.5, "{}", risk(&forecast));
            run(&mut forecast, 60, 66.0);
            assert!(risk(&forecast) > 0.9, "{}", risk(&forecast));
            run(&mut forecast, 2, 46.0);
            assert!(risk(&forecast) < 0.1, "{}", risk(&forecast));
            run(&mut forecast, 60, 46.0);
            assert!(risk(&forecast) < 0.02, "{}", risk(&forecast));
        }
    }

    #[test]
    fn noise_beside_a_neighbour_is_not_mixed_with_noise_alone() {
        let mut forecast = on_accelerator(&[1]);
        let median = Seconds::from_millis(40.0);
        forecast.profiled(at(1), &Conditions::at(0), (median, median * 1.1));
        let risk = |forecast: &Forecast, target| {
            forecast
                .outlook(
                    at(1),
                    &Conditions::at(0),
                    Seconds::from_millis(target),
                    forecast.last_ended,
                )
                .late
        };
        // Of an inference beside strangers.
        let beside = |frame: u64| 56.0 * [0.8, 1.0, 1.0, 1.2][frame as usize % 4];
        let mut frame = 0;
        for round in 0..3 {
            for _ in 0..150 {
                frame += 1;
                took(&mut forecast, 0, frame, 40.0 * [0.99, 1.01][frame as usize % 2]);
            }
            assert!(risk(&forecast, 46.0) < 0.02, "{round}: {}", risk(&forecast, 46.0));
            for _ in 0..20 {
                frame += 1;
                took(&mut forecast, 0, frame, beside(frame));
            }
            // A quarter takes 67.2 ms.
            assert!(risk(&forecast, 64.0) > 0.15, "{round}: {}", risk(&forecast, 64.0));
            for _ in 0..150 {
                frame += 1;
                took(&mut forecast, 0, frame, beside(frame));
            }
            for _ in 0..4 {
                frame += 1;
                took(&mut forecast, 0, frame, 40.0 * [0.99, 1.01][frame as usize % 2]);
            }
            assert!(risk(&forecast, 46.0) < 0.1, "{round}: {}", risk(&forecast, 46.0));
        }
    }

    #[test]
    fn two_sub_networks_tell_how_long_a_third_one_takes() {
        let of_third = |latencies: [f64; 2]| {
            let mut forecast = on_accelerator(&[200, 400, 800]);
            for frame in 1..=40 {
                let subnetwork = frame as usize % 2;
                took(&mut forecast, subnetwork, frame, latencies[subnetwork]);
            }
            let third = Point {
                subnetwork: 2,
                ..at(1)
            };
            forecast.undisturbed(third).as_millis()
        };
        // Both grow as the believed power or half of it, and not at all.
        let near = |found: f64, expected: f64| (found / expected - 1.0).abs() < 0.05;
        assert!(near(of_third([40.0, 65.0]), 105.6), "{}", of_third([40.0, 65.0]));
        assert!(near(of_third([40.0, 51.0]), 65.0), "{}", of_third([40.0, 51.0]));
        assert!(near(of_third([40.0, 40.0]), 41.4), "{}", of_third([40.0, 40.0]));
    }

    #[test]
    fn what_short_inferences_lose_without_load_makes_no_long_one_late() {
        let mut forecast = profiled();
        // Alone, 2 ms become 5 now and then: 2.5 times as long. Once more, 3 ms are not 9.
        for number in 1..=400 {
            let latency = Duration::from_millis(if number % 10 == 0 { 5 } else { 2 });
            let report = Report {
                subnetwork: 0,
                cores: 2,
                ended: Timestamp::from_nanos(number * 30_000_000),
                service: latency,
                latency,
                after_switch: false,
            };
            forecast.observe(at(2), &Conditions::at(0), &report);
        }
        let risk = |milliseconds| {
            let target = Seconds::from_millis(milliseconds);
            let conditions = Conditions::at(0);
            forecast
                .outlook(at(1), &conditions, target, forecast.last_ended)
                .late
        };
        assert!(risk(7.2) < 0.02, "{}", risk(7.2));
        assert!(risk(5.5) > 0.05, "{}", risk(5.5));
    }

    #[test]
    fn a_point_that_is_late_at_every_first_inference_is_not_tried_for_ever() {
        let mut forecast = profiled();
        assert!(risk(&forecast, 1, 0) < 0.01);
        for trial in 1..=6 {
            let latency = Duration::from_millis(20);
            let report = Report {
                subnetwork: 0,
                cores: 1,
                ended: Timestamp::from_nanos(trial * 1_000_000_000),
                service: latency,
                latency,
                after_switch: true,
            };
            forecast.observe(at(1), &Conditions::at(0), &report);
        }
        assert!(risk(&forecast, 1, 0) > 0.3, "{}", risk(&forecast, 1, 0));
        let undisturbed = forecast.undisturbed(at(1));
        assert_eq!(undisturbed, Seconds::from_millis(3.0), "an outlier was believed");
    }
}
