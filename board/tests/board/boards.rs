//! What boards are made out to be.

use std::path::Path;

use dynd_board::{BoardError, Host};
use dynd_vocab::{Board, Processor};

use crate::tree::Tree;

/// The board's name, its processors as `NAME:CPUS@CAPACITY`, their OPPs as `LOWEST-HIGHEST/COUNT` in MHz.
fn check(fixture: &str, name: &str, processors: &str, opps: &str) {
    let host = Tree::fixture(fixture).host();
    let board = host.describe();
    let show = |render: fn(&Processor) -> String| {
        let shown: Vec<_> = board.processors.iter().map(render).collect();
        shown.join(" ")
    };
    assert_eq!(board.name, name, "{fixture}");
    assert_eq!(
        show(|p| format!("{}:{}@{}", p.name, p.cpus, p.capacity)),
        processors,
        "{fixture}"
    );
    assert_eq!(show(show_opps), opps, "{fixture}");
    for Processor { opps, .. } in &board.processors {
        assert!(opps.is_sorted_by(|a, b| a < b), "{fixture}: {opps:?}");
    }
}

fn show_opps(processor: &Processor) -> String {
    match &processor.opps[..] {
        [] => "-".into(),
        opps => {
            let mhz = |opp: &dynd_vocab::Hertz| opp.as_khz() / 1000;
            format!("{}-{}/{}", mhz(&opps[0]), mhz(&opps[opps.len() - 1]), opps.len())
        }
    }
}

#[test]
fn odroid_xu3() {
    check(
        "odroid-xu3",
        "Hardkernel Odroid XU3",
        "little:0-3@377 big:4-7@1024",
        "200-1400/13 200-2000/19",
    );
}

#[test]
fn rk3588() {
    check(
        "rk3588",
        "Radxa ROCK 5B",
        "little:0-3@397 big0:4-5@1024 big1:6-7@1024",
        "408-1800/8 408-2400/14 408-2400/14",
    );
}

#[test]
fn jetson_nano() {
    check(
        "jetson-nano",
        "NVIDIA Jetson Nano Developer Kit",
        "cpu:0-3@1024",
        "102-1479/15",
    );
}

#[test]
fn jetson_tx2_as_shipped_has_its_denver_cores_offline() {
    check("jetson-tx2", "quill", "cpu:0,3-5@1024", "345-2035/12");
}

#[test]
fn raspberry_pi_4() {
    check(
        "rpi4",
        "Raspberry Pi 4 Model B Rev 1.4",
        "cpu:0-3@1024",
        "600-1800/13",
    );
}

#[test]
fn pc_with_a_policy_per_cpu() {
    check("pc", "LENOVO 20XW", "cpu:0-7@1024", "-");
}

#[test]
fn hybrid_pcs() {
    check(
        "hybrid-pc",
        "Dell Inc. XPS 15 9520",
        "big:0-11@1024 little:12-19@784",
        "- -",
    );
    check(
        "hybrid-pc-capacity",
        "unknown board",
        "big:0-3@1024 little:4-7@676",
        "- -",
    );
}

#[test]
fn virtual_machine_that_tells_nothing() {
    check("vm", "unknown board", "cpu:0-1@1024", "-");
    let tree = Tree::fixture("vm");
    let problems = tree.problems(&tree.host());
    assert_eq!(
        problems,
        [
            "sys/devices/system/cpu/cpufreq does not exist; CPU clocks are unknown",
            "proc/pressure/cpu does not exist; the time that tasks wait for a CPU is unknown",
        ]
    );
}

#[test]
fn container_without_sysfs() {
    let tree = Tree::fixture("vm");
    tree.remove("sys/devices/system/cpu/online");
    let host = tree.host();
    assert_eq!(host.describe().cpus().to_string(), "0-1");
    assert!(tree.problems(&host)[0].starts_with("sys/devices/system/cpu/online does not exist; some CPUs"));
}

#[test]
fn kernel_before_policies() {
    check(
        "odroid-xu3-3.10",
        "unknown board",
        "little:0-3@614 big:4-7@1024",
        "200-1200/3 1200-2000/2",
    );
}

#[test]
fn server_with_more_cpus_than_can_be_held() {
    let tree = Tree::fixture("vm");
    tree.write("sys/devices/system/cpu/online = 0-191");
    let host = tree.host();
    assert_eq!(host.describe().cpus().to_string(), "0-127");
    let problems = tree.problems(&host);
    assert!(
        problems
            .contains(&"sys/devices/system/cpu/online names 64 CPUs too many; some CPUs stay unused".into()),
        "{problems:?}"
    );
}

#[test]
fn garbage_costs_detail_and_is_named() {
    let tree = Tree::fixture("odroid-xu3");
    tree.write(
        "[sys/devices/system/cpu]
         cpu3/cpu_capacity = 0
         cpu5/topology/physical_package_id = first
         cpufreq/policy4/cpuinfo_max_freq = 4294967295
         cpufreq/policy0/scaling_available_frequencies = 1400000 200000 200000 none 0 1400000",
    );
    let host = tree.host();
    let processors = &host.describe().processors;
    assert_eq!(processors.len(), 2);
    assert_eq!(show_opps(&processors[0]), "200-1400/2");
    let problems = tree.problems(&host);
    for part in [
        "cpu3/cpu_capacity cannot be true: capacity 0; CPU capacities are guessed",
        "cpu5/topology/physical_package_id makes no sense: 'first'; shared cores and packages are unknown",
        "policy4/cpuinfo_max_freq cannot be true: 4294967295 kHz; CPU clocks are unknown",
        "policy0/scaling_available_frequencies makes no sense: 'none'; operating performance points are unknown",
    ] {
        assert_eq!(
            problems.iter().filter(|problem| problem.contains(part)).count(),
            1,
            "{part}: {problems:#?}"
        );
    }
    assert_eq!(problems.len(), 4, "{problems:#?}");
}

#[test]
fn a_place_without_a_machine_is_refused() {
    let error = Host::discover(Path::new("/nonexistent/machine")).unwrap_err();
    assert!(matches!(error, BoardError::OpenRoot { .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        "failed to open the board's root directory /nonexistent/machine"
    );
    let empty = tempfile::tempdir().unwrap();
    let error = Host::discover(empty.path()).unwrap_err();
    assert!(matches!(error, BoardError::FindCpus { .. }), "{error:?}");
}
