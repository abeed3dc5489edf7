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
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    /// Per app, where its items begin; and where the last one's end.
    first: Vec<usize>,
    items: Vec<usize>,
    values: Vec<f64>,
    /// Per resource, what each item takes of it.
    takes: Vec<Vec<f64>>,
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
        self.takes.iter_mut().for_each(Vec::clear);
        self.takes.resize_with(rooms.len(), Vec::new);
        self.nothing.clear();
        for app in 0..menus.tiers.len() {
            self.first.push(self.items.len());
            self.nothing.push(menus.value(app, Worth::NOTHING));
            for index in menus.of(app, modes) {
                self.items.push(index);
                self.values.push(menus.item(index).value);
                let takes = menus.takes(index).iter();
                let columns = self.takes.iter_mut().zip(takes);
                columns.for_each(|(column, take)| column.push(*take as f64));
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

    /// Takes away what cannot be part of a plan worth more than `enough`: such an item is worth less to its app, at the
    /// prices of `market`, by more than the bound leaves.
    fn prune(&mut self, market: &Market, enough: f64) {
        let gap = market.bound - enough;
        let mut kept = 0;
        for app in 0..self.nothing.len() {
            let all = self.first[app]..self.first[app + 1];
            self.first[app] = kept;
            for at in all {
                if market.profits[app] - market.nets[at] <= gap {
                    self.items[kept] = self.items[at];
                    self.values[kept] = self.values[at];
                    self.takes.iter_mut().for_each(|column| column[kept] = column[at]);
                    kept += 1;
                }
            }
        }
        if let Some(last) = self.first.last_mut() {
            *last = kept;
        }
        self.items.truncate(kept);
        self.values.truncate(kept);
        self.takes.iter_mut().for_each(|column| column.truncate(kept));
    }
}

/// What follows when each app chooses for itself at given prices.
#[derive(Debug)]
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
    /// Per item of the shelf, what is left of its value once it has paid.
    nets: Vec<f64>,
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
            nets: Vec::new(),
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
        let lost = |at: usize| (self.profits[app] - self.nets[at], shelf.items[at]);
        let mut near: Vec<(f64, usize)> = all.map(lost).filter(|(lost, _)| *lost <= gap).collect();
        near.sort_by(|a, b| a.0.total_cmp(&b.0));
        near
    }

    /// Moves the prices towards where demand meets room, until the bound is no more than `enough`, or for so many
    /// rounds; what no plan worth more can hold leaves the shelf now and then. Stays at the prices of the least bound.
    pub(crate) fn settle(&mut self, shelf: &mut Shelf, enough: f64, rounds: usize) {
        self.clear(shelf);
        for _ in 0..rounds.div_ceil(PRUNE_EVERY) {
            if self.bound <= enough {
                return;
            }
            shelf.prune(self, enough);
            self.descend(shelf, enough);
        }
    }

    /// A few rounds.
    fn descend(&mut self, shelf: &Shelf, enough: f64) {
        self.clear(shelf);
        let (mut lowest, mut prices) = (self.bound, self.prices.clone());
        for _ in 0..PRUNE_EVERY {
            if lowest <= enough || !self.adjust(shelf, self.stride * (self.bound - enough)) {
                break;
            }
            self.clear(shelf);
            if self.bound < lowest {
                lowest = self.bound;
                prices.copy_from_slice(&self.prices);
            } else {
                self.stride *= SHRINK;
            }
        }
        self.prices = prices;
        self.clear(shelf);
    }

    /// Lets each app choose at the present prices.
    fn clear(&mut self, shelf: &Shelf) {
        self.used.fill(0.0);
        self.looks += shelf.items.len();
        let rent = self.prices.iter().zip(&shelf.rooms);
        self.bound = shelf.modes + rent.map(|(price, room)| price * room).sum::<f64>();
        self.nets.clone_from(&shelf.values);
        for (price, column) in self
            .prices
            .iter()
            .zip(&shelf.takes)
            .filter(|(price, _)| **price > 0.0)
        {
            let pairs = self.nets.iter_mut().zip(column);
            pairs.for_each(|(net, take)| *net -= price * take);
        }
        for app in 0..self.picks.len() {
            let (mut pick, mut profit) = (None, shelf.nothing[app]);
            for at in shelf.first[app]..shelf.first[app + 1] {
                if self.nets[at] > profit {
                    (pick, profit) = (Some(at), self.nets[at]);
                }
            }
            self.picks[app] = pick;
            self.profits[app] = profit;
            self.bound += profit;
            if let Some(at) = pick {
                let columns = self.used.iter_mut().zip(&shelf.takes);
                columns.for_each(|(used, column)| *used += column[at]);
            }
        }
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
