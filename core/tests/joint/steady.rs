//! Nothing is changed without reason.

use dynd_vocab::Objective;

use crate::plant::{Plant, apps};
use crate::told::{board, policy};

/// Ten minutes after the first ten seconds.
#[test]
fn stationary_noise_is_no_reason_to_touch_clocks_or_apps_all_the_time() {
    for objective in [Objective::MinEnergy, Objective::MaxQuality] {
        let mut plant = Plant::new(board(), policy(objective), &apps());
        plant.noise = 0.6;
        let start = plant.run(10.0);
        let before = start.changes;
        let after = start.run(600.0).changes;
        let (clocks, told) = (after.0 - before.0, after.1 - before.1);
        println!(
            "{objective:?}: {clocks} changes of clocks, {told} of {} apps",
            apps().len()
        );
        assert!(clocks <= 20, "{objective:?}: {clocks} changes of clocks");
        assert!(told <= 10 * apps().len(), "{objective:?}: {told} assignments");
    }
}

#[test]
fn without_noise_nothing_is_changed_after_a_second() {
    for objective in [Objective::MinEnergy, Objective::MaxQuality] {
        let start = Plant::new(board(), policy(objective), &apps()).run(1.0);
        let before = start.changes;
        assert_eq!(start.run(60.0).changes, before, "{objective:?}");
    }
}
