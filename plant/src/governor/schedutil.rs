//! `schedutil`: `get_next_freq` of kernel/sched/cpufreq_schedutil.c with `map_util_perf` of kernel/sched/sched.h:
//! 1.25 · utilization · highest clock, lowest OPP of at least that. Utilization is frequency-invariant, as on arm64.

use super::{Request, View, clock};

const HEADROOM: f64 = 1.25;

pub(super) fn decide(view: &View) -> Request {
    Request::AtLeast(clock(
        HEADROOM * view.utilization * view.hardware.1.as_hz() as f64,
    ))
}
