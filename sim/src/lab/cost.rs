//! One figure for a run: what the objective lost, and five times the misses beyond what the percentiles allow.
//!
//! `cost = base + 5 · Σ_apps max(0, miss rate - (1 - percentile))`, where `base` is the energy over that of the best static
//! choice (min-energy), the mean latency over its (min-latency), or the mean over apps of `(Qmax - Q) / (Qmax - Qmin)`
//! (max-quality). Where an operator sets a budget, `5 · share of the time beyond it` comes on top: to run in time by drawing
//! what was forbidden is no achievement.

use dynd_files::Scenario;
use dynd_vocab::Objective;

use super::metrics::Metrics;

/// What a miss weighs.
pub(crate) const MISS_WEIGHT: f64 = 5.0;

/// The cost of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// All of it.
    pub total: f64,
    /// What the objective lost.
    pub base: f64,
    /// Misses beyond what is allowed, summed over apps.
    pub excess: f64,
    /// Share of the time beyond a budget.
    pub over_budget: f64,
}

impl Cost {
    /// The cost of `run` in `scenario`; `reference` is the run that energy and latency are relative to.
    pub fn new(scenario: &Scenario, run: &Metrics, reference: &Metrics) -> Self {
        let base = match scenario.objective {
            Objective::MinEnergy => run.energy_j / reference.energy_j,
            Objective::MinLatency => mean_latency(run) / mean_latency(reference),
            Objective::MaxQuality | Objective::MaxTimelyQuality => {
                let losses = scenario.apps.iter().zip(&run.apps);
                let losses = losses.map(|(app, found)| {
                    let (worst, best) = app.model.quality_range();
                    loss(found.quality, worst.get(), best.get())
                });
                losses.sum::<f64>() / run.apps.len() as f64
            }
        };
        let excess = scenario.apps.iter().zip(&run.apps).map(|(app, found)| {
            let allowed = 1.0 - app.requirement.percentile;
            (found.miss_rate - allowed).max(0.0)
        });
        let excess: f64 = excess.sum();
        Self {
            total: base + MISS_WEIGHT * (excess + run.over_budget),
            base,
            excess,
            over_budget: run.over_budget,
        }
    }
}

/// The share of the range from `best` down to `worst` that `quality` lost. One that never answered lost all.
pub(crate) fn loss(quality: f64, worst: f64, best: f64) -> f64 {
    match (quality.is_nan(), best > worst) {
        (true, _) => 1.0,
        (_, true) => (best - quality) / (best - worst),
        (_, false) => 0.0,
    }
}

fn mean_latency(run: &Metrics) -> f64 {
    run.apps.iter().map(|app| app.mean_ms).sum::<f64>() / run.apps.len() as f64
}
