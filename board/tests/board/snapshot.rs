//! A snapshot of a machine stands for that machine.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use dynd_board::{Grade, Host, Snapshot, findings};
use dynd_vocab::{Board, Sample, Timestamp};

use crate::boards;
use crate::tree::Tree;

const FIXTURES: &[&str] = &[
    "hybrid-pc",
    "jetson-nano",
    "jetson-orin-nano",
    "jetson-orin-nx",
    "jetson-tx2",
    "jetson-xavier-nx",
    "odroid-n2plus",
    "odroid-xu3",
    "odroid-xu3-3.10",
    "odroid-xu4",
    "pc",
    "rk3588",
    "rpi4",
    "rpi5",
    "two-clusters",
    "vm",
];

fn sample(host: &mut Host) -> Sample {
    let mut sample = Sample::default();
    host.sample(Timestamp::from_nanos(1), &[], &mut sample);
    sample
}

#[test]
fn a_snapshot_is_discovered_sampled_and_diagnosed_as_the_machine_was() {
    for name in FIXTURES {
        let tree = Tree::fixture(name);
        let snapshot = Snapshot::take(tree.root()).unwrap();
        let copy = tempfile::tempdir().unwrap();
        Snapshot::parse(&snapshot.to_string())
            .unwrap()
            .write(copy.path())
            .unwrap();
        let (mut host, mut again) = (tree.host(), Host::discover(copy.path()).unwrap());
        assert_eq!(again.describe(), host.describe(), "{name}");
        assert_eq!(boards::show(&again), boards::show(&host), "{name}");
        assert_eq!(sample(&mut again), sample(&mut host), "{name}");
        let words = |root: &Path, host: &Host| {
            let findings = findings(root, host).into_iter();
            let words = findings.map(|finding| format!("{} {}", finding.what, finding.remedy));
            words
                .map(|text| text.replace(&root.display().to_string(), ""))
                .collect::<Vec<_>>()
        };
        assert_eq!(words(copy.path(), &again), words(tree.root(), &host), "{name}");
    }
}

#[test]
fn a_snapshot_tells_nothing_of_whose_machine_it_is() {
    let tree = Tree::fixture("pc");
    tree.write(
        "[sys/class/dmi/id]
         product_serial = SECRET
         product_uuid = SECRET
         [sys/class/net/eth0]
         address = SECRET
         [sys/firmware/devicetree/base]
         serial-number = SECRET
         [sys/class/hwmon/hwmon3]
         name = ina231
         power1_input = 1000000
         device/uevent = OF_NAME=sensor\\nSERIAL=SECRET
         [proc]
         sys/kernel/hostname = SECRET
         cpuinfo = flags : fpu hypervisor\\nSerial : SECRET\\nflags : fpu
         version = Linux (SECRET)
         stat = cpu0 1 2 3 4\\nintr 1 SECRET\\nprocs_running 1",
    );
    let text = Snapshot::take(tree.root()).unwrap().to_string();
    for secret in ["SECRET", "4711", &tree.root().display().to_string()] {
        assert!(!text.contains(secret), "{secret} in\n{text}");
    }
    for kept in [
        "OF_NAME=sensor",
        "hypervisor",
        "procs_running 1",
        "BAT0",
        "intel-rapl:0",
    ] {
        assert!(text.contains(kept), "no {kept} in\n{text}");
    }
}

#[test]
fn what_could_not_be_read_is_a_comment() {
    let tree = Tree::fixture("odroid-xu3");
    tree.break_file("sys/class/thermal/thermal_zone0/temp");
    let text = Snapshot::take(tree.root()).unwrap().to_string();
    assert!(
        text.starts_with("# sys/class/thermal/thermal_zone0/temp cannot be read: "),
        "{text}"
    );
}

/// What is said of the fixture, as `GRADE: WHAT`, the root left out.
fn check(tree: &Tree, expect: &[&str]) {
    let mut host = tree.host();
    sample(&mut host);
    let root = format!("{}/", tree.root().display());
    let said: Vec<String> = findings(tree.root(), &host)
        .into_iter()
        .map(|finding| format!("{}: {}", finding.grade.label(), finding.what.replace(&root, "")))
        .collect();
    assert_eq!(said, expect);
}

#[test]
fn a_machine_in_order_needs_no_attention() {
    let tree = Tree::fixture("pc");
    tree.write(
        "[sys/fs/cgroup]
         cgroup.controllers = cpuset cpu io memory pids
         cgroup.subtree_control = cpuset cpu memory pids
         [proc]
         sys/kernel/osrelease = 6.12.1-amd64
         stat = cpu0 1 2 3 4\\nprocs_running 1",
    );
    check(&tree, &[]);
}

#[test]
fn findings_name_what_is_wrong() {
    check(
        &Tree::fixture("rpi4"),
        &[
            "attention: proc/pressure/cpu does not exist",
            "attention: the firmware lowers the clock because of under-voltage",
            "attention: the firmware lowers the clock because of heat",
            "note: no power is measured",
            "note: no control groups are mounted",
        ],
    );
    let tree = Tree::fixture("jetson-xavier-nx");
    tree.write(
        "[sys/devices/system/cpu]
         offline = 4-5
         cpufreq/policy0/scaling_governor = powersave
         cpufreq/policy0/scaling_available_governors = userspace schedutil powersave
         cpufreq/policy2/scaling_governor = performance
         cpufreq/policy4/scaling_governor = userspace
         cpufreq/policy0/scaling_max_freq = 1190400
         [sys/fs/cgroup]
         cpuset/cpuset.cpus = 0-5
         [lib/systemd]
         libsystemd-shared-237.so = ELF
         [proc]
         sys/kernel/osrelease = 4.9.253-tegra",
    );
    check(
        &tree,
        &[
            "attention: the governor of big0 is powersave",
            "note: sys/class/thermal/thermal_zone5/temp cannot be true: 100 °C",
            "note: the clock of big0 is limited to 1190 of 1907 MHz",
            "note: the governor of big1 is performance",
            "note: the governor of big2 is userspace",
            "note: the driver of accelerator does not tell how busy it is",
            "note: CPUs 4-5 are offline",
            "note: cgroups are of version 1",
            "note: systemd is 237, which knows no AllowedCPUs=",
            "note: the kernel is 4.9, which has no pidfd",
        ],
    );
}

#[test]
fn clocks_that_may_not_be_written_are_found() {
    let tree = Tree::fixture("odroid-xu3");
    let found = |tree: &Tree| {
        let said = findings(tree.root(), &tree.host());
        said.into_iter()
            .find(|finding| finding.what.contains("may not bound"))
    };
    let dir = "sys/devices/system/cpu/cpufreq/policy4";
    tree.write(&format!("[{dir}]\nscaling_max_freq = 2000000"));
    assert_eq!(found(&tree), None, "{:?}", found(&tree));
    let attribute = tree.root().join(dir).join("scaling_max_freq");
    assert_eq!(
        std::fs::read_to_string(&attribute).unwrap(),
        "2000000\n",
        "nothing was written"
    );

    // A directory, since root may write to any file.
    tree.remove(&format!("{dir}/scaling_max_freq"));
    std::fs::create_dir(&attribute).unwrap();
    let finding = found(&tree).unwrap();
    assert!(
        finding.what.starts_with(&format!(
            "this user may not bound the clocks of big: /{dir}/scaling_max_freq: Is a directory"
        )),
        "{finding:?}"
    );

    // For others the usual reason, which the drop-in ends.
    std::fs::remove_dir(&attribute).unwrap();
    std::fs::write(&attribute, "2000000\n").unwrap();
    std::fs::set_permissions(&attribute, PermissionsExt::from_mode(0o444)).unwrap();
    let may_write = std::fs::OpenOptions::new().write(true).open(&attribute).is_ok();
    let finding = found(&tree);
    assert_eq!(finding.is_none(), may_write, "{finding:?}");
    assert!(finding.is_none_or(|finding| finding.remedy.contains("clocks.conf")));
    tree.write("[etc/systemd/system/dynd.service.d]\nclocks.conf = [Service]");
    assert_eq!(found(&tree), None);
}

#[test]
fn remedies_fit_the_machine() {
    let tree = Tree::fixture("odroid-xu3-3.10");
    let mut host = tree.host();
    sample(&mut host);
    let said = findings(tree.root(), &host);
    let enable = said
        .iter()
        .find(|finding| finding.what.contains("3-0044/enable"))
        .unwrap();
    assert_eq!(enable.grade, Grade::Attention);
    assert!(enable.remedy.starts_with("switch it on: echo 1 > "), "{enable:?}");

    let tree = Tree::fixture("vm");
    let cpufreq = |tree: &Tree| {
        let said = findings(tree.root(), &tree.host());
        said.into_iter()
            .find(|finding| finding.what.contains("cpufreq does not exist"))
            .unwrap()
    };
    assert_eq!(cpufreq(&tree).grade, Grade::Attention);
    tree.write("[proc]\ncpuinfo = flags : fpu hypervisor");
    assert_eq!(cpufreq(&tree).grade, Grade::Note, "{:?}", cpufreq(&tree));
}
