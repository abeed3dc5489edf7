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

/// What follows when each app chooses for itself at given prices.
#[derive(Clone, Debug)]
pub(crate) struct Market {
    /// Per resource; never negative.
    pub(crate) prices: Vec<f64>,
    /// What each app chooses.
    pub(crate) picks: Vec<Option<usize>>,
    /// What that is worth to it after it paid.
    pub(crate) profits: Vec<f64>,
    /// No plan at these modes has a greater value.
    pub(crate) bound: f64,
    used: Vec<Micro>,
}

impl Market {
    /// Nothing has a price.
    pub(crate) fn new(apps: usize, resources: usize) -> Self {
        Self {
            prices: vec![0.0; resources],
            picks: vec![None; apps],
            profits: vec![0.0; apps],
            bound: f64::INFINITY,
            used: vec![0; resources],
        }
    }

    /// Lets each app choose at the present prices.
    pub(crate) fn clear<O: Offers>(&mut self, menus: &Menus<'_, O>, modes: &[usize], rooms: &[Micro]) {
        self.used.fill(0);
        self.bound = -menus.cost_value(menus.problem.cost(modes));
        for app in 0..self.picks.len() {
            let mut pick = None;
            let mut profit = menus.value(app, Worth::NOTHING);
            for index in menus.of(app, modes) {
                let net = menus.item(index).value - self.charge(menus, index);
                if net > profit {
                    (pick, profit) = (Some(index), net);
                }
            }
            self.picks[app] = pick;
            self.profits[app] = profit;
            self.bound += profit;
            if let Some(index) = pick {
                menus.each(index, |resource, amount| self.used[resource] += amount);
            }
        }
        let rent = self
            .prices
            .iter()
            .zip(rooms)
            .map(|(price, room)| price * *room as f64);
        self.bound += rent.sum::<f64>();
    }

    /// What an item costs at the present prices.
    pub(crate) fn charge<O: Offers>(&self, menus: &Menus<'_, O>, index: usize) -> f64 {
        let mut sum = 0.0;
        menus.each(index, |resource, amount| {
            sum += self.prices[resource] * amount as f64
        });
        sum
    }

    /// Moves the prices towards where demand meets room, until the bound is no more than `known`, the value of the best
    /// plan known, or for so many rounds. Stays at the prices of the least bound.
    pub(crate) fn settle<O: Offers>(
        &mut self,
        menus: &Menus<'_, O>,
        modes: &[usize],
        known: f64,
        rounds: usize,
    ) {
        let rooms = menus.problem.rooms(modes);
        self.clear(menus, modes, &rooms);
        let mut lowest = self.clone();
        let mut stride = 1.0;
        for _ in 0..rounds {
            if lowest.bound <= known || !self.adjust(&rooms, stride * (self.bound - known)) {
                break;
            }
            self.clear(menus, modes, &rooms);
            if self.bound < lowest.bound {
                lowest.clone_from(self);
            } else {
                stride *= SHRINK;
            }
        }
        *self = lowest;
    }

    /// Moves the prices by this step along the excess demand. False if they stand already.
    fn adjust(&mut self, rooms: &[Micro], step: f64) -> bool {
        let excess = |(used, room): (&Micro, &Micro)| (used - room) as f64 / scale(*room);
        let idle = |(over, price): (f64, &f64)| if over < 0.0 && *price == 0.0 { 0.0 } else { over };
        let over: Vec<f64> = self
            .used
            .iter()
            .zip(rooms)
            .map(excess)
            .zip(&self.prices)
            .map(idle)
            .collect();
        let norm: f64 = over.iter().map(|over| over * over).sum();
        if norm <= 0.0 || step <= 0.0 {
            return false;
        }
        for ((price, over), room) in self.prices.iter_mut().zip(over).zip(rooms) {
            *price = (*price + step / norm * over / scale(*room)).max(0.0);
        }
        true
    }
}

/// The unit in which the excess demand of a resource with this room is counted.
fn scale(room: Micro) -> f64 {
    room.max(1) as f64
}
