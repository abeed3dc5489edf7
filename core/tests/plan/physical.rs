//! Problems as a board poses them: two CPU clusters, an accelerator that the first of them feeds, and apps whose
//! latency goes as α + β/f.

use dynd_core::plan::{Limit, Mode, Offers, Place, Point, Problem, Site, Worth, micro};

use super::random::Random;

/// What the objective is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aim {
    Quality,
    Energy,
}

/// How large a problem is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) apps: usize,
    pub(crate) opps: usize,
    pub(crate) subnetworks: usize,
}

/// A board with apps on it.
pub(crate) struct Physical {
    pub(crate) problem: Problem,
    aim: Aim,
    sites: Vec<Kind>,
    apps: Vec<App>,
    /// Per sub-network.
    qualities: Vec<f64>,
}

struct Kind {
    /// Clocks, relative to the highest.
    clocks: Vec<f64>,
    cores: usize,
    /// Time for one unit of work on one core, or the accelerator, at the highest clock, of which this share does not
    /// depend on the clock.
    pace: f64,
    fixed: f64,
    /// Watts of one busy core, or the accelerator, at the highest clock.
    dynamic: f64,
}

struct App {
    /// Work of the largest sub-network, in ms at pace 1.
    work: f64,
    target: f64,
    period: f64,
    /// Slowdown per share that others take.
    kappa: f64,
    weight: f64,
    /// Share of time that the host needs at its highest clock, per share of the accelerator.
    host: f64,
}

/// Ceilings of what apps take of the accelerator together; and, in a mode of its own, one app alone.
const CEILINGS: [f64; 2] = [0.5, 0.95];

/// Cores an app may have.
const MOST_CORES: usize = 4;

const HOST: usize = 0;
const ACCELERATOR: usize = 2;

impl Physical {
    pub(crate) fn new(seed: u64, size: Size, aim: Aim) -> Self {
        let random = &mut Random::new(seed);
        let share = size.apps as f64 * random.between(0.3, 0.7);
        let cores = (share as usize).max(2);
        let sites = vec![
            kind(random, size.opps, cores, 2.5, 0.4),
            kind(random, size.opps, cores, 1.0, 1.5),
            kind(random, size.opps, 0, 0.2, 6.0),
        ];
        let apps: Vec<App> = (0..size.apps).map(|_| app(random)).collect();
        let most: f64 = sites
            .iter()
            .map(|s| s.dynamic * s.cores.max(1) as f64 * 1.2)
            .sum();
        let limits = vec![
            Limit {
                per_watt: vec![1.0; 3],
                room: micro(most * random.between(0.5, 1.0)),
            },
            Limit {
                per_watt: vec![0.8, 1.5, 1.0],
                room: micro(most * random.between(0.6, 1.2)),
            },
        ];
        let problem = Problem {
            sites: sites
                .iter()
                .enumerate()
                .map(|(index, kind)| kind.site(index))
                .collect(),
            limits,
            priorities: vec![0; size.apps],
        };
        Self {
            problem,
            aim,
            sites,
            apps,
            qualities: (0..size.subnetworks)
                .map(|index| libm::pow(work(index, size.subnetworks), 0.3))
                .collect(),
        }
    }
}

fn kind(random: &mut Random, opps: usize, cores: usize, pace: f64, dynamic: f64) -> Kind {
    let clock = |i: usize| 0.3 + 0.7 * (i + 1) as f64 / opps as f64;
    Kind {
        clocks: (0..opps).map(clock).collect(),
        cores,
        pace: pace * random.between(0.8, 1.2),
        fixed: random.between(0.0, 0.4),
        dynamic: dynamic * random.between(0.8, 1.2),
    }
}

fn app(random: &mut Random) -> App {
    let work = random.between(5.0, 40.0);
    let target = work * random.between(0.5, 2.5);
    App {
        work,
        target,
        period: target * random.between(1.0, 6.0),
        kappa: random.between(0.3, 1.5),
        weight: random.between(0.5, 2.0),
        host: random.between(0.05, 0.4),
    }
}

/// Work of a sub-network relative to the largest of so many.
fn work(subnetwork: usize, of: usize) -> f64 {
    0.05 + 0.95 * (subnetwork + 1) as f64 / of as f64
}

impl Kind {
    fn site(&self, index: usize) -> Site {
        let mode = |capacity: f64| {
            self.clocks.iter().map(move |clock| {
                let watts = micro(0.15 * self.dynamic * self.cores.max(1) as f64 * clock * clock * clock);
                Mode {
                    capacity: micro(capacity),
                    watts,
                    cost: watts,
                }
            })
        };
        let modes = if index == ACCELERATOR {
            let shared = CEILINGS.into_iter().flat_map(mode);
            shared.chain(mode(1.0)).collect()
        } else {
            mode(self.cores as f64).collect()
        };
        Site {
            modes,
            opps: self.clocks.len(),
            host: (index == ACCELERATOR).then_some(HOST),
        }
    }

    fn stretch(&self, mode: usize) -> f64 {
        self.pace * (self.fixed + (1.0 - self.fixed) / self.clocks[mode % self.clocks.len()])
    }

    /// Watts of one busy core: with the clock and the square of a voltage that follows it.
    fn watts(&self, mode: usize) -> f64 {
        let clock = self.clocks[mode % self.clocks.len()];
        self.dynamic * clock * (0.4 + 0.6 * clock) * (0.4 + 0.6 * clock)
    }
}

impl Offers for Physical {
    fn points(&self, app: usize, place: Place, into: &mut Vec<Point>) {
        for subnetwork in 0..self.qualities.len() {
            if place.processor == ACCELERATOR {
                into.push(self.accelerated(app, place, subnetwork));
            } else {
                let most = MOST_CORES.min(self.sites[place.processor].cores);
                into.extend((1..=most).map(|cores| self.on_cores(app, place, subnetwork, cores)));
            }
        }
    }
}

impl Physical {
    fn on_cores(&self, app: usize, place: Place, subnetwork: usize, cores: usize) -> Point {
        let kind = &self.sites[place.processor];
        let who = &self.apps[app];
        let speed = 1.0 + 0.7 * (cores - 1) as f64;
        let latency = who.work * self.size(subnetwork) * kind.stretch(place.mode) / speed;
        let busy = (latency / who.period).min(1.0) * cores as f64;
        let watts = busy * kind.watts(place.mode);
        Point {
            subnetwork,
            cores: cores as u32,
            worth: self.worth(who, subnetwork, latency, watts),
            demand: micro(cores as f64),
            watts: micro(watts),
            host_demand: 0,
            host_watts: 0,
        }
    }

    fn accelerated(&self, app: usize, place: Place, subnetwork: usize) -> Point {
        let (kind, host, who) = (&self.sites[ACCELERATOR], &self.sites[HOST], &self.apps[app]);
        let own = who.work * self.size(subnetwork) * kind.stretch(place.mode);
        let hosted = own * who.host * host.stretch(place.host_mode) / host.pace;
        let share = own / who.period;
        let capacity = self.problem.sites[ACCELERATOR].modes[place.mode].capacity as f64 / 1e6;
        let alone = place.mode >= CEILINGS.len() * kind.clocks.len();
        let others = if alone { 0.0 } else { (capacity - share).max(0.0) };
        let latency = (own + hosted) * (1.0 + who.kappa * others);
        let watts = share.min(1.0) * kind.watts(place.mode);
        let host_watts = (hosted / who.period).min(1.0) * host.watts(place.host_mode);
        Point {
            subnetwork,
            cores: 0,
            worth: self.worth(who, subnetwork, latency, watts + host_watts),
            demand: micro(if alone { share.max(1.0) } else { share }),
            watts: micro(watts),
            host_demand: micro(hosted / who.period),
            host_watts: micro(host_watts),
        }
    }

    fn size(&self, subnetwork: usize) -> f64 {
        work(subnetwork, self.qualities.len())
    }

    fn worth(&self, who: &App, subnetwork: usize, latency: f64, watts: f64) -> Worth {
        // The risk of lateness falls from all to nothing between 0.7 and 1.3 times the target.
        let late = ((latency / who.target - 0.7) / 0.6).clamp(0.0, 1.0);
        Worth {
            violation: micro((late * late - 0.05).max(0.0)),
            gain: if self.aim == Aim::Quality {
                micro(who.weight * self.qualities[subnetwork])
            } else {
                0
            },
            cost: micro(watts),
        }
    }
}
