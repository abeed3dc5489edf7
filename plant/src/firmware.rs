//! What firmware does behind the kernel's back: it takes one OPP after the other off the real clock while a limit is
//! passed, and gives them back one by one. Voltage and reported clock stay.
//!
//! So do the Raspberry Pi's VideoCore (soft and hard temperature limits) and the over-current comparators of
//! Jetson modules (soctherm); the board file says where from.

use dynd_vocab::blueprint::{FirmwareLimit, LimitTrigger};

/// One limit and the OPPs it takes at present.
#[derive(Clone, Debug)]
pub(crate) struct Limiter {
    pub(crate) plan: FirmwareLimit,
    /// OPPs taken off.
    pub(crate) taken: usize,
    /// When it acts next, in nanoseconds.
    pub(crate) next: u64,
}

impl Limiter {
    pub(crate) fn new(plan: &FirmwareLimit) -> Self {
        Self {
            plan: plan.clone(),
            taken: 0,
            next: 0,
        }
    }

    /// How often it acts, in nanoseconds.
    pub(crate) fn period(&self) -> u64 {
        (self.plan.period.get() * 1e9) as u64
    }

    /// Acts; `celsius` tells the temperature of a node, the board draws `watts`, and no more than `room` OPPs can be
    /// taken.
    pub(crate) fn act(&mut self, celsius: impl Fn(usize) -> f64, watts: f64, room: usize) {
        let (value, begins, ends) = match self.plan.trigger {
            LimitTrigger::Heat { node, at, release } => (celsius(node), at.get(), release.get()),
            LimitTrigger::Power { above, release } => (watts, above.get(), release.get()),
        };
        if value >= begins {
            self.taken = (self.taken + 1).min(room);
        } else if value < ends {
            self.taken = self.taken.saturating_sub(1);
        }
    }
}
