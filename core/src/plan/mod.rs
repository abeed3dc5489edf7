//! The joint plan for all apps and clocks, apart from where its figures come from.
//!
//! The problem, for modes m of the processors (operating point and ceiling of sharing) and one point per app: maximise
//!
//! ```text
//!   (violations by falling tier; gains by falling tier; cost of modes and points)     lexicographically
//!   so that  Σ demand ≤ capacity(m)                 per processor: cores, or share of time
//!            Σ_p c_lp · (idle_p(m) + Σ watts) ≤ room  per limit l: power, or the heat of a zone
//! ```
//!
//! a multiple-choice multi-dimensional knapsack per vector of modes. Steps: `menu` prunes what each app could
//! have to its Pareto front, `price` bounds what can be reached at a vector of modes, `pick` makes plans,
//! `exact` proves them, `search` goes through the vectors.
//!
//! Glossary: a *tier* is all apps of one priority; a *violation* is excess risk of lateness or a minimum quality
//! missed; a *vector* is one mode per processor; *demand* is what a point takes of a processor's capacity; a *limit* is
//! a budget linear in power.
//!
//! Fairness: within a tier the sum of violations counts, so that of two apps that cannot both be served the one is
//! that misses less; to run something is better than to be blocked, which counts as much as four full violations.

mod exact;
mod menu;
mod pick;
mod price;
mod problem;
mod reason;
mod score;
mod search;
mod solution;

pub use problem::{Limit, Micro, Mode, ONE, Offers, Place, Point, Problem, Site, micro};
pub use reason::{Obstacle, Reason, explain};
pub use score::{BLOCKED, Score, Worth};
pub use search::Effort;
pub use solution::{Choice, Proof, Solution};

/// The best plan that `effort` finds. `now` are the present modes: the search starts there.
pub fn solve<O: Offers>(problem: &Problem, offers: &O, now: &[usize], effort: Effort) -> Solution {
    let mut search = search::Search::new(problem, offers, effort);
    let proof = search.run(now);
    let menus = &search.menus;
    let best = search
        .best
        .unwrap_or_else(|| pick::Selection::nothing(menus, now));
    let choice = |index: usize| {
        let item = menus.item(index);
        Choice {
            place: menus.place(item.processor, &best.modes),
            point: item.point,
        }
    };
    Solution {
        choices: best.picks.iter().map(|pick| pick.map(choice)).collect(),
        modes: best.modes,
        score: best.score,
        proof,
    }
}
