//! The oracle is the bar: in no shipped scenario is a causal controller better by more than noise.
//!
//! [`LONG`] are left out here: `./dev bench scenarios` plays all.

use std::path::{Path, PathBuf};

use dynd_files::{Scenario, load_scenario};
use dynd_sim::lab::Contender;

use super::{costs, scenario};

/// Few, since each takes a minute of processor time in all; `dynctl simulate` plays ten.
const SEEDS: u64 = 3;

/// What takes the oracle longer than all others together: it tries every plan for four apps on three processors for the time
/// of twelve translations, and searches anew at every degree of a board that warms up.
const LONG: [&str; 2] = ["orin-four-apps", "xu3-heat-soak"];

/// What medians of so few seeds differ by.
const NOISE: f64 = 0.03;

/// Who costs less than the oracle, if anybody.
fn beaten(scenario: &Scenario) -> Vec<String> {
    let seeing = |each: &Contender| each.is_causal() || *each == Contender::Oracle;
    let contenders: Vec<Contender> = Contender::USUAL.into_iter().filter(seeing).collect();
    let found: Vec<_> = contenders
        .iter()
        .zip(costs(scenario, &contenders, SEEDS))
        .collect();
    let oracle = found
        .iter()
        .find(|(each, _)| **each == Contender::Oracle)
        .unwrap()
        .1;
    let better = found.iter().filter(|(_, cost)| *cost < oracle - NOISE);
    better
        .map(|(each, cost)| {
            format!(
                "{}: {each} costs {cost:.3}, the oracle {oracle:.3}",
                scenario.name
            )
        })
        .collect()
}

/// The scenarios whose number leaves `rest` when divided by `parts`, so that tests run side by side.
fn check(rest: usize, parts: usize) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
        .collect();
    files.sort();
    assert!(files.len() >= 18, "{files:?}");
    let is_long = |file: &PathBuf| {
        LONG.iter()
            .any(|name| file.file_stem().is_some_and(|stem| stem == *name))
    };
    let all = files.len();
    files.retain(|file| !is_long(file));
    assert_eq!(files.len(), all - LONG.len(), "{files:?}");
    let chosen = files.iter().skip(rest).step_by(parts);
    let beaten: Vec<String> = chosen
        .flat_map(|file| beaten(&load_scenario(file).unwrap()))
        .collect();
    assert!(beaten.is_empty(), "{beaten:#?}");
}

#[test]
fn nobody_beats_the_oracle() {
    check(0, 2);
}

#[test]
fn nobody_beats_the_oracle_in_the_other_half() {
    check(1, 2);
}

#[test]
fn the_oracle_does_not_beat_the_clairvoyant() {
    let both = [Contender::Oracle, Contender::Clairvoyant];
    let found = costs(&scenario("gpu-model-and-app"), &both, SEEDS);
    assert!(found[1] <= found[0], "{found:?}");
}
