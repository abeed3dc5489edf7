//! A clock domain: the OPPs of one processor, who bounds its clock, and two clocks: the one that is reported and
//! the one that is real.
//!
//! The governor asks; user bounds and cooling limit what it gets (cpufreq's and devfreq's requests are clamped, then
//! rounded to an OPP). That OPP is what the kernel reports, and its voltage is what the regulator supplies. The real
//! clock differs: firmware may lower it behind the kernel's back, at the same voltage, and it deviates from the
//! reported one as the board file says.

use dynd_vocab::blueprint::Silicon;
use dynd_vocab::{Hertz, Seconds};

use crate::governor::{Circumstances, Governor, Request, View};

/// Nanoseconds per second.
const NANOS: f64 = 1e9;

/// What a governor and the bounds make of one processor's clock.
#[derive(Clone, Debug)]
pub(crate) struct Domain {
    silicon: Silicon,
    pub(crate) governor: Governor,
    /// Before when the governor does not decide, in nanoseconds.
    pub(crate) next: u64,
    /// What the governor saw of each unit when it decided last, and when that was.
    pub(crate) seen: Vec<Seen>,
    pub(crate) seen_at: u64,
    polling: Option<Seconds>,
    /// The load it saw.
    pub(crate) load: f64,
    bounds: (Hertz, Hertz),
    /// The OPPs that cooling takes away, from the top.
    cooled: usize,
    /// The OPPs that firmware takes away of the one in force.
    pub(crate) slowed: usize,
    asked: Request,
    opp: usize,
}

/// What a governor saw of a unit.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    /// Its busy seconds since it was switched on.
    busy: f64,
    /// Its load; 0 if that has served as the load of a long idle time already.
    load: f64,
}

/// What happened since a governor decided last.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Elapsed {
    /// Share of the time that the busiest unit was busy.
    load: f64,
    /// The sampling periods that were slept through; absent if no unit was idle for more than two of them.
    idle_periods: Option<u64>,
}

impl Domain {
    /// The domain of `silicon` with its default governor, at its lowest clock; `polling` is that of devfreq.
    pub(crate) fn new(silicon: &Silicon, polling: Option<Seconds>) -> Self {
        let (low, high) = ends(silicon);
        let mut domain = Self {
            silicon: silicon.clone(),
            governor: Governor::Powersave,
            next: 0,
            seen: Vec::new(),
            seen_at: 0,
            polling,
            load: 0.0,
            bounds: (low, high),
            cooled: 0,
            slowed: 0,
            asked: Request::AtLeast(low),
            opp: 0,
        };
        // A default that is not simulated is replaced by the one that changes least.
        if !domain.govern(&silicon.governor) {
            domain.govern("performance");
        }
        domain
    }

    /// Puts the governor called `name` in charge; false if this domain has no such one.
    pub(crate) fn govern(&mut self, name: &str) -> bool {
        let circumstances = Circumstances {
            transition_latency: self.silicon.transition_latency,
            polling: self.polling,
            now: self.reported(),
        };
        let offered = self.silicon.governors.iter().any(|each| each == name);
        match Governor::named(name, circumstances).filter(|_| offered) {
            Some(governor) => {
                self.governor = governor;
                true
            }
            None => false,
        }
    }

    /// How long it is left alone until it is looked at again, in nanoseconds: as its governor wants, and an accelerator in
    /// any case at the pace of its driver, which counts how busy it is whoever governs it (`gk20a_pmu_load_update` of nvgpu).
    /// Absent if only bounds move it.
    pub(crate) fn period(&self) -> Option<u64> {
        let polling = || self.polling.map(|polling| (polling.get() * NANOS) as u64);
        self.governor.period().or_else(polling)
    }

    /// The lowest and the highest clock that users allow.
    pub(crate) const fn user_bounds(&self) -> (Hertz, Hertz) {
        self.bounds
    }

    /// Sets what users allow. A minimum above the maximum is lowered to it.
    pub(crate) fn bound(&mut self, low: Hertz, high: Hertz) {
        let (lowest, highest) = ends(&self.silicon);
        let high = high.clamp(lowest, highest);
        self.bounds = (low.clamp(lowest, highest).min(high), high);
    }

    /// Takes the `count` highest OPPs away.
    pub(crate) fn cool(&mut self, count: u32) {
        self.cooled = (count as usize).min(self.silicon.opps.len() - 1);
    }

    /// The lowest and the highest clock allowed at present, users and cooling together.
    pub(crate) fn effective_bounds(&self) -> (Hertz, Hertz) {
        let (low, high) = self.bounds;
        let cap = self.silicon.opps[self.silicon.opps.len() - 1 - self.cooled].clock;
        let high = high.min(cap);
        (low.min(high), high)
    }

    /// A governor begins to look at units that were `busy` for so many seconds.
    pub(crate) fn begin(&mut self, now: u64, busy: impl Iterator<Item = f64>) {
        for (seen, busy) in self.seen.iter_mut().zip(busy) {
            *seen = Seen { busy, load: 0.0 };
        }
        (self.seen_at, self.next) = (now, now);
    }

    /// Looks at units that were `busy` for so many seconds.
    ///
    /// A governor of CPUs that was not called while they were idle takes the load before that for the load, once
    /// (`dbs_update`, drivers/cpufreq/cpufreq_governor.c).
    pub(crate) fn look(&mut self, now: u64, busy: impl Iterator<Item = f64>) -> Elapsed {
        let time = (now - self.seen_at) as f64 / NANOS;
        let sampling = self.governor.sampling().map(|period| period as f64 / NANOS);
        let mut elapsed = Elapsed::default();
        for (seen, busy) in self.seen.iter_mut().zip(busy) {
            let spent = busy - std::mem::replace(&mut seen.busy, busy);
            let mut load = if time > 0.0 {
                (spent / time).clamp(0.0, 1.0)
            } else {
                seen.load
            };
            if sampling.is_some() {
                load = whole_percents(load);
            }
            let long = sampling.filter(|period| time - spent > 2.0 * period);
            if let Some(period) = long {
                let periods = ((time - spent) / period) as u64;
                let fewest = elapsed.idle_periods.unwrap_or(u64::MAX);
                elapsed.idle_periods = Some(periods.min(fewest));
            }
            if long.is_some() && seen.load > 0.0 {
                load = std::mem::take(&mut seen.load);
            } else {
                seen.load = load;
            }
            elapsed.load = elapsed.load.max(load);
        }
        self.seen_at = now;
        elapsed
    }

    /// Lets the governor decide, from what happened since it did last and the utilization at present.
    pub(crate) fn decide(&mut self, now: u64, elapsed: Elapsed, utilization: f64) {
        self.load = elapsed.load;
        let before = self.opp;
        let view = View {
            load: elapsed.load,
            idle_periods: elapsed.idle_periods,
            utilization,
            now: self.reported(),
            hardware: ends(&self.silicon),
            bounds: self.effective_bounds(),
        };
        if let Some(request) = self.governor.decide(&view) {
            self.asked = request;
        }
        self.settle();
        if let Some(period) = self.period()
            && (self.opp != before || !self.governor.waits_after_change_only())
        {
            self.next = now + period;
        }
    }

    /// Finds the OPP of the last request within the bounds in force.
    pub(crate) fn settle(&mut self) {
        // Whoever looks at loads has state that an idle look would change.
        if self.governor.period().is_none() {
            let view = View {
                load: 0.0,
                idle_periods: None,
                utilization: 0.0,
                now: self.reported(),
                hardware: ends(&self.silicon),
                bounds: self.effective_bounds(),
            };
            if let Some(request) = self.governor.decide(&view) {
                self.asked = request;
            }
        }
        let (low, high) = self.effective_bounds();
        let opps = &self.silicon.opps;
        let last = opps.iter().rposition(|opp| opp.clock <= high).unwrap_or(0);
        let first = opps
            .iter()
            .position(|opp| opp.clock >= low)
            .unwrap_or(last)
            .min(last);
        let at_least = |clock| opps.iter().position(|opp| opp.clock >= clock).unwrap_or(last);
        let at_most = |clock| opps.iter().rposition(|opp| opp.clock <= clock).unwrap_or(first);
        let found = match self.asked {
            Request::AtLeast(clock) => at_least(clock),
            Request::AtMost(clock) => at_most(clock),
            Request::Near(clock) => {
                let (below, above) = (at_most(clock), at_least(clock));
                let gap = |opp: usize| opps[opp].clock.as_hz().abs_diff(clock.as_hz());
                if gap(above) < gap(below) { above } else { below }
            }
        };
        self.opp = found.clamp(first, last);
    }

    /// The clock that the kernel reports.
    pub(crate) fn reported(&self) -> Hertz {
        self.silicon.opps[self.opp].clock
    }

    /// The voltage that is supplied.
    pub(crate) fn volts(&self) -> f64 {
        self.silicon.opps[self.opp].volts
    }

    /// The real clock, in hertz.
    pub(crate) fn real(&self) -> f64 {
        let opp = self.opp.saturating_sub(self.slowed);
        let clock = self.silicon.opps[opp].clock.as_hz() as f64;
        let (low, high) = ends(&self.silicon);
        let (low, high) = (low.as_hz() as f64, high.as_hz() as f64);
        let along = if high > low {
            (clock - low) / (high - low)
        } else {
            1.0
        };
        let [at_lowest, at_highest] = self.silicon.real_clock;
        clock * (at_lowest + along * (at_highest - at_lowest))
    }

    /// The reported clock over the highest one.
    pub(crate) fn relative(&self) -> f64 {
        self.reported().as_hz() as f64 / ends(&self.silicon).1.as_hz() as f64
    }

    /// The highest clock that there is.
    pub(crate) fn highest(&self) -> Hertz {
        ends(&self.silicon).1
    }

    /// How many OPPs firmware may take away of the one in force without going below `floor`.
    pub(crate) fn room_above(&self, floor: Hertz) -> usize {
        let lowest = self.silicon.opps.iter().position(|opp| opp.clock >= floor);
        self.opp.saturating_sub(lowest.unwrap_or(self.opp))
    }

    /// What the domain is made of.
    pub(crate) const fn silicon(&self) -> &Silicon {
        &self.silicon
    }
}

/// A load as the governors of CPUs count it, in whole percent (`dbs_update`). Time is counted in whole nanoseconds.
fn whole_percents(load: f64) -> f64 {
    (100.0 * load + 1e-6).floor() / 100.0
}

/// The lowest and the highest clock of `silicon`.
fn ends(silicon: &Silicon) -> (Hertz, Hertz) {
    let clock = |at: usize| silicon.opps[at].clock;
    (clock(0), clock(silicon.opps.len() - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loads_of_cpus_are_whole_percents() {
        for (load, expect) in [(0.0, 0.0), (0.29, 0.29), (0.959, 0.95), (0.96, 0.96), (1.0, 1.0)] {
            assert_eq!(whole_percents(load), expect);
        }
    }
}
