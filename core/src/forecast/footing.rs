//! What a forecast says of one point, as far as it is the same at every clock and beside any neighbour.
//!
//! A plan asks for the same point at dozens of clocks. Of steps 1 to 4 of the forecast, only the factor by which clocks
//! and neighbours stretch it differs: all else is found once, as a [`Footing`], and what the points of one app share, as a
//! [`Moment`].

use alloc::boxed::Box;

use dynd_vocab::{Seconds, Timestamp};

use super::{
    Forecast, HALF_LIFE, LEVELS, LOGISTIC_SCALE, Outlook, POOLED_SHARE, PRIOR_WEIGHT, Point, Undisturbed,
    WIDTH_LOADED, WIDTH_PROFILED, sharing,
};
use crate::load::Level;
use crate::spread::Tail;

/// Beyond this distance from the middle of the prior, in its scale, the probability is 1 or 0 to within 1e-9.
const CERTAIN: f64 = 21.0;

/// What an app's forecast says at one time of one target.
#[derive(Debug)]
pub(crate) struct Moment<'a> {
    forecast: &'a Forecast,
    now: Timestamp,
    target: Seconds,
    log_target: f64,
    /// Per shelf, evidence of all points.
    pooled: [Tail; LEVELS],
}

/// Under what an inference runs, as far as its outlook depends on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strain {
    /// By how much clocks, neighbours and strangers stretch it.
    pub(crate) stretch: f64,
    /// Where evidence of it belongs.
    pub(crate) shelf: usize,
    /// How unsure it is how far clocks stretch it (variance of the log).
    pub(crate) doubt: f64,
}

impl Strain {
    /// Of an inference on CPUs under a load level.
    pub(crate) fn of_cpu(stretch: f64, level: Level) -> Self {
        Self {
            stretch,
            shelf: usize::from(level),
            doubt: 0.0,
        }
    }
}

/// What is believed and known of a point under a load level, at any clock and beside any neighbour.
#[derive(Debug)]
pub(crate) struct Footing {
    point: Point,
    level: Level,
    undisturbed: Undisturbed,
    /// The log of a factor that was learned of the level.
    correction: f64,
    /// Width of the prior.
    width: f64,
    /// The app's other points tell of its noise; a slowdown of theirs is one here in this share of it.
    pooled: Option<f64>,
    /// Per shelf, its own evidence, and the share of its weight that is left by now.
    evidence: [Option<(Box<Tail>, f64)>; LEVELS],
    /// Whether there is evidence that was not written down yet.
    is_recent: bool,
}

impl Forecast {
    /// What is said now of whether `target` is met.
    pub(crate) fn moment(&self, target: Seconds, now: Timestamp) -> Moment<'_> {
        Moment {
            forecast: self,
            now,
            target,
            log_target: libm::log(target.get()),
            pooled: core::array::from_fn(|shelf| self.pooled[shelf].tail()),
        }
    }

    /// What is believed of `point` before it was tried under `level`: everything but the evidence.
    pub(super) fn belief(&self, point: Point, level: Level) -> Footing {
        self.belief_as(point, level, self.undisturbed_of(point))
    }

    fn belief_as(&self, point: Point, level: Level, undisturbed: Undisturbed) -> Footing {
        // What an app learned of its CPUs says nothing of an accelerator, where strangers tell it.
        let (correction, doubt, unsure) = match self.stretch.is_accelerator(point.processor) {
            true => (0.0, 0.0, 0.0),
            false => {
                let (correction, doubt) = self.correction_of(undisturbed.log, level);
                (
                    correction,
                    doubt,
                    self.correction[usize::from(level)].uncertainty(),
                )
            }
        };
        let loaded = if level > 0 { WIDTH_LOADED } else { 0.0 };
        let own = undisturbed.width * undisturbed.width;
        Footing {
            point,
            level,
            undisturbed,
            correction,
            width: libm::sqrt(own + loaded * loaded + doubt * doubt + unsure),
            pooled: None,
            evidence: [const { None }; LEVELS],
            is_recent: false,
        }
    }
}

impl Moment<'_> {
    /// All that is known of `point` under `level`.
    pub(crate) fn footing(&self, point: Point, level: Level) -> Footing {
        let forecast = self.forecast;
        let Some(known) = forecast.known(point) else {
            return forecast.belief(point, level);
        };
        let belief = forecast.belief_as(point, level, forecast.undisturbed_as(point, known));
        let is_accelerator = forecast.stretch.is_accelerator(point.processor);
        let tail = |shelf: usize| {
            let evidence = known.evidence[shelf].as_deref()?;
            let age = self.now.since(evidence.at).as_secs_f64() / HALF_LIFE.as_secs_f64();
            Some((Box::new(evidence.spread.tail()), libm::exp2(-age)))
        };
        let is_asked = |shelf: usize| is_accelerator || shelf == usize::from(level);
        let share = || match is_accelerator {
            true => 1.0,
            false => forecast.share_of(belief.undisturbed.log),
        };
        Footing {
            pooled: (level == 0 && known.is_timed()).then(share),
            evidence: core::array::from_fn(|shelf| is_asked(shelf).then(|| tail(shelf)).flatten()),
            is_recent: forecast.recent.iter().any(|recent| recent.point == point),
            ..belief
        }
    }

    /// Probability that an inference on this footing takes longer than the target under `strain`. It grows with how far that
    /// stretches it, as long as all else is the same.
    pub(crate) fn outlook(&self, footing: &Footing, strain: Strain) -> Outlook {
        let Strain {
            stretch,
            shelf,
            doubt,
        } = strain;
        let log_stretch = libm::log(stretch);
        let width = match doubt {
            0.0 => footing.width,
            doubt => libm::sqrt(footing.width * footing.width + doubt),
        };
        let distance =
            (self.log_target - footing.log_middle(stretch, log_stretch)) / (width * LOGISTIC_SCALE);
        let mut prior = if libm::fabs(distance) < CERTAIN {
            1.0 / (1.0 + libm::exp(distance))
        } else {
            f64::from(u8::from(distance < 0.0))
        };
        let log_allowance = self.log_target - footing.undisturbed.log - log_stretch;
        let mut believed = PRIOR_WEIGHT;
        if let Some(share) = footing.pooled {
            let allowance = self.target / (footing.undisturbed.seconds * stretch);
            // What shorter inferences lost is a time here too.
            let log_pooled = if share < 1.0 && allowance > 1.0 {
                libm::log(1.0 + (allowance - 1.0) / share)
            } else {
                log_allowance
            };
            let pooled = &self.pooled[shelf];
            let (alike, above) = (pooled.weight(), pooled.weight_above(log_pooled));
            prior = (PRIOR_WEIGHT * prior + above) / (PRIOR_WEIGHT + alike);
            believed += POOLED_SHARE * alike;
        }
        let (mut weight, mut above) = (0.0, 0.0);
        if let Some((tail, keep)) = &footing.evidence[shelf] {
            weight = tail.weight() * keep;
            above = tail.weight_above(log_allowance) * keep;
        }
        if footing.is_recent {
            let recent = self.forecast.recent.iter();
            for recent in recent.filter(|recent| recent.point == footing.point) {
                weight += 1.0;
                above += f64::from(u8::from(recent.alone * stretch > self.target));
            }
        }
        // What was seen at a clock says the less of another one, the less it is known how clocks stretch it.
        let trust = 1.0 / (1.0 + doubt / (WIDTH_PROFILED * WIDTH_PROFILED));
        (weight, above) = (weight * trust, above * trust);
        let late = (believed * prior + above) / (believed + weight);
        let unsure = libm::sqrt(late * (1.0 - late) / (believed + weight + 1.0));
        Outlook { late, unsure }
    }
}

impl Footing {
    /// Latency of an inference that nothing disturbs, at the highest clock.
    pub(crate) fn undisturbed(&self) -> Seconds {
        self.undisturbed.seconds
    }

    /// Middle and width of the prior.
    pub(super) fn prior(&self, stretch: f64) -> (Seconds, f64) {
        let middle = libm::exp(self.log_middle(stretch, libm::log(stretch)));
        (Seconds::new(middle), self.width)
    }

    /// The log of the middle of the prior.
    fn log_middle(&self, stretch: f64, log_stretch: f64) -> f64 {
        let log_alone = self.undisturbed.log + log_stretch + self.correction;
        if self.level == 0 {
            return log_alone;
        }
        let beside = self.undisturbed.seconds * stretch;
        log_alone + libm::log(sharing(self.point, beside, self.level))
    }
}
