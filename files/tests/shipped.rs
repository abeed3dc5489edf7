//! The files that we ship hold.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use dynd_files::{
    load_board, load_manifest, load_policy, load_published, load_scenario, parse_board, parse_measurement,
    parse_policy, parse_scenario, published_names,
};
use dynd_vocab::{
    AppMatch, AppRule, Celsius, ClockBounds, CoreBounds, Hertz, Objective, Policy, PowerGrade, ProcessorName,
    ProcessorRule, Quality, Role, Seconds, Watts,
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
    assert_eq!(policy.temperature_limit, Some(Celsius::new(80.0)));
    assert_eq!(policy.reserve_cpus.to_string(), "0");
    let big = ProcessorRule {
        processor: ProcessorName::Role(Role::Big),
        clocks: Some(ClockBounds {
            min: Some(Hertz::from_khz(600_000)),
            max: Some(Hertz::from_khz(1_800_000)),
        }),
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
        weight: Some(1.0),
        processors: vec![ProcessorName::Role(Role::Big), ProcessorName::Role(Role::Mid)],
        cores: Some(CoreBounds { min: 1, max: 4 }),
        enforce: true,
    };
    assert_eq!(policy.apps[0], camera);
}

#[test]
fn budgets_arrive() {
    let saver = policy("battery-saver.toml");
    assert_eq!(saver.power_budget, Some(Watts::new(6.0)));
    assert_eq!(saver.power_grade, PowerGrade::Estimated);
    assert!(saver.has_budget() && policy("camera-robot.toml").has_budget());
    assert!(!policy("default.toml").has_budget());
    let text = "require-measured = true\npower-budget = \"250mW\"\n";
    let strict = parse_policy(Path::new("p.toml"), text, None).unwrap();
    assert_eq!(
        (strict.power_budget, strict.power_grade),
        (Some(Watts::new(0.25)), PowerGrade::Measured)
    );
}

#[test]
fn every_model_holds_and_its_files_are_there() {
    for name in ["slim-mnist", "exit-mnist"] {
        let manifest = load_manifest(&shipped("models").join(name)).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(manifest.table.name, name);
    }
}

#[test]
fn every_board_holds() {
    let mut boards = Vec::new();
    for entry in std::fs::read_dir(shipped("boards")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let board = load_board(&path).unwrap_or_else(|error| panic!("{error}"));
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            boards.push((
                name,
                board.clusters.len(),
                board.accelerators.len(),
                board.rails.len(),
            ));
        }
    }
    boards.sort();
    let expect = [
        ("jetson-nano", 1, 1, 3),
        ("jetson-orin-nano", 2, 1, 3),
        ("jetson-orin-nx", 2, 1, 3),
        ("jetson-tx2", 2, 1, 9),
        ("jetson-xavier-nx", 3, 1, 3),
        ("odroid-n2plus", 2, 1, 0),
        ("odroid-xu3", 2, 1, 4),
        ("odroid-xu4", 2, 1, 0),
        ("rk3588-rock5b", 3, 2, 0),
        ("rpi4", 1, 0, 0),
        ("rpi5", 1, 0, 0),
    ];
    assert_eq!(boards, expect.map(|(name, c, a, r)| (name.to_owned(), c, a, r)));
}

#[test]
fn what_a_board_file_says_arrives() {
    let board = load_board(&shipped("boards/odroid-xu3.toml")).unwrap();
    let big = &board.clusters[1];
    assert_eq!(
        (big.cpus.to_string().as_str(), big.policy, big.capacity),
        ("4-7", 4, 1024)
    );
    let top = big.silicon.opps.last().unwrap();
    assert_eq!(
        (top.clock.as_khz(), (top.volts * 1e4).round()),
        (2_000_000, 13_329.0)
    );
    let passive = &board.zones[0].trips[4];
    assert_eq!(
        (passive.kind.label(), passive.temperature.get()),
        ("passive", 70.0)
    );
    let cooled = passive
        .cooling
        .iter()
        .map(|range| board.coolers[range.cooler].processor);
    assert_eq!(cooled.collect::<Vec<_>>(), [Some(0), Some(1)]);
    assert!(big.silicon.origin.source.contains("exynos5422"));
}

#[test]
fn clusters_may_be_listed_in_any_order() {
    let path = shipped("boards/odroid-xu3.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let parts: Vec<_> = text.split("[[cpu]]").collect();
    let [before, little, rest] = parts.as_slice() else {
        panic!("two clusters");
    };
    let (big, after) = rest.split_at(rest.find("[[").unwrap());
    let swapped = format!("{before}[[cpu]]{big}[[cpu]]{little}{after}");
    assert!(swapped.find("4-7") < swapped.find("0-3"));
    assert_eq!(parse_board(&path, &swapped).unwrap(), load_board(&path).unwrap());
}

#[test]
fn a_fitted_row_that_was_not_measured_is_refused() {
    let check = |name: &str, fit: &str, other: &str, expect: &str| {
        let path = shipped("boards/measurements").join(name);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(fit), "{name}");
        let error = parse_measurement(&path, &text.replace(fit, other)).unwrap_err();
        let said = error.to_string();
        assert!(said.contains("nothing was measured at this clock"), "{said}");
        assert!(said.contains(expect), "{said}");
    };
    check(
        "jetson-nano.toml",
        "mhz = [230.4,",
        "mhz = [230.5,",
        "14 | mhz = [230.5,",
    );
    check(
        "odroid-xu3.toml",
        "= [1400, 200]",
        "= [1400, 250]",
        "116 | first-mhz   = [1400, 250]",
    );
}

#[test]
fn every_scenario_and_published_model_holds() {
    let mut scenarios = 0;
    for entry in std::fs::read_dir(shipped("scenarios")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let scenario = load_scenario(&path).unwrap_or_else(|error| panic!("{error}"));
        assert!(!scenario.apps.is_empty());
        scenarios += 1;
    }
    assert!(scenarios >= 18, "{scenarios}");
    let mut models = Vec::new();
    for entry in std::fs::read_dir(shipped("models/published")).unwrap() {
        let path = entry.unwrap().path();
        let model = load_published(&path).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(
            path.file_stem().unwrap().to_str(),
            Some(model.table.name.as_str())
        );
        models.push(model.table.name);
    }
    models.sort();
    assert_eq!(models, published_names().collect::<Vec<_>>());
}

#[test]
fn a_scenario_that_does_not_hold_is_refused_where_it_does_not() {
    let path = shipped("scenarios/gpu-two-models.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let check = |from: &str, to: &str, expect: &str| {
        assert!(text.contains(from), "{from}");
        let said = parse_scenario(&path, &text.replacen(from, to, 1))
            .unwrap_err()
            .to_string();
        assert!(said.contains(expect), "{said}");
    };
    check(
        "\"25 s\"",
        "\"5 s\"",
        "events must stand in order: the one before is at 10.00 s",
    );
    check("\"48 s\"", "\"480 s\"", "this is after the end of the scenario");
    check(
        "arrive = \"sorter\"",
        "arrive = \"sotrer\"",
        "did you mean \"sorter\"?",
    );
    check(
        "arrive = \"sorter\"",
        "arive = \"sorter\"",
        "unknown key \"arive\"",
    );
    check(
        "arrive = \"sorter\"",
        "",
        "an event must say one thing that happens, not 0",
    );
    check(
        "arrive = \"sorter\"",
        "budget = { power = \"0 W\" }",
        "power must be from 0.1 W to 10000 W",
    );
    check(
        "arrive = \"sorter\"",
        "budget = { heat = \"70 °C\" }",
        "unknown key \"heat\"",
    );
    check(
        "jetson-xavier-nx",
        "jetson-tx2",
        "no latency of \"dynamic-ofa\" is known on jetson-tx2",
    );
    check(
        "\"dynamic-ofa\"",
        "\"dynamic-ofo\"",
        "did you mean \"dynamic-ofa\"?",
    );
    check(
        "name       = \"sorter\"",
        "name       = \"camera\"",
        "is defined a second time",
    );
    check(
        "percentile = 95",
        "percentile = 100",
        "percentile must be from 50 to 99.9",
    );
    check(
        "latency    = \"90 ms\"",
        "latency    = \"0 ms\"",
        "latency must be longer than zero",
    );
    check("[\"gpu\"]", "[\"npu0\"]", "unknown processor \"npu0\"");
}
