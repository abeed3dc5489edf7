//! The memory that all processors share: its clock, its traffic, its power.
//!
//! The clock is the lowest that moves twice the demand of the last 20 ms, and the highest while an accelerator runs:
//! activity monitor and bandwidth floor of Tegra's EMC, simplified (assumed for the other boards). Bandwidth and
//! standby power are proportional to the clock; each byte moved takes the same energy.

use dynd_vocab::Hertz;
use dynd_vocab::blueprint::MemoryPlan;

/// How often the clock is set, in nanoseconds.
pub(crate) const PERIOD: u64 = 20_000_000;

/// The bandwidth kept over what is asked for.
const HEADROOM: f64 = 2.0;

#[derive(Clone, Debug)]
pub(crate) struct Memory {
    pub(crate) plan: MemoryPlan,
    clock: usize,
    /// Bytes moved and whether an accelerator ran since the clock was set.
    moved: f64,
    accelerated: bool,
    /// When the clock is set next, in nanoseconds.
    pub(crate) next: u64,
}

impl Memory {
    pub(crate) fn new(plan: &MemoryPlan) -> Self {
        Self {
            plan: plan.clone(),
            clock: 0,
            moved: 0.0,
            accelerated: false,
            next: 0,
        }
    }

    /// Its clock.
    pub(crate) fn clock(&self) -> Hertz {
        self.plan.clocks[self.clock]
    }

    /// Bytes per second that it can move.
    pub(crate) fn bandwidth(&self) -> f64 {
        self.plan.bandwidth * self.relative()
    }

    /// What it draws while it moves `traffic` bytes per second, in watts.
    pub(crate) fn power(&self, traffic: f64) -> f64 {
        self.plan.standby.get() * self.relative() + self.plan.energy_per_byte * traffic.min(self.bandwidth())
    }

    /// Notes `bytes` moved, and whether an accelerator ran.
    pub(crate) fn note(&mut self, bytes: f64, accelerated: bool) {
        self.moved += bytes;
        self.accelerated |= accelerated;
    }

    /// Sets the clock by what was noted.
    pub(crate) fn decide(&mut self) {
        let top = self.plan.clocks.len() - 1;
        let asked = HEADROOM * self.moved / (PERIOD as f64 * 1e-9);
        let moves = |clock: &Hertz| self.plan.bandwidth * share(*clock, self.plan.clocks[top]);
        self.clock = match self.accelerated {
            true => top,
            false => self
                .plan
                .clocks
                .iter()
                .position(|clock| moves(clock) >= asked)
                .unwrap_or(top),
        };
        (self.moved, self.accelerated) = (0.0, false);
    }

    fn relative(&self) -> f64 {
        share(self.clock(), self.plan.clocks[self.plan.clocks.len() - 1])
    }
}

fn share(clock: Hertz, highest: Hertz) -> f64 {
    clock.as_hz() as f64 / highest.as_hz() as f64
}
