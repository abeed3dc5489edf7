//! A board that is mounted, where this process may mount.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use dynd_board::Host;
use dynd_plant::{Place, Work};
use dynd_sim::{Ending, MountError, Mounted, Tree};
use dynd_vocab::blueprint::KernelEra;
use dynd_vocab::{Board as _, CpuSet, Pid, Sample, Seconds, Timestamp};
use tempfile::TempDir;

use crate::{board, held_back, tree};

/// A mounted board and where it is; absent, and said so, where FUSE cannot be had.
pub(crate) fn mount(tree: Tree) -> Option<(Mounted, TempDir)> {
    if let Err(error) = Mounted::possible() {
        // Not by `eprintln`, which is kept from those who look at tests that pass.
        let _ = writeln!(io::stderr(), "SKIPPED: boards cannot be mounted here: {error}");
        return None;
    }
    let dir = TempDir::new().unwrap();
    Some((Mounted::mount(tree, dir.path()).unwrap(), dir))
}

fn is_mounted(dir: &Path) -> bool {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    mounts.contains(&format!(" {} fuse", dir.display()))
}

fn errno(result: io::Result<()>) -> i32 {
    result.unwrap_err().raw_os_error().unwrap()
}

/// Waits until `condition` holds; real time goes by on the mounted board.
fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(30), "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn discovery_finds_a_mounted_board_and_it_lives() {
    let Some((mounted, dir)) = mount(Tree::new(&held_back(), 1)) else {
        return;
    };
    assert!(is_mounted(dir.path()));
    let host = Host::discover(dir.path()).unwrap();
    let names: Vec<_> = host
        .describe()
        .processors
        .iter()
        .map(|each| each.name.clone())
        .collect();
    assert_eq!(names, ["little", "mid", "big", "gpu", "npu"]);
    assert_eq!(
        host.describe().processors[1].cpus,
        "3-6".parse::<CpuSet>().unwrap()
    );

    // Time goes by, at the pace of this machine's.
    let uptime = || {
        let stat = fs::read_to_string(dir.path().join("proc/stat")).unwrap();
        let idle = stat.lines().nth(1).unwrap().split(' ').nth(4).unwrap();
        Duration::from_millis(10 * idle.parse::<u64>().unwrap())
    };
    let (start, then) = (Instant::now(), uptime());
    until("a second goes by on the board", || {
        uptime() - then >= Duration::from_secs(1)
    });
    assert!(
        start.elapsed() >= Duration::from_millis(980),
        "{:?}",
        start.elapsed()
    );

    drop(host);
    assert_eq!(mounted.unmount().unwrap(), Ending::Clean);
    assert!(!is_mounted(dir.path()));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn files_behave_as_in_sysfs() {
    let Some((mounted, dir)) = mount(tree(&board("odroid-xu3"), KernelEra::Qos)) else {
        return;
    };
    let policy = dir.path().join("sys/devices/system/cpu/cpu4/cpufreq");
    let max = policy.join("scaling_max_freq");
    let mode = |file: &str| {
        let meta = fs::metadata(policy.join(file)).unwrap();
        (meta.permissions().mode() & 0o777, meta.len())
    };
    assert_eq!(mode("scaling_max_freq"), (0o644, 4096));
    assert_eq!(mode("scaling_cur_freq"), (0o444, 4096));
    assert_eq!(mode("cpuinfo_cur_freq"), (0o400, 4096));
    assert_eq!(fs::read_link(&policy).unwrap(), Path::new("../cpufreq/policy4"));

    // As `echo` does: truncated, then written.
    fs::write(&max, "1400000\n").unwrap();
    assert_eq!(fs::read_to_string(&max).unwrap(), "1400000\n");
    const EINVAL: i32 = 22;
    const EACCES: i32 = 13;
    assert_eq!(errno(fs::write(&max, "fast\n")), EINVAL);
    assert_eq!(errno(fs::write(&max, "\n")), EINVAL);
    assert_eq!(errno(fs::write(policy.join("scaling_cur_freq"), "1\n")), EACCES);
    assert_eq!(fs::read_to_string(&max).unwrap(), "1400000\n");

    // Held open, read in pieces and read anew.
    let mut held = OpenOptions::new().read(true).write(true).open(&max).unwrap();
    held.write_all(b"1200000\n").unwrap();
    let mut text = String::new();
    held.rewind().unwrap();
    held.read_to_string(&mut text).unwrap();
    assert_eq!(text, "1200000\n");
    fs::write(&max, "900000\n").unwrap();
    held.rewind().unwrap();
    let mut piece = [0; 4];
    held.read_exact(&mut piece).unwrap();
    fs::write(&max, "1800000\n").unwrap();
    let mut rest = String::new();
    held.read_to_string(&mut rest).unwrap();
    assert_eq!(
        (&piece, rest.as_str()),
        (b"9000", "00\n"),
        "one text, though it has changed since"
    );
    // As those do who write without truncating first.
    held.set_len(7).unwrap();
    drop(held);
    assert_eq!(mounted.unmount().unwrap(), Ending::Clean);
}

#[test]
fn asking_for_its_clock_wakes_no_cluster_that_idles() {
    let Some((mounted, dir)) = mount(Tree::new(&board("jetson-xavier-nx"), 1)) else {
        return;
    };
    let reads = || {
        let policy = |policy| format!("sys/devices/system/cpu/cpufreq/policy{policy}/scaling_cur_freq");
        mounted.with(|tree| [0, 2, 4].map(|number| tree.reads(policy(number))))
    };
    let busy = Place::Cpus("2".parse().unwrap());
    let endless = Work::new(Seconds::ZERO, 1e18);
    mounted.with(|tree| tree.plant_mut().submit(Pid(7), endless, busy).unwrap());
    let mut host = Host::discover(dir.path()).unwrap();
    let before = reads();
    let mut sample = Sample::default();
    for index in 0..20 {
        host.sample(Timestamp::from_nanos(index * 50_000_000), &[], &mut sample);
        // More than a tick of the board's clock, so that its busy CPU was seen to be busy since.
        std::thread::sleep(Duration::from_millis(25));
    }
    let read: Vec<u64> = before.iter().zip(reads()).map(|(was, is)| is - was).collect();
    // Of the first sample nobody knows yet whether it is busy.
    assert_eq!(read, [0, 19, 0]);
    assert!(
        sample.clocks[1].is_some() && sample.clocks[0].is_none(),
        "{:?}",
        sample.clocks
    );

    // Any other driver's clock costs nothing to ask for.
    drop(host);
    assert_eq!(mounted.unmount().unwrap(), Ending::Clean);
    let mut other = board("jetson-xavier-nx");
    for cluster in &mut other.clusters {
        cluster.driver = None;
    }
    let Some((mounted, dir)) = mount(Tree::new(&other, 1)) else {
        return;
    };
    let mut host = Host::discover(dir.path()).unwrap();
    host.sample(Timestamp::from_nanos(1), &[], &mut sample);
    assert!(sample.clocks.iter().all(Option::is_some), "{:?}", sample.clocks);
    drop(host);
    assert_eq!(mounted.unmount().unwrap(), Ending::Clean);
}

#[test]
fn a_mounted_board_throttles_and_recovers() {
    let Some((mounted, dir)) = mount(Tree::new(&held_back(), 1)) else {
        return;
    };
    let at = |path: &str| dir.path().join(path);
    let max = at("sys/devices/system/cpu/cpufreq/policy7/scaling_max_freq");
    let heat = at("sys/class/thermal/thermal_zone0/emul_temp");
    fs::write(
        at("sys/devices/system/cpu/cpufreq/policy7/scaling_governor"),
        "performance",
    )
    .unwrap();
    let clock = || fs::read_to_string(at("sys/devices/system/cpu/cpufreq/policy7/scaling_cur_freq")).unwrap();
    assert_eq!(clock(), "2914000\n");
    let mut millis = 79_000;
    until("the big core is throttled", || {
        millis += 100;
        fs::write(&heat, millis.to_string()).unwrap();
        fs::read_to_string(&max).unwrap() != "2914000\n"
    });
    assert_ne!(clock(), "2914000\n");
    let state = at("sys/class/thermal/cooling_device1/cur_state");
    assert_ne!(fs::read_to_string(state).unwrap(), "0\n");
    fs::write(&heat, "0").unwrap();
    until("the big core is free again", || clock() == "2914000\n");
    assert_eq!(mounted.unmount().unwrap(), Ending::Clean);
}

#[test]
fn a_file_held_open_does_not_keep_the_mount() {
    let Some((mounted, dir)) = mount(Tree::new(&held_back(), 1)) else {
        return;
    };
    let held = File::open(dir.path().join("proc/stat")).unwrap();
    assert_eq!(mounted.unmount().unwrap(), Ending::HeldOpen);
    assert!(!is_mounted(dir.path()));
    drop(held);
}

#[test]
fn only_an_empty_directory_becomes_a_board() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("notes"), "").unwrap();
    let fails = |path: &Path| Mounted::mount(Tree::new(&held_back(), 1), path).unwrap_err();
    assert!(matches!(fails(dir.path()), MountError::Occupied { .. }));
    let missing = fails(&dir.path().join("missing"));
    assert!(matches!(missing, MountError::OpenDirectory { .. }), "{missing}");
}
