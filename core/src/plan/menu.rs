//! What each app could run at given modes, without what nobody would choose.
//!
//! A point is left out if another at the same place is worth at least as much and takes no more of anything: the
//! Pareto front in (worth, demand, watts, host demand, host watts). Fronts are made when first asked for.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use super::problem::{Micro, Offers, Place, Point, Problem};
use super::score::Worth;

/// A point that may be chosen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item {
    /// Its processor.
    pub(crate) processor: usize,
    /// Where its points came from.
    pub(crate) point: Point,
    /// Its worth as one number, which guides the search and decides nothing.
    pub(crate) value: f64,
}

/// The fronts of all apps.
pub(crate) struct Menus<'a, O> {
    pub(crate) problem: &'a Problem,
    pub(crate) tiers: Vec<usize>,
    offers: &'a O,
    guide: Guide,
    items: Vec<Item>,
    /// What an item takes of each resource: processors by index, then limits; so many per item.
    takes: Vec<Micro>,
    resources: usize,
    /// Where the front of (app, processor, host mode, mode) lies, once made: its best item first.
    fronts: Vec<Option<Range<u32>>>,
    /// Where the fronts of a processor begin, and how many an app has.
    first: Vec<usize>,
    per_app: usize,
    scratch: Vec<Point>,
    /// What the points take that are not needless.
    kept: Vec<[Micro; 4]>,
    /// Points asked for so far.
    pub(crate) asked: usize,
}

impl<'a, O: Offers> Menus<'a, O> {
    pub(crate) fn new(problem: &'a Problem, offers: &'a O) -> Self {
        let mut first = Vec::with_capacity(problem.sites.len());
        let mut per_app = 0;
        for site in &problem.sites {
            first.push(per_app);
            let hosts = site.host.map_or(1, |host| problem.sites[host].modes.len());
            per_app += site.modes.len() * hosts;
        }
        let tiers = problem.tiers();
        Self {
            problem,
            offers,
            guide: Guide::new(tiers.iter().max().map_or(1, |last| last + 1)),
            tiers,
            items: Vec::new(),
            takes: Vec::new(),
            resources: problem.sites.len() + problem.limits.len(),
            fronts: vec![None; per_app * problem.priorities.len()],
            first,
            per_app,
            scratch: Vec::new(),
            kept: Vec::new(),
            asked: 0,
        }
    }

    /// Makes all fronts for these modes.
    pub(crate) fn prepare(&mut self, modes: &[usize]) {
        for app in 0..self.problem.priorities.len() {
            for processor in 0..self.problem.sites.len() {
                let slot = self.slot(app, processor, modes);
                if self.fronts[slot].is_none() {
                    let front = self.make(app, self.place(processor, modes));
                    self.fronts[slot] = Some(front);
                }
            }
        }
    }

    /// The items of `app` at these modes, which were prepared.
    pub(crate) fn of<'b>(&'b self, app: usize, modes: &'b [usize]) -> impl Iterator<Item = usize> + 'b {
        (0..self.problem.sites.len()).flat_map(move |processor| {
            let front = self.fronts[self.slot(app, processor, modes)].clone();
            front.map_or(0..0, |front| front.start as usize..front.end as usize)
        })
    }

    /// The best that `app` could have at these modes, which were prepared, if it were alone.
    pub(crate) fn best(&self, app: usize, modes: &[usize]) -> Worth {
        let fronts = (0..self.problem.sites.len()).filter_map(|processor| {
            let front = self.fronts[self.slot(app, processor, modes)].clone()?;
            (!front.is_empty()).then(|| self.items[front.start as usize].point.worth)
        });
        fronts
            .max()
            .map_or(Worth::NOTHING, |best| best.max(Worth::NOTHING))
    }

    pub(crate) fn item(&self, index: usize) -> &Item {
        &self.items[index]
    }

    /// How many fronts there are, of all apps at all modes.
    pub(crate) fn fronts(&self) -> usize {
        self.fronts.len()
    }

    pub(crate) fn worth(&self, pick: Option<usize>) -> Worth {
        pick.map_or(Worth::NOTHING, |index| self.items[index].point.worth)
    }

    /// A worth of this app as one number.
    pub(crate) fn value(&self, app: usize, worth: Worth) -> f64 {
        self.guide.value(self.tiers[app], worth)
    }

    /// What a cost that belongs to no app counts for in that number.
    pub(crate) fn cost_value(&self, cost: Micro) -> f64 {
        COST_WEIGHT * cost as f64
    }

    /// What an item takes of each resource: processors by index, then limits.
    pub(crate) fn takes(&self, index: usize) -> &[Micro] {
        &self.takes[index * self.resources..(index + 1) * self.resources]
    }

    /// A processor at these modes.
    pub(crate) fn place(&self, processor: usize, modes: &[usize]) -> Place {
        let host = self.problem.sites[processor].host;
        Place {
            processor,
            mode: modes[processor],
            host_mode: host.map_or(0, |host| modes[host]),
        }
    }

    fn slot(&self, app: usize, processor: usize, modes: &[usize]) -> usize {
        let Place { mode, host_mode, .. } = self.place(processor, modes);
        let width = self.problem.sites[processor].modes.len();
        app * self.per_app + self.first[processor] + host_mode * width + mode
    }

    fn make(&mut self, app: usize, place: Place) -> Range<u32> {
        self.scratch.clear();
        let limited = !self.problem.limits.is_empty();
        self.offers.front(app, place, (limited, &mut self.scratch));
        self.asked += self.scratch.len();
        let start = self.items.len();
        // In this order no point makes one needless that comes before it.
        let takes = |point: &Point| point.takes(limited);
        self.scratch
            .sort_by(|a, b| b.worth.cmp(&a.worth).then_with(|| takes(a).cmp(&takes(b))));
        self.kept.clear();
        for point in &self.scratch {
            let takes = takes(point);
            let makes_needless = |kept: &[Micro; 4]| kept.iter().zip(&takes).all(|(kept, take)| kept <= take);
            if self.kept.iter().any(makes_needless) {
                continue;
            }
            self.kept.push(takes);
            self.items.push(Item {
                processor: place.processor,
                point: *point,
                value: self.guide.value(self.tiers[app], point.worth),
            });
        }
        let host = self.problem.sites[place.processor].host;
        for item in &self.items[start..] {
            let first = self.takes.len();
            self.takes.resize(first + self.problem.sites.len(), 0);
            self.takes[first + place.processor] = item.point.demand;
            if let Some(host) = host {
                self.takes[first + host] += item.point.host_demand;
            }
            for limit in &self.problem.limits {
                let hosted = host.map_or(0, |host| limit.load(host, item.point.host_watts));
                self.takes
                    .push(limit.load(place.processor, item.point.watts) + hosted);
            }
        }
        start as u32..self.items.len() as u32
    }
}

/// Weight of the cost against the gain of the lowest tier, and of the lowest tier's violation against the highest
/// tier's gain.
const COST_WEIGHT: f64 = 1e-3;
const VIOLATION_WEIGHT: f64 = 1e4;

/// From the lowest tier to the highest, weights rise by this in all.
const TIER_SPAN: f64 = 1e4;

/// Weights that make one number of a worth. Finite ones can only come near a lexicographic order, so this number
/// guides the search and never decides between two plans.
#[derive(Clone, Debug)]
struct Guide {
    /// Weight of a tier's gain.
    tiers: Vec<f64>,
}

impl Guide {
    fn new(tiers: usize) -> Self {
        let steps = (tiers - 1).max(1) as f64;
        let weight = |tier: usize| libm::pow(TIER_SPAN, (tiers - 1 - tier) as f64 / steps);
        Self {
            tiers: (0..tiers).map(weight).collect(),
        }
    }

    fn value(&self, tier: usize, worth: Worth) -> f64 {
        let weight = self.tiers[tier];
        let violation = VIOLATION_WEIGHT * self.tiers[0] * weight * worth.violation as f64;
        weight * worth.gain as f64 - violation - COST_WEIGHT * worth.cost as f64
    }
}
