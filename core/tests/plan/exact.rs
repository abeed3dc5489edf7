//! Small problems are solved exactly.

use dynd_core::plan::{Effort, Proof, Score, Solution, solve};

use super::brute::{self, Loss};
use super::instance::{self, Instance};

pub(crate) fn loss(score: &Score) -> Loss {
    let parts = score.violations().chain(score.gains().map(|gain| -gain));
    parts.chain([score.cost()]).collect()
}

pub(crate) fn start(instance: &Instance) -> Vec<usize> {
    vec![0; instance.problem.sites.len()]
}

/// The solution's loss, counted anew from what it says, after a look at whether it fits.
fn counted(instance: &Instance, solution: &Solution) -> Loss {
    let plan: Vec<_> = solution
        .choices
        .iter()
        .map(|choice| choice.map(|c| (c.place.processor, c.point)))
        .collect();
    let (loss, used) = brute::judge(instance, &solution.modes, &plan);
    let rooms = brute::rooms(instance, &solution.modes);
    assert!(
        used.iter().zip(&rooms).all(|(used, room)| used <= room),
        "{used:?} in {rooms:?}"
    );
    loss
}

#[test]
fn a_thousand_small_problems_are_solved_as_by_brute_force() {
    let mut climbed = 0;
    for seed in 0..1000 {
        let instance = instance::any(seed);
        let solution = solve(&instance.problem, &instance, &start(&instance), Effort::default());
        let best = brute::best(&instance);
        assert_eq!(loss(&solution.score), best, "seed {seed}");
        assert_eq!(
            counted(&instance, &solution),
            best,
            "seed {seed}: the score is not the plan's"
        );
        assert_eq!(solution.proof, Proof::Optimal, "seed {seed}");
        let unproven = Effort {
            provable_vectors: 0,
            ..Effort::default()
        };
        let climb = solve(&instance.problem, &instance, &start(&instance), unproven);
        assert!(counted(&instance, &climb) >= best, "seed {seed}");
        climbed += u32::from(counted(&instance, &climb) == best);
    }
    println!("without the proof {climbed} of 1000 are the best");
    assert!(climbed >= 800, "{climbed}");
}
