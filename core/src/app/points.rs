//! What an app could run, and what that is worth.
//!
//! Steps, for a point (sub-network, processor, cores) at a spot (clocks, sharing):
//! 1. *Conditions*: unmanaged load, clocks, and how busy all others keep an accelerator at most.
//! 2. *Violation*: how far the risk of lateness exceeds the budget. For a while after a change of load only what is likely
//!    to hold is trusted; then what may hold is tried. What runs already is judged more kindly, so that a switch pays
//!    for itself.
//! 3. *Gain* by the policy's objective, comparable across apps; *cost* in watts, with a toll on moving.

use alloc::vec::Vec;
use core::time::Duration;

use dynd_vocab::{Objective, ProcessorKind, Rung};

use super::{App, Scene, crowded};
use crate::conditions::Conditions;
use crate::forecast::{Outlook, Point};
use crate::grant::Offer;
use crate::joint::{Sharing, Spot};
use crate::load::Level;
use crate::plan;

/// How long after a change of load the planner trusts only what is likely to hold, and tries nothing.
const CAUTIOUS: Duration = Duration::from_millis(400);

/// After that, a point is tried if its risk of lateness less this many standard deviations is in budget.
const CURIOSITY: f64 = 1.5;

/// A point that is late more often than this is taken to be late, whatever was saved.
const MOST_RISK: f64 = 0.45;

/// By how much less often the running point is taken to be late, where answers in time are what counts.
const LOYALTY: f64 = 0.01;

/// What sharing cores costs in utility: more than any quality gains, so that apps share only to avoid a miss.
pub(super) const SHARING_COST: f64 = 10.0;

/// What a core of the strongest kind, busy all the time, costs in timely quality: of what gains about as much, the
/// smaller is run.
const EFFORT_COST: f64 = 1e-3;

impl App {
    /// How likely an inference is late that runs `offer`.
    pub(crate) fn late(&self, offer: &Offer, scene: &Scene<'_>) -> f64 {
        self.outlook(offer, scene).late
    }

    /// Adds what the planner may choose from at `spot`.
    pub(crate) fn points(&self, spot: &Spot<'_>, scene: &Scene<'_>, into: &mut Vec<plan::Point>) {
        if !self.may_run_on(spot.index) {
            return;
        }
        let is_cpu = spot.processor.kind == ProcessorKind::Cpu;
        let most = if is_cpu {
            self.max_threads.min(self.cores.max).min(spot.room)
        } else {
            1
        };
        let least = if is_cpu { self.cores.min.max(1) } else { 1 };
        let shares = is_cpu && self.cores.min <= 1 && spot.room > 0;
        let cores = shares.then_some(0).into_iter().chain(least..=most);
        let reaches_minimum =
            |index: &usize| self.model.subnetworks[*index].quality >= self.requirement.min_quality;
        let all = 0..self.model.subnetworks.len();
        // A model that cannot reach its minimum at all still runs, degraded.
        let short = !all.clone().any(|index| reaches_minimum(&index));
        for cores in cores {
            let good = all.clone().filter(|index| short || reaches_minimum(index));
            into.extend(good.map(|subnetwork| self.point(spot, (subnetwork, cores), scene)));
        }
    }

    /// What it would get if it ran this sub-network on so many cores at `spot`.
    pub(crate) fn offer(
        &self,
        spot: &Spot<'_>,
        (subnetwork, cores): (usize, u32),
        scene: &Scene<'_>,
    ) -> Offer {
        let at = Point {
            subnetwork,
            processor: spot.index,
            cores: cores.max(1),
        };
        let level = if cores == 0 {
            crowded(scene.level)
        } else {
            scene.level
        };
        let mut offer = Offer {
            processor: spot.index,
            cores,
            subnetwork,
            violation: 0.0,
            conditions: self.conditions(spot, (at, level), scene),
            opp: spot.speed.opp,
        };
        let short = self.model.subnetworks[subnetwork].quality < self.requirement.min_quality;
        offer.violation = self.excess_risk(&offer, scene) + f64::from(u8::from(short));
        offer
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
            (now.processor, now.cores, now.subnetwork, now.opp)
                == (offer.processor, offer.cores, offer.subnetwork, offer.opp)
        })
    }

    pub(super) fn outlook(&self, offer: &Offer, scene: &Scene<'_>) -> Outlook {
        let target = self.requirement.latency;
        self.forecast
            .outlook(point(offer), &offer.conditions, target, scene.now)
    }

    /// Under what it would run at `spot`.
    fn conditions(&self, spot: &Spot<'_>, (at, level): (Point, Level), scene: &Scene<'_>) -> Conditions {
        let surroundings = scene.surroundings;
        let now = surroundings.conditions(scene.board, self.id, spot.index, level);
        let crowd = match spot.sharing {
            _ if spot.processor.kind == ProcessorKind::Cpu => now.crowd,
            Sharing::Alone => surroundings.unmanaged(spot.index),
            Sharing::Within(ceiling) => {
                let own = self.busy(at, &now);
                surroundings.unmanaged(spot.index) + (ceiling - own).max(0.0)
            }
        };
        Conditions {
            slowness: spot.speed.slowness.or(now.slowness),
            host_slowness: spot.host.and_then(|host| host.slowness).or(now.host_slowness),
            crowd: crowd.min(1.0),
            ..now
        }
    }

    /// The share of time that each of its cores, or the accelerator, is busy with inferences at `at`; more than 1 if they
    /// take longer than their period.
    fn busy(&self, at: Point, conditions: &Conditions) -> f64 {
        let alone = Conditions {
            crowd: 0.0,
            ..*conditions
        };
        let service = self.forecast.undisturbed(at) * self.forecast.stretch(at, &alone);
        service / self.requirement.period.unwrap_or(self.requirement.latency)
    }

    fn point(&self, spot: &Spot<'_>, (subnetwork, cores): (usize, u32), scene: &Scene<'_>) -> plan::Point {
        let offer = self.offer(spot, (subnetwork, cores), scene);
        let at = point(&offer);
        let share = self.busy(at, &offer.conditions);
        let is_cpu = spot.processor.kind == ProcessorKind::Cpu;
        let watts = share.min(1.0) * spot.speed.watts(f64::from(at.cores));
        let hosted = if is_cpu {
            0.0
        } else {
            self.hosted(at, &offer.conditions)
        };
        let host_watts = spot.host.map_or(0.0, |host| host.watts(hosted));
        let runs_now = self.granted.is_none_or(|grant| {
            let now = grant.offer;
            (now.processor, now.cores, now.subnetwork) == (offer.processor, cores, subnetwork)
        });
        let toll = if runs_now { 0.0 } else { spot.toll };
        let demand = match spot.sharing {
            _ if is_cpu => f64::from(cores),
            Sharing::Alone => 1.0,
            Sharing::Within(_) => share,
        };
        plan::Point {
            subnetwork,
            cores,
            worth: plan::Worth {
                violation: plan::micro(offer.violation),
                gain: plan::micro(self.gain(&offer, scene)),
                cost: plan::micro(watts + host_watts + toll),
            },
            demand: plan::micro(demand),
            watts: plan::micro(watts),
            host_demand: plan::micro(hosted),
            host_watts: plan::micro(host_watts),
        }
    }

    /// The share of time that a core of its host is busy for inferences of an accelerator.
    fn hosted(&self, at: Point, conditions: &Conditions) -> f64 {
        let slowness = conditions.host_slowness.unwrap_or(1.0);
        let seconds = self.forecast.undisturbed(at) * (self.forecast.host_share(at) * slowness);
        (seconds / self.requirement.period.unwrap_or(self.requirement.latency)).min(1.0)
    }

    /// What the objective gains besides power.
    fn gain(&self, offer: &Offer, scene: &Scene<'_>) -> f64 {
        let stretch = self.forecast.stretch(point(offer), &offer.conditions);
        let relative = self.forecast.undisturbed(point(offer)) * stretch / self.requirement.latency;
        let quality = self.model.subnetworks[offer.subnetwork].quality.get();
        let gain = match scene.objective {
            Objective::MaxQuality => self.normalised(quality),
            Objective::MaxTimelyQuality => {
                let capacity = f64::from(scene.board.processors[offer.processor].capacity) / 1024.0;
                let busy = relative * f64::from(offer.cores.max(1)) * capacity;
                self.normalised(quality * self.in_time(offer, scene)) - EFFORT_COST * busy
            }
            Objective::MinEnergy => 0.0,
            Objective::MinLatency => -relative,
        };
        if offer.cores == 0 {
            gain - SHARING_COST
        } else {
            gain
        }
    }

    /// 0 for the quality of the model's worst sub-network, 1 for that of its best: what may be compared across apps.
    pub(super) fn normalised(&self, quality: f64) -> f64 {
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
    pub(super) fn in_time(&self, offer: &Offer, scene: &Scene<'_>) -> f64 {
        let loyalty = if self.runs(offer) { LOYALTY } else { 0.0 };
        1.0 - (self.risk(offer, scene) - loyalty).max(0.0)
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
        let good = |index: &usize| self.model.subnetworks[*index].quality >= self.requirement.min_quality;
        let short = !good(&offer.subnetwork);
        let rungs = (0..=offer.subnetwork).rev().filter(|index| short || good(index));
        rungs.map(rung).collect()
    }
}

pub(super) fn point(offer: &Offer) -> Point {
    Point {
        subnetwork: offer.subnetwork,
        processor: offer.processor,
        cores: offer.cores.max(1),
    }
}
