//! How long work takes.

use std::time::Duration;

use dynd_plant::{Batch, Place, PlantError, Work};
use dynd_vocab::{Pid, Seconds};

use super::*;

fn near(have: f64, want: f64, tolerance: f64) {
    assert!((have / want - 1.0).abs() < tolerance, "{have} is not {want}");
}

/// 5 ms of stalls and 10 million cycles.
fn work() -> Work {
    Work::new(Seconds::from_millis(5.0), 1e7)
}

/// The XU3 with its big cluster held at `clock` MHz.
fn xu3_at(clock: u64) -> Plant {
    let mut plant = plant("odroid-xu3");
    plant.govern(1, "userspace").unwrap();
    plant.set_clock(1, mhz(clock)).unwrap();
    plant
}

#[test]
fn latency_is_alpha_plus_beta_over_the_clock() {
    for clock in [500, 1000, 2000] {
        let seconds = latency(&mut xu3_at(clock), work(), Place::Cpus(cpus("4")));
        near(seconds, 5e-3 + 1e7 / (clock as f64 * 1e6), 1e-6);
    }
}

#[test]
fn a_little_core_does_less_per_cycle() {
    let mut plant = plant("odroid-xu3");
    plant.govern(0, "performance").unwrap();
    let cycles = Work::new(Seconds::ZERO, 1e7);
    // Capacities of 377 at 1.4 GHz and 1024 at 2 GHz.
    near(
        latency(&mut plant, cycles, Place::Cpus(cpus("0"))),
        1e7 / 2e9 * 1024.0 / 377.0,
        1e-6,
    );
}

#[test]
fn cores_share_the_parallel_part() {
    let serial = Work {
        serial: 0.2,
        ..Work::new(Seconds::ZERO, 1e8)
    };
    let one = latency(&mut xu3_at(1000), serial, Place::Cpus(cpus("4")));
    let four = latency(&mut xu3_at(1000), serial, Place::Cpus(cpus("4-7")));
    near(four / one, 0.2 + 0.8 / 4.0, 1e-6);
}

#[test]
fn how_busy_an_accelerator_is_does_not_depend_on_its_governor() {
    for governor in ["nvhost_podgov", "performance", "userspace"] {
        let mut nx = plant("jetson-xavier-nx");
        nx.govern(3, governor).unwrap();
        nx.submit(Pid(1), endless(), Place::Accelerator(3)).unwrap();
        nx.step(Duration::from_millis(100));
        near(nx.load(3), 1.0, 1e-6);
    }
}

#[test]
fn co_runners_on_a_core_take_turns() {
    let mut plant = xu3_at(1000);
    burn(&mut plant, "4");
    let work = Work::new(Seconds::ZERO, 1e9);
    near(latency(&mut plant, work, Place::Cpus(cpus("4"))), 2.0, 0.02);
    // A thread that waits on one core makes the whole job wait.
    let wide = Work::new(Seconds::ZERO, 4e9);
    near(latency(&mut plant, wide, Place::Cpus(cpus("4-7"))), 2.0, 0.02);
    assert_eq!(plant.runnable(), 1);
}

#[test]
fn co_runners_stretch_what_waits_for_memory() {
    let hungry = Work {
        traffic: 4e7,
        ..Work::new(Seconds::from_millis(10.0), 0.0)
    };
    let mut plant = xu3_at(1000);
    plant.step(Duration::from_secs(1));
    let alone = latency(&mut plant, hungry, Place::Cpus(cpus("4")));
    near(alone, 0.010, 1e-6);
    let stream = Work {
        traffic: 4e15,
        ..Work::new(Seconds::new(1e6), 0.0)
    };
    for cpu in ["5", "6", "7"] {
        plant.submit(Pid(2), stream, Place::Cpus(cpus(cpu))).unwrap();
    }
    plant.step(Duration::from_secs(1));
    let crowded = latency(&mut plant, hungry, Place::Cpus(cpus("4")));
    // Four times 4 GB/s of 4.8 GB/s.
    near(crowded / alone, 16.0 / 4.8, 0.01);
    // What does not wait for memory is not stretched.
    plant.govern(0, "performance").unwrap();
    let cycles = Work::new(Seconds::ZERO, 1e7);
    near(
        latency(&mut plant, cycles, Place::Cpus(cpus("0"))),
        1e7 / 2e9 * 1024.0 / 377.0,
        1e-6,
    );
}

#[test]
fn apps_take_turns_on_a_gpu() {
    let mut plant = plant("jetson-xavier-nx");
    plant.govern(3, "performance").unwrap();
    let frame = Work::new(Seconds::from_millis(7.0), 33e6);
    let alone = latency(&mut plant, frame, Place::Accelerator(3));
    near(alone, 7e-3 + 33e6 / 1109.25e6, 1e-6);
    plant.submit(Pid(2), endless(), Place::Accelerator(3)).unwrap();
    near(
        latency(&mut plant, frame, Place::Accelerator(3)),
        2.0 * alone,
        0.06,
    );
}

#[test]
fn what_waits_at_a_gpu_is_served_together() {
    let mut plant = plant("jetson-xavier-nx");
    plant.govern(3, "performance").unwrap();
    let image = Work {
        batch: Some(Batch { gain: 0.5, most: 8 }),
        ..Work::new(Seconds::ZERO, 1.10925e7)
    };
    for _ in 0..4 {
        plant.submit(Pid(1), image, Place::Accelerator(3)).unwrap();
    }
    plant.step(Duration::from_secs(1));
    let done = plant.completed();
    let ends: Vec<_> = done
        .iter()
        .map(|done| (done.finished.as_nanos() as f64 / 1e6).round())
        .collect();
    // The first alone takes 10 ms, the three that wait for it 10 ms * (1 + 2 * 0.5).
    assert_eq!(ends, [10.0, 30.0, 30.0, 30.0]);
}

#[test]
fn a_governor_follows_the_load() {
    let mut plant = plant("rk3588-rock5b");
    plant.step(Duration::from_secs(1));
    assert_eq!(plant.clock(1), mhz(408));
    burn(&mut plant, "4");
    plant.step(Duration::from_millis(100));
    assert_eq!(plant.clock(1), mhz(2400));
    assert_eq!(plant.clock(2), mhz(408), "another cluster");
    plant.bound(1, mhz(408), mhz(1608)).unwrap();
    assert_eq!(plant.clock(1), mhz(1608));
}

#[test]
fn the_reported_clock_is_not_the_real_one() {
    let mut plant = plant("rk3588-rock5b");
    plant.govern(1, "performance").unwrap();
    assert_eq!(plant.clock(1), mhz(2400));
    near(plant.real_clock(1).as_khz() as f64, 2_400_000.0 * 0.972, 1e-6);
    near(
        latency(&mut plant, Work::new(Seconds::ZERO, 1e8), Place::Cpus(cpus("4"))),
        1e8 / (2.4e9 * 0.972),
        1e-6,
    );
}

#[test]
fn a_kernel_refuses_what_it_would_refuse() {
    let mut nano = plant("jetson-nano");
    let crossed = PlantError::Bounds {
        low: mhz(1224),
        high: mhz(204),
    };
    assert_eq!(nano.bound(0, mhz(1224), mhz(204)), Err(crossed));
    assert_eq!(
        nano.set_clock(0, mhz(204)),
        Err(PlantError::Governor("userspace".into()))
    );
    assert_eq!(nano.govern(0, "warp"), Err(PlantError::Governor("warp".into())));
    let mut pi = plant("rpi5");
    assert_eq!(pi.bound(0, mhz(2000), mhz(1500)), Ok(()), "later kernels take it");
    assert_eq!(pi.bounds(0), (mhz(1500), mhz(1500)));
    let none = Work::new(Seconds::ZERO, 0.0);
    assert_eq!(
        pi.submit(Pid(1), none, Place::Cpus(cpus("0"))),
        Err(PlantError::Work)
    );
    let far = cpus("9");
    assert_eq!(
        pi.submit(Pid(1), endless(), Place::Cpus(far)),
        Err(PlantError::Cpus(far))
    );
    assert_eq!(
        pi.submit(Pid(1), endless(), Place::Accelerator(0)),
        Err(PlantError::Accelerator(0))
    );
    assert_eq!(
        pi.submit(Pid(1), endless(), Place::Accelerator(5)),
        Err(PlantError::Accelerator(5))
    );
}

#[test]
fn what_is_cancelled_makes_room() {
    let mut plant = xu3_at(1000);
    let job = plant.submit(Pid(1), endless(), Place::Cpus(cpus("4"))).unwrap();
    plant.cancel(job);
    near(
        latency(&mut plant, Work::new(Seconds::ZERO, 1e7), Place::Cpus(cpus("4"))),
        0.010,
        1e-6,
    );
    let mut nx = super::plant("jetson-xavier-nx");
    let (first, _) = (
        nx.submit(Pid(1), endless(), Place::Accelerator(3)).unwrap(),
        nx.submit(Pid(1), Work::new(Seconds::ZERO, 1e6), Place::Accelerator(3))
            .unwrap(),
    );
    nx.cancel(first);
    nx.step(Duration::from_secs(1));
    assert_eq!(nx.completed().len(), 1, "the one that waited is served");
}
