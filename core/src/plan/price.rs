//! Prices of what is scarce, and the bound that follows from them.
//!
//! With a price λ_d per unit of every resource d, each app picks for itself what is worth most less what it pays:
//! L(λ) = Σ_a max_o (v_o - λ·w_o) + λ·room is an upper bound of every plan at these modes (Lagrangian relaxation;
//! its least over λ is the bound of the linear programme: Geoffrion, Mathematical Programming Study 2, 1974). Prices
//! follow the excess demand, by the step θ (L - best known) / ‖excess‖² (Polyak, USSR Computational Mathematics 9,
//! 1969), in units of each resource's room. What is known is less than the least bound, so that steps are too long
//! in the end: θ shrinks whenever the bound does not fall (Held, Wolfe & Crowder, Mathematical Programming 6, 1974).

use alloc::vec;
use alloc::vec::Vec;

use super::menu::Menus;
use super::problem::{Micro, Offers};
use super::score::Worth;

/// What is left of the step when it did not lower the bound.
const SHRINK: f64 = 0.7;

/// Rounds after which the shelf is gone through for what can leave it.
const PRUNE_EVERY: usize = 6;

/// What all apps could choose at some modes, laid out for going through it often.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shelf {
    /// Per app, where its items begin; and where the last one's end.
    first: Vec<usize>,
    items: Vec<usize>,
    values: Vec<f64>,
    /// What an item takes of each resource.
    takes: Vec<f64>,
    /// Per app, the value of nothing.
    nothing: Vec<f64>,
    rooms: Vec<f64>,
    /// Value of the modes themselves.
    modes: f64,
}

impl Shelf {
    /// Lays out what there is at these modes, which were prepared.
    pub(crate) fn fill<O: Offers>(&mut self, menus: &Menus<'_, O>, modes: &[usize], rooms: &[Micro]) {
        self.first.clear();
        self.items.clear();
        self.values.clear();
        self.takes.clear();
        self.nothing.clear();
        for app in 0..menus.tiers.len() {
            self.first.push(self.items.len());
            self.nothing.push(menus.value(app, Worth::NOTHING));
            for index in menus.of(app, modes) {
                self.items.push(index);
                self.values.push(menus.item(index).value);
                self.takes
                    .extend(menus.takes(index).iter().map(|amount| *amount as f64));
            }
        }
        self.first.push(self.items.len());
        self.rooms.clear();
        self.rooms.extend(rooms.iter().map(|room| *room as f64));
        self.modes = -menus.cost_value(menus.problem.cost(modes));
    }

    /// The items of `app`.
    pub(crate) fn of(&self, app: usize) -> &[usize] {
        &self.items[self.first[app]..self.first[app + 1]]
    }

    /// Takes away what cannot be part of a plan worth more than `enough`: at the prices of `market` such an item costs
    /// more than the bound leaves.
    fn prune(&mut self, market: &Market, enough: f64) {
        let (gap, resources) = (market.bound - enough, self.rooms.len());
        let mut kept = 0;
        for app in 0..self.nothing.len() {
            let all = self.first[app]..self.first[app + 1];
            self.first[app] = kept;
            for at in all {
                if market.profits[app] - self.values[at] + market.charge(self, at) <= gap {
                    self.items[kept] = self.items[at];
                    self.values[kept] = self.values[at];
                    self.takes
                        .copy_within(at * resources..(at + 1) * resources, kept * resources);
                    kept += 1;
                }
            }
        }
        if let Some(last) = self.first.last_mut() {
            *last = kept;
        }
        self.items.truncate(kept);
        self.values.truncate(kept);
        self.takes.truncate(kept * resources);
    }
}

/// What follows when each app chooses for itself at given prices.
#[derive(Clone, Debug)]
pub(crate) struct Market {
    /// Per resource; never negative.
    pub(crate) prices: Vec<f64>,
    /// What each app chooses: an index into the shelf.
    picks: Vec<Option<usize>>,
    /// What that is worth to it after it paid.
    profits: Vec<f64>,
    /// No plan at these modes has a greater value.
    pub(crate) bound: f64,
    used: Vec<f64>,
    /// Of a full step, what is taken.
    stride: f64,
    /// Items looked at so far.
    pub(crate) looks: usize,
}

impl Market {
    /// Nothing has a price.
    pub(crate) fn new(apps: usize, resources: usize) -> Self {
        Self {
            prices: vec![0.0; resources],
            picks: vec![None; apps],
            profits: vec![0.0; apps],
            bound: f64::INFINITY,
            used: vec![0.0; resources],
            stride: 1.0,
            looks: 0,
        }
    }

    /// Begins anew at these prices.
    pub(crate) fn reopen(&mut self, prices: &[f64]) {
        self.prices.copy_from_slice(prices);
        self.stride = 1.0;
    }

    /// What each app chooses, as an item.
    pub(crate) fn choices(&self, shelf: &Shelf) -> Vec<Option<usize>> {
        self.picks
            .iter()
            .map(|pick| pick.map(|at| shelf.items[at]))
            .collect()
    }

    /// The items of `app` that leave it at most `gap` less than its choice, the least loss first.
    pub(crate) fn near(&self, shelf: &Shelf, app: usize, gap: f64) -> Vec<(f64, usize)> {
        let all = shelf.first[app]..shelf.first[app + 1];
        let lost = |at: usize| {
            (
                self.profits[app] - shelf.values[at] + self.charge(shelf, at),
                shelf.items[at],
            )
        };
        let mut near: Vec<(f64, usize)> = all.map(lost).filter(|(lost, _)| *lost <= gap).collect();
        near.sort_by(|a, b| a.0.total_cmp(&b.0));
        near
    }

    /// Moves the prices towards where demand meets room, until the bound is no more than `enough`, or for so many
    /// rounds; what no plan worth more can hold leaves the shelf now and then. Stays at the prices of the least bound.
    pub(crate) fn settle(&mut self, shelf: &mut Shelf, enough: f64, rounds: usize) {
        for _ in 0..rounds.div_ceil(PRUNE_EVERY) {
            self.descend(shelf, enough);
            if self.bound <= enough {
                return;
            }
            shelf.prune(self, enough);
        }
        self.clear(shelf);
    }

    /// A few rounds.
    fn descend(&mut self, shelf: &Shelf, enough: f64) {
        self.clear(shelf);
        let mut lowest = self.clone();
        let mut stride = self.stride;
        for _ in 0..PRUNE_EVERY {
            if lowest.bound <= enough || !self.adjust(shelf, stride * (self.bound - enough)) {
                break;
            }
            self.clear(shelf);
            if self.bound < lowest.bound {
                lowest.clone_from(self);
            } else {
                stride *= SHRINK;
            }
        }
        lowest.looks = self.looks;
        lowest.stride = stride;
        *self = lowest;
    }

    /// Lets each app choose at the present prices.
    fn clear(&mut self, shelf: &Shelf) {
        self.used.fill(0.0);
        self.looks += shelf.items.len();
        let rent = self.prices.iter().zip(&shelf.rooms);
        self.bound = shelf.modes + rent.map(|(price, room)| price * room).sum::<f64>();
        for app in 0..self.picks.len() {
            let (mut pick, mut profit) = (None, shelf.nothing[app]);
            for at in shelf.first[app]..shelf.first[app + 1] {
                let net = shelf.values[at] - self.charge(shelf, at);
                if net > profit {
                    (pick, profit) = (Some(at), net);
                }
            }
            self.picks[app] = pick;
            self.profits[app] = profit;
            self.bound += profit;
            if let Some(at) = pick {
                let takes = &shelf.takes[at * self.used.len()..];
                self.used
                    .iter_mut()
                    .zip(takes)
                    .for_each(|(used, take)| *used += take);
            }
        }
    }

    /// What an item costs at the present prices.
    fn charge(&self, shelf: &Shelf, at: usize) -> f64 {
        let takes = &shelf.takes[at * self.prices.len()..(at + 1) * self.prices.len()];
        self.prices
            .iter()
            .zip(takes)
            .map(|(price, take)| price * take)
            .sum()
    }

    /// Moves the prices by this step along the excess demand. False if they stand already.
    fn adjust(&mut self, shelf: &Shelf, step: f64) -> bool {
        let mut norm = 0.0;
        for ((used, room), price) in self.used.iter_mut().zip(&shelf.rooms).zip(&self.prices) {
            // From here on, the excess in units of the room.
            *used = (*used - room) / room.max(1.0);
            if *used < 0.0 && *price == 0.0 {
                *used = 0.0;
            }
            norm += *used * *used;
        }
        if norm <= 0.0 || step <= 0.0 {
            return false;
        }
        for ((price, over), room) in self.prices.iter_mut().zip(&self.used).zip(&shelf.rooms) {
            *price = (*price + step / norm * over / room.max(1.0)).max(0.0);
        }
        true
    }
}
