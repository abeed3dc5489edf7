//! What a run is judged by.

use dynd_files::Scenario;
use dynd_vocab::{Seconds, Timestamp};

use super::frame::{Frame, Moment, Trace};

/// An app is back within its target when this many inferences in a row hold it often enough.
const MET_AFTER: usize = 20;

/// Power is the mean of so many moments: one second.
const MOMENTS: usize = 10;

/// The figures of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct Metrics {
    /// What the board drew in all, in joules.
    pub energy_j: f64,
    /// Mean power of the board, in watts.
    pub power_w: f64,
    /// The temperature of its hottest part when that was hottest, in °C.
    pub max_temp_c: f64,
    /// Share of the time in which it drew more, over a second, or was hotter than the operator allows.
    pub over_budget: f64,
    /// Share of all frames that were missed.
    pub misses: f64,
    /// After the disturbance that cost most: late inferences of one app until it was met again, which is the first 20 in
    /// a row of which no more are late than the percentile lets one expect.
    pub late_until_met: f64,
    /// Mean quality of the answers, mean over apps.
    pub quality: f64,
    /// Quantiles of the latency of all frames that were answered, in milliseconds.
    pub p50_ms: f64,
    /// 95 % were at most this.
    pub p95_ms: f64,
    /// 99 % were at most this.
    pub p99_ms: f64,
    /// Changes of sub-network or place.
    pub switches: f64,
    /// Per app, by index.
    pub apps: Vec<AppMetrics>,
}

/// The figures of one app in one run.
#[derive(Clone, Debug, PartialEq)]
pub struct AppMetrics {
    /// Frames that were due.
    pub frames: usize,
    /// Share of them that were missed.
    pub miss_rate: f64,
    /// Mean quality of the answers.
    pub quality: f64,
    /// Mean latency of the answers, in milliseconds.
    pub mean_ms: f64,
}

impl Metrics {
    /// The figures of `trace`.
    pub fn new(scenario: &Scenario, trace: &Trace) -> Self {
        let apps: Vec<AppMetrics> = (0..scenario.apps.len())
            .map(|app| AppMetrics::new(scenario, trace, app))
            .collect();
        let mut latencies: Vec<f64> = trace
            .frames
            .iter()
            .filter_map(|frame| Some(frame.latency?.as_millis()))
            .collect();
        latencies.sort_by(f64::total_cmp);
        let quantile = |share: f64| {
            let rank = (share * latencies.len() as f64).ceil() as usize;
            latencies.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
        };
        let hottest = trace.moments.iter().map(|moment| moment.hottest.get());
        let late = (0..apps.len()).map(|app| worst_late_until_met(scenario, trace, app));
        let missed = trace.frames.iter().filter(|frame| !frame.met).count();
        Self {
            energy_j: trace.energy,
            power_w: trace.energy / trace.duration.get(),
            max_temp_c: hottest.fold(f64::NEG_INFINITY, f64::max),
            over_budget: over_budget(&trace.moments),
            misses: share(missed, trace.frames.len()),
            late_until_met: late.max().unwrap_or(0) as f64,
            quality: mean(apps.iter().map(|app| app.quality)),
            p50_ms: quantile(0.50),
            p95_ms: quantile(0.95),
            p99_ms: quantile(0.99),
            switches: trace.frames.iter().filter(|frame| frame.switched).count() as f64,
            apps,
        }
    }
}

impl AppMetrics {
    fn new(scenario: &Scenario, trace: &Trace, app: usize) -> Self {
        let table = &scenario.apps[app].model.table.subnetworks;
        let frames: Vec<&Frame> = trace.frames.iter().filter(|frame| frame.app == app).collect();
        let quality = |frame: &&Frame| Some(table[frame.run?.subnetwork].quality.get());
        let latency = |frame: &&Frame| frame.latency.map(Seconds::as_millis);
        Self {
            frames: frames.len(),
            miss_rate: share(frames.iter().filter(|frame| !frame.met).count(), frames.len()),
            quality: mean(frames.iter().filter_map(quality)),
            mean_ms: mean(frames.iter().filter_map(latency)),
        }
    }
}

/// The share of `moments` at which the board was beyond what it was allowed. Power counts as the mean of the last second
/// under one budget: shorter peaks are for the hardware to bear.
fn over_budget(moments: &[Moment]) -> f64 {
    let is_over = |index: usize| {
        let Moment { hottest, budget, .. } = &moments[index];
        let last = moments[..=index].iter().rev().take(MOMENTS);
        let last: Vec<f64> = last
            .take_while(|moment| moment.budget == *budget)
            .map(|moment| moment.power.get())
            .collect();
        let power = last.iter().sum::<f64>() / last.len() as f64;
        let draws = budget
            .power
            .is_some_and(|most| last.len() == MOMENTS && power > most.get());
        draws || budget.temperature.is_some_and(|most| *hottest > most)
    };
    share(
        (0..moments.len()).filter(|&index| is_over(index)).count(),
        moments.len(),
    )
}

fn worst_late_until_met(scenario: &Scenario, trace: &Trace, app: usize) -> usize {
    let percentile = scenario.apps[app].requirement.percentile;
    let mut frames: Vec<&Frame> = trace.frames.iter().filter(|frame| frame.app == app).collect();
    frames.sort_by_key(|frame| frame.release);
    let after = |(index, from): (usize, &Timestamp)| {
        let until = trace.disturbances.get(index + 1);
        let within =
            |frame: &&&Frame| frame.release >= *from && until.is_none_or(|until| frame.release < *until);
        let late: Vec<bool> = frames.iter().filter(within).map(|frame| !frame.met).collect();
        late_until_met(&late, percentile)
    };
    trace
        .disturbances
        .iter()
        .enumerate()
        .map(after)
        .max()
        .unwrap_or(0)
}

/// How many inferences were late until the first 20 in a row of which at most as many were late as the percentile lets one
/// expect (2 of 20 at 90), these included; all that were, if there are no such. `late` says it of each.
pub(crate) fn late_until_met(late: &[bool], percentile: f64) -> usize {
    let allowed = (MET_AFTER as f64 * (1.0 - percentile)).round() as usize;
    let count = |late: &[bool]| late.iter().filter(|late| **late).count();
    let met = late
        .windows(MET_AFTER)
        .position(|window| count(window) <= allowed);
    count(&late[..met.map_or(late.len(), |start| start + MET_AFTER)])
}

fn share(part: usize, whole: usize) -> f64 {
    match whole {
        0 => 0.0,
        whole => part as f64 / whole as f64,
    }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0_u32), |(sum, count), value| (sum + value, count + 1));
    match count {
        0 => f64::NAN,
        count => sum / f64::from(count),
    }
}

#[cfg(test)]
mod tests {
    use dynd_files::ScenarioBudget;
    use dynd_vocab::{Celsius, Watts};

    use super::*;

    #[test]
    fn time_beyond_a_budget_counts_from_its_first_second_on() {
        let moments = |budget: ScenarioBudget| -> Vec<Moment> {
            let moment = |index: u64| Moment {
                at: Timestamp::from_nanos(index * 100_000_000),
                clocks: Vec::new(),
                power: Watts::new(if index < 20 { 8.0 } else { 4.0 }),
                hottest: Celsius::new(50.0 + index as f64),
                budget: if index < 5 {
                    ScenarioBudget::default()
                } else {
                    budget
                },
            };
            (0..40).map(moment).collect()
        };
        let check = |power: Option<f64>, temperature: Option<f64>, expect: usize| {
            let budget = ScenarioBudget {
                power: power.map(Watts::new),
                temperature: temperature.map(Celsius::new),
            };
            assert_eq!(over_budget(&moments(budget)), share(expect, 40), "{budget:?}");
        };
        check(None, None, 0);
        check(Some(9.0), None, 0);
        // In force from 5 on, and for a second at 14; the mean of a second is 6.8 W at 22 and 6.4 W at 23.
        check(Some(6.5), None, 9);
        check(None, Some(80.5), 9);
        check(Some(6.5), Some(80.5), 18);
    }

    #[test]
    fn late_inferences_count_until_twenty_hold() {
        let check = |late: &[usize], of: usize, percentile, expect| {
            let marks: Vec<bool> = (0..of).map(|index| late.contains(&index)).collect();
            assert_eq!(late_until_met(&marks, percentile), expect, "{late:?}");
        };
        check(&[], 30, 0.9, 0);
        check(&[0, 1], 30, 0.9, 2);
        check(&[0, 1, 2], 30, 0.9, 3);
        check(&[0, 1], 30, 0.95, 2);
        check(&[0], 30, 0.95, 1);
        check(&[0, 9, 18, 50], 60, 0.9, 3);
        check(&[0, 25], 60, 0.9, 1);
        check(&(0..10).collect::<Vec<_>>(), 10, 0.9, 10);
    }
}
