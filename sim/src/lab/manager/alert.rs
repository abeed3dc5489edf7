//! ALERT (Wan, Santriaji et al., "ALERT: Accurate Learning for Energy and Timeliness", USENIX ATC 2020).
//!
//! One global slow-down factor ξ, the measured over the profiled latency, is followed by a Kalman filter with adaptive
//! process noise (their eq. 5), its variance with it:
//!
//! ```text
//!  Q ← max(Q₀, α Q + (1 - α) (K y)²)      y = ξ measured - μ
//!  K ← ((1 - K) σ² + Q) / ((1 - K) σ² + Q + R)
//!  μ ← μ + K y,   σ² ← (1 - K) σ² + Q     K₀ = 0.5, R = 0.001, Q₀ = 0.1, μ₀ = 1, σ₀² = 0.1, α = 0.3
//! ```
//!
//! Before each inference it takes, of all profiled pairs of sub-network and power setting, the best of those that hold the
//! deadline with the probability asked for if ξ is normal, or the most probable if none does (their section 3.4).
//!
//! Simplified: their power caps (RAPL) are clocks of the processor here; one controller per app, the highest clock wins;
//! energy is that of one period at the profiled powers; σ² starts at theirs but Q₀ is scaled to this noise
//! (theirs, 0.1, is a deviation of 30 %, with which no sub-network would hold any percentile): 0.004.

use dynd_vocab::{Objective, Requirement, Seconds, Timestamp};

use super::votes::Votes;
use super::{Manager, News, Orders};
use crate::lab::brief::Brief;
use crate::lab::catalogue::{Catalogue, Point};
use crate::lab::world::Run;

const FIRST_GAIN: f64 = 0.5;
const MEASUREMENT_NOISE: f64 = 0.001;
const LEAST_PROCESS_NOISE: f64 = 0.004;
const FIRST_VARIANCE: f64 = 0.1;
const MEMORY: f64 = 0.3;

/// One controller per app.
#[derive(Clone, Debug)]
pub struct Alert {
    objective: Objective,
    apps: Vec<App>,
    votes: Votes,
}

#[derive(Clone, Debug)]
struct App {
    /// The profiled configurations, with the quality of each.
    points: Vec<(Point, f64)>,
    requirement: Requirement,
    present: Option<usize>,
    slowdown: Slowdown,
}

/// The filter.
#[derive(Clone, Copy, Debug)]
struct Slowdown {
    mean: f64,
    variance: f64,
    gain: f64,
    noise: f64,
}

impl Slowdown {
    const FIRST: Self = Self {
        mean: 1.0,
        variance: FIRST_VARIANCE,
        gain: FIRST_GAIN,
        noise: LEAST_PROCESS_NOISE,
    };

    fn observe(&mut self, measured: f64) {
        let innovation = measured - self.mean;
        let moved = (self.gain * innovation).powi(2);
        self.noise = LEAST_PROCESS_NOISE.max(MEMORY * self.noise + (1.0 - MEMORY) * moved);
        self.variance = (1.0 - self.gain) * self.variance + self.noise;
        self.gain = self.variance / (self.variance + MEASUREMENT_NOISE);
        self.mean += self.gain * innovation;
    }

    /// The probability that the factor is at most `limit`.
    fn holds(&self, limit: f64) -> f64 {
        normal((limit - self.mean) / self.variance.sqrt())
    }
}

/// The normal distribution function (Abramowitz and Stegun, 26.2.17: right to 7.5e-8).
fn normal(z: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * z.abs());
    let series = t
        * (0.319_381_530
            + t * (-0.356_563_782 + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
    let tail = (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt() * series;
    if z > 0.0 { 1.0 - tail } else { tail }
}

impl Alert {
    /// One controller for each app of `brief`, at home on all its cores.
    pub fn new(brief: &Brief, catalogue: &Catalogue) -> Self {
        let app = |(app, points): (&crate::lab::AppBrief, &Vec<Point>)| {
            let home = app.spots[0].widest(app.threads);
            let points = points.iter().filter(|point| point.place == home);
            let quality = |point: &Point| app.table.subnetworks[point.subnetwork].quality.get();
            App {
                points: points.map(|point| (*point, quality(point))).collect(),
                requirement: app.requirement,
                present: None,
                slowdown: Slowdown::FIRST,
            }
        };
        Self {
            objective: brief.objective,
            apps: brief.apps.iter().zip(&catalogue.apps).map(app).collect(),
            votes: Votes::new(brief.apps.len(), &brief.board),
        }
    }
}

impl App {
    /// The configuration for an inference that must end within `remaining`.
    fn choose(&self, objective: Objective, remaining: Seconds) -> usize {
        let probability = |index: usize| self.slowdown.holds(remaining / self.points[index].0.latency);
        let enough = |index: usize| self.points[index].1 >= self.requirement.min_quality.get();
        let all = || (0..self.points.len()).filter(|&index| enough(index));
        let holding = all().filter(|&index| probability(index) >= self.requirement.percentile);
        let period = self.requirement.period.unwrap_or(self.requirement.latency);
        let worth = |index: usize| {
            let (point, quality) = self.points[index];
            match objective {
                // Among equals, the faster clock.
                Objective::MaxQuality | Objective::MaxTimelyQuality => quality - 1e-6 * point.latency.get(),
                Objective::MinEnergy => -point.power(period),
                Objective::MinLatency => -point.latency.get(),
            }
        };
        holding
            .max_by(|&a, &b| worth(a).total_cmp(&worth(b)))
            .or_else(|| {
                all().max_by(|&a, &b| {
                    probability(a)
                        .total_cmp(&probability(b))
                        .then(worth(a).total_cmp(&worth(b)))
                })
            })
            .unwrap_or(0)
    }
}

impl Manager for Alert {
    fn hear(&mut self, _: Timestamp, news: News<'_>) -> Orders {
        match news {
            News::Arrived(app) => {
                let present = self.apps[app].choose(self.objective, self.apps[app].requirement.latency);
                self.apps[app].present = Some(present);
            }
            News::Left(app) => self.apps[app].present = None,
            News::Changed(app, requirement) => self.apps[app].requirement = requirement,
            News::Ended(app, report) => {
                let app = &mut self.apps[app];
                if let Some(present) = app.present {
                    let profiled = app.points[present].0.latency;
                    app.slowdown.observe(Seconds::from(report.service) / profiled);
                    // The clock has to be there before the inference begins.
                    app.present = Some(app.choose(self.objective, app.requirement.latency));
                }
            }
            _ => {}
        }
        for (index, app) in self.apps.iter().enumerate() {
            let point = app.present.map(|present| app.points[present].0);
            self.votes
                .want(index, point.map(|point| (point.processor, point.clock)));
        }
        Orders {
            setting: self.votes.setting(),
            ..Orders::default()
        }
    }

    fn choose(&mut self, now: Timestamp, app: usize, release: Timestamp) -> Run {
        let app = &mut self.apps[app];
        let remaining = app.requirement.latency - Seconds::from(now.since(release));
        let clock = app.present.map(|present| app.points[present].0.clock);
        let mut choice = app.choose(self.objective, remaining);
        // The clock was set before: of the choice only the sub-network can still follow.
        if let Some(index) = app.points.iter().position(|(point, _)| {
            Some(point.clock) == clock && point.subnetwork == app.points[choice].0.subnetwork
        }) {
            choice = index;
        }
        app.present = Some(choice);
        let point = app.points[choice].0;
        Run {
            subnetwork: point.subnetwork,
            place: point.place,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_normal_distribution_is_normal() {
        for (z, expect) in [
            (0.0, 0.5),
            (1.0, 0.841_345),
            (-1.644_854, 0.05),
            (2.326_348, 0.99),
        ] {
            assert!((normal(z) - expect).abs() < 1e-5, "{z}: {}", normal(z));
        }
    }

    #[test]
    fn the_filter_follows_a_slowdown() {
        let mut slowdown = Slowdown::FIRST;
        (0..20).for_each(|_| slowdown.observe(1.0));
        assert!(slowdown.holds(1.2) > 0.99);
        slowdown.observe(1.5);
        assert!(
            slowdown.holds(1.2) < 0.5,
            "one late inference is enough: {slowdown:?}"
        );
    }
}
