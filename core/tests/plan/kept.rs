//! What every plan keeps.

use dynd_core::plan::{Effort, solve};

use super::exact::{loss, start};
use super::{brute, instance};

#[test]
fn the_same_problem_gets_the_same_plan_from_wherever_it_starts() {
    for seed in 0..200 {
        let instance = instance::any(seed);
        let first = solve(&instance.problem, &instance, &start(&instance), Effort::default());
        let again = solve(&instance.problem, &instance, &start(&instance), Effort::default());
        assert_eq!(first, again, "seed {seed}");
        let onward = solve(&instance.problem, &instance, &first.modes, Effort::default());
        assert_eq!(onward.score, first.score, "seed {seed}");
    }
}

/// The gains of a higher tier are worth nothing against the violations of a lower one: leaving out all gains changes
/// no violation.
#[test]
fn no_gain_is_bought_with_a_lower_tiers_target() {
    let mut mattered = 0;
    for seed in 0..300 {
        let instance = instance::any(seed);
        let mut frugal = instance.clone();
        for point in frugal.table.iter_mut().flatten().flatten().flatten() {
            point.worth.gain = 0;
        }
        let plan = |instance: &instance::Instance| {
            solve(&instance.problem, instance, &start(instance), Effort::default())
        };
        let (rich, poor) = (plan(&instance), plan(&frugal));
        let violations = |score: &dynd_core::plan::Score| score.violations().collect::<Vec<_>>();
        assert_eq!(violations(&rich.score), violations(&poor.score), "seed {seed}");
        mattered += u32::from(rich.score.gains().sum::<i64>() > 0);
        assert_eq!(loss(&poor.score), brute::best(&frugal), "seed {seed}");
    }
    assert!(mattered > 200, "{mattered}");
}
