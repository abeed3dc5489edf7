//! An app that pauses lends its share.

use std::time::Duration;

use dynd_core::{Input, WhyError};
use dynd_vocab::{AppId, Objective, Policy, Report, Timestamp};

use crate::told::{ON_CORE, Told, hello, policy};

const PERIOD: u64 = 60_000_000;

/// Those of these apps infer that `infers` says, for so many periods.
fn run(told: &mut Told, periods: usize, infers: [bool; 2]) {
    for _ in 0..periods {
        // Each step takes 20 ms.
        told.now += PERIOD - 20_000_000 * infers.iter().filter(|infers| **infers).count() as u64;
        for (index, _) in infers.iter().enumerate().filter(|(_, infers)| **infers) {
            let rung = told.app(index).ladder.first().map_or(0, |rung| rung.subnetwork);
            let service = Duration::from_secs_f64(ON_CORE[rung] * 1e-3);
            let report = Report {
                subnetwork: rung,
                cores: 1,
                ended: Timestamp::from_nanos(told.now),
                service,
                latency: service,
                after_switch: false,
            };
            told.step(Input::Reports(AppId(index as u32 + 1), vec![report]));
        }
    }
}

fn paused(told: &Told) -> Vec<bool> {
    told.controller.apps().iter().map(|app| app.paused).collect()
}

/// Two apps for one CPU, which is too little for the best of both.
fn two_apps() -> Told {
    let policy = Policy {
        reserve_cpus: (1..4).collect(),
        ..policy(Objective::MaxQuality)
    };
    let app = |name| hello(name, (40.0, 60.0), &["big"]);
    let mut told = Told::new(policy, &[app("camera"), app("reader")]);
    run(&mut told, 20, [true, true]);
    told
}

#[test]
fn a_share_is_lent_in_a_pause_and_given_back_with_the_first_word() {
    let mut told = two_apps();
    let both = [told.quality(0), told.quality(1)];
    assert!(both[0] + both[1] < 1.5, "{both:?}");
    let shares = both.iter().position(|quality| *quality < 0.76).unwrap();
    let owns = 1 - shares;
    let infers = [shares == 0, shares == 1];
    run(&mut told, 3, infers);
    assert_eq!(paused(&told), [false, false], "three periods are not over");
    let told_before = told.app(owns).generation;
    run(&mut told, 10, infers);
    assert_eq!(paused(&told), infers.map(|infers| !infers));
    assert_eq!(told.quality(shares), 0.76, "it has the CPU to itself");
    assert_eq!(
        told.app(owns).generation,
        told_before,
        "who pauses is told nothing"
    );
    let (id, name) = [(AppId(1), "camera"), (AppId(2), "reader")][owns];
    let why = told.controller.why(Timestamp::from_nanos(told.now), name);
    assert_eq!(why, Err(WhyError::Paused(id)));
    // An inference begins: no report, only the word.
    told.step(Input::Reports(id, Vec::new()));
    assert_eq!(paused(&told), [false, false]);
    let both = [told.quality(0), told.quality(1)];
    assert!(both[0] + both[1] < 1.5, "the CPU is shared again: {both:?}");
}

#[test]
fn while_nobody_infers_nobody_lends() {
    let mut told = two_apps();
    let before = [told.app(0).generation, told.app(1).generation];
    for _ in 0..50 {
        told.now += 180_000_000;
        told.step(Input::Tick);
    }
    assert_eq!(paused(&told), [false, false]);
    assert_eq!([told.app(0).generation, told.app(1).generation], before);
}
