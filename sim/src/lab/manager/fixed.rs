//! What is done without a controller: one sub-network at one place, and a governor of the kernel.

use dynd_vocab::Timestamp;

use super::{Manager, News, Orders};
use crate::lab::world::Run;

/// Always the same, under a governor.
#[derive(Clone, Debug)]
pub struct Fixed {
    runs: Vec<Run>,
    governors: Vec<(usize, &'static str)>,
}

impl Fixed {
    /// Each app always runs the one of `runs` at its index, while these governors are in charge.
    pub const fn new(runs: Vec<Run>, governors: Vec<(usize, &'static str)>) -> Self {
        Self { runs, governors }
    }
}

impl Manager for Fixed {
    fn hear(&mut self, _: Timestamp, _: News<'_>) -> Orders {
        Orders::default()
    }

    fn choose(&mut self, _: Timestamp, app: usize, _: Timestamp) -> Run {
        self.runs[app]
    }

    fn governors(&self) -> &[(usize, &'static str)] {
        &self.governors
    }
}
