//! The oracle is the bar: in no shipped scenario is a causal controller better by more than noise.
//!
//! [`LONG`] are left out here: `./dev bench scenarios` plays all.

use std::path::{Path, PathBuf};

use dynd_files::{Scenario, load_scenario};
use dynd_sim::lab::Contender;

use super::{costs, scenario};

/// One takes half a minute of processor time in all; `dynctl simulate` plays ten.
const SEEDS: u64 = 1;

/// What takes the oracle longer than all others together: it tries every plan for four apps on three processors for the time
/// of twelve translations, and searches anew at every degree of a board that warms up.
const LONG: [&str; 2] = ["orin-four-apps", "xu3-heat-soak"];

/// What one run differs by.
const NOISE: f64 = 0.05;

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

fn check(files: &[PathBuf]) {
    let beaten: Vec<String> = files
        .iter()
        .flat_map(|file| beaten(&load_scenario(file).unwrap()))
        .collect();
    assert!(beaten.is_empty(), "{beaten:#?}");
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")
}

#[test]
fn nobody_beats_the_oracle_where_it_was_beaten_once() {
    check(&[folder().join("nano-translation.toml")]);
}

#[test]
#[ignore = "takes a minute of processor time"]
fn nobody_beats_the_oracle_anywhere() {
    let mut files: Vec<_> = std::fs::read_dir(folder())
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
    check(&files);
}

#[test]
fn the_oracle_does_not_beat_the_clairvoyant() {
    let both = [Contender::Oracle, Contender::Clairvoyant];
    let found = costs(&scenario("gpu-model-and-app"), &both, SEEDS);
    assert!(found[1] <= found[0], "{found:?}");
}
