//! What a plan is worth: targets and minimum qualities first, tier by tier, then the objective.

use alloc::vec;
use alloc::vec::Vec;
use core::cmp::{Ordering, Reverse};

use super::problem::{Micro, ONE};

/// The violation that an app left out counts for: more than any point's.
pub const BLOCKED: Micro = 4 * ONE;

/// What one app's point is worth: more is better, except of violation and cost. The first that differs decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Worth {
    /// How far target or minimum quality are missed; 0 if both hold.
    pub violation: Micro,
    /// What the objective counts by tier: weighted normalised quality, or speed.
    pub gain: Micro,
    /// What the objective counts last, over all tiers: watts, and what a switch costs.
    pub cost: Micro,
}

impl Worth {
    /// Of an app that runs nothing.
    pub const NOTHING: Self = Self {
        violation: BLOCKED,
        gain: 0,
        cost: 0,
    };
}

impl Ord for Worth {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |worth: &Self| (Reverse(worth.violation), worth.gain, Reverse(worth.cost));
        key(self).cmp(&key(other))
    }
}

impl PartialOrd for Worth {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The worth of all apps: violations by descending tier, then gains by descending tier, then the cost. Compares
/// lexicographically; the greater is the better.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Score(Vec<Micro>);

impl Score {
    /// Nothing yet, of so many tiers.
    pub(crate) fn zero(tiers: usize) -> Self {
        Self(vec![0; 2 * tiers + 1])
    }

    /// Of how many tiers it is.
    pub(crate) fn tiers(&self) -> usize {
        self.0.len() / 2
    }

    /// Adds an app of this tier.
    pub(crate) fn add(&mut self, tier: usize, worth: Worth) {
        let last = self.0.len() - 1;
        self.0[tier] -= worth.violation;
        self.0[last / 2 + tier] += worth.gain;
        self.0[last] -= worth.cost;
    }

    /// Takes an app of this tier away again.
    pub(crate) fn remove(&mut self, tier: usize, worth: Worth) {
        let Worth {
            violation,
            gain,
            cost,
        } = worth;
        self.add(
            tier,
            Worth {
                violation: -violation,
                gain: -gain,
                cost: -cost,
            },
        );
    }

    /// Adds a cost that belongs to no app.
    pub(crate) fn charge(&mut self, cost: Micro) {
        let last = self.0.len() - 1;
        self.0[last] -= cost;
    }

    /// The sum of both.
    pub(crate) fn plus(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| a + b).collect())
    }

    /// Per tier, the highest first, how far targets and minimum qualities are missed in all.
    pub fn violations(&self) -> impl Iterator<Item = Micro> {
        self.0[..self.tiers()].iter().map(|part| -part)
    }

    /// Per tier, the highest first, what the objective gained.
    pub fn gains(&self) -> impl Iterator<Item = Micro> {
        self.0[self.tiers()..self.0.len() - 1].iter().copied()
    }

    /// What the objective counted last.
    pub fn cost(&self) -> Micro {
        self.0.last().map_or(0, |part| -part)
    }
}
