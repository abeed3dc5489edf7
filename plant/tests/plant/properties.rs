//! No input makes a plant panic, or a figure of it anything but a number.

use std::time::Duration;

use dynd_plant::{Batch, Failure, JobId};
use dynd_vocab::Celsius;
use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Deed {
    Submit(Work, Place),
    Cancel(u64),
    Step(u64),
    Bound(usize, u64, u64),
    Govern(usize, &'static str),
    SetClock(usize, u64),
    Preheat(usize, f64),
    FailZone(usize, Failure),
}

fn figure() -> impl Strategy<Value = f64> {
    prop_oneof![
        0.0..1e-2_f64,
        0.0..1e9_f64,
        Just(0.0),
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(-1.0),
        Just(1e300)
    ]
}

fn deed() -> impl Strategy<Value = Deed> {
    let gain = prop_oneof![0.0..1.0_f64, Just(f64::NAN), Just(2.0)];
    let batch = proptest::option::of((gain, 0..9_u32))
        .prop_map(|batch| batch.map(|(gain, most)| Batch { gain, most }));
    let work = (figure(), figure(), figure(), 0.0..1.2_f64, batch).prop_map(
        |(stall, cycles, traffic, serial, batch)| Work {
            stall: Seconds::new(stall),
            cycles,
            traffic,
            serial,
            batch,
        },
    );
    let place = prop_oneof![
        (0..1024_u32).prop_map(|bits| {
            let set = (0..10).filter(|cpu| bits & (1 << cpu) != 0).map(CpuSet::single);
            Place::Cpus(set.fold(CpuSet::EMPTY, CpuSet::union))
        }),
        (0..6_usize).prop_map(Place::Accelerator),
    ];
    let governor = proptest::sample::select(vec![
        "performance",
        "powersave",
        "userspace",
        "ondemand",
        "conservative",
        "schedutil",
        "simple_ondemand",
        "nvhost_podgov",
        "x",
    ]);
    prop_oneof![
        (work, place).prop_map(|(work, place)| Deed::Submit(work, place)),
        (0..20_u64).prop_map(Deed::Cancel),
        (0..300_u64).prop_map(Deed::Step),
        (0..6_usize, any::<u64>(), any::<u64>()).prop_map(|(each, low, high)| Deed::Bound(each, low, high)),
        (0..6_usize, governor).prop_map(|(each, name)| Deed::Govern(each, name)),
        (0..6_usize, any::<u64>()).prop_map(|(each, clock)| Deed::SetClock(each, clock)),
        (0..2_usize, -300.0..1e6_f64).prop_map(|(node, celsius)| Deed::Preheat(node, celsius)),
        (
            0..5_usize,
            prop_oneof![
                Just(Failure::Unreadable),
                Just(Failure::Stuck(f64::NAN)),
                Just(Failure::Intermittent(0.5))
            ]
        )
            .prop_map(|(zone, failure)| Deed::FailZone(zone, failure)),
    ]
}

fn perform(plant: &mut Plant, deed: &Deed) {
    // What the plant refuses it refuses; that is an answer too.
    match *deed {
        Deed::Submit(work, place) => drop(plant.submit(Pid(work.serial.to_bits() as u32 % 3), work, place)),
        Deed::Cancel(job) => plant.cancel(JobId(job)),
        Deed::Step(millis) => plant.step(Duration::from_millis(millis)),
        Deed::Bound(each, low, high) => drop(plant.bound(each, Hertz::from_hz(low), Hertz::from_hz(high))),
        Deed::Govern(each, name) => drop(plant.govern(each, name)),
        Deed::SetClock(each, clock) => drop(plant.set_clock(each, Hertz::from_hz(clock))),
        Deed::Preheat(node, celsius) => plant.preheat(node, Celsius::new(celsius)),
        Deed::FailZone(zone, failure) => {
            let zones = plant.blueprint().zones.len();
            plant.fail_zone(zone % zones, Some(failure));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn nothing_makes_it_panic_or_lose_its_numbers(
        name in proptest::sample::select(vec!["odroid-xu3", "jetson-xavier-nx", "rk3588-rock5b", "rpi4"]),
        deeds in proptest::collection::vec(deed(), 1..30),
    ) {
        let mut plant = plant(name);
        let mut energy = 0.0;
        for deed in deeds {
            perform(&mut plant, &deed);
            prop_assert!(plant.energy().is_finite() && plant.energy() >= energy);
            energy = plant.energy();
            for node in 0..plant.blueprint().thermal.nodes.len() {
                prop_assert!(plant.temperature(node).get().is_finite());
            }
            for processor in 0..plant.blueprint().silicon().count() {
                let (low, high) = plant.bounds(processor);
                prop_assert!(low <= high);
                prop_assert!((low..=high).contains(&plant.clock(processor)), "{:?}", plant.clock(processor));
                prop_assert!((0.0..=1.0).contains(&plant.load(processor)));
            }
        }
        for done in plant.completed() {
            prop_assert!(done.finished >= done.submitted);
        }
    }
}
