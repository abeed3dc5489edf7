//! POET (Imes, Kim, Maggio, Hoffmann, "POET: A Portable Approach to Minimizing Energy Under Soft Real-time
//! Constraints", RTAS 2015).
//!
//! Each app is kept at the rate `1 / target`; a period is 20 inferences:
//! 1. The base speed, the rate at the slowest configuration, is followed by a Kalman filter that knows which speed-up
//!    was applied: `x̂ ← x̂ + k (rate - s x̂)`, `k = p s / (s p s + o)` with p grown by q (their eq. 5; q = 1e-5, o = 1e-2).
//! 2. The next speed-up is `s + (goal - rate) / x̂` (their eq. 3 with its pole at zero).
//! 3. The period is divided between two configurations, one slower and one faster, whose mean is that speed-up and whose
//!    cost is least (their section 3.3).
//!
//! It keeps the mean at the goal, so that about half of the deadlines are missed: a margin is what its users tune.
//!
//! Simplified: rates are those of inferences that run, not of pauses between frames; the cost of a configuration is its
//! power with `min-energy`, and the quality it lacks (plus a trifle of power) otherwise, as in CoAdapt of the same authors;
//! one controller per app, the highest clock wins.

use dynd_vocab::{Objective, Requirement, Seconds, Timestamp};

use super::votes::Votes;
use super::{Manager, News, Orders};
use crate::lab::brief::Brief;
use crate::lab::catalogue::{Catalogue, Point};
use crate::lab::world::Run;

/// Inferences per period.
const PERIOD: u32 = 20;

const DRIFT: f64 = 1e-5;
const NOISE: f64 = 1e-2;

/// One controller per app.
#[derive(Clone, Debug)]
pub struct Poet {
    apps: Vec<App>,
    votes: Votes,
}

#[derive(Clone, Debug)]
struct App {
    /// From the slowest on, each with its speed-up and cost.
    states: Vec<State>,
    requirement: Requirement,
    /// The goal is this share of the target.
    margin: f64,
    is_present: bool,
    base: f64,
    uncertainty: f64,
    speed_up: f64,
    /// The faster and the slower state, and how many inferences of the period run the faster.
    pair: (usize, usize),
    faster_for: u32,
    count: u32,
    sum: Seconds,
}

#[derive(Clone, Copy, Debug)]
struct State {
    point: Point,
    speed_up: f64,
    cost: f64,
}

impl Poet {
    /// One controller for each app of `brief`, whose goal is `margin` of its target.
    pub fn new(brief: &Brief, catalogue: &Catalogue, margin: f64) -> Self {
        let app = |(app, points): (&crate::lab::AppBrief, &Vec<Point>)| {
            let mut states = states(brief.objective, app, points);
            states.sort_by(|a, b| a.speed_up.total_cmp(&b.speed_up));
            let slowest = states[0].point.latency;
            App {
                base: 1.0 / slowest.get(),
                uncertainty: 1.0,
                speed_up: slowest / (app.requirement.latency * margin),
                requirement: app.requirement,
                margin,
                is_present: false,
                pair: (0, 0),
                faster_for: 0,
                count: 0,
                sum: Seconds::ZERO,
                states,
            }
        };
        Self {
            apps: brief.apps.iter().zip(&catalogue.apps).map(app).collect(),
            votes: Votes::new(brief.apps.len(), &brief.board),
        }
    }
}

/// The configurations of `app`: at home, of enough quality; with clocks where energy counts, else at the highest.
fn states(objective: Objective, app: &crate::lab::AppBrief, points: &[Point]) -> Vec<State> {
    let home = app.spots[0].processor;
    let at_home: Vec<Point> = points
        .iter()
        .filter(|point| point.processor == home)
        .copied()
        .collect();
    let quality = |point: &Point| app.table.subnetworks[point.subnetwork].quality;
    let any = at_home
        .iter()
        .any(|point| quality(point) >= app.requirement.min_quality);
    let highest = at_home.iter().map(|point| point.clock).max();
    let slowest = at_home
        .iter()
        .map(|point| point.latency.get())
        .fold(0.0, f64::max);
    let allowed = at_home.iter().filter(|point| {
        (!any || quality(point) >= app.requirement.min_quality)
            && (objective == Objective::MinEnergy || Some(point.clock) == highest)
    });
    let cost = |point: &Point| match objective {
        Objective::MinEnergy => point.busy.get(),
        _ => 1.0 - quality(point).get() + 1e-4 * point.busy.get(),
    };
    allowed
        .map(|point| State {
            point: *point,
            speed_up: slowest / point.latency.get(),
            cost: cost(point),
        })
        .collect()
}

impl App {
    fn goal(&self) -> f64 {
        1.0 / (self.requirement.latency.get() * self.margin)
    }

    /// A period has ended, in which inferences came at `rate`.
    fn control(&mut self, rate: f64) {
        let applied = self.applied();
        let predicted = self.uncertainty + DRIFT;
        let gain = predicted * applied / (applied * predicted * applied + NOISE);
        self.base += gain * (rate - applied * self.base);
        self.uncertainty = (1.0 - gain * applied) * predicted;
        let fastest = self.states[self.states.len() - 1].speed_up;
        let wanted = applied + (self.goal() - rate) / self.base.max(1e-9);
        self.speed_up = wanted.clamp(self.states[0].speed_up, fastest);
        self.divide();
    }

    /// The mean speed-up of the division in force: harmonic, since it divides inferences and not time.
    fn applied(&self) -> f64 {
        let (faster, slower) = (self.states[self.pair.0], self.states[self.pair.1]);
        let share = f64::from(self.faster_for) / f64::from(PERIOD);
        1.0 / (share / faster.speed_up + (1.0 - share) / slower.speed_up)
    }

    /// Step 3.
    fn divide(&mut self) {
        let mut best = (f64::INFINITY, (0, 0), PERIOD);
        for (fast, faster) in self.states.iter().enumerate() {
            if faster.speed_up < self.speed_up && fast + 1 < self.states.len() {
                continue;
            }
            for (slow, slower) in self.states.iter().enumerate().take(fast + 1) {
                if slower.speed_up > self.speed_up && slow > 0 {
                    break;
                }
                let (quick, late) = (1.0 / faster.speed_up, 1.0 / slower.speed_up);
                let share = match late > quick {
                    true => ((late - 1.0 / self.speed_up) / (late - quick)).clamp(0.0, 1.0),
                    false => 1.0,
                };
                // Rounded up: the goal is the least rate.
                let count = (share * f64::from(PERIOD)).ceil();
                let share = count / f64::from(PERIOD);
                let cost = share * faster.cost + (1.0 - share) * slower.cost;
                if cost < best.0 {
                    best = (cost, (fast, slow), count as u32);
                }
            }
        }
        (_, self.pair, self.faster_for) = best;
    }

    fn state(&self) -> State {
        self.states[if self.count < self.faster_for {
            self.pair.0
        } else {
            self.pair.1
        }]
    }
}

impl Manager for Poet {
    fn hear(&mut self, _: Timestamp, news: News<'_>) -> Orders {
        match news {
            News::Arrived(app) => {
                self.apps[app].is_present = true;
                self.apps[app].divide();
            }
            News::Left(app) => self.apps[app].is_present = false,
            News::Changed(app, requirement) => self.apps[app].requirement = requirement,
            News::Ended(app, report) => {
                let app = &mut self.apps[app];
                app.sum += report.service.into();
                app.count += 1;
                if app.count == PERIOD {
                    let rate = f64::from(PERIOD) / app.sum.get();
                    app.control(rate);
                    (app.count, app.sum) = (0, Seconds::ZERO);
                }
            }
            _ => {}
        }
        for (index, app) in self.apps.iter().enumerate() {
            let point = app.is_present.then(|| app.state().point);
            self.votes
                .want(index, point.map(|point| (point.processor, point.clock)));
        }
        Orders {
            setting: self.votes.setting(),
            ..Orders::default()
        }
    }

    fn choose(&mut self, _: Timestamp, app: usize, _: Timestamp) -> Run {
        let point = self.apps[app].state().point;
        Run {
            subnetwork: point.subnetwork,
            place: point.place,
        }
    }
}
