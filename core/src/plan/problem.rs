//! What there is to decide: processors, limits, and who wants what.

use alloc::vec::Vec;

use super::score::Worth;

/// What all is counted in: whole millionths (of a core, a share, a watt, a kelvin, a violation). Sums of whole
/// numbers come out the same in any order, so equal plans compare equal, on every machine.
pub type Micro = i64;

/// One, in millionths.
pub const ONE: Micro = 1_000_000;

/// The largest amount that counts: a million, so that sums over any number of apps stay far from overflow.
const LARGEST: f64 = 1e6;

/// `amount` in millionths; what is no number, or beyond a million, becomes the nearest that is.
pub fn micro(amount: f64) -> Micro {
    let finite = if amount.is_nan() { LARGEST } else { amount };
    libm::rint(finite.clamp(-LARGEST, LARGEST) * ONE as f64) as Micro
}

/// One joint decision to be made. Offers are asked for while it is made: see [`Offers`].
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// The processors.
    pub sites: Vec<Site>,
    /// What the power of the processors may not exceed.
    pub limits: Vec<Limit>,
    /// The apps' priorities, by app: higher ones come first.
    pub priorities: Vec<i32>,
}

/// A processor and the ways in which it can be run.
#[derive(Clone, Debug, PartialEq)]
pub struct Site {
    /// The ways: all operating points ascending, once per way of sharing. One if its clock is not ours to set.
    pub modes: Vec<Mode>,
    /// How many operating points there are; divides the number of modes.
    pub opps: usize,
    /// The CPU cluster that prepares this accelerator's work, if it needs one: its mode decides what is offered here.
    pub host: Option<usize>,
}

/// A way to run a processor: an operating point, and for one that apps share in time a ceiling for what they take
/// of it together.
///
/// The ceiling is what keeps interference exact without a search over pairs of apps: given that all guests together
/// take no more than `capacity`, an app that takes a share s of it has others beside it that take at most
/// `capacity` - s, and can be judged by itself. A ceiling too high costs only that much caution, and is itself
/// chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode {
    /// What may be given away: cores, or share of time.
    pub capacity: Micro,
    /// What it draws before anybody uses it.
    pub watts: Micro,
    /// What running it so counts for in the objective: its watts, and what changing to it costs.
    pub cost: Micro,
}

/// A budget that is linear in the power of the processors: of power, or of a zone's temperature above ambient
/// (per watt then is the thermal resistance from that processor to that zone, in K/W).
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    /// What a watt of each processor adds.
    pub per_watt: Vec<f64>,
    /// What may be added in all. Below what the idle board adds at its least, nobody could keep it: then that counts.
    pub room: Micro,
}

/// Where offers are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The processor.
    pub processor: usize,
    /// Its mode.
    pub mode: usize,
    /// The mode of its host; 0 if it has none.
    pub host_mode: usize,
}

/// What an app could run at a place, and what that takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// The sub-network.
    pub subnetwork: usize,
    /// Cores for this app alone; 0 where it shares.
    pub cores: u32,
    /// What it is worth.
    pub worth: Worth,
    /// What it takes of the place's capacity.
    pub demand: Micro,
    /// What it adds to the processor's power.
    pub watts: Micro,
    /// What it takes of its host's capacity.
    pub host_demand: Micro,
    /// What it adds to the host's power.
    pub host_watts: Micro,
}

/// Tells what each app could run.
pub trait Offers {
    /// Adds what `app` could run at `place`. Asked twice it says the same.
    fn points(&self, app: usize, place: Place, into: &mut Vec<Point>);

    /// The same, but may leave out what another of them dominates; watts count by themselves where they are `limited`.
    fn front(&self, app: usize, place: Place, (_limited, into): (bool, &mut Vec<Point>)) {
        self.points(app, place, into);
    }
}

impl Point {
    /// What it takes that counts. Where nothing is limited, watts count in the worth only.
    pub(crate) fn takes(&self, limited: bool) -> [Micro; 4] {
        let (watts, host_watts) = if limited {
            (self.watts, self.host_watts)
        } else {
            (0, 0)
        };
        [self.demand, self.host_demand, watts, host_watts]
    }

    /// True if nobody would choose `other` while this can be had.
    pub(crate) fn dominates(&self, other: &Self, limited: bool) -> bool {
        let takes = self.takes(limited).into_iter().zip(other.takes(limited));
        self.worth >= other.worth && takes.into_iter().all(|(own, other)| own <= other)
    }
}

impl Problem {
    /// Per app, its rank among the priorities that occur: 0 comes first.
    pub(crate) fn tiers(&self) -> Vec<usize> {
        let mut all = self.priorities.clone();
        all.sort_unstable_by(|a, b| b.cmp(a));
        all.dedup();
        let rank = |priority: &i32| all.iter().position(|p| p == priority).unwrap_or(0);
        self.priorities.iter().map(rank).collect()
    }

    /// What may be used at these modes: capacity per processor, then what each limit leaves beside the idle
    /// processors. Negative if not even that fits.
    pub(crate) fn rooms(&self, modes: &[usize]) -> Vec<Micro> {
        let mut rooms: Vec<Micro> = self.at(modes).map(|mode| mode.capacity).collect();
        for limit in &self.limits {
            let idle: Micro = self
                .at(modes)
                .enumerate()
                .map(|(p, mode)| limit.load(p, mode.watts))
                .sum();
            rooms.push(limit.room.max(self.least_idle(limit)) - idle);
        }
        rooms
    }

    /// What these modes count for in the objective.
    pub(crate) fn cost(&self, modes: &[usize]) -> Micro {
        self.at(modes).map(|mode| mode.cost).sum()
    }

    /// What the idle board adds to `limit` at its least.
    pub(crate) fn least_idle(&self, limit: &Limit) -> Micro {
        let least = |(p, site): (usize, &Site)| site.modes.iter().map(|mode| limit.load(p, mode.watts)).min();
        self.sites.iter().enumerate().filter_map(least).sum()
    }

    fn at<'a>(&'a self, modes: &'a [usize]) -> impl Iterator<Item = &'a Mode> {
        self.sites
            .iter()
            .zip(modes)
            .map(|(site, mode)| &site.modes[*mode])
    }
}

impl Limit {
    /// What `watts` of this processor add.
    pub(crate) fn load(&self, processor: usize, watts: Micro) -> Micro {
        let per_watt = self.per_watt.get(processor).copied().unwrap_or(0.0);
        libm::rint(per_watt * watts as f64) as Micro
    }
}
