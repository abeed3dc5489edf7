//! The selector: picks a rung before each inference, in the client, with no message exchanged.
//!
//! Steps, with an assignment:
//! 1. Run the assigned rung, unless its undisturbed latency no longer fits into the time that remains until
//!    the deadline (the inference starts late): then the best cheaper rung that fits.
//! 2. After a late inference, step down at once: to the best rung that would have held the target under the
//!    slowdown just seen, for `HOLD` inferences; twice as many each time the return fails.
//! 3. Where late inferences have turned out to come alone (the next one would have been in time on the same rung), or the
//!    assigned rung's bound says that the daemon reckons with them, they are let pass until so many come in a row that the share which may be late, or of late was, makes it unlikely: noise is
//!    no load.
//! 4. A new assignment ends the hold: the daemon knows the load.
//!
//! Without a daemon it selects over the whole table by its own forecast: the best sub-network of sufficient
//! quality that fits into the time that remains and whose risk of lateness is at most half of what the
//! percentile allows; nobody else sees the load now.

use alloc::vec::Vec;

use dynd_vocab::{Assignment, ModelTable, OperatingPoint, Report, Requirement, Rung, Seconds, Timestamp};

use crate::conditions::Conditions;
use crate::forecast::{Forecast, Point};

/// Inferences on a cheaper rung after a late one.
const HOLD: u32 = 3;

/// The longest hold.
const LONGEST_HOLD: u32 = 96;

/// A return that survives this many inferences has succeeded, or as many as would all be in time with this probability if
/// late ones came by chance.
const RETURNED: u32 = 20;
const LIKELY: f64 = 0.7;

/// A rung fits if this multiple of its undisturbed latency does; at a start in time, if the latency itself does.
const MARGIN: f64 = 1.1;

/// How likely a late inference is to be followed by another, before any was seen, and when it is let pass.
const COMPANY: f64 = 0.6;
const ALONE: f64 = 0.5;

/// Weight of what was believed before any was seen, in late inferences: one that comes alone proves nothing.
const BELIEF: f64 = 5.0;

/// Weight of the newest late inference in that likelihood, once there were many.
const COMPANY_GAIN: f64 = 0.05;

/// Weight of the newest inference in the share that is late.
const SHARE_GAIN: f64 = 1.0 / 128.0;

/// What is kept of the highest share that there was when the next inference comes: a rung that is late more often than
/// others comes and goes within minutes.
const SHARE_KEPT: f64 = 1.0 - 1.0 / 4096.0;

/// A row of late inferences less likely than this, if they come alone, is no noise: by chance there is one in minutes.
const UNLIKELY: f64 = 1e-4;

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
    table: ModelTable,
    requirement: Requirement,
    /// Assigned rung first; empty without a daemon.
    ladder: Vec<Rung>,
    forecast: Forecast,
    /// Cores of the latest inference.
    cores: u32,
    /// When the latest inference ended.
    ended: Timestamp,
    hold: Hold,
    /// How likely a late inference is to be followed by another, and of how many that was seen.
    company: f64,
    seen: u32,
    /// If the latest inference was late, the undisturbed latency of its rung.
    late: Option<Seconds>,
    /// Late inferences in a row.
    row: i32,
    /// Share of recent inferences that were late, and the highest that it was.
    share: f64,
    highest: f64,
}

/// A stay on cheaper rungs.
#[derive(Clone, Copy, Debug)]
struct Hold {
    /// Index into the ladder: no better rung than this.
    rung: usize,
    /// Inferences left to stay.
    left: u32,
    /// How long the next stay will be.
    next: u32,
    /// Inferences since the last stay ended.
    since: u32,
}

impl Hold {
    const NONE: Self = Self {
        rung: 0,
        left: 0,
        next: HOLD,
        since: 0,
    };
}

impl Selector {
    /// A selector for `table` that has heard from no daemon. `profile` is what was measured, if anything was.
    pub fn new(table: ModelTable, requirement: Requirement, profile: &[OperatingPoint]) -> Self {
        let mut forecast = Forecast::new(&table);
        for point in profile {
            let at = Point {
                subnetwork: point.subnetwork,
                processor: 0,
                cores: point.cores,
            };
            forecast.profiled(at, &Conditions::at(0), (point.median, point.p95));
        }
        Self {
            table,
            requirement,
            ladder: Vec::new(),
            forecast,
            cores: 1,
            ended: Timestamp::default(),
            hold: Hold::NONE,
            company: COMPANY,
            seen: 0,
            late: None,
            row: 0,
            share: 0.0,
            highest: 0.0,
        }
    }

    /// Takes over what the daemon assigned. Rungs that the table does not have are left out.
    pub fn assign(&mut self, assignment: &Assignment) {
        let known = |rung: &&Rung| rung.subnetwork < self.table.subnetworks.len();
        self.ladder = assignment.ladder.iter().filter(known).copied().collect();
        self.requirement = assignment.requirement;
        self.hold = Hold::NONE;
    }

    /// The daemon is gone: from now on selects for itself.
    pub fn alone(&mut self) {
        self.ladder.clear();
        self.hold = Hold::NONE;
    }

    /// The rung for an inference on `cores` cores that must end within `remaining`.
    pub fn choose(&mut self, remaining: Seconds, cores: u32) -> Choice {
        self.cores = cores.max(1);
        let subnetwork = if self.ladder.is_empty() {
            self.own_choice(remaining)
        } else {
            self.rung(remaining)
        };
        Choice { subnetwork }
    }

    /// Learns from an inference. True if the daemon should hear of it at once rather than with the next batch.
    pub fn record(&mut self, report: &Report) -> bool {
        let point = Point {
            subnetwork: report.subnetwork,
            processor: 0,
            cores: report.cores,
        };
        self.forecast.observe(point, &Conditions::at(0), report);
        self.ended = report.ended;
        let late = Seconds::from(report.latency) > self.requirement.latency;
        let alone = self.judge(report, late);
        if late && !alone {
            self.step_down(report);
        } else if self.hold.left > 0 {
            self.hold.left -= 1;
            self.hold.since = 0;
        } else {
            self.hold.since = self.hold.since.saturating_add(1);
        }
        late
    }

    fn rung(&self, remaining: Seconds) -> usize {
        let best = if self.hold.left > 0 { self.hold.rung } else { 0 };
        let target = self.requirement.latency;
        let fits = |rung: &&Rung| {
            let margin = MARGIN.min(target / rung.undisturbed).max(1.0);
            rung.undisturbed * margin <= remaining
        };
        let allowed = &self.ladder[best.min(self.ladder.len() - 1)..];
        allowed
            .iter()
            .find(fits)
            .or(self.ladder.last())
            .map_or(0, |rung| rung.subnetwork)
    }

    /// Learns whether late inferences come alone; true if this one, if late, is to be let pass.
    fn judge(&mut self, report: &Report, late: bool) -> bool {
        let late_share = f64::from(u8::from(late));
        let rung = self
            .ladder
            .iter()
            .find(|rung| rung.subnetwork == report.subnetwork);
        let undisturbed = rung.map(|rung| rung.undisturbed);
        let before = core::mem::replace(&mut self.late, undisturbed.filter(|_| late));
        if let (Some(before), Some(now)) = (before, undisturbed) {
            let there = before * (Seconds::from(report.service) / now);
            let again = f64::from(u8::from(there > self.requirement.latency));
            self.seen = self.seen.saturating_add(1);
            let gain = COMPANY_GAIN.max(1.0 / (f64::from(self.seen) + BELIEF));
            self.company += gain * (again - self.company);
        }
        self.row = if late { self.row.saturating_add(1) } else { 0 };
        let share = self.usual_share();
        self.share += SHARE_GAIN * (late_share - self.share);
        self.highest = self.share.max(SHARE_KEPT * self.highest);
        // The daemon may reckon with more late ones than the percentile says, for a while.
        let assigned = self
            .ladder
            .first()
            .filter(|first| first.subnetwork == report.subnetwork);
        let reckoned = assigned.is_some_and(|rung| rung.bound > self.requirement.latency);
        let alone = reckoned || self.company < ALONE;
        late && alone && libm::pow(share, f64::from(self.row)) > UNLIKELY
    }

    /// The share of inferences that may be late, or of late was.
    fn usual_share(&self) -> f64 {
        (1.0 - self.requirement.percentile)
            .max(self.highest)
            .clamp(1e-3, 0.5)
    }

    fn step_down(&mut self, report: &Report) {
        let Some(ran) = self
            .ladder
            .iter()
            .position(|rung| rung.subnetwork == report.subnetwork)
        else {
            return;
        };
        let slowdown = (Seconds::from(report.service) / self.ladder[ran].undisturbed).max(1.0);
        let target = self.requirement.latency;
        let lower = self.ladder.iter().enumerate().skip(ran + 1);
        let holds = |(_, rung): &(usize, &Rung)| rung.undisturbed * slowdown <= target;
        let rung = lower
            .clone()
            .find(holds)
            .map_or(self.ladder.len() - 1, |(index, _)| index);
        // By chance alone one is late within so many inferences, which says nothing against the return.
        let chance = libm::log(LIKELY) / libm::log(1.0 - self.usual_share());
        let returned = RETURNED.min(chance as u32 + 1);
        let failed_return = self.hold.left > 0 || self.hold.since < returned;

        let stay = if failed_return { self.hold.next } else { HOLD };
        self.hold = Hold {
            rung,
            left: stay,
            next: (stay * 2).min(LONGEST_HOLD),
            since: 0,
        };
    }

    fn own_choice(&self, remaining: Seconds) -> usize {
        let Requirement {
            latency, percentile, ..
        } = self.requirement;
        let holds = |subnetwork: &usize| {
            let point = Point {
                subnetwork: *subnetwork,
                processor: 0,
                cores: self.cores,
            };
            let risk = self
                .forecast
                .outlook(point, &Conditions::at(0), latency, self.ended)
                .late;
            risk <= (1.0 - percentile) / 2.0 && self.forecast.undisturbed(point) * MARGIN <= remaining
        };
        let quality = |index: &usize| self.table.subnetworks[*index].quality.get();
        let enough = |index: &usize| quality(index) >= self.requirement.min_quality.get();
        let all = 0..self.table.subnetworks.len();
        let best = all.clone().filter(|index| enough(index) && holds(index));
        best.max_by(|a, b| quality(a).total_cmp(&quality(b)))
            .or_else(|| all.clone().find(enough))
            .unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;
    use alloc::vec;
    use core::time::Duration;

    use dynd_vocab::{CpuSet, Generation, ModelKind, Quality, Standing, Subnetwork, Timestamp};

    use super::*;

    const TARGET: Seconds = Seconds::from_millis(10.0);

    fn table() -> ModelTable {
        let subnetwork = |(index, quality): (usize, f64)| Subnetwork {
            name: alloc::format!("s{index}"),
            quality: Quality::new(quality).unwrap(),
            macs: 10_000_000 * 4_u64.pow(index as u32),
            memory_bytes: 0,
        };
        ModelTable {
            name: String::from("m"),
            kind: ModelKind::Supernet,
            quality_metric: String::from("top-1"),
            subnetworks: [0.8, 0.9, 0.97].into_iter().enumerate().map(subnetwork).collect(),
        }
    }

    fn requirement() -> Requirement {
        let min_quality = Quality::new(0.85).unwrap();
        Requirement {
            latency: TARGET,
            percentile: 0.95,
            min_quality,
            period: None,
        }
    }

    fn assigned() -> Selector {
        let rung = |(subnetwork, ms): (usize, f64)| Rung {
            subnetwork,
            undisturbed: Seconds::from_millis(ms),
            bound: Seconds::from_millis(ms * 1.1),
        };
        let mut selector = Selector::new(table(), requirement(), &[]);
        selector.assign(&Assignment {
            generation: Generation { epoch: 1, number: 1 },
            standing: Standing::Met,
            reason: String::new(),
            processor: String::from("cpu"),
            cpus: CpuSet::single(0),
            ladder: [(2, 8.0), (1, 2.0), (0, 0.5)].into_iter().map(rung).collect(),
            requirement: requirement(),
            contended: false,
        });
        selector
    }

    /// Runs one inference of this slowdown; the sub-network it ran.
    fn infer(selector: &mut Selector, frame: u64, slowdown: f64) -> usize {
        let subnetwork = selector.choose(TARGET, 1).subnetwork;
        let service = Duration::from_secs_f64([0.5e-3, 2e-3, 8e-3][subnetwork] * slowdown);
        let ended = Timestamp::from_nanos(frame * 15_000_000);
        selector.record(&Report {
            subnetwork,
            cores: 1,
            ended,
            service,
            latency: service,
            after_switch: false,
        });
        subnetwork
    }

    #[test]
    fn the_first_late_inference_is_answered_by_the_next() {
        let mut selector = assigned();
        let ran: Vec<usize> = (0..12)
            .map(|i| infer(&mut selector, i, if i >= 3 { 2.0 } else { 1.0 }))
            .collect();
        assert_eq!(ran, vec![2, 2, 2, 2, 1, 1, 1, 2, 1, 1, 1, 1]);
    }

    #[test]
    fn one_outlier_costs_a_few_inferences_on_a_cheaper_rung() {
        let mut selector = assigned();
        let ran: Vec<usize> = (0..60)
            .map(|i| infer(&mut selector, i, if i == 30 { 2.4 } else { 1.0 }))
            .collect();
        assert_eq!(
            ran.iter().filter(|subnetwork| **subnetwork != 2).count(),
            HOLD as usize
        );
    }

    #[test]
    fn where_late_inferences_come_alone_the_first_is_let_pass() {
        let mut selector = assigned();
        let outlier = |i: u64| if i % 25 == 24 || i > 200 { 2.4 } else { 1.0 };
        let ran: Vec<usize> = (0..210).map(|i| infer(&mut selector, i, outlier(i))).collect();
        assert!(ran[100..202].iter().all(|subnetwork| *subnetwork == 2), "{ran:?}");
        assert!(
            ran[205..208].iter().all(|subnetwork| *subnetwork < 2),
            "load is answered: {ran:?}"
        );
    }

    #[test]
    fn one_that_came_alone_does_not_make_load_look_like_chance() {
        let mut selector = assigned();
        let slowdown = |i: u64| if i == 0 || i > 100 { 2.4 } else { 1.0 };
        let ran: Vec<usize> = (0..104).map(|i| infer(&mut selector, i, slowdown(i))).collect();
        assert_eq!(ran[100..], [2, 2, 1, 1], "{ran:?}");
    }

    #[test]
    fn a_late_start_leaves_time_for_a_cheaper_rung_only() {
        let mut selector = assigned();
        assert_eq!(selector.choose(Seconds::from_millis(9.0), 1).subnetwork, 2);
        assert_eq!(selector.choose(Seconds::from_millis(5.0), 1).subnetwork, 1);
        assert_eq!(selector.choose(Seconds::from_millis(-3.0), 1).subnetwork, 0);
    }

    #[test]
    fn without_a_daemon_it_keeps_the_minimum_quality_and_the_deadline() {
        let mut selector = Selector::new(table(), requirement(), &[]);
        let ran: Vec<usize> = (0..100).map(|i| infer(&mut selector, i, 1.0)).collect();
        assert!(
            ran.iter().all(|subnetwork| *subnetwork >= 1),
            "below the minimum quality: {ran:?}"
        );
        assert_eq!(
            ran.last(),
            Some(&1),
            "8 ms with its spread doubled does not fit 10 ms: {ran:?}"
        );
    }

    #[test]
    fn an_alien_ladder_does_no_harm() {
        let mut selector = assigned();
        let rung = Rung {
            subnetwork: 99,
            undisturbed: TARGET,
            bound: TARGET,
        };
        selector.assign(&Assignment {
            generation: Generation::default(),
            standing: Standing::Met,
            reason: String::new(),
            processor: String::new(),
            cpus: CpuSet::EMPTY,
            ladder: vec![rung],
            requirement: requirement(),
            contended: false,
        });
        assert!(selector.choose(TARGET, 1).subnetwork < 3);
    }
}
