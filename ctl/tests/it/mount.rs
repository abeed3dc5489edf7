//! `dynctl board mount` and what else dynctl makes of a mounted board, where this process may mount.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use dynd_sim::Mounted;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};
use serde_json::Value;
use tempfile::TempDir;

use crate::{dynctl, until};

/// A board that `dynctl board mount` serves.
struct Served {
    process: Child,
    root: TempDir,
}

impl Served {
    /// Mounts a board; nothing, and that is said, where this process may not.
    fn start(arguments: &[&str]) -> Option<Self> {
        if let Err(error) = Mounted::possible() {
            // Not by `eprintln`, which is kept from those who look at tests that pass.
            let _ = writeln!(io::stderr(), "SKIPPED: boards cannot be mounted here: {error}");
            return None;
        }
        let root = TempDir::new().unwrap();
        let (name, options) = arguments.split_first().unwrap();
        let mut process = dynctl(&["board", "mount", name])
            .arg(root.path())
            .args(options)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let told = lines.any(|line| line.unwrap().ends_with("ends it"));
        let served = Self { process, root };
        assert!(told, "the board is not served");
        Some(served)
    }

    fn path(&self, file: &str) -> PathBuf {
        self.root.path().join(file)
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path(file)).unwrap().trim_end().to_owned()
    }

    /// What `dynctl board --json` says of it.
    fn board(&self) -> Value {
        let output = dynctl(&["board", "--json", "--root"])
            .arg(self.root.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn is_mounted(&self) -> bool {
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
        mounts.contains(&format!(" {} fuse", self.root.path().display()))
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.process.id().try_into().unwrap()), signal).unwrap();
    }

    /// Waits for its end.
    fn end(&mut self) -> ExitStatus {
        let mut ended = None;
        until("dynctl ends", || {
            ended = self.process.try_wait().unwrap();
            ended.is_some()
        });
        ended.unwrap()
    }
}

/// A test that fails leaves no mount behind.
impl Drop for Served {
    fn drop(&mut self) {
        if matches!(self.process.try_wait(), Ok(None)) {
            self.signal(Signal::SIGTERM);
            let _ = self.process.wait();
        }
    }
}

#[test]
fn a_mounted_board_is_seen_bounded_and_throttled() {
    let Some(mut served) = Served::start(&["odroid-xu3"]) else {
        return;
    };
    let board = served.board();
    assert_eq!(board["name"], "Hardkernel Odroid XU3");
    let names = |things: &Value| -> Vec<String> {
        let things = things.as_array().unwrap().iter();
        things
            .map(|thing| thing["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names(&board["processors"]), ["little", "big", "gpu"]);
    assert_eq!(
        names(&board["rails"]),
        ["ina231@40", "ina231@41", "ina231@44", "ina231@45"]
    );
    assert_eq!(names(&board["zones"]).len(), 5);
    let big = |board: &Value| board["processors"][1].clone();
    assert_eq!(big(&board)["cpus"], "4-7");
    assert_eq!(big(&board)["opps_khz"].as_array().unwrap().len(), 19);
    assert_eq!(board["problems"].as_array().map_or(0, Vec::len), 0, "{board}");

    let policy = "sys/devices/system/cpu/cpufreq/policy4";
    let write = |file: &str, text: &str| fs::write(served.path(file), text).unwrap();
    write(&format!("{policy}/scaling_governor"), "performance\n");
    assert_eq!(big(&served.board())["clock_khz"], 2_000_000);
    write(&format!("{policy}/scaling_max_freq"), "1400000\n");
    assert_eq!(big(&served.board())["clock_khz"], 1_400_000);

    let mut millis = 86_000;
    until("the big cluster is throttled", || {
        millis += 100;
        write("sys/class/thermal/thermal_zone0/emul_temp", &millis.to_string());
        served.read(&format!("{policy}/scaling_max_freq")) != "1400000"
    });
    assert!(big(&served.board())["clock_khz"].as_u64().unwrap() < 1_400_000);

    served.signal(Signal::SIGTERM);
    assert!(served.end().success());
    assert!(!served.is_mounted());
}

#[test]
fn ctrl_c_and_umount_end_it_too() {
    let Some(mut served) = Served::start(&["jetson-nano"]) else {
        return;
    };
    assert!(served.is_mounted());
    served.signal(Signal::SIGINT);
    assert!(served.end().success());
    assert!(!served.is_mounted());

    let mut served = Served::start(&["jetson-nano"]).unwrap();
    let umount = Command::new("umount").arg(served.root.path()).status().unwrap();
    assert!(umount.success());
    assert!(served.end().success());
}

#[test]
fn the_kernel_era_can_be_chosen() {
    let crossed = |era: &str| {
        let served = Served::start(&["odroid-xu3", "--kernel", era])?;
        let policy = "sys/devices/system/cpu/cpufreq/policy4";
        fs::write(served.path(&format!("{policy}/scaling_max_freq")), "1000000\n").unwrap();
        let taken = fs::write(served.path(&format!("{policy}/scaling_min_freq")), "1400000\n");
        let errno = taken.err().and_then(|error| error.raw_os_error());
        Some((errno, served.read(&format!("{policy}/scaling_min_freq"))))
    };
    const EINVAL: i32 = 22;
    let Some(legacy) = crossed("legacy") else { return };
    assert_eq!(legacy, (Some(EINVAL), "200000".into()));
    assert_eq!(crossed("qos"), Some((None, "1000000".into())));
}

/// Expects `dynctl board mount` to be refused as bad input, with these words.
fn refused(mut command: Command, words: &[&str]) {
    let Output {
        status,
        stderr,
        stdout,
    } = command.output().unwrap();
    let error = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(2), "{error}");
    assert!(stdout.is_empty());
    for word in words {
        assert!(error.contains(word), "no '{word}' in: {error}");
    }
}

fn mount(name: &str, directory: &Path) -> Command {
    let mut command = dynctl(&["board", "mount", name]);
    command.arg(directory);
    command
}

#[test]
fn what_cannot_be_mounted_is_told() {
    let directory = TempDir::new().unwrap();
    refused(
        mount("jetson-nanoo", directory.path()),
        &[
            "\"jetson-nanoo\"",
            "did you mean \"jetson-nano\"?",
            "jetson-nano,",
            "rpi5",
            "path of a board file",
        ],
    );
    refused(
        mount("jetson-nano", &directory.path().join("x")),
        &["/x", "No such file", "empty directory"],
    );
    fs::write(directory.path().join("notes"), "").unwrap();
    refused(mount("jetson-nano", directory.path()), &["not empty"]);
    let file = directory.path().join("board.toml");
    fs::write(&file, "name = 5\n").unwrap();
    refused(
        mount(file.to_str().unwrap(), directory.path()),
        &["board.toml:1:"],
    );
}

#[test]
fn who_may_not_mount_is_told() {
    let (programs, directory) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    for open in [&programs, &directory] {
        fs::set_permissions(open.path(), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let program = programs.path().join("dynctl");
    fs::copy(env!("CARGO_BIN_EXE_dynctl"), &program).unwrap();
    let mut command = Command::new(program);
    command
        .args(["board", "mount", "jetson-nano"])
        .arg(directory.path());
    if geteuid().is_root() {
        const NOBODY: u32 = 65534;
        command.uid(NOBODY).gid(NOBODY);
    } else if Mounted::possible().is_ok() {
        let _ = writeln!(io::stderr(), "SKIPPED: here one may mount without being root");
        return;
    }
    refused(command, &["/dev/fuse", "root", "modprobe fuse"]);
}
