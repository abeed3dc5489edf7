//! What is read follows what the board does.

use std::time::Duration;

use dynd_plant::{Failure, Place, Work};
use dynd_sim::{Refusal, Tree};
use dynd_vocab::blueprint::KernelEra;
use dynd_vocab::{Pid, Seconds};

use crate::{board, held_back, tree};

const BIG: &str = "sys/devices/system/cpu/cpufreq/policy4";
const SECOND: Duration = Duration::from_secs(1);

fn number(tree: &mut Tree, path: &str) -> f64 {
    let text = tree.read(path).unwrap();
    assert!(text.ends_with('\n'), "{path}: {text:?}");
    text.trim().parse().unwrap_or_else(|_| panic!("{path}: {text:?}"))
}

/// Busy and idle ticks of a CPU.
fn ticks(tree: &mut Tree, cpu: u32) -> (u64, u64) {
    let stat = tree.read("proc/stat").unwrap();
    let line = stat
        .lines()
        .find(|line| line.starts_with(&format!("cpu{cpu} ")))
        .unwrap();
    let fields: Vec<u64> = line
        .split_whitespace()
        .skip(1)
        .map(|word| word.parse().unwrap())
        .collect();
    (fields[0], fields[3])
}

/// Keeps every CPU of `tree` that a place names busy for about `seconds`.
fn occupy(tree: &mut Tree, place: Place, seconds: f64) {
    let work = Work::new(Seconds::ZERO, 1.8e9 * seconds);
    tree.plant_mut().submit(Pid(7), work, place).unwrap();
}

#[test]
fn work_shows_as_time_clock_power_and_heat() {
    let mut tree = tree(&board("odroid-xu3"), KernelEra::Qos);
    tree.advance(SECOND);
    let power = "sys/class/hwmon/hwmon0/power1_input";
    let zone = "sys/class/thermal/thermal_zone0/temp";
    let idle = (number(&mut tree, power), number(&mut tree, zone));
    assert_eq!(ticks(&mut tree, 4), (0, 100));
    assert_eq!(number(&mut tree, &format!("{BIG}/scaling_cur_freq")), 200_000.0);

    for cpu in 4..8 {
        occupy(&mut tree, Place::Cpus(dynd_vocab::CpuSet::single(cpu)), 30.0);
    }
    tree.advance(10 * SECOND);
    let (busy, idle_ticks) = ticks(&mut tree, 4);
    assert_eq!((busy + idle_ticks, idle_ticks), (1100, 100));
    assert_eq!(ticks(&mut tree, 0), (0, 1100));
    assert!(number(&mut tree, &format!("{BIG}/scaling_cur_freq")) > 1_500_000.0);
    assert!(tree.read("proc/stat").unwrap().contains("procs_running 4\n"));
    // Watts in µW, degrees in thousandths: a busy A15 cluster draws watts and is hotter by tens of degrees.
    let loaded = (number(&mut tree, power), number(&mut tree, zone));
    assert!(loaded.0 > idle.0 + 1e6, "{idle:?} {loaded:?}");
    assert!(loaded.1 > idle.1 + 10e3, "{idle:?} {loaded:?}");
}

#[test]
fn an_accelerator_shows_its_load_in_the_unit_of_its_driver() {
    for (board, gpu, path, expect) in [
        (board("jetson-nano"), 1, "sys/devices/gpu.0/load", "1000\n"),
        (
            board("jetson-nano"),
            1,
            "sys/class/devfreq/57000000.gpu/device/load",
            "1000\n",
        ),
        (
            board("rk3588-rock5b"),
            4,
            "sys/class/devfreq/fdab0000.npu/load",
            "100@1000000000Hz\n",
        ),
        (
            held_back(),
            3,
            "sys/devices/platform/28000000.gpu/utilisation",
            "100\n",
        ),
    ] {
        let mut tree = Tree::new(&board, 1);
        occupy(&mut tree, Place::Accelerator(gpu), 20.0);
        tree.advance(SECOND);
        assert_eq!(tree.read(path).unwrap(), expect, "{path}");
    }
}

#[test]
fn power_is_shown_in_the_units_of_each_driver() {
    let mut nano = Tree::new(&board("jetson-nano"), 1);
    nano.advance(SECOND);
    let of = |tree: &mut Tree, file: &str| number(tree, &format!("sys/bus/iio/devices/iio:device0/{file}"));
    let (volts, amperes, watts) = (
        of(&mut nano, "in_voltage0_input") / 1e3,
        of(&mut nano, "in_current0_input") / 1e3,
        of(&mut nano, "in_power0_input") / 1e3,
    );
    assert!(
        watts > 0.5 && (volts * amperes - watts).abs() < 1e-9,
        "{volts} {amperes} {watts}"
    );

    let mut orin = Tree::new(&board("jetson-orin-nx"), 1);
    orin.advance(SECOND);
    let dir = "sys/class/hwmon/hwmon0";
    assert_eq!(orin.read(format!("{dir}/in1_label")).unwrap(), "VDD_IN\n");
    let watts = number(&mut orin, &format!("{dir}/in1_input"))
        * number(&mut orin, &format!("{dir}/curr1_input"))
        / 1e6;
    let truth = orin.plant_mut().power().get();
    assert!((watts - truth).abs() < 0.1 * truth, "{watts} {truth}");
}

#[test]
fn a_vendor_sensor_measures_only_when_switched_on() {
    let mut board = board("odroid-xu3");
    board.rails[0].convention = dynd_vocab::blueprint::RailConvention::Ina231Vendor;
    board.rails[0].path = "/sys/bus/i2c/drivers/INA231/3-0040".into();
    let mut tree = Tree::new(&board, 1);
    tree.advance(SECOND);
    let dir = "sys/bus/i2c/drivers/INA231/3-0040";
    assert_eq!(tree.read(format!("{dir}/sensor_W")).unwrap(), "0.000000\n");
    assert_eq!(tree.write(format!("{dir}/enable"), "on"), Err(Refusal::Invalid));
    tree.write(format!("{dir}/enable"), "1\n").unwrap();
    assert_eq!(tree.read(format!("{dir}/enable")).unwrap(), "1\n");
    assert!(number(&mut tree, &format!("{dir}/sensor_W")) > 0.0);
}

#[test]
fn a_sensor_that_fails_answers_as_the_kernel_does() {
    let mut tree = Tree::new(&board("rk3588-rock5b"), 1);
    tree.plant_mut().fail_zone(1, Some(Failure::Unreadable));
    let zone = |number| format!("sys/class/thermal/thermal_zone{number}/temp");
    assert_eq!(tree.read(zone(1)), Err(Refusal::Again));
    assert!(tree.read(zone(0)).is_ok());
}

#[test]
fn pressure_counts_who_waits_where_the_kernel_has_it() {
    assert_eq!(
        Tree::new(&board("jetson-nano"), 1).read("proc/pressure/cpu"),
        Err(Refusal::Absent)
    );
    let mut tree = Tree::new(&held_back(), 1);
    for _ in 0..2 {
        occupy(&mut tree, Place::Cpus(dynd_vocab::CpuSet::single(7)), 5.0);
    }
    tree.advance(SECOND);
    let pressure = tree.read("proc/pressure/cpu").unwrap();
    assert_eq!(pressure, "some avg10=0.00 avg60=0.00 avg300=0.00 total=1000000\n");
}

#[test]
fn the_same_seed_writes_and_times_give_the_same_texts() {
    let run = || {
        let mut tree = Tree::new(&board("jetson-tx2"), 42);
        let mut texts = Vec::new();
        for _ in 0..20 {
            tree.advance(Duration::from_millis(137));
            texts.push(
                tree.read("sys/bus/iio/devices/iio:device1/in_power0_input")
                    .unwrap(),
            );
            texts.push(tree.read("sys/class/thermal/thermal_zone2/temp").unwrap());
        }
        texts
    };
    assert_eq!(run(), run());
}
