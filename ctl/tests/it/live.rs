//! `dynctl board mount --live`: programs that run at the board's clocks, where this process may mount and make cgroups.
//! How exactly is measured by `dynctl board validate --live`.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use dynd_sim::Mounted;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};
use serde_json::Value;
use tempfile::TempDir;

use crate::{MACHINE, dynctl, until};

/// There is one live board at a time: these tests wait for each other by a lock on this file in the system's directory for
/// such, also those of another checkout.
const ALONE: &str = "dynd-live-tests.lock";

/// Over how long a program's speed is measured.
const SPAN: Duration = Duration::from_millis(1500);

/// A live board; ended when dropped.
struct Live {
    process: Child,
    root: TempDir,
    /// The `cgroup.procs` of what runs on it.
    group: PathBuf,
}

/// A program that never sleeps; killed when dropped.
struct Busy(Child);

/// Live boards for as long as the value lives, if all that is needed is there; what is not, is said.
fn possible() -> Option<File> {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    let controller = mounts.lines().any(|line| {
        let fields: Vec<_> = line.split(' ').collect();
        let controls =
            || fs::read_to_string(Path::new(fields[1]).join("cgroup.controllers")).unwrap_or_default();
        match fields[2] {
            "cgroup" => fields[3].split(',').any(|option| option == "cpu"),
            "cgroup2" => controls().split_whitespace().any(|each| each == "cpu"),
            _ => false,
        }
    });
    let lacks = match Mounted::possible() {
        Err(error) => Some(error.to_string()),
        Ok(()) if !geteuid().is_root() => Some("only root makes cgroups".into()),
        Ok(()) if !controller => Some("there are no cgroups with the controller cpu".into()),
        Ok(()) => None,
    };
    if let Some(lacks) = &lacks {
        // Not by `eprintln`, which is kept from those who look at tests that pass.
        let _ = writeln!(io::stderr(), "SKIPPED: boards cannot be live here: {lacks}");
    }
    lacks.is_none().then(|| {
        let alone = File::create(std::env::temp_dir().join(ALONE)).unwrap();
        alone.lock().unwrap();
        alone
    })
}

impl Live {
    fn start() -> Self {
        let root = TempDir::new().unwrap();
        let mut process = dynctl(&["board", "mount", "odroid-xu3", "--live"])
            .arg(root.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut group = None;
        for line in BufReader::new(process.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            if let Some(command) = line.trim().strip_prefix("echo $$ > ") {
                group = command.split_whitespace().next().map(PathBuf::from);
            }
            if line.ends_with("ends it") {
                break;
            }
        }
        let group = group.expect("it does not say how to run on it");
        Self { process, root, group }
    }

    /// `dynctl board --json` of it.
    fn board(&self) -> Value {
        let output = dynctl(&["board", "--json", "--root"])
            .arg(self.root.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The fastest cluster of `board`.
    fn big(board: &Value) -> &Value {
        let processors = board["processors"].as_array().unwrap().iter();
        processors
            .max_by_key(|processor| processor["capacity"].as_u64())
            .unwrap()
    }

    /// The CPU of the fastest cluster.
    fn cpu(&self) -> u32 {
        Self::big(&self.board())["cpus"]
            .as_str()
            .unwrap()
            .split('-')
            .next()
            .unwrap()
            .parse()
            .unwrap()
    }

    /// Lets the fastest cluster run at this clock.
    fn hold(&self, khz: u64) {
        let policy = format!("sys/devices/system/cpu/cpufreq/policy{}", self.cpu());
        let policy = self.root.path().join(policy);
        fs::write(policy.join("scaling_governor"), "performance").unwrap();
        fs::write(policy.join("scaling_max_freq"), khz.to_string()).unwrap();
    }

    fn admit(&self, busy: &Busy) {
        fs::write(&self.group, busy.0.id().to_string()).unwrap();
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.process.id().try_into().unwrap()), signal).unwrap();
    }

    fn end(&mut self) {
        self.signal(Signal::SIGTERM);
        assert_eq!(self.process.wait().unwrap().code(), Some(0));
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if matches!(self.process.try_wait(), Ok(None)) {
            self.signal(Signal::SIGTERM);
            let _ = self.process.wait();
        }
    }
}

impl Busy {
    /// One on `cpu` of this machine.
    fn on(cpu: u32) -> Self {
        let script = "while :; do :; done";
        let mut command = Command::new("taskset");
        command.args(["--cpu-list", &cpu.to_string(), "sh", "-c", script]);
        Self(command.stdin(Stdio::null()).spawn().unwrap())
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{file}", self.0.id())).unwrap()
    }

    fn ran(&self) -> Duration {
        let text = self.read("schedstat");
        Duration::from_nanos(text.split_whitespace().next().unwrap().parse().unwrap())
    }

    /// The share of a CPU that it gets.
    fn speed(&self) -> f64 {
        let (before, begun) = (self.ran(), Instant::now());
        std::thread::sleep(SPAN);
        (self.ran() - before).as_secs_f64() / begun.elapsed().as_secs_f64()
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn what_runs_on_a_live_board_has_its_clock_and_makes_its_heat() {
    let Some(_board) = possible() else { return };
    let _alone = MACHINE.write();
    let mut live = Live::start();
    let board = live.board();
    let watts = |board: &Value| -> f64 {
        let rails = board["rails"].as_array().unwrap().iter();
        rails.filter_map(|rail| rail["watts"].as_f64()).sum()
    };
    let cpus = |board: &Value| -> Vec<String> {
        let processors = board["processors"].as_array().unwrap().iter();
        let clusters = processors.filter(|processor| processor["kind"] == "cpu");
        clusters
            .map(|cluster| cluster["cpus"].as_str().unwrap().to_owned())
            .collect()
    };
    let own = dynd_client::allowed_cpus().unwrap();
    let named: Vec<u32> = cpus(&board)
        .iter()
        .flat_map(|list| {
            list.parse::<dynd_client::CpuSet>()
                .unwrap()
                .iter()
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(
        named.iter().all(|&cpu| own.contains(cpu)),
        "{named:?} are not all CPUs of this process"
    );
    let idle = watts(&board);

    let busy = Busy::on(live.cpu());
    live.admit(&busy);
    live.hold(600_000);
    until("it is slowed", || {
        busy.read("cgroup").contains(&format!("/cpu{}", live.cpu()))
    });
    let slow = busy.speed();
    live.hold(1_800_000);
    let fast = busy.speed();
    assert!(fast > 2.0 * slow, "{slow} of a CPU at 0.6 GHz, {fast} at 1.8 GHz");

    // Though it was held back for a part of the time, a core at that clock had no rest.
    let board = live.board();
    let load = Live::big(&board)["load"].as_f64().unwrap();
    let share = 1.0
        / f64::from(
            Live::big(&board)["cpus"]
                .as_str()
                .unwrap()
                .parse::<dynd_client::CpuSet>()
                .unwrap()
                .len(),
        );
    assert!(load > 0.8 * share, "{load}");
    assert!(
        watts(&board) > idle + 0.3,
        "{idle} W idle, {} W busy",
        watts(&board)
    );
    let stat = live.root.path().join(format!("proc/{}/stat", busy.0.id()));
    let ticks = |stat: &str| stat.split_whitespace().nth(13).unwrap().parse::<u64>().unwrap();
    // It was there for three seconds at least, and busy.
    assert!(ticks(&fs::read_to_string(&stat).unwrap()) > 200, "{stat:?}");

    live.end();
    assert!(!live.group.exists(), "{} is left", live.group.display());
    assert!(
        !busy.read("cgroup").contains("dynd-board"),
        "{}",
        busy.read("cgroup")
    );
    assert!(!stat.exists());
}

#[test]
fn a_second_live_board_is_refused() {
    let Some(_board) = possible() else { return };
    let mut live = Live::start();
    let other = TempDir::new().unwrap();
    let directory = other.path().to_str().unwrap();
    let second: [&[&str]; 3] = [
        &["board", "mount", "jetson-nano", directory, "--live"],
        &["board", "validate", "--live"],
        &["demo", "--board", "odroid-xu3", "--live"],
    ];
    let why = format!(
        "there is one already, of process {}; end that one first, or wait until it has ended",
        live.process.id()
    );
    for arguments in second {
        let output = dynctl(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(&why), "{arguments:?}: {said}");
    }
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    assert!(!mounts.contains(directory), "it is still mounted");
    assert!(live.group.exists(), "the first one goes on");
    live.end();
}

#[test]
fn what_a_killed_one_left_is_removed_by_the_next() {
    let Some(_board) = possible() else { return };
    let mut live = Live::start();
    let busy = Busy::on(live.cpu());
    live.admit(&busy);
    until("it is seated", || {
        busy.read("cgroup").contains(&format!("/cpu{}", live.cpu()))
    });
    live.signal(Signal::SIGKILL);
    live.process.wait().unwrap();
    let left = live.group.clone();
    let mounted = live.root.path().to_owned();
    // What is left of the mount is the kernel's.
    let gone = Command::new("umount").arg(&mounted).status().unwrap();
    assert!(gone.success());
    assert!(left.exists());
    let mut next = Live::start();
    assert!(!left.exists(), "{} is left", left.display());
    assert!(
        !busy
            .read("cgroup")
            .contains(left.parent().unwrap().file_name().unwrap().to_str().unwrap())
    );
    next.end();
}

#[test]
fn the_demo_can_be_played_on_a_live_board() {
    let Some(_board) = possible() else { return };
    let _machine = MACHINE.read();
    let temp = TempDir::new().unwrap();
    let models = concat!(env!("CARGO_MANIFEST_DIR"), "/../models");
    let demo = dynctl(&[
        "demo",
        "--board",
        "odroid-xu3",
        "--live",
        "--seconds",
        "5",
        "--json",
    ])
    .args(["--models", models])
    .env("TMPDIR", temp.path())
    .stdout(Stdio::piped())
    .stderr(Stdio::piped())
    .spawn()
    .unwrap();
    let is_camera = |process: &Path| {
        let arguments = fs::read_to_string(process.join("cmdline")).unwrap_or_default();
        arguments.contains(temp.path().to_str().unwrap()) && arguments.contains("--name\0camera")
    };
    let on_board = |process: &Path| {
        let cgroups = fs::read_to_string(process.join("cgroup")).unwrap_or_default();
        cgroups.contains("/dynd-board.")
    };
    until("the camera runs on the board", || {
        let mut processes = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
        processes.any(|process| is_camera(&process) && on_board(&process))
    });
    let output = demo.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["board"]["name"], "Hardkernel Odroid XU3");
    let managed = &document["runs"]["managed"]["apps"];
    assert!(
        managed["camera"]["inferences"].as_u64().unwrap() > 50,
        "{managed}"
    );
    let left: Vec<_> = fs::read_dir(temp.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    assert!(
        !mounts.contains(temp.path().to_str().unwrap()),
        "it is still mounted"
    );
}

#[test]
fn a_live_check_is_of_a_board_of_its_own() {
    let output = dynctl(&["board", "validate", "--live", "jetson-nano"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let output = dynctl(&["demo", "--live"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}
