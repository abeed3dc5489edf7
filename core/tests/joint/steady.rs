//! Nothing is changed without reason.

use dynd_vocab::{Objective, Quality};

use crate::plant::{Plant, apps};
use crate::told::{QUALITY, board, policy};

/// Ten minutes after the first ten seconds; what is good enough is late at 800 MHz a little more often than it may be.
#[test]
fn stationary_noise_is_no_reason_to_touch_the_clock_all_the_time() {
    let mut apps = apps();
    for app in &mut apps {
        app.requirement.min_quality = Quality::new(QUALITY[1]).unwrap();
    }
    let mut plant = Plant::new(board(), policy(Objective::MinEnergy), &apps);
    plant.noise = 1.2;
    let start = plant.run(10.0);
    let before = start.changes;
    let after = start.run(600.0).changes;
    let (clocks, told) = (after.0 - before.0, after.1 - before.1);
    println!(
        "{clocks} changes of the clock, {told} assignments of {} apps",
        apps.len()
    );
    assert!(clocks <= 20, "{clocks} changes of the clock");
    assert!(told <= 10 * apps.len(), "{told} assignments");
}

#[test]
fn without_noise_nothing_is_changed_after_a_second() {
    for objective in [Objective::MinEnergy, Objective::MaxQuality] {
        let start = Plant::new(board(), policy(objective), &apps()).run(1.0);
        let before = start.changes;
        assert_eq!(start.run(60.0).changes, before, "{objective:?}");
    }
}
