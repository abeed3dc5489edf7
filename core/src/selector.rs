//! The selector: picks a rung before each inference, in the client, with no message exchanged.

use dynd_vocab::{Assignment, ModelTable, Report, Requirement, Seconds};

/// What to run next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Index of the sub-network.
    pub subnetwork: usize,
}

/// Picks the sub-network for each inference from the assigned ladder, or, without a daemon, from the whole
/// table.
#[derive(Debug)]
pub struct Selector {
    _table: ModelTable,
}

impl Selector {
    /// A selector for `table` that has heard from no daemon.
    pub fn new(table: ModelTable, requirement: Requirement) -> Self {
        let _ = requirement;
        Self { _table: table }
    }

    /// Takes over what the daemon assigned.
    pub fn assign(&mut self, assignment: &Assignment) {
        let _ = assignment;
    }

    /// The daemon is gone: from now on selects for itself.
    pub fn alone(&mut self) {}

    /// The rung for an inference that must end within `remaining`.
    pub fn choose(&mut self, remaining: Seconds) -> Choice {
        let _ = remaining;
        Choice { subnetwork: 0 }
    }

    /// Learns from an inference. True if the daemon should hear of it at once rather than with the next batch.
    pub fn record(&mut self, report: &Report) -> bool {
        let _ = report;
        false
    }
}
