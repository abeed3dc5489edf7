//! What `--random-plants` shows.

use std::collections::BTreeMap;

use dynd_sim::lab::{Contender, PlantResult};
use serde::Serialize;

use crate::format;

/// What `--json` prints.
#[derive(Serialize)]
pub(crate) struct PlantsReport {
    plants: usize,
    /// Share of plants on which each causal controller cost least, ties counted for each.
    wins: BTreeMap<String, f64>,
    /// The plants on which dynd did not.
    lost: Vec<Lost>,
}

/// A plant that dynd lost.
#[derive(Serialize)]
struct Lost {
    plant: u64,
    scenario: String,
    noise: &'static str,
    dynd: f64,
    winner: String,
    cost: f64,
    oracle: Option<f64>,
}

/// What came of `results`.
pub(crate) fn plants_report(results: &[PlantResult]) -> PlantsReport {
    let mut wins: BTreeMap<String, f64> = BTreeMap::new();
    for result in results {
        for (contender, _) in result.costs.iter().filter(|(each, _)| each.is_causal()) {
            wins.entry(contender.to_string()).or_insert(0.0);
        }
        for winner in result.winners() {
            *wins.entry(winner.to_string()).or_insert(0.0) += 1.0 / results.len() as f64;
        }
    }
    PlantsReport {
        plants: results.len(),
        lost: results.iter().filter_map(lost).collect(),
        wins,
    }
}

fn lost(result: &PlantResult) -> Option<Lost> {
    let cost = |wanted: Contender| {
        let mut costs = result.costs.iter();
        costs.find(|(each, _)| *each == wanted).map(|(_, cost)| *cost)
    };
    let dynd = cost(Contender::Dynd)?;
    let winners = result.winners();
    if winners.contains(&Contender::Dynd) {
        return None;
    }
    let winner = *winners.first()?;
    Some(Lost {
        plant: result.number,
        scenario: result.scenario.clone(),
        noise: result.noise.label(),
        dynd,
        winner: winner.to_string(),
        cost: cost(winner)?,
        oracle: cost(Contender::Oracle),
    })
}

/// As text: who won how often, then every plant that dynd lost.
pub(crate) fn plants_text(report: &PlantsReport) -> String {
    let mut shares: Vec<_> = report.wins.iter().collect();
    shares.sort_by(|a, b| b.1.total_cmp(a.1));
    let mut wins = format::table(&["controller", "first on"]);
    for (name, share) in shares {
        wins.add_row([name.clone(), format::percent(Some(*share))]);
    }
    format::right_align(&mut wins, 1);
    let mut lost = format::table(&["plant", "scenario", "noise", "dynd", "best", "its cost", "oracle"]);
    for each in &report.lost {
        lost.add_row([
            each.plant.to_string(),
            each.scenario.clone(),
            each.noise.into(),
            format!("{:.3}", each.dynd),
            each.winner.clone(),
            format!("{:.3}", each.cost),
            each.oracle
                .map_or_else(|| "-".into(), |cost| format!("{cost:.3}")),
        ]);
    }
    format!(
        "{} random plants\n\n{}\n\ndynd was not first on {}\n\n{}",
        report.plants,
        format::render(&wins),
        report.lost.len(),
        format::render(&lost)
    )
}
