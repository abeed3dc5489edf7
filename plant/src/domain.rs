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

/// What a governor and the bounds make of one processor's clock.
#[derive(Clone, Debug)]
pub(crate) struct Domain {
    silicon: Silicon,
    pub(crate) governor: Governor,
    /// When the governor decides next, in nanoseconds.
    pub(crate) next: u64,
    /// Busy seconds of each unit when it decided last, and when that was.
    pub(crate) seen: Vec<f64>,
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

    /// Lets the governor decide; `load` and `utilization` are what its units did of late.
    pub(crate) fn decide(&mut self, load: f64, utilization: f64) {
        self.load = load;
        let view = View {
            load,
            utilization,
            now: self.reported(),
            hardware: ends(&self.silicon),
            bounds: self.effective_bounds(),
        };
        if let Some(request) = self.governor.decide(&view) {
            self.asked = request;
        }
        self.settle();
    }

    /// Finds the OPP of the last request within the bounds in force.
    pub(crate) fn settle(&mut self) {
        if let (None, Some(request)) = (
            self.governor.period(),
            self.governor.decide(&View {
                load: 0.0,
                utilization: 0.0,
                now: self.reported(),
                hardware: ends(&self.silicon),
                bounds: self.effective_bounds(),
            }),
        ) {
            self.asked = request;
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

/// The lowest and the highest clock of `silicon`.
fn ends(silicon: &Silicon) -> (Hertz, Hertz) {
    let clock = |at: usize| silicon.opps[at].clock;
    (clock(0), clock(silicon.opps.len() - 1))
}
