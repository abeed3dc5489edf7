//! Heat, throttling and power.

use std::time::Duration;

use dynd_vocab::Celsius;

use super::*;

#[test]
fn the_kernel_throttles_and_lets_go() {
    let mut plant = plant("odroid-xu3");
    plant.govern(1, "performance").unwrap();
    plant.step(Duration::from_secs(1));
    assert_eq!(plant.clock(1), mhz(2000));
    let load = plant.submit(Pid(1), endless(), Place::Cpus(cpus("4-7"))).unwrap();
    let mut lowest = mhz(2000);
    for _ in 0..600 {
        plant.step(Duration::from_millis(100));
        lowest = lowest.min(plant.clock(1));
    }
    // Two passive trips: at 70 °C two states for both clusters, at 85 °C more.
    assert!(lowest < mhz(2000), "{lowest}");
    assert!(plant.bounds(0).1 < mhz(1400), "the little cluster loses OPPs too");
    assert!(
        plant.temperature(0) < Celsius::new(95.0),
        "{}",
        plant.temperature(0)
    );
    assert!(plant.cooling_state(0) > 0, "the fan runs");
    let user = plant.user_bounds(1);
    assert_eq!(user, (mhz(200), mhz(2000)), "nobody wrote the bounds");
    // Without load it cools, and every state is given back.
    plant.cancel(load);
    plant.step(Duration::from_secs(900));
    assert_eq!(plant.clock(1), mhz(2000));
    assert_eq!(plant.cooling_state(2), 0);
}

#[test]
fn firmware_throttles_behind_the_kernels_back() {
    let mut plant = plant("rpi4");
    plant.govern(0, "performance").unwrap();
    let load = plant.submit(Pid(1), endless(), Place::Cpus(cpus("0-3"))).unwrap();
    plant.step(Duration::from_secs(5));
    assert_eq!(plant.real_clock(0), mhz(1800));
    plant.preheat(0, Celsius::new(88.0));
    plant.preheat(1, Celsius::new(88.0));
    plant.step(Duration::from_secs(2));
    assert_eq!(plant.clock(0), mhz(1800), "what is reported stays");
    let hot = plant.real_clock(0);
    assert!(hot < mhz(1800), "{hot}");
    plant.cancel(load);
    plant.step(Duration::from_secs(600));
    assert_eq!(plant.real_clock(0), mhz(1800), "it is given back when it is cool");
}

#[test]
fn a_slowed_clock_saves_no_voltage() {
    let power = |slowed: bool| {
        let mut plant = plant("rpi4");
        plant.govern(0, "performance").unwrap();
        burn(&mut plant, "0-3");
        let hot = if slowed { 84.0 } else { 79.5 };
        plant.preheat(0, Celsius::new(hot));
        plant.preheat(1, Celsius::new(hot));
        plant.step(Duration::from_millis(1400));
        (plant.real_clock(0), plant.power().get())
    };
    let ((fast, hot), (slow, cool)) = (power(false), power(true));
    assert!(slow < fast && cool < hot);
    // At 1800 MHz the voltage is higher than at the slowed clock's own OPP, where it would save more.
    let switched = 4.0 * 0.56e-9 * 0.9098_f64.powi(2);
    let saved = switched * (fast.as_hz() - slow.as_hz()) as f64;
    assert!((hot - cool - saved).abs() < 0.05, "{hot} {cool} {saved}");
}

#[test]
fn power_needs_voltage_clock_and_work() {
    let watts = |clock: u64, busy: &str| {
        let mut plant = plant("odroid-xu3");
        plant.govern(1, "userspace").unwrap();
        plant.set_clock(1, mhz(clock)).unwrap();
        burn(&mut plant, busy);
        plant.step(Duration::from_millis(500));
        plant.rail_energy(0) / 0.5
    };
    let (slow, fast, one) = (watts(1000, "4-7"), watts(2000, "4-7"), watts(2000, "4"));
    assert!(
        fast > 3.0 * slow,
        "twice the clock at a higher voltage: {slow} {fast}"
    );
    assert!(
        fast > 3.0 * one && fast < 4.0 * one,
        "four cores share what leaks: {one} {fast}"
    );
}

#[test]
fn all_power_becomes_heat() {
    // In the steady state, what is drawn leaves through the resistances.
    let mut plant = plant("rpi5");
    plant.govern(0, "powersave").unwrap();
    plant.step(Duration::from_secs(3000));
    let out = (plant.temperature(1).get() - 25.0) / 7.0;
    assert!(
        (out / plant.power().get() - 1.0).abs() < 0.01,
        "{out} {}",
        plant.power()
    );
}
