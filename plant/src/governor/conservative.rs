//! `conservative`: `cs_dbs_update` of drivers/cpufreq/cpufreq_conservative.c. Above 80 % load the requested clock
//! rises by 5 % of the highest allowed one, below 20 % it falls by as much; `sampling_down_factor` is 1. Sampling periods that
//! were slept through count as steps down, taken before the one that is due; where none is due they are forgotten.

use dynd_vocab::Hertz;

use super::{Request, View};

const UP: f64 = 0.80;
const DOWN: f64 = 0.20;

/// The step in percent of the highest allowed clock.
const STEP: u64 = 5;

#[derive(Clone, Debug)]
pub(crate) struct Conservative {
    pub(super) period: u64,
    requested: Hertz,
}

impl Conservative {
    pub(super) const fn new(period: u64, now: Hertz) -> Self {
        Self {
            period,
            requested: now,
        }
    }

    pub(super) fn decide(&mut self, view: &View) -> Option<Request> {
        let (low, high) = view.bounds;
        if self.requested < low || self.requested > high {
            self.requested = view.now;
        }
        let step = high.as_hz() * STEP / 100;
        let down = |from: Hertz, steps: u64| {
            let lowered = from.as_hz().saturating_sub(steps.saturating_mul(step));
            Hertz::from_hz(lowered).max(low)
        };
        let rested = down(self.requested, view.idle_periods.unwrap_or(0));
        if view.load > UP && rested < high {
            self.requested = Hertz::from_hz(rested.as_hz() + step).min(high);
            Some(Request::AtMost(self.requested))
        } else if view.load < DOWN && rested > low {
            self.requested = down(rested, 1);
            Some(Request::AtLeast(self.requested))
        } else {
            None
        }
    }
}
