//! What was decided.

use alloc::vec::Vec;

use super::problem::{Place, Point};
use super::score::Score;

/// What was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Solution {
    /// Per processor, its mode.
    pub modes: Vec<usize>,
    /// Per app, what it gets; nothing if it is blocked.
    pub choices: Vec<Option<Choice>>,
    /// What that is worth.
    pub score: Score,
    /// Whether that is known to be the best.
    pub proof: Proof,
}

/// What an app gets, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Where.
    pub place: Place,
    /// What.
    pub point: Point,
}

/// Whether a plan is known to be the best.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// No plan is better.
    Optimal,
    /// There may be better ones: the problem was too large to go through all.
    None,
}
