//! The best selection at given modes, proven.
//!
//! Apps are gone through one by one. A label says what the apps so far were given: what it uses and what it is worth.
//! One that uses no less than another and is worth no more is dropped (dominance), and so is one that cannot become
//! better than what is known even if every app to come gets its best (bound). Label setting, as for constrained
//! shortest paths (Desrochers & Soumis, INFOR 26, 1988).

use alloc::vec;
use alloc::vec::Vec;

use super::menu::Menus;
use super::pick::Selection;
use super::problem::{Micro, Offers};
use super::score::Score;

/// What came of a search for something better.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// This is the best, and better than what was known.
    Better(Selection),
    /// Nothing is better than what was known.
    NoBetter,
    /// The effort allowed did not suffice.
    GaveUp,
}

/// What the apps so far were given.
struct Label {
    score: Score,
    used: Vec<Micro>,
    /// Index into the labels of the app before, and what this app was given.
    parent: usize,
    pick: Option<usize>,
}

/// Looks among `lists` (per app, what it may be given) for a selection at `modes` that is better than `known`.
/// Every label takes one off `effort`.
pub(crate) fn best<O: Offers>(
    menus: &Menus<'_, O>,
    modes: &[usize],
    lists: &[Vec<Option<usize>>],
    known: &Score,
    effort: &mut usize,
) -> Outcome {
    let rooms = menus.problem.rooms(modes);
    let rest = rests(menus, modes, lists, known);
    let start = Label {
        score: rest.zero.clone(),
        used: vec![0; rooms.len()],
        parent: 0,
        pick: None,
    };
    let mut steps: Vec<Vec<Label>> = vec![vec![start]];
    for (app, list) in lists.iter().enumerate() {
        let mut labels = Vec::new();
        for (parent, label) in steps[app].iter().enumerate() {
            for pick in list {
                if *effort == 0 {
                    return Outcome::GaveUp;
                }
                *effort -= 1;
                let mut used = label.used.clone();
                if let Some(index) = pick {
                    let takes = menus.takes(*index);
                    used.iter_mut().zip(takes).for_each(|(used, take)| *used += take);
                }
                let mut score = label.score.clone();
                score.add(menus.tiers[app], menus.worth(*pick));
                let fits = used.iter().zip(&rooms).all(|(used, room)| used <= room);
                if fits && score.plus(&rest.after[app]) > *known {
                    labels.push(Label {
                        score,
                        used,
                        parent,
                        pick: *pick,
                    });
                }
            }
        }
        steps.push(undominated(labels, effort));
    }
    let Some(winner) = best_of(&steps[lists.len()]) else {
        return Outcome::NoBetter;
    };
    let mut picks = vec![None; lists.len()];
    let mut at = winner;
    for app in (0..lists.len()).rev() {
        let label = &steps[app + 1][at];
        (picks[app], at) = (label.pick, label.parent);
    }
    Outcome::Better(Selection::of(menus, modes, &picks))
}

/// The most that the apps to come can add.
struct Rests {
    /// Worth of nobody, at these modes.
    zero: Score,
    /// Per app, what all later ones add at their best.
    after: Vec<Score>,
}

fn rests<O: Offers>(
    menus: &Menus<'_, O>,
    modes: &[usize],
    lists: &[Vec<Option<usize>>],
    like: &Score,
) -> Rests {
    let none = Score::zero(like.tiers());
    let mut zero = none.clone();
    zero.charge(menus.problem.cost(modes));
    let mut after = vec![none.clone(); lists.len()];
    let mut sum = none;
    for (app, list) in lists.iter().enumerate().rev() {
        after[app] = sum.clone();
        let best = list.iter().map(|pick| menus.worth(*pick)).max();
        sum.add(menus.tiers[app], best.unwrap_or(super::score::Worth::NOTHING));
    }
    Rests { zero, after }
}

/// Drops every label that another makes needless.
fn undominated(mut labels: Vec<Label>, effort: &mut usize) -> Vec<Label> {
    labels.sort_by(|a, b| b.score.cmp(&a.score));
    let mut kept: Vec<Label> = Vec::new();
    for label in labels {
        let dominates = |other: &Label| other.used.iter().zip(&label.used).all(|(a, b)| a <= b);
        *effort = effort.saturating_sub(kept.len() / COMPARISONS);
        if !kept.iter().any(dominates) {
            kept.push(label);
        }
    }
    kept
}

/// Comparisons of labels that cost as much as making one.
const COMPARISONS: usize = 16;

fn best_of(labels: &[Label]) -> Option<usize> {
    (0..labels.len()).max_by(|a, b| labels[*a].score.cmp(&labels[*b].score))
}
