//! A plant as its observer sees it.

use std::time::Duration;

use dynd_plant::{Failure, VirtualBoard};
use dynd_vocab::{
    Board as _, Celsius, ClockBounds, Hold, ProcessorKind, PutBack, Role, Sample, Setting, Timestamp,
};

use super::*;

fn at(millis: u64) -> Timestamp {
    Timestamp::from_nanos(7_000_000_000 + millis * 1_000_000)
}

#[test]
fn it_is_described_as_discovery_would() {
    let board = VirtualBoard::new(plant("rk3588-rock5b"));
    let seen: Vec<_> = board
        .describe()
        .processors
        .iter()
        .map(|each| {
            format!(
                "{} {} {} {} {}",
                each.name,
                each.kind.label(),
                each.role.label(),
                each.cpus,
                each.capacity
            )
        })
        .collect();
    let expect = [
        "little cpu little 0-3 397",
        "big0 cpu big 4-5 1024",
        "big1 cpu big 6-7 1024",
        "gpu gpu gpu  0",
        "npu npu npu  0",
    ];
    assert_eq!(seen, expect);
    assert_eq!(board.describe().processors[4].kind, ProcessorKind::Npu);
    let nano = VirtualBoard::new(plant("jetson-nano"));
    assert_eq!(nano.describe().processors[0].role, Role::Big);
    assert_eq!(nano.describe().rails[1].within, Some(0));
}

#[test]
fn a_sample_is_as_old_as_the_observers_clock() {
    let mut board = VirtualBoard::new(plant("jetson-nano"));
    burn(board.plant_mut(), "2");
    let mut sample = Sample::default();
    board.sample(at(0), &[], &mut sample);
    assert_eq!(sample.cpus[2].busy, Duration::ZERO);
    board.sample(at(1000), &[Pid(99), Pid(3)], &mut sample);
    assert_eq!(sample.cpus.len(), 4);
    assert_eq!(
        (sample.cpus[2].busy, sample.cpus[2].total),
        (Duration::from_millis(1000), Duration::from_millis(1000))
    );
    assert_eq!(sample.cpus[1].busy, Duration::ZERO);
    assert_eq!(sample.runnable, Some(1));
    assert_eq!(
        (sample.apps.len(), sample.apps[0].busy),
        (1, Duration::from_millis(1000))
    );
    assert_eq!(
        (sample.clocks[0], sample.loads[0], sample.loads[1]),
        (Some(mhz(1479)), None, Some(0.0))
    );
    assert_eq!(sample.zones.len(), 6);
    assert_eq!(
        (sample.zones[4], board.plant_mut().read_zone(4)),
        (None, Some(Celsius::new(100.0))),
        "PMIC-Die is a constant, and not believed"
    );
    let watts = sample.rails[0].unwrap().get();
    let steps = watts / (5.0 * 0.008);
    assert!(
        (steps - steps.round()).abs() < 1e-9 && watts > 1.0,
        "{watts} is whole steps of 40 mW"
    );
}

#[test]
fn counters_betray_the_real_clock() {
    let mut plant = plant("rk3588-rock5b");
    plant.govern(1, "performance").unwrap();
    let half_stalled = Work::new(Seconds::new(1e6), 1e6 * 2.4e9 * 0.972);
    plant
        .submit(Pid(1), half_stalled, Place::Cpus(cpus("4")))
        .unwrap();
    let mut board = VirtualBoard::new(plant);
    let mut sample = Sample::default();
    board.sample(at(0), &[], &mut sample);
    board.sample(at(1000), &[], &mut sample);
    let counters = sample.counters[1].unwrap();
    assert_eq!(sample.clocks[1], Some(mhz(2400)), "what is reported");
    assert!(
        (counters.cycles as f64 / (2.4e9 * 0.972) - 1.0).abs() < 1e-6,
        "{counters:?}"
    );
    assert!(
        (counters.instructions as f64 / counters.cycles as f64 - 0.5).abs() < 1e-6,
        "{counters:?}"
    );
    assert_eq!(
        (sample.counters[0].unwrap().cycles, sample.counters[3]),
        (0, None)
    );
}

#[test]
fn broken_sensors_lie_and_are_not_believed() {
    let mut board = VirtualBoard::new(plant("jetson-nano"));
    board.plant_mut().fail_rail(0, Some(Failure::Unreadable));
    board.plant_mut().fail_rail(1, Some(Failure::Stuck(-40.0)));
    let lies = [-274.0, 100.0, f64::NAN, 100_000.0];
    for (zone, lie) in lies.into_iter().enumerate() {
        board.plant_mut().fail_zone(zone, Some(Failure::Stuck(lie)));
    }
    assert_eq!(board.plant_mut().read_zone(0), Some(Celsius::new(-274.0)));
    let mut sample = Sample::default();
    board.sample(at(0), &[], &mut sample);
    assert_eq!(
        (&sample.rails[..2], &sample.zones[..4]),
        (&[None; 2][..], &[None; 4][..])
    );
    assert!(sample.rails[2].is_some() && sample.zones[5].is_some());
    let problems: Vec<_> = board.problems().iter().map(ToString::to_string).collect();
    let expect = [
        "rail POM_5V_IN cannot be read; the power of the rail is unknown",
        "rail POM_5V_GPU cannot be true: -40.0 W; the power of the rail is unknown",
        "zone AO-therm cannot be true: -274 °C; the temperature of the zone is unknown",
        "zone CPU-therm cannot be true: 100 °C; the temperature of the zone is unknown",
        "zone GPU-therm cannot be true: NaN °C; the temperature of the zone is unknown",
        "zone PLL-therm cannot be true: 100000 °C; the temperature of the zone is unknown",
        "zone PMIC-Die cannot be true: 100 °C; the temperature of the zone is unknown",
    ];
    assert_eq!(problems, expect);
    let orin = VirtualBoard::new(plant("jetson-orin-nano"))
        .plant_mut()
        .read_zone(2);
    assert_eq!(orin, None, "cv0 is off");
}

#[test]
fn a_sensor_that_does_not_answer_is_a_problem_until_it_answered_for_a_while() {
    let mut board = VirtualBoard::new(plant("jetson-nano"));
    let mut sample = Sample::default();
    let mut millis = 0;
    // It has none, and shows 100 °C for ever.
    let pmic = "zone PMIC-Die cannot be true: 100 °C; the temperature of the zone is unknown";
    let mut named = |board: &mut VirtualBoard, samples: u32| {
        for _ in 0..samples {
            millis += 50;
            board.sample(at(millis), &[], &mut sample);
        }
        let problems = board.problems().iter();
        problems.map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(named(&mut board, 1), [pmic]);
    board.plant_mut().fail_rail(0, Some(Failure::Unreadable));
    board.plant_mut().fail_zone(1, Some(Failure::Intermittent(0.9)));
    let expect = [
        pmic,
        "rail POM_5V_IN cannot be read; the power of the rail is unknown",
        "zone CPU-therm cannot be read; the temperature of the zone is unknown",
    ];
    named(&mut board, 20);
    for _ in 0..20 {
        // One that answers now and then is one problem all the time.
        assert_eq!(named(&mut board, 1), expect);
    }
    board.plant_mut().fail_rail(0, None);
    board.plant_mut().fail_zone(1, None);
    assert_eq!(named(&mut board, 9), expect);
    // They are tried again within a second, and have then to answer ten times.
    assert_eq!(named(&mut board, 21), [pmic]);
}

/// Everything a board shows in a busy second.
fn story(seed: u64) -> Vec<Sample> {
    let mut plant = Plant::new(&find_board("jetson-xavier-nx").unwrap(), seed);
    plant.submit(Pid(1), endless(), Place::Accelerator(3)).unwrap();
    burn(&mut plant, "0-3");
    let mut board = VirtualBoard::new(plant);
    let sample = |index: u64| {
        let mut sample = Sample::default();
        board.sample(at(50 * index), &[Pid(99)], &mut sample);
        sample
    };
    (0..20).map(sample).collect()
}

#[test]
fn a_seed_fixes_everything() {
    assert_eq!(story(5), story(5));
    assert_ne!(story(5), story(6));
}

#[test]
fn looking_changes_nothing() {
    let mut blueprint = find_board("odroid-xu3").unwrap();
    for zone in &mut blueprint.zones {
        zone.noise = 0.8;
    }
    let run = |millis: u64| {
        let mut board = VirtualBoard::new(Plant::new(&blueprint, 1));
        burn(board.plant_mut(), "4-7");
        for processor in 0..3 {
            // The only governor that makes no event at round times.
            board.plant_mut().govern(processor, "performance").unwrap();
        }
        board.plant_mut().fail_rail(0, Some(Failure::Intermittent(0.5)));
        for _ in 0..800 {
            // Ends at no round time.
            let work = Work::new(Seconds::from_millis(37.3), 0.0);
            board
                .plant_mut()
                .submit(Pid(1), work, Place::Accelerator(2))
                .unwrap();
        }
        let (mut sample, mut path) = (Sample::default(), Vec::new());
        for now in (0..=30_000).step_by(millis as usize) {
            board.sample(at(now), &[], &mut sample);
            if now % 1000 == 0 {
                let plant = board.plant();
                let nodes = 0..plant.blueprint().thermal.nodes.len();
                let celsius: Vec<_> = nodes.map(|node| plant.temperature(node)).collect();
                path.push((sample.clocks.clone(), celsius));
            }
        }
        path
    };
    let (often, seldom) = (run(50), run(1000));
    assert!(often[30].0[1] < often[1].0[1], "it throttles: {often:?}");
    assert_eq!(often, seldom);
}

#[test]
fn steps_of_any_size_lead_to_the_same_place() {
    let run = |step: u64| {
        let mut plant = plant("odroid-xu3");
        burn(&mut plant, "4-7");
        for _ in 0..2000 / step {
            plant.step(Duration::from_millis(step));
        }
        (plant.clock(1), plant.energy(), plant.temperature(0).get())
    };
    let (coarse, fine) = (run(1000), run(5));
    assert_eq!(coarse.0, fine.0);
    assert!((coarse.1 / fine.1 - 1.0).abs() < 0.01, "{coarse:?} {fine:?}");
    assert!((coarse.2 - fine.2).abs() < 0.5, "{coarse:?} {fine:?}");
}

#[test]
fn clocks_are_held_within_bounds_and_put_back() {
    let mut board = VirtualBoard::new(plant("odroid-xu3"));
    burn(board.plant_mut(), "0-7");
    board.plant_mut().step(Duration::from_secs(1));
    let (little, before) = (0, board.plant().bounds(0));
    assert_eq!(board.plant().clock(little), mhz(1400));

    let bounds = ClockBounds {
        min: None,
        max: Some(mhz(800)),
    };
    let setting = Setting {
        clocks: vec![bounds],
        ..Setting::default()
    };
    let answers = board.apply(&setting);
    assert_eq!(answers.len(), board.describe().processors.len());
    assert_eq!(
        (answers[0].hold.clone(), answers[1].hold.clone()),
        (Hold::Held, Hold::Left)
    );
    assert_eq!(board.plant().clock(little), mhz(800));
    assert_eq!(board.apply(&setting)[0].hold, Hold::Unchanged);

    let put_back = board.restore();
    assert!(put_back.iter().all(PutBack::is_as_before), "{put_back:?}");
    assert_eq!((put_back.len(), board.plant().bounds(little)), (1, before));
    board.apply(&setting);
    board.apply(&Setting::default());
    assert_eq!(board.plant().bounds(little), before);
}
