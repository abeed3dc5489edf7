//! The search over the modes of all processors.
//!
//! Steps:
//! 1. *Start* from the modes of now and from a few that differ much: all at the top, all at the bottom.
//! 2. *Climb*: change one processor's mode at a time while that gains, the most used first. A vector of modes is judged by its price bound
//!    first, with the prices of the last one: most can be dropped after that. For the rest the prices are
//!    adjusted, what the apps choose at them is made to fit and improved, first app by app, then by pairs.
//! 3. *Prove*, if the problem is small: go through all vectors by falling bound (every app gets its best at those
//!    modes), until no bound exceeds what is known; each by [`exact`]. *Polish* otherwise: the best vector again, with
//!    only those items that the price bound does not exclude.
//!
//! Effort is counted in vectors and labels, never in time: the same problem gets the same plan on every machine.

use alloc::collections::BTreeSet;
use alloc::vec;
use alloc::vec::Vec;
use core::cmp::Reverse;

use super::exact::{self, Outcome};
use super::menu::Menus;
use super::pick::Selection;
use super::price::{Market, Shelf};
use super::problem::{Offers, Problem, Site};
use super::score::Score;
use super::solution::Proof;

/// How much may be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// Vectors of modes to look at in the climb.
    pub vectors: usize,
    /// Items to look at in the climb, per app.
    pub looks_per_app: usize,
    /// Fronts up to which a proof is tried, and vectors of modes up to which it is.
    pub provable_fronts: usize,
    /// As above.
    pub provable_vectors: usize,
    /// Labels to make in the proof, and points to ask for until it is done.
    pub labels: usize,
}

impl Default for Effort {
    fn default() -> Self {
        Self {
            vectors: 32,
            looks_per_app: 15_000,
            provable_fronts: 1024,
            provable_vectors: 4096,
            labels: 20_000,
        }
    }
}

/// Adjustments of the prices per vector.
const ADJUSTMENTS: usize = 30;

/// Adjustments before the first plan, when nothing is known of the prices.
const FIRST_ADJUSTMENTS: usize = 60;

/// A vector that can gain no more than this share of the objective is not looked at further in the climb.
const GRAIN: f64 = 5e-4;

/// To ask for a point and find its place in the front takes as long as so many looks at an item.
const POINT_LOOKS: usize = 6;

/// Pairs are exchanged in plans that are worse than the best by no more than so many grains, or in which no more than
/// so many apps miss something: what is exchanged may be all that they need.
const EXCHANGEABLE: f64 = 10.0;
const FEW_VIOLATIONS: usize = 2;

/// The most items of an app that take part in exchanges.
const NEAR: usize = 4;

/// A site of no more modes than this is tried in all of them at every step of the climb.
const FEW_MODES: usize = 6;

pub(crate) struct Search<'a, O> {
    pub(crate) menus: Menus<'a, O>,
    market: Market,
    shelf: Shelf,
    effort: Effort,
    seen: BTreeSet<Vec<usize>>,
    pub(crate) best: Option<Selection>,
    /// The same as one number.
    value: f64,
    /// Items looked at while plans were made.
    looks: usize,
    /// What is too little to look for.
    grain: f64,
    /// The prices at which it was found: where the next vector begins.
    prices: Vec<f64>,
}

impl<'a, O: Offers> Search<'a, O> {
    pub(crate) fn new(problem: &'a Problem, offers: &'a O, effort: Effort) -> Self {
        let resources = problem.sites.len() + problem.limits.len();
        Self {
            menus: Menus::new(problem, offers),
            market: Market::new(problem.priorities.len(), resources),
            shelf: Shelf::default(),
            effort,
            seen: BTreeSet::new(),
            best: None,
            value: f64::NEG_INFINITY,
            looks: 0,
            grain: 0.0,
            prices: vec![0.0; resources],
        }
    }

    /// Steps 1 to 3, from the modes of now.
    pub(crate) fn run(&mut self, now: &[usize]) -> Proof {
        let sites = &self.menus.problem.sites;
        // What draws least fits into every limit if anything does.
        let least = |site: &Site| {
            (0..site.modes.len())
                .min_by_key(|mode| site.modes[*mode].watts)
                .unwrap_or(0)
        };
        let bottom: Vec<usize> = sites.iter().map(least).collect();
        let top: Vec<usize> = sites.iter().map(|site| site.modes.len() - 1).collect();
        self.keep(Selection::nothing(&self.menus, &bottom));
        for start in [now.to_vec(), top, bottom] {
            if !self.is_tired() {
                self.consider(&start);
            }
        }
        self.climb();
        self.prove()
    }

    /// Step 2.
    fn climb(&mut self) {
        let sites = &self.menus.problem.sites;
        let order = self.by_use();
        let (mut turn, mut unchanged) = (0, 0);
        while unchanged < sites.len() {
            let processor = order[turn];
            let Some(best) = &self.best else { return };
            let from = best.modes.clone();
            let mut gained = false;
            for mode in neighbours(&sites[processor], from[processor]) {
                if self.is_tired() {
                    return;
                }
                let mut modes = from.clone();
                modes[processor] = mode;
                gained |= self.consider(&modes);
            }
            if gained {
                unchanged = 0;
            } else {
                unchanged += 1;
                turn = (turn + 1) % sites.len();
            }
        }
    }

    /// The processors, the most used one of the best plan first: there a mode matters most, and the effort may not last for
    /// all.
    fn by_use(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.menus.problem.sites.len()).collect();
        if let Some(best) = &self.best {
            order.sort_by_key(|processor| Reverse(best.used(*processor)));
        }
        order
    }

    /// True once the effort allowed for the climb is spent.
    fn is_tired(&self) -> bool {
        let looks = self.looks + self.market.looks + POINT_LOOKS * self.menus.asked;
        self.seen.len() >= self.effort.vectors || looks >= self.effort.looks_per_app * self.menus.tiers.len()
    }

    /// Looks at one vector of modes; true if it gives the best plan so far.
    fn consider(&mut self, modes: &[usize]) -> bool {
        let rooms = self.menus.problem.rooms(modes);
        if rooms.iter().any(|room| *room < 0) || !self.seen.insert(modes.to_vec()) {
            return false;
        }
        self.menus.prepare(modes);
        let rounds = if self.seen.len() == 1 {
            FIRST_ADJUSTMENTS
        } else {
            ADJUSTMENTS
        };
        self.shelf.fill(&self.menus, modes, &rooms);
        self.market.reopen(&self.prices);
        let enough = self.value + self.grain;
        self.market.settle(&mut self.shelf, enough, rounds);
        if self.market.bound <= enough {
            return false;
        }
        let mut selection = Selection::of(&self.menus, modes, &self.market.choices(&self.shelf));
        selection.repair(&self.menus, &self.shelf);
        selection.improve(&self.menus);
        let short = self.value - selection.value(&self.menus);
        let violating = selection.violating(&self.menus);
        if short < EXCHANGEABLE * self.grain || violating <= FEW_VIOLATIONS {
            selection.exchange(&self.menus, &self.near(&selection));
        }
        self.looks += selection.looks;
        self.keep(selection)
    }

    /// Per app, the items that could be part of a plan better than `selection`, as far as the price bound tells: the
    /// nearest few.
    fn near(&self, selection: &Selection) -> Vec<Vec<Option<usize>>> {
        let gap = self.market.bound - selection.value(&self.menus);
        let near = |app: usize| {
            let items = self.market.near(&self.shelf, app, gap).into_iter().take(NEAR);
            items
                .map(|(_, index)| Some(index))
                .chain([selection.picks[app]])
                .collect()
        };
        (0..self.menus.tiers.len()).map(near).collect()
    }

    fn keep(&mut self, selection: Selection) -> bool {
        let better = selection.fits() && self.best.as_ref().is_none_or(|best| selection.score > best.score);
        if better {
            self.value = selection.value(&self.menus);
            self.grain = GRAIN * selection.objective_value(&self.menus).abs();
            self.prices.clone_from(&self.market.prices);
            self.best = Some(selection);
        }
        better
    }

    /// Step 3.
    fn prove(&mut self) -> Proof {
        let sites = &self.menus.problem.sites;
        let vectors = sites
            .iter()
            .try_fold(1_usize, |product, site| product.checked_mul(site.modes.len()));
        let few = vectors.is_some_and(|vectors| vectors <= self.effort.provable_vectors);
        if few && self.menus.fronts() <= self.effort.provable_fronts {
            self.prove_all()
        } else {
            Proof::None
        }
    }

    fn prove_all(&mut self) -> Proof {
        let mut open: Vec<(Score, Vec<usize>)> = Vec::new();
        let mut modes = vec![0; self.menus.problem.sites.len()];
        loop {
            if self.menus.asked > self.effort.labels {
                return Proof::None;
            }
            if self.menus.problem.rooms(&modes).iter().all(|room| *room >= 0) {
                self.menus.prepare(&modes);
                let bound = self.bound(&modes);
                if self.best.as_ref().is_none_or(|best| bound > best.score) {
                    open.push((bound, modes.clone()));
                }
            }
            if !advance(&mut modes, &self.menus.problem.sites) {
                break;
            }
        }
        open.sort_by(|a, b| b.cmp(a));
        let mut effort = self.effort.labels;
        for (bound, modes) in open {
            let Some(best) = &self.best else { break };
            if bound <= best.score {
                break;
            }
            let lists: Vec<Vec<Option<usize>>> = (0..self.menus.tiers.len())
                .map(|app| self.menus.of(app, &modes).map(Some).chain([None]).collect())
                .collect();
            match exact::best(&self.menus, &modes, &lists, &best.score, &mut effort) {
                Outcome::Better(selection) => {
                    self.keep(selection);
                }
                Outcome::NoBetter => {}
                Outcome::GaveUp => return Proof::None,
            }
        }
        Proof::Optimal
    }

    /// What all apps would be worth at these modes if each had its best.
    fn bound(&self, modes: &[usize]) -> Score {
        let tiers = self.menus.tiers.iter().max().map_or(1, |last| last + 1);
        let mut score = Score::zero(tiers);
        for (app, tier) in self.menus.tiers.iter().enumerate() {
            score.add(*tier, self.menus.best(app, modes));
        }
        score.charge(self.menus.problem.cost(modes));
        score
    }
}

/// The modes to try beside `mode`: all of a few, else steps of 1, 2, 4… operating points up and down, and the
/// other ways of sharing.
fn neighbours(site: &Site, mode: usize) -> Vec<usize> {
    let all = site.modes.len();
    if all <= FEW_MODES {
        return (0..all).filter(|other| *other != mode).collect();
    }
    let opp = mode % site.opps;
    let first = mode - opp;
    let steps = (0..usize::BITS)
        .map(|power| 1_usize << power)
        .take_while(|step| *step < site.opps);
    let opps = steps.flat_map(|step| [opp.checked_sub(step), Some(opp + step)]);
    let opps = opps
        .flatten()
        .filter(|other| *other < site.opps)
        .map(|other| first + other);
    let sharings = (opp..all).step_by(site.opps).filter(|other| *other != mode);
    opps.chain(sharings).collect()
}

/// The next vector of modes, as a number counts up; false after the last.
fn advance(modes: &mut [usize], sites: &[Site]) -> bool {
    for (mode, site) in modes.iter_mut().zip(sites) {
        *mode += 1;
        if *mode < site.modes.len() {
            return true;
        }
        *mode = 0;
    }
    false
}
