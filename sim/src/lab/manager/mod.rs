//! Controllers: each hears what its interface would tell it, and is asked what to run before each inference.

mod alert;
mod dynamic_ofa;
mod dynd;
mod fixed;
mod greedy;
mod poet;
mod votes;

use std::time::Duration;

use dynd_files::ScenarioBudget;
use dynd_vocab::{Actuation, Report, Requirement, Sample, Setting, Timestamp};

pub use self::alert::Alert;
pub use self::dynamic_ofa::DynamicOfaRule;
pub use self::dynd::Dynd;
pub use self::fixed::Fixed;
pub use self::greedy::GreedyMmkp;
pub use self::poet::Poet;
use super::world::Run;

/// Something that a controller hears. Apps go by index.
#[derive(Clone, Copy, Debug)]
pub enum News<'a> {
    /// It begins.
    Start,
    /// An app opened its session.
    Arrived(usize),
    /// An app's session ended.
    Left(usize),
    /// An app needs something else from now on.
    Changed(usize, Requirement),
    /// The operator allows the board something else from now on.
    Budget(ScenarioBudget),
    /// An inference of an app ended.
    Ended(usize, &'a Report),
    /// The board was sampled.
    Sample(&'a Sample),
    /// What came of the last setting.
    Actuated(&'a [Actuation]),
    /// The time asked for in [`Orders::wake_at`] has come.
    Tick,
}

/// What a controller wants from now on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Orders {
    /// What the clocks are to be set to; as before if absent.
    pub setting: Option<Setting>,
    /// How often to sample the board; not at all if absent.
    pub sample_every: Option<Duration>,
    /// When to wake it.
    pub wake_at: Option<Timestamp>,
}

/// A controller that sees what its interface gives it.
pub trait Manager {
    /// Hears something at `now`, and answers what it wants.
    fn hear(&mut self, now: Timestamp, news: News<'_>) -> Orders;

    /// What the frame of `app` that was released at `release` is to run now.
    fn choose(&mut self, now: Timestamp, app: usize, release: Timestamp) -> Run;

    /// The governors that it wants in charge, by processor and name; those of the board file where it names none.
    fn governors(&self) -> &[(usize, &'static str)] {
        &[]
    }
}
