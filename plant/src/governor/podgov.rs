//! `nvhost_podgov` of NVIDIA's kernels: `nvhost_pod_estimate_freq` and `scaling_state_check` of
//! drivers/devfreq/governor_pod_scaling.c, with the figures it takes for Tegra210 and Tegra186 (later chips keep
//! them in a kernel that is not public; they are assumed to be the same).
//!
//! - The idle share is averaged with weight 10 to 1.
//! - Above 90 % load (of this sample) the clock rises by a third of the highest one, undamped.
//! - Else it changes by 80 % of `clock · (load - 70 %) / 70 %` of the averaged load, at most a third of the highest one,
//!   and three tenths of the request come from the average of the requests so far.
//! - Nothing changes within 50 ms of the last change.

use super::{Request, View, clock};

const LOAD_MAX: f64 = 0.900;
const LOAD_TARGET: f64 = 0.700;
const BIAS: f64 = 0.80;
const SMOOTH: f64 = 10.0;
const DAMP: f64 = 0.7;
const BLOCK_WINDOW: u64 = 50_000_000;

#[derive(Clone, Debug)]
pub(crate) struct Podgov {
    pub(super) period: u64,
    idle_average: f64,
    request_average: f64,
    since_change: u64,
}

impl Podgov {
    pub(super) const fn new(period: u64) -> Self {
        Self {
            period,
            idle_average: 0.0,
            request_average: 0.0,
            since_change: 0,
        }
    }

    pub(super) fn decide(&mut self, view: &View) -> Option<Request> {
        let idle = 1.0 - view.load;
        self.idle_average = (SMOOTH * self.idle_average + idle) / (SMOOTH + 1.0);
        self.since_change = self.since_change.saturating_add(self.period);
        if self.since_change < BLOCK_WINDOW {
            return None;
        }
        let now = view.now.as_hz() as f64;
        let most = view.bounds.1.as_hz() as f64 / 3.0;
        let (boost, damp) = if view.load > LOAD_MAX {
            (most, 1.0)
        } else {
            let load = 1.0 - self.idle_average;
            ((BIAS * now * (load - LOAD_TARGET) / LOAD_TARGET).min(most), DAMP)
        };
        let wanted = now + boost;
        self.request_average = (SMOOTH * self.request_average + wanted) / (SMOOTH + 1.0);
        let request = clock(damp * wanted + (1.0 - damp) * self.request_average);
        let request = request.clamp(view.bounds.0, view.bounds.1);
        if request != view.now {
            self.since_change = 0;
        }
        Some(Request::AtLeast(request))
    }
}
