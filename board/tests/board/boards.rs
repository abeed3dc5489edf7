//! What boards are made out to be.

use std::path::Path;

use dynd_board::{BoardError, Host};
use dynd_vocab::{Board, Hertz, PowerRail, Processor, ProcessorKind, ThermalZone, Trip};

use crate::tree::Tree;

/// Compares what the fixture is made out to be with `expect`, a line per kind of thing:
/// - the name;
/// - `cpus` and `accelerators`: `NAME:CPUS@CAPACITY=LOWEST-HIGHEST/COUNT` with the OPPs in MHz, `*` where a load is told;
/// - `memory`: `NAME=LOWEST-HIGHEST/COUNT`;
/// - `rails`: `NAME<RAIL-THAT-INCLUDES-IT`;
/// - `zones`: `NAME:TRIPS`, a trip being the first letter of its kind, its temperature, `-` and its hysteresis;
/// - `cooling`: `NAME/MOST`; `battery`: its name. What there is none of has no line.
fn check(fixture: &str, expect: &[&str]) {
    let tree = Tree::fixture(fixture);
    let host = tree.host();
    assert_eq!(show(&host), expect, "{fixture}");
    for Processor { opps, .. } in &host.describe().processors {
        assert!(opps.is_sorted_by(|a, b| a < b), "{fixture}: {opps:?}");
    }
}

/// What `host` is made out to be.
pub(crate) fn show(host: &Host) -> Vec<String> {
    let board = host.describe();
    let loads = host.sources().processors.into_iter().map(|source| source.load);
    let (cpus, accelerators): (Vec<_>, Vec<_>) = board
        .processors
        .iter()
        .zip(loads)
        .partition(|(processor, _)| processor.kind == ProcessorKind::Cpu);
    let rail = |rail: &PowerRail| match rail.within {
        None => rail.name.clone(),
        Some(within) => format!("{}<{}", rail.name, board.rails[within].name),
    };
    let lines = [
        (
            "cpus",
            cpus.iter()
                .map(|(p, _)| format!("{}:{}@{}={}", p.name, p.cpus, p.capacity, show_opps(&p.opps)))
                .collect(),
        ),
        (
            "accelerators",
            accelerators
                .iter()
                .map(|(p, load)| {
                    format!(
                        "{}={}{}",
                        p.name,
                        show_opps(&p.opps),
                        if load.is_some() { "*" } else { "" }
                    )
                })
                .collect(),
        ),
        (
            "memory",
            board
                .memory
                .iter()
                .map(|m| format!("{}={}", m.name, show_opps(&m.opps)))
                .collect(),
        ),
        ("rails", board.rails.iter().map(rail).collect()),
        ("zones", board.zones.iter().map(show_zone).collect()),
        (
            "cooling",
            board
                .cooling
                .iter()
                .map(|device| format!("{}/{}", device.name, device.max_state))
                .collect(),
        ),
        (
            "battery",
            board
                .battery
                .iter()
                .map(|battery| battery.name.clone())
                .collect::<Vec<_>>(),
        ),
    ];
    let shown = lines.into_iter().filter(|(_, things)| !things.is_empty());
    let shown = shown.map(|(kind, things)| format!("{kind} {}", things.join(" ")));
    std::iter::once(board.name.clone()).chain(shown).collect()
}

fn show_opps(opps: &[Hertz]) -> String {
    let mhz = |opp: &Hertz| opp.as_khz() / 1000;
    match opps {
        [] => "-".into(),
        [first, .., last] => format!("{}-{}/{}", mhz(first), mhz(last), opps.len()),
        [only] => mhz(only).to_string(),
    }
}

fn show_zone(zone: &ThermalZone) -> String {
    let trip = |trip: &Trip| {
        format!(
            ":{}{}-{}",
            &trip.kind.label()[..1],
            trip.temperature.get(),
            trip.hysteresis
        )
    };
    let trips: String = zone.trips.iter().map(trip).collect();
    format!("{}{trips}", zone.name)
}

#[test]
fn odroid_xu3() {
    let trips = ":a50-5:a60-5:a70-5:c120-0:p70-10:p85-10";
    let zones = ["cpu0", "cpu1", "cpu2", "cpu3", "gpu"].map(|zone| format!("{zone}-thermal{trips}"));
    check(
        "odroid-xu3",
        &[
            "Hardkernel Odroid XU3",
            "cpus little:0-3@377=200-1400/13 big:4-7@1024=200-2000/19",
            "accelerators gpu=177-600/7",
            "memory bus-wcore=88-532/5 memory-controller=165-825/8",
            "rails ina231@40 ina231@41 ina231@44 ina231@45",
            &format!("zones {}", zones.join(" ")),
            "cooling pwm-fan/3 cpufreq-cpu0/12 cpufreq-cpu4/18",
        ],
    );
}

#[test]
fn odroid_xu4_on_a_vendor_kernel() {
    let trips = ":a50-5:a60-5:a70-5:c120-0:p70-10:p85-10";
    let zones = ["cpu0", "cpu1", "cpu2", "cpu3", "gpu"].map(|zone| format!("{zone}-thermal{trips}"));
    check(
        "odroid-xu4",
        &[
            "Hardkernel Odroid XU4",
            "cpus little:0-3@377=200-1400/13 big:4-7@1024=200-2000/19",
            "accelerators gpu=177-600/7*",
            "memory bus_wcore=84-400/5",
            &format!("zones {}", zones.join(" ")),
            "cooling pwm-fan/3 thermal-cpufreq-0/12 thermal-cpufreq-1/18",
        ],
    );
}

#[test]
fn odroid_xu3_before_policies_devfreq_and_hwmon() {
    check(
        "odroid-xu3-3.10",
        &[
            "unknown board",
            "cpus little:0-3@614=200-1200/3 big:4-7@1024=1200-2000/2",
            "accelerators gpu=177-543/6*",
            "rails ina231@40 ina231@41 ina231@44 ina231@45",
            "zones tmu",
        ],
    );
}

#[test]
fn odroid_n2plus() {
    check(
        "odroid-n2plus",
        &[
            "Hardkernel ODROID-N2Plus",
            "cpus big0:0-1@1024=1000-2016/9 big1:2-5@1024=1000-2400/13",
            "accelerators gpu=125-799/7",
            "zones cpu_thermal:c110-0 ddr_thermal:c110-0",
        ],
    );
}

#[test]
fn rk3588() {
    check(
        "rk3588",
        &[
            "Radxa ROCK 5B",
            "cpus little:0-3@397=408-1800/8 big0:4-5@1024=408-2400/14 big1:6-7@1024=408-2400/14",
            "accelerators gpu=300-1000/8* npu=300-1000/8*",
            "memory dmc=528-2112/4",
            "zones soc-thermal:c115-0 bigcore0-thermal:p85-2:c115-0 bigcore1-thermal:p85-2:c115-0 \
             littlecore-thermal:p85-2:c115-0 center-thermal:c115-0 gpu-thermal:p85-2:c115-0 npu-thermal:c115-0",
        ],
    );
}

#[test]
fn jetson_nano() {
    check(
        "jetson-nano",
        &[
            "NVIDIA Jetson Nano Developer Kit",
            "cpus cpu:0-3@1024=102-1479/15",
            "accelerators gpu=76-921/12*",
            "memory emc=-",
            "rails POM_5V_IN POM_5V_GPU<POM_5V_IN POM_5V_CPU<POM_5V_IN",
            "zones AO-therm CPU-therm GPU-therm PLL-therm PMIC-Die thermal-fan-est",
        ],
    );
}

#[test]
fn jetson_tx2_as_shipped_has_its_denver_cores_offline() {
    check(
        "jetson-tx2",
        &[
            "quill",
            "cpus cpu:0,3-5@1024=345-2035/12",
            "accelerators gpu=140-1300/14*",
            "memory emc=-",
            "rails VDD_SYS_GPU<VDD_IN VDD_SYS_SOC<VDD_IN VDD_4V0_WIFI<VDD_IN VDD_IN VDD_SYS_CPU<VDD_IN \
             VDD_SYS_DDR<VDD_IN",
            "zones BCPU-therm MCPU-therm GPU-therm PLL-therm Tboard_tegra Tdiode_tegra PMIC-Die thermal-fan-est",
        ],
    );
}

#[test]
fn jetson_xavier_nx() {
    check(
        "jetson-xavier-nx",
        &[
            "NVIDIA Jetson Xavier NX Developer Kit",
            "cpus big0:0-1@1024=115-1907/25 big1:2-3@1024=115-1907/25 big2:4-5@1024=115-1907/25",
            "accelerators accelerator=115-1100/2 gpu=114-1109/15*",
            "rails VDD_IN VDD_CPU_GPU_CV<VDD_IN VDD_SOC<VDD_IN",
            "zones AO-therm CPU-therm GPU-therm AUX-therm thermal-fan-est PMIC-Die",
        ],
    );
}

#[test]
fn jetson_orin_nano() {
    check(
        "jetson-orin-nano",
        &[
            "NVIDIA Jetson Orin Nano Developer Kit",
            "cpus big0:0-3@1024=115-1728/22 big1:4-5@1024=115-1728/22",
            "accelerators gpu=306-1020/8*",
            "memory emc=-",
            "rails VDD_IN VDD_CPU_GPU_CV<VDD_IN VDD_SOC<VDD_IN",
            "zones cpu-thermal:p95-2:h99-0:c104.5-0 gpu-thermal cv0-thermal cv1-thermal cv2-thermal soc0-thermal \
             soc1-thermal soc2-thermal tj-thermal:a74-4",
        ],
    );
}

#[test]
fn jetson_orin_nx() {
    check(
        "jetson-orin-nx",
        &[
            "NVIDIA Jetson Orin NX 16GB",
            "cpus big0:0-3@1024=115-1984/26 big1:4-7@1024=115-1984/26",
            "accelerators gpu=306-1173/9*",
            "memory emc=-",
            "rails VDD_IN VDD_CPU_GPU_CV<VDD_IN VDD_SOC<VDD_IN",
            "zones cpu-thermal:p95-2:h99-0:c104.5-0 gpu-thermal cv0-thermal cv1-thermal cv2-thermal soc0-thermal \
             soc1-thermal soc2-thermal tj-thermal:a74-4",
        ],
    );
}

#[test]
fn raspberry_pis() {
    check(
        "rpi4",
        &[
            "Raspberry Pi 4 Model B Rev 1.4",
            "cpus cpu:0-3@1024=600-1800/13",
            "zones cpu-thermal:c110-0",
        ],
    );
    check(
        "rpi5",
        &[
            "Raspberry Pi 5 Model B Rev 1.0",
            "cpus cpu:0-3@1024=1500-2400/10",
            "zones cpu-thermal:c110-0",
            "cooling pwm-fan/4",
        ],
    );
}

#[test]
fn pc_with_a_policy_per_cpu() {
    check(
        "pc",
        &[
            "LENOVO 20XW",
            "cpus cpu:0-7@1024=-",
            "rails package-0<psys core<package-0 uncore<package-0 dram<psys psys",
            "zones acpitz:c128-0 x86_pkg_temp",
            "cooling Processor-0/10 Processor-1/10 Processor-2/10 Processor-3/10 Processor-4/10 Processor-5/10 \
             Processor-6/10 Processor-7/10 intel_powerclamp/50",
            "battery BAT0",
        ],
    );
}

#[test]
fn hybrid_pcs() {
    check(
        "hybrid-pc",
        &["Dell Inc. XPS 15 9520", "cpus big:0-11@1024=- little:12-19@784=-"],
    );
    check(
        "hybrid-pc-capacity",
        &["unknown board", "cpus big:0-3@1024=- little:4-7@676=-"],
    );
}

#[test]
fn an_accelerator_may_hide_behind_any_name() {
    let tree = Tree::fixture("vm");
    tree.write(
        "[sys/class/devfreq]
         devfreq0/cur_freq = 500000000
         devfreq0/device/uevent = DRIVER=mali\\nOF_NAME=mali\\nOF_COMPATIBLE_0=arm,mali-midgard
         devfreq1/cur_freq = 400000000
         devfreq1/device/drm/renderD128/dev = 226:128
         devfreq2/cur_freq = 300000000
         devfreq2/device/uevent = DRIVER=ufshcd",
    );
    assert_eq!(
        show(&tree.host()),
        [
            "unknown board",
            "cpus cpu:0-1@1024=-",
            "accelerators gpu0=- gpu1=-"
        ]
    );
}

#[test]
fn virtual_machine_that_tells_nothing() {
    check("vm", &["unknown board", "cpus cpu:0-1@1024=-"]);
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
    assert_eq!(processors.len(), 3);
    assert_eq!(show_opps(&processors[0].opps), "200-1400/2");
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
