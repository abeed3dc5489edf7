//! `simple_ondemand`: `devfreq_simple_ondemand_func` of drivers/devfreq/governor_simpleondemand.c. Above 90 % load the
//! highest clock, from 85 to 90 % the clock stays, below that the clock at which the load would be 87.5 %.
//! devfreq drivers take the lowest OPP of at least that.

use super::{Request, View, clock};

const UP: f64 = 0.90;
const DOWN_DIFFERENTIAL: f64 = 0.05;

pub(super) fn decide(view: &View) -> Option<Request> {
    if view.load > UP {
        return Some(Request::AtMost(view.bounds.1));
    }
    if view.load > UP - DOWN_DIFFERENTIAL {
        return None;
    }
    let wanted = view.load * view.now.as_hz() as f64 / (UP - DOWN_DIFFERENTIAL / 2.0);
    Some(Request::AtLeast(clock(wanted)))
}
