//! Idle power: what the simulated board draws a minute after it was switched on, with nothing to do, against what its
//! file states.

use std::time::Duration;

use dynd_plant::Plant;
use dynd_vocab::Blueprint;

use super::check::{Check, Unit};

const LIMIT: f64 = 5.0;
const WARM_UP: Duration = Duration::from_secs(600);
const SPAN: Duration = Duration::from_secs(10);

pub(super) fn check(name: &str, board: &Blueprint) -> Check {
    let mut plant = Plant::new(board, super::SEED);
    plant.step(WARM_UP);
    let before = plant.energy();
    plant.step(SPAN);
    let watts = (plant.energy() - before) / SPAN.as_secs_f64();
    let stated = board.idle.power.get();
    let error = 100.0 * (watts / stated - 1.0).abs();
    let what = format!(
        "{name}: idle power, {} as {}",
        board.idle.power,
        board.idle.origin.grade.label()
    );
    Check::at_most(what, error, LIMIT, Unit::Percent)
}
