//! What `--json` prints: per scenario and controller each figure with its spread over seeds.

use std::collections::BTreeMap;

use dynd_sim::lab::{Contender, Contest, Entry, Outcome};
use serde::Serialize;

/// Where the best static choice costs less than this more than the oracle, shares of the distance mean nothing.
const LEAST_REGRET: f64 = 0.02;

/// All contests.
#[derive(Serialize)]
pub(crate) struct Report {
    pub(crate) scenarios: Vec<ScenarioReport>,
}

/// One contest.
#[derive(Serialize)]
pub(crate) struct ScenarioReport {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) source: String,
    pub(crate) board: String,
    pub(crate) objective: &'static str,
    pub(crate) seconds: f64,
    pub(crate) seeds: usize,
    pub(crate) disturbances: usize,
    /// Where each app can run, and whether somebody measured it there.
    pub(crate) figures: Vec<Figures>,
    /// By name.
    pub(crate) controllers: BTreeMap<String, ControllerReport>,
    /// Their names, in the order asked for.
    pub(crate) order: Vec<String>,
}

/// How far the latencies of one app on one processor can be trusted.
#[derive(Serialize)]
pub(crate) struct Figures {
    pub(crate) app: String,
    pub(crate) model: String,
    pub(crate) processor: String,
    pub(crate) evidence: &'static str,
    pub(crate) source: String,
}

/// One controller in one scenario.
#[derive(Serialize)]
pub(crate) struct ControllerReport {
    pub(crate) energy_j: Spread,
    pub(crate) power_w: Spread,
    pub(crate) max_temp_c: Spread,
    pub(crate) misses: Spread,
    pub(crate) late_until_met: Spread,
    pub(crate) quality: Spread,
    pub(crate) p50_ms: Spread,
    pub(crate) p95_ms: Spread,
    pub(crate) p99_ms: Spread,
    pub(crate) switches: Spread,
    pub(crate) cost: Spread,
    /// What the objective lost, of the cost.
    pub(crate) base: Spread,
    /// Misses beyond what is allowed, summed over apps; five times this are in the cost.
    pub(crate) excess: Spread,
    /// Share of the time beyond a budget of the operator; five times this are in the cost, too.
    pub(crate) over_budget: Spread,
    /// The way from the oracle's cost to that of the best static choice; absent where they hardly differ.
    pub(crate) regret_share: Option<Spread>,
    pub(crate) apps: Vec<AppReport>,
}

/// One app under one controller.
#[derive(Serialize)]
pub(crate) struct AppReport {
    pub(crate) name: String,
    pub(crate) frames: Spread,
    pub(crate) miss_rate: Spread,
    pub(crate) percentile: f64,
    pub(crate) quality: Spread,
    pub(crate) quality_min: f64,
    pub(crate) quality_max: f64,
    pub(crate) mean_ms: Spread,
}

/// A figure over all seeds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// The spread of `values`; of no number at all if there are none.
    pub(crate) fn new(values: impl Iterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
        let half = values.len() / 2;
        let median = match values.len() % 2 {
            1 => at(half),
            _ => 0.5 * (at(half.saturating_sub(1)) + at(half)),
        };
        Self {
            median,
            min: at(0),
            max: at(values.len().saturating_sub(1)),
        }
    }
}

/// What `--json` prints of `contests`.
pub(crate) fn report(contests: &[Contest]) -> Report {
    Report {
        scenarios: contests.iter().map(scenario).collect(),
    }
}

fn scenario(contest: &Contest) -> ScenarioReport {
    let scenario = &contest.scenario;
    let name = |entry: &Entry| entry.contender.to_string();
    ScenarioReport {
        name: scenario.name.clone(),
        title: scenario.title.clone(),
        source: scenario.source.clone(),
        board: scenario.board.0.clone(),
        objective: scenario.objective.label(),
        seconds: scenario.duration.get(),
        seeds: contest.entries.first().map_or(0, |entry| entry.results.len()),
        disturbances: contest
            .entries
            .first()
            .map_or(0, |entry| entry.trace.disturbances.len()),
        figures: figures(contest),
        controllers: contest
            .entries
            .iter()
            .map(|entry| (name(entry), controller(contest, entry)))
            .collect(),
        order: contest.entries.iter().map(name).collect(),
    }
}

fn figures(contest: &Contest) -> Vec<Figures> {
    let board = &contest.scenario.board.0;
    let of = |app: &dynd_files::ScenarioApp| -> Vec<Figures> {
        let places = app.model.places.iter().filter(|place| place.board == *board);
        let figures = places.map(|place| Figures {
            app: app.name.clone(),
            model: app.model.table.name.clone(),
            processor: place.processor.clone(),
            evidence: place.evidence.label(),
            source: place.source.clone(),
        });
        figures.collect()
    };
    contest.scenario.apps.iter().flat_map(of).collect()
}

fn controller(contest: &Contest, entry: &Entry) -> ControllerReport {
    let spread = |of: fn(&Outcome) -> f64| Spread::new(entry.results.iter().map(of));
    ControllerReport {
        energy_j: spread(|outcome| outcome.metrics.energy_j),
        power_w: spread(|outcome| outcome.metrics.power_w),
        max_temp_c: spread(|outcome| outcome.metrics.max_temp_c),
        misses: spread(|outcome| outcome.metrics.misses),
        late_until_met: spread(|outcome| outcome.metrics.late_until_met),
        quality: spread(|outcome| outcome.metrics.quality),
        p50_ms: spread(|outcome| outcome.metrics.p50_ms),
        p95_ms: spread(|outcome| outcome.metrics.p95_ms),
        p99_ms: spread(|outcome| outcome.metrics.p99_ms),
        switches: spread(|outcome| outcome.metrics.switches),
        cost: spread(|outcome| outcome.cost.total),
        base: spread(|outcome| outcome.cost.base),
        excess: spread(|outcome| outcome.cost.excess),
        over_budget: spread(|outcome| outcome.cost.over_budget),
        regret_share: regret_share(contest, entry),
        apps: (0..contest.scenario.apps.len())
            .map(|app| app_report(contest, entry, app))
            .collect(),
    }
}

fn regret_share(contest: &Contest, entry: &Entry) -> Option<Spread> {
    let oracle = &contest.of(Contender::Oracle)?.results;
    let best = &contest.of(Contender::BEST_STATIC)?.results;
    let median = |results: &[Outcome]| Spread::new(results.iter().map(|each| each.cost.total)).median;
    if median(best) - median(oracle) < LEAST_REGRET {
        return None;
    }
    let shares = entry.results.iter().zip(oracle).zip(best);
    Some(Spread::new(shares.map(|((each, oracle), best)| {
        let distance = (best.cost.total - oracle.cost.total).max(LEAST_REGRET);
        (each.cost.total - oracle.cost.total) / distance
    })))
}

fn app_report(contest: &Contest, entry: &Entry, index: usize) -> AppReport {
    let app = &contest.scenario.apps[index];
    let (worst, best) = app.model.quality_range();
    let spread = |of: fn(&dynd_sim::lab::AppMetrics) -> f64| {
        Spread::new(
            entry
                .results
                .iter()
                .map(|outcome| of(&outcome.metrics.apps[index])),
        )
    };
    AppReport {
        name: app.name.clone(),
        frames: spread(|app| app.frames as f64),
        miss_rate: spread(|app| app.miss_rate),
        percentile: app.requirement.percentile,
        quality: spread(|app| app.quality),
        quality_min: worst.get(),
        quality_max: best.get(),
        mean_ms: spread(|app| app.mean_ms),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_median_least_and_most() {
        let check = |values: &[f64], median, min, max| {
            let expect = Spread { median, min, max };
            assert_eq!(Spread::new(values.iter().copied()), expect, "{values:?}");
        };
        check(&[3.0, 1.0, 2.0], 2.0, 1.0, 3.0);
        check(&[4.0, 1.0], 2.5, 1.0, 4.0);
        check(&[7.0], 7.0, 7.0, 7.0);
    }
}
