//! The files that we ship hold.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use dynd_files::{load_manifest, load_policy};
use dynd_vocab::{
    AppMatch, AppRule, ClockBounds, CoreBounds, Hertz, Objective, Policy, ProcessorName, ProcessorRule,
    Quality, Role, Seconds,
};

fn shipped(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn policy(name: &str) -> Policy {
    load_policy(&shipped("policies").join(name), None).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn every_policy_holds() {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(shipped("policies")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        policy(&name);
        names.push(name);
    }
    names.sort();
    assert_eq!(names, ["battery-saver.toml", "camera-robot.toml", "default.toml"]);
}

#[test]
fn a_fresh_install_gets_the_defaults() {
    assert_eq!(policy("default.toml"), Policy::default());
}

#[test]
fn every_key_of_the_example_arrives() {
    let policy = policy("camera-robot.toml");
    assert_eq!(policy.objective, Objective::MaxQuality);
    assert_eq!(policy.reserve_cpus.to_string(), "0");
    let big = ProcessorRule {
        processor: ProcessorName::Role(Role::Big),
        clocks: ClockBounds {
            min: Some(Hertz::from_khz(600_000)),
            max: Some(Hertz::from_khz(1_800_000)),
        },
    };
    assert_eq!(policy.processors, [big]);
    assert_eq!(policy.apps.len(), 3);
    let camera = AppRule {
        matches: AppMatch {
            unit: Some("camera.service".into()),
            ..AppMatch::default()
        },
        latency: Some(Seconds::from_millis(60.0)),
        percentile: Some(0.95),
        min_quality: Quality::new(0.76),
        priority: 10,
        processors: vec![ProcessorName::Role(Role::Big), ProcessorName::Role(Role::Mid)],
        cores: Some(CoreBounds { min: 1, max: 4 }),
    };
    assert_eq!(policy.apps[0], camera);
}

#[test]
fn every_model_holds_and_its_files_are_there() {
    for name in ["slim-mnist", "exit-mnist"] {
        let manifest = load_manifest(&shipped("models").join(name)).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(manifest.table.name, name);
    }
}
