//! One plan over clocks, accelerators and sub-networks, as the controller makes it.

#![allow(clippy::unwrap_used)]

mod budgets;
mod pauses;
mod plant;
mod steady;
mod strangers;
mod told;

use std::time::Duration;

use dynd_core::{Input, WhyError};
use dynd_vocab::{
    AppId, AppMatch, AppRule, Hold, Objective, Policy, Processor, Report, Role, Setting, Standing, Timestamp,
    Watts,
};

use crate::told::{Told, board, hello, policy};

#[test]
fn a_clock_is_as_high_as_the_target_needs() {
    let mut clocks = Vec::new();
    for target in [6.0, 9.0, 14.0, 60.0] {
        let told = Told::new(
            policy(Objective::MinEnergy),
            &[hello("camera", (target, 100.0), &["big"])],
        );
        assert_eq!(told.app(0).standing, Standing::Met, "{target} ms");
        clocks.push(told.mhz(0).unwrap());
    }
    assert!(clocks.is_sorted_by(|a, b| a >= b), "{clocks:?}");
    assert!(clocks[0] >= 1200 && clocks[3] == 400, "{clocks:?}");
}

#[test]
fn of_two_that_cannot_both_run_their_best_the_one_of_more_weight_does() {
    let one = |name| hello(name, (40.0, 60.0), &["big"]);
    for heavy in [0, 1] {
        let name = ["camera", "reader"][heavy];
        let rule = AppRule {
            matches: AppMatch {
                name: Some(name.into()),
                ..AppMatch::default()
            },
            weight: Some(3.0),
            ..AppRule::default()
        };
        let policy = Policy {
            apps: vec![rule],
            reserve_cpus: (1..4).collect(),
            ..policy(Objective::MaxQuality)
        };
        let told = Told::new(policy, &[one("camera"), one("reader")]);
        assert!(
            told.quality(heavy) > told.quality(1 - heavy),
            "{name}: {} and {}",
            told.quality(0),
            told.quality(1)
        );
    }
}

#[test]
fn with_the_last_app_the_clocks_are_given_back() {
    let mut told = Told::new(
        policy(Objective::MinEnergy),
        &[hello("camera", (60.0, 100.0), &["big"])],
    );
    assert_eq!(told.mhz(0), Some(400));
    told.step(Input::Goodbye(AppId(1)));
    assert_eq!(told.setting, Some(Setting::default()));
}

#[test]
fn clocks_that_are_not_ours_stay_as_they_are() {
    let told = Told::new(
        Policy::default(),
        &[hello("camera", (60.0, 100.0), &["big", "gpu"])],
    );
    assert_eq!(told.setting, None);
}

#[test]
fn an_accelerator_is_planned_with_by_those_that_were_measured_there() {
    let apps = [
        hello("camera", (12.0, 30.0), &["big", "gpu"]),
        hello("reader", (40.0, 60.0), &["big"]),
    ];
    let told = Told::new(policy(Objective::MaxQuality), &apps);
    assert_eq!((told.app(0).processor.as_str(), told.quality(0)), ("gpu", 0.76));
    assert_eq!(told.app(0).cpus.len(), 1, "a CPU feeds it");
    assert_eq!((told.app(1).processor.as_str(), told.quality(1)), ("big", 0.76));
}

/// Alone each runs its best on the accelerator in time. Two that keep it busy lack the time for that, and two that
/// seldom run would be late now and then because of each other: both are known before.
#[test]
fn two_apps_on_an_accelerator_reckon_with_each_other() {
    for (target, period) in [(10.0, 12.0), (9.5, 100.0)] {
        let one = hello("camera", (target, period), &["gpu"]);
        let alone = Told::new(policy(Objective::MaxQuality), core::slice::from_ref(&one));
        assert_eq!(alone.quality(0), 0.76, "every {period} ms");
        let both = Told::new(policy(Objective::MaxQuality), &[one.clone(), one]);
        let qualities = [both.quality(0), both.quality(1)];
        assert!(
            qualities[0] + qualities[1] < 1.5,
            "every {period} ms: {qualities:?}"
        );
        assert!(
            both.assignments
                .iter()
                .flatten()
                .all(|told| told.standing == Standing::Met)
        );
    }
}

#[test]
fn a_power_budget_is_kept_by_clocks_and_sub_networks_until_nothing_fits() {
    let apps = [hello("camera", (40.0, 40.0), &["big"])];
    let reached = |watts: f64| {
        let policy = Policy {
            power_budget: Some(Watts::new(watts)),
            ..policy(Objective::MaxQuality)
        };
        let told = Told::new(policy, &apps);
        let why = told
            .controller
            .why(Timestamp::from_nanos(told.now), "camera")
            .unwrap();
        let drawn = why.chosen.map_or(0.0, |chosen| chosen.power_w);
        assert!(drawn <= watts, "{drawn} W of {watts} W");
        (told.quality(0), told.app(0).standing)
    };
    assert_eq!(reached(1000.0), (0.76, Standing::Met));
    let mut budgets: Vec<f64> = (0..60).map(|step| 1000.0 * 0.8_f64.powi(step)).collect();
    budgets.push(1e-3);
    let qualities: Vec<f64> = budgets.iter().map(|watts| reached(*watts).0).collect();
    assert!(qualities.is_sorted_by(|a, b| a >= b), "{qualities:?}");
    assert_eq!(reached(1e-3), (0.0, Standing::Blocked));
    assert!(
        qualities.contains(&0.6) || qualities.contains(&0.7),
        "{qualities:?}"
    );
}

#[test]
fn why_names_what_stands_in_the_way() {
    let apps = [
        hello("camera", (14.0, 40.0), &["big"]),
        hello("reader", (100.0, 100.0), &["big"]),
    ];
    let told = Told::new(policy(Objective::MaxQuality), &apps);
    let why = |called| told.controller.why(Timestamp::from_nanos(told.now), called);
    let camera = why("camera").unwrap();
    assert_eq!(camera.app, AppId(1));
    assert_eq!(camera.chosen.as_ref().unwrap().subnetwork, "s1");
    assert_eq!(camera.better.as_ref().unwrap().subnetwork, "s2");
    assert!(
        camera
            .binding
            .starts_with("the target: s2 on big would be late in"),
        "{}",
        camera.binding
    );
    assert!(
        camera.change.contains("a target above 14.0 ms"),
        "{}",
        camera.change
    );
    assert_eq!(camera.runner_up.as_ref().unwrap().subnetwork, "s0");
    assert_eq!(why("1"), why("camera"));

    let reader = why("reader").unwrap();
    assert_eq!(reader.chosen.as_ref().unwrap().subnetwork, "s2");

    let unknown = why("nobody").unwrap_err();
    assert_eq!(
        unknown.to_string(),
        "no app is called 'nobody'; there are 1 (camera), 2 (reader)"
    );
    let none = Told::new(Policy::default(), &[]);
    let error = none.controller.why(Timestamp::from_nanos(1), "7").unwrap_err();
    assert_eq!(error.to_string(), "no app is called '7'; none is registered");
    let twins = Told::new(Policy::default(), &[apps[0].clone(), apps[0].clone()]);
    let error = twins
        .controller
        .why(Timestamp::from_nanos(twins.now), "camera")
        .unwrap_err();
    assert!(matches!(error, WhyError::Ambiguous { .. }), "{error}");
}

#[test]
fn constant_input_gives_one_plan() {
    let apps = [
        hello("camera", (12.0, 30.0), &["big", "gpu"]),
        hello("reader", (40.0, 60.0), &["big", "gpu"]),
    ];
    let mut told = Told::new(policy(Objective::MinEnergy), &apps);
    let before = (told.setting.clone(), told.assignments.clone());
    for _ in 0..10 {
        told.step(Input::Policy(policy(Objective::MinEnergy)));
        told.step(Input::Tick);
    }
    assert_eq!((told.setting.clone(), told.assignments.clone()), before);
}

fn infer(told: &mut Told, subnetwork: usize) {
    let service = Duration::from_millis(8);
    let report = Report {
        subnetwork,
        cores: 1,
        ended: Timestamp::from_nanos(told.now),
        service,
        latency: service,
        after_switch: false,
    };
    told.step(Input::Reports(AppId(1), vec![report]));
}

#[test]
fn clocks_are_let_go_while_nobody_infers() {
    let apps = [hello("camera", (12.0, 30.0), &["big"])];
    let mut told = Told::new(policy(Objective::MinEnergy), &apps);
    infer(&mut told, 0);
    assert!(told.mhz(0).is_some());
    told.now += 2_000_000_000;
    told.step(Input::Tick);
    assert_eq!(told.setting.as_ref().unwrap().clocks, []);
    infer(&mut told, 0);
    assert!(told.mhz(0).is_some());
}

#[test]
fn a_clock_that_is_not_ours_is_asked_for_once() {
    let contested = Hold::Contested {
        by: None,
        change: String::from("maximum 400 MHz"),
    };
    let refused = Hold::Refused {
        errno: Some(13),
        reason: String::from("permission denied"),
    };
    for hold in [contested, refused] {
        let apps = [hello("camera", (12.0, 30.0), &["big"])];
        let mut told = Told::on(board(), Policy::default(), &apps);
        told.hold = hold.clone();
        told.step(Input::Policy(policy(Objective::MaxQuality)));
        for _ in 0..50 {
            infer(&mut told, 0);
        }
        let asked = told.asked;
        for _ in 0..500 {
            infer(&mut told, 0);
        }
        told.now += 2_000_000_000;
        told.step(Input::Tick);
        assert_eq!(told.asked, asked, "{hold:?}");
        assert!(asked <= 3, "{asked} times, {hold:?}");
    }
}

#[test]
fn an_accelerator_is_fed_by_a_cluster_that_is_not_reserved() {
    let little = Processor {
        name: "little".into(),
        role: Role::Little,
        cpus: (4..8).collect(),
        capacity: 512,
        ..board().processors[0].clone()
    };
    let mut board = board();
    board.processors.push(little);
    let reserved = Policy {
        reserve_cpus: (0..4).collect(),
        ..policy(Objective::MaxQuality)
    };
    let told = Told::on(board, reserved, &[hello("camera", (20.0, 40.0), &["gpu"])]);
    let assignment = told.app(0);
    assert_eq!(assignment.standing, Standing::Met, "{}", assignment.reason);
    assert!(assignment.cpus.iter().all(|cpu| cpu >= 4), "{}", assignment.cpus);
}

#[test]
fn an_app_of_long_periods_is_not_idle_between_them() {
    let apps = [hello("camera", (12.0, 2000.0), &["big"])];
    let mut told = Told::new(policy(Objective::MinEnergy), &apps);
    infer(&mut told, 0);
    let clock = told.mhz(0);
    told.now += 3_000_000_000;
    told.step(Input::Tick);
    assert_eq!(told.mhz(0), clock);
    told.now += 4_000_000_000;
    told.step(Input::Tick);
    assert_eq!(told.setting.as_ref().unwrap().clocks, []);
}
