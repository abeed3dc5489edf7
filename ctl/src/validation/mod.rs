//! How close a virtual board comes to published measurements of the real one.
//!
//! Every board is held against the idle power that its file states; those that somebody measured at length are held
//! against those measurements, in the same experiment: the clients of an inference server, or a load under stepped
//! clocks. A limit that is not met is reported so, and never moved.

mod check;
mod dwells;
mod idle;
mod live;
mod serving;

use dynd_files::{Measurement, Table};
use dynd_vocab::Blueprint;

pub(crate) use check::Check;
pub(crate) use live::{check_live, do_tasks};

/// What seeds the noise of the simulated sensors.
const SEED: u64 = 1;

/// The virtual board disagrees with itself.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ValidationError {
    /// A measurement speaks of something that the board lacks.
    #[error("the board {board} has no {what}")]
    Lacks {
        /// The board.
        board: String,
        /// What it lacks.
        what: String,
    },
    /// The plant refused what the experiment asks for.
    #[error("failed to run the experiment")]
    Refused(#[from] dynd_plant::PlantError),
}

/// Holds the board called `name` against what it states and against those of `measurements` that are of it.
///
/// # Errors
/// If a measurement does not fit the board.
pub(crate) fn validate(
    name: &str,
    board: &Blueprint,
    measurements: &[Measurement],
) -> Result<Vec<Check>, ValidationError> {
    let mut checks = vec![idle::check(name, board)];
    for measurement in measurements.iter().filter(|each| each.board == name) {
        checks.extend(match &measurement.table {
            Table::Serving(serving) => serving::check(name, board, serving)?,
            Table::Dwells(dwells) => dwells::check(name, board, dwells)?,
        });
    }
    Ok(checks)
}
