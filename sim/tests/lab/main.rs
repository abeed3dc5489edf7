//! Controllers in the laboratory: each published one does at home what its authors say, and nobody is better than the
//! oracle.

#![allow(clippy::unwrap_used)]

mod bar;
mod homes;
mod world;

use std::path::{Path, PathBuf};

use dynd_files::{Scenario, load_scenario, parse_scenario};
use dynd_sim::lab::{Contender, Contest, Stage};

fn scenario_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../scenarios")
        .join(name)
        .with_extension("toml")
}

fn scenario(name: &str) -> Scenario {
    load_scenario(&scenario_file(name)).unwrap_or_else(|error| panic!("{error}"))
}

fn written(text: &str) -> Scenario {
    parse_scenario(Path::new("written.toml"), text).unwrap_or_else(|error| panic!("{error}"))
}

/// The medians of cost, by contender.
fn costs(scenario: &Scenario, contenders: &[Contender], seeds: u64) -> Vec<f64> {
    let stages = Stage::seeded(scenario, seeds).unwrap();
    let contest = Contest::hold(&stages, contenders, |_| ()).unwrap();
    let median = |contender: &Contender| {
        let results = &contest.of(*contender).unwrap().results;
        let mut costs: Vec<f64> = results.iter().map(|outcome| outcome.cost.total).collect();
        costs.sort_by(f64::total_cmp);
        costs[costs.len() / 2]
    };
    contenders.iter().map(median).collect()
}
