//! Accelerators, memory, power, heat and battery: what samples say of them, and what becomes of bad input.

use std::time::Duration;

use dynd_board::{Fault, Host, Loss};
use dynd_vocab::{BatteryState, Board, Sample, Timestamp};

use crate::tree::Tree;

/// The sample at `millis` of a host's life, as lines of what it has: clocks in MHz, loads in %, power in mW,
/// temperatures in °C, `-` for absent.
fn show(host: &mut Host, millis: u64) -> Vec<String> {
    let mut sample = Sample::default();
    host.sample(Timestamp::from_nanos(millis * 1_000_000), &[], &mut sample);
    let board = host.describe();
    for (readings, things) in [
        (sample.clocks.len(), board.processors.len()),
        (sample.loads.len(), board.processors.len()),
        (sample.counters.len(), board.processors.len()),
        (sample.memory.len(), board.memory.len()),
        (sample.rails.len(), board.rails.len()),
        (sample.zones.len(), board.zones.len()),
        (sample.cooling.len(), board.cooling.len()),
    ] {
        assert_eq!(readings, things, "as many readings as things");
    }
    let battery = |state: BatteryState| {
        let percent = state.charge.map(|charge| charge * 100.0);
        let milliwatts = state.power.map(|power| power.get() * 1e3);
        format!(
            "{} {} {}",
            number(percent),
            state.flow.label(),
            number(milliwatts)
        )
    };
    let lines = [
        ("clocks", list(&sample.clocks, |clock| clock.as_hz() as f64 / 1e6)),
        ("loads", list(&sample.loads, |load| load * 100.0)),
        ("memory", list(&sample.memory, |clock| clock.as_hz() as f64 / 1e6)),
        ("rails", list(&sample.rails, |power| power.get() * 1e3)),
        ("zones", list(&sample.zones, |temperature| temperature.get())),
        ("cooling", list(&sample.cooling, f64::from)),
        ("battery", sample.battery.map(battery).unwrap_or_default()),
    ];
    let told = lines
        .into_iter()
        .filter(|(_, readings)| readings.contains(|c: char| c.is_ascii_digit()));
    told.map(|(kind, readings)| format!("{kind} {readings}"))
        .collect()
}

fn list<T: Copy>(readings: &[Option<T>], unit: impl Fn(T) -> f64) -> String {
    let shown: Vec<String> = readings
        .iter()
        .map(|reading| number(reading.map(&unit)))
        .collect();
    shown.join(" ")
}

/// Two decimals at most.
fn number(value: Option<f64>) -> String {
    value.map_or_else(
        || "-".into(),
        |value| ((value * 100.0).round() / 100.0).to_string(),
    )
}

fn check(fixture: &str, expect: &[&str], problems: &[&str]) {
    let tree = Tree::fixture(fixture);
    let mut host = tree.host();
    assert_eq!(show(&mut host, 50), expect, "{fixture}");
    let told = tree.problems(&host);
    let told: Vec<&str> = told
        .iter()
        .map(String::as_str)
        .filter(|told| !told.starts_with("proc/"))
        .collect();
    assert_eq!(told, problems, "{fixture}");
}

#[test]
fn odroid_xu3_through_hwmon() {
    check(
        "odroid-xu3",
        &[
            "clocks 1400 2000 177",
            "memory 532 825",
            "rails 6400 36 128 330",
            "zones 50 51 52 53 54",
            "cooling 1 0 0",
        ],
        &[],
    );
}

#[test]
fn odroid_xu3_with_three_of_four_sensors_switched_off() {
    let off = |address: &str| {
        format!(
            "sys/bus/i2c/drivers/INA231/3-00{address}/enable is switched off; the power of the rail is unknown"
        )
    };
    let problems = ["41", "44", "45"].map(off);
    check(
        "odroid-xu3-3.10",
        &[
            "clocks 1200 2000 177",
            "loads - - 12",
            "rails 855 - - -",
            "zones 61",
        ],
        &problems.each_ref().map(String::as_str),
    );
}

#[test]
fn a_sensor_that_is_switched_on_counts() {
    let tree = Tree::fixture("odroid-xu3-3.10");
    let mut host = tree.host();
    show(&mut host, 50);
    tree.write("[sys/bus/i2c/drivers/INA231/3-0045]\nenable = 1\nsensor_W = 0.093000");
    assert!(show(&mut host, 100).contains(&"rails 855 - - 93".into()));
}

#[test]
fn rk3588_tells_loads_with_their_clock() {
    check(
        "rk3588",
        &[
            "clocks 1800 2400 2400 300 1000",
            "loads - - - 37 0",
            "memory 2112",
            "zones 40.62 41.62 42.62 43.62 44.62 45.62 46.62",
        ],
        &[],
    );
}

const UNCONNECTED: &str = "temp cannot be true: 100 °C; the temperature of the zone is unknown";

#[test]
fn jetsons_tell_loads_in_permille_and_constants_for_temperatures() {
    check(
        "jetson-nano",
        &[
            "clocks 1479 614.4",
            "loads - 45",
            "memory 1600",
            "rails 3187 450 612",
            "zones 40.5 41.5 42.5 43.5 - 41.5",
        ],
        &[&format!("sys/class/thermal/thermal_zone4/{UNCONNECTED}")],
    );
    check(
        "jetson-tx2",
        &[
            "clocks 2035.2 1300.5",
            "loads - 0",
            "memory 1866",
            "rails 6854 1371 19 14025 2209 2702",
            "zones - 42.5 - 43 44 45 - 41",
        ],
        &[
            "sys/class/thermal/thermal_zone0/temp cannot be true: -45 °C; the temperature of the zone is unknown",
            "sys/class/thermal/thermal_zone2/temp cannot be true: -51 °C; the temperature of the zone is unknown",
            &format!("sys/class/thermal/thermal_zone6/{UNCONNECTED}"),
        ],
    );
}

#[test]
fn jetsons_since_jetpack_5_measure_voltage_and_current() {
    // 4976 mV × 968, 136 and 288 mA.
    check(
        "jetson-orin-nano",
        &[
            "clocks - - 306",
            "loads - - 12",
            "memory 2133",
            "rails 4816.77 676.74 1433.09",
            "zones 49.47 50.13 - - - 50.03 50.03 50.03 50.03",
        ],
        &[2, 3, 4]
            .map(|zone| format!("sys/class/thermal/thermal_zone{zone}/temp is empty; the temperature of the zone is unknown"))
            .each_ref()
            .map(String::as_str),
    );
}

#[test]
fn a_clock_that_asking_wakes_is_asked_for_only_while_its_cluster_is_busy() {
    let tree = Tree::fixture("jetson-xavier-nx");
    let mut host = tree.host();
    let clocks = |host: &mut Host, millis| show(host, millis).swap_remove(0);
    let stat = |busy: [u32; 6]| {
        let cpus = busy
            .iter()
            .enumerate()
            .map(|(cpu, busy)| format!("cpu{cpu} {busy} 0 0 100\\n"));
        tree.write(&format!(
            "[proc]\nstat = cpu  1 1 1 1\\n{}procs_running 1",
            cpus.collect::<String>()
        ));
    };
    assert_eq!(
        clocks(&mut host, 50),
        "clocks - - - 115.2 803.25",
        "nothing is known yet"
    );
    stat([10, 10, 10, 11, 10, 10]);
    assert_eq!(clocks(&mut host, 100), "clocks - 1190.4 - 115.2 803.25");
    stat([12, 10, 10, 11, 10, 10]);
    assert_eq!(clocks(&mut host, 150), "clocks 1190.4 - - 115.2 803.25");
    tree.break_file("sys/devices/system/cpu/cpufreq/policy2/scaling_cur_freq");
    for millis in (200..1000).step_by(50) {
        assert_eq!(clocks(&mut host, millis), "clocks - - - 115.2 803.25");
    }
    let asked = tree
        .problems(&host)
        .into_iter()
        .filter(|problem| problem.contains("scaling_cur_freq"));
    assert_eq!(asked.count(), 0, "an idle cluster's file was read");
}

#[test]
fn a_pc_counts_energy() {
    let tree = Tree::fixture("pc");
    let mut host = tree.host();
    let zones = "zones 47 51";
    let cooling = "cooling 0 0 0 0 0 0 0 0 0";
    let battery = "battery 57 discharging 7512";
    let clocks = "clocks 2000";
    assert_eq!(show(&mut host, 50), [clocks, zones, cooling, battery]);
    tree.write(
        "[sys/class/powercap]
         intel-rapl:0/energy_uj = 171150
         intel-rapl:0:0/energy_uj = 1200000
         intel-rapl:0:1/energy_uj = 1000000
         intel-rapl:0:2/energy_uj = 1100000
         intel-rapl:1/energy_uj = 6000000",
    );
    // The package's counter started over, that of the graphics part stood still.
    assert_eq!(
        show(&mut host, 100),
        [clocks, "rails 10000 4000 - 2000 20000", zones, cooling, battery]
    );
    let told = tree.problems(&host);
    assert_eq!(
        told,
        ["sys/class/powercap/intel-rapl:0:1/energy_uj does not count; the power of the rail is unknown"]
    );
}

#[test]
fn a_battery_is_asked_now_and_then() {
    let tree = Tree::fixture("pc");
    let mut host = tree.host();
    let battery = |host: &mut Host, millis| show(host, millis).pop().unwrap();
    assert_eq!(battery(&mut host, 0), "battery 57 discharging 7512");
    tree.write("[sys/class/power_supply/BAT0]\ncapacity = 56\nstatus = Charging\npower_now = -9000000");
    assert_eq!(battery(&mut host, 9_000), "battery 57 discharging 7512");
    assert_eq!(battery(&mut host, 10_000), "battery 56 charging 9000");
    tree.write("[sys/class/power_supply/BAT0]\ncapacity = 300\nstatus = on fire\npower_now =");
    assert_eq!(
        battery(&mut host, 20_000),
        "cooling 0 0 0 0 0 0 0 0 0",
        "nothing is known of it"
    );
    let lost = host
        .faults()
        .iter()
        .filter(|problem| problem.lost == Loss::Battery);
    assert_eq!(lost.count(), 3);
}

/// What a sensor may answer that is no reading, and what is said of it.
const BAD: &[(&str, &str)] = &[
    ("", "is empty"),
    ("hot", "makes no sense: 'hot'"),
    ("4x", "makes no sense: '4x'"),
    ("\\0", "makes no sense: '\\0'"),
    ("99999999999999999999", ""),
    ("-274000", "cannot be true"),
    ("-99999999", "cannot be true"),
];

#[test]
fn bad_input_costs_one_reading_and_is_named() {
    let tree = Tree::fixture("odroid-xu3");
    let sensors = [
        (
            "sys/class/devfreq/11800000.gpu/cur_freq",
            "clocks 1400 2000 -",
            Loss::Clock,
        ),
        (
            "sys/class/devfreq/bus-wcore/cur_freq",
            "memory - 825",
            Loss::MemoryClock,
        ),
        (
            "sys/class/hwmon/hwmon1/power1_input",
            "rails 6400 - 128 330",
            Loss::Power,
        ),
        (
            "sys/class/thermal/thermal_zone4/temp",
            "zones 50 51 52 53 -",
            Loss::Temperature,
        ),
        (
            "sys/class/thermal/cooling_device0/cur_state",
            "cooling - 0 0",
            Loss::Cooling,
        ),
    ];
    let healthy = show(&mut tree.host(), 50);
    for (index, (path, expect, lost)) in sensors.into_iter().enumerate() {
        let good = std::fs::read_to_string(tree.root().join(path)).unwrap();
        for (text, fault) in BAD {
            let mut host = tree.host();
            assert_eq!(show(&mut host, 50), healthy);
            tree.write(&format!("{path} = {text}"));
            let mut expected = healthy.clone();
            expected[index] = expect.into();
            assert_eq!(show(&mut host, 100), expected, "{path} = '{text}'");
            let problems = host.faults();
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert!(problems[0].path.ends_with(path) && problems[0].lost == lost);
            if lost == Loss::Temperature {
                let said = problems[0].fault.to_string();
                assert!(said.starts_with(fault), "{said}");
            }
            tree.write(&format!("{path} = {good}"));
        }
    }
}

#[test]
fn a_zone_at_exactly_100_degrees_is_believed_if_it_was_hot_before() {
    let tree = Tree::fixture("odroid-xu3");
    let mut host = tree.host();
    let zone = |host: &mut Host, millis, temp: u32| {
        tree.write(&format!("sys/class/thermal/thermal_zone0/temp = {temp}"));
        show(host, millis)[3].clone()
    };
    assert_eq!(zone(&mut host, 50, 100_000), "zones - 51 52 53 54");
    assert_eq!(zone(&mut host, 100, 92_000), "zones 92 51 52 53 54");
    assert_eq!(zone(&mut host, 150, 100_000), "zones 100 51 52 53 54");
}

#[test]
fn a_device_that_answers_with_errors_or_is_gone_is_left_alone_and_comes_back() {
    let tree = Tree::fixture("rk3588");
    let mut host = tree.host();
    let npu = "sys/class/devfreq/fdab0000.npu";
    tree.break_file(&format!("{npu}/cur_freq"));
    tree.remove(&format!("{npu}/load"));
    for millis in (0..5000).step_by(50) {
        let shown = show(&mut host, millis);
        assert_eq!(shown[..2], ["clocks 1800 2400 2400 300 -", "loads - - - 37 -"]);
    }
    let told: Vec<_> = host.faults().iter().map(|problem| problem.lost).collect();
    assert_eq!(told, [Loss::Clock, Loss::Load], "each is told once");
    assert!(matches!(host.faults()[0].fault, Fault::Unreadable(_)));
    tree.remove(&format!("{npu}/cur_freq"));
    tree.write(&format!("[{npu}]\ncur_freq = 400000000\nload = 100@400000000Hz"));
    for millis in (7000..8000).step_by(50) {
        let shown = show(&mut host, millis);
        assert_eq!(
            shown[..2],
            ["clocks 1800 2400 2400 300 400", "loads - - - 37 100"]
        );
    }
    assert_eq!(tree.problems(&host), [""; 0]);
}

#[test]
fn problems_become_status() {
    let tree = Tree::fixture("jetson-nano");
    let mut host = tree.host();
    show(&mut host, Duration::from_secs(1).as_millis() as u64);
    assert_eq!(host.problems().len(), host.faults().len());
    let problem = host.problems().last().unwrap();
    assert!(problem.path.ends_with("thermal_zone4/temp"));
    assert_eq!(problem.fault, "cannot be true: 100 °C");
    assert_eq!(problem.lost, "the temperature of the zone is unknown");
}
