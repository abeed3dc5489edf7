//! `ondemand`: `od_update` of drivers/cpufreq/cpufreq_ondemand.c. Above the threshold the highest clock, else
//! `min + load · (max - min)` of the hardware's range, nearest OPP. The threshold is 95 % where idle time is counted in
//! microseconds, which it is on every kernel with NO_HZ (MICRO_FREQUENCY_UP_THRESHOLD); `sampling_down_factor` is 1.

use super::{Request, View, clock};

const UP: f64 = 0.95;

pub(super) fn decide(view: &View) -> Request {
    if view.load > UP {
        return Request::AtMost(view.bounds.1);
    }
    let (low, high) = (view.hardware.0.as_hz() as f64, view.hardware.1.as_hz() as f64);
    Request::Near(clock(low + view.load * (high - low)))
}
