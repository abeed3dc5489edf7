//! What a run leaves behind: every frame, and how the board was from moment to moment.

use dynd_files::ScenarioBudget;
use dynd_vocab::{Celsius, Hertz, Seconds, Timestamp, Watts};

use super::world::Run;

/// One released inference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frame {
    /// Whose, by index.
    pub app: usize,
    /// When it was released.
    pub release: Timestamp,
    /// What it must not exceed.
    pub target: Seconds,
    /// What was run; nothing if a newer frame took its place.
    pub run: Option<Run>,
    /// From its release to its end; absent if it has none.
    pub latency: Option<Seconds>,
    /// Whether it was answered in time and well enough.
    pub met: bool,
    /// Whether sub-network or place were others than those of the frame before.
    pub switched: bool,
}

/// How the board was at one moment: the truth.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    /// When.
    pub at: Timestamp,
    /// The clock of each processor.
    pub clocks: Vec<Hertz>,
    /// What the whole board drew on average since the last moment.
    pub power: Watts,
    /// Its hottest part.
    pub hottest: Celsius,
    /// What it was allowed.
    pub budget: ScenarioBudget,
}

/// All of one run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace {
    /// In the order in which they ended or were dropped.
    pub frames: Vec<Frame>,
    /// Every 100 ms.
    pub moments: Vec<Moment>,
    /// When apps, loads, clocks, targets or budgets changed.
    pub disturbances: Vec<Timestamp>,
    /// What the board drew in all, in joules.
    pub energy: f64,
    /// How long it lasted.
    pub duration: Seconds,
}
