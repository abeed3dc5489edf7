//! The daemon on a virtual board that is mounted, where this process may mount: the kernel's rules and its heat are
//! those of the board.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::Command;

use dynd_files::find_board;
use dynd_plant::Failure;
use dynd_proto::v1::client_message::Message as Up;
use dynd_proto::v1::{BoardStatus, ClockState, ClockStatus, ProcessorStatus, Status};
use dynd_sim::{Mounted, Tree};
use dynd_vocab::blueprint::KernelEra;
use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::app::{App, hello, status_when};
use crate::board::board_when;
use crate::running::{Home, Running, eventually};

const BOUND: &str = "[processor.big]\nclocks = \"bound\"\nmin-clock = \"600 MHz\"\nmax-clock = \"1.4 GHz\"\n";

/// A mounted Odroid XU3 and a daemon's home.
struct Machine {
    mounted: Mounted,
    root: TempDir,
    home: Home,
}

impl Machine {
    /// Absent, and that is said, where FUSE cannot be had.
    fn new(era: KernelEra) -> Option<Self> {
        if let Err(error) = Mounted::possible() {
            // Not by `eprintln`, which is kept from those who look at tests that pass.
            let _ = writeln!(io::stderr(), "SKIPPED: boards cannot be mounted here: {error}");
            return None;
        }
        let mut board = find_board("odroid-xu3").unwrap();
        board.kernel.era = era;
        let root = TempDir::new().unwrap();
        let home = Home::new();
        fs::write(home.path().join("policy.toml"), BOUND).unwrap();
        Some(Self {
            mounted: Mounted::mount(Tree::new(&board, 1), root.path()).unwrap(),
            root,
            home,
        })
    }

    fn flags(&self) -> [String; 4] {
        let text = |path: &Path| path.display().to_string();
        let run_dir = text(&self.home.path().join("run"));
        [
            "--root".into(),
            text(self.root.path()),
            "--run-dir".into(),
            run_dir,
        ]
    }

    fn start(&self) -> Running {
        self.home.start(&self.flags().each_ref().map(String::as_str))
    }

    fn read(&self, file: &str) -> String {
        let dir = self.root.path().join("sys/devices/system/cpu/cpufreq/policy4");
        fs::read_to_string(dir.join(file)).unwrap().trim_end().to_owned()
    }

    fn bounds(&self) -> [String; 2] {
        ["scaling_min_freq", "scaling_max_freq"].map(|file| self.read(file))
    }

    fn emulate(&self, millidegrees: u32) {
        let zone = self.root.path().join("sys/class/thermal/thermal_zone0/emul_temp");
        fs::write(zone, format!("{millidegrees}\n")).unwrap();
    }

    /// The clock of the big cluster once it is in `state`.
    async fn clock_when(&self, state: ClockState) -> ClockStatus {
        let clock = |status: &Status| big(status).clocks.clone();
        let is = |status: &Status| clock(status).is_some_and(|clock| clock.state() == state);
        clock(&status_when(&self.home.socket(), is).await).unwrap()
    }

    /// Ends it; nothing of the daemon holds a file of it open any more.
    fn unmount(self) {
        assert_eq!(self.mounted.unmount().unwrap(), dynd_sim::Ending::Clean);
    }
}

fn big(status: &Status) -> &ProcessorStatus {
    let processors = &status.board.as_ref().unwrap().processors;
    processors
        .iter()
        .find(|processor| processor.name == "big")
        .unwrap()
}

const BEFORE: [&str; 2] = ["200000", "2000000"];
const ASKED: [&str; 2] = ["600000", "1400000"];

#[tokio::test]
async fn clocks_are_held_on_kernels_of_both_eras_and_put_back() {
    for era in [KernelEra::Legacy, KernelEra::Qos] {
        let Some(machine) = Machine::new(era) else { return };
        let mut running = machine.start();
        machine.clock_when(ClockState::Held).await;
        assert_eq!(machine.bounds(), ASKED);
        running.signal(Signal::SIGTERM);
        assert_eq!(running.ended().code(), Some(0));
        assert_eq!(machine.bounds(), BEFORE, "{era:?}");
        machine.unmount();
    }
}

#[tokio::test]
async fn a_board_that_the_kernel_cools_is_throttled_and_not_fought() {
    let Some(machine) = Machine::new(KernelEra::Qos) else {
        return;
    };
    let mut running = machine.start();
    machine.clock_when(ClockState::Held).await;
    let mut millidegrees = 86_000;
    eventually("the kernel throttles", || {
        millidegrees += 100;
        machine.emulate(millidegrees);
        machine.bounds() != ASKED
    });
    machine.clock_when(ClockState::Throttled).await;
    machine.emulate(0);
    machine.clock_when(ClockState::Held).await;
    eventually("the bounds return", || machine.bounds() == ASKED);
    running.signal(Signal::SIGTERM);
    running.ended();
    assert_eq!(machine.bounds(), BEFORE);
    machine.unmount();
}

#[tokio::test]
async fn after_a_kill_the_clocks_of_the_board_are_put_back() {
    let Some(machine) = Machine::new(KernelEra::Legacy) else {
        return;
    };
    let mut running = machine.start();
    machine.clock_when(ClockState::Held).await;
    running.signal(Signal::SIGKILL);
    running.ended();
    assert_eq!(machine.bounds(), ASKED);
    let restored = machine
        .home
        .command()
        .args(machine.flags())
        .arg("--restore")
        .output()
        .unwrap();
    assert_eq!(restored.status.code(), Some(0), "{restored:?}");
    assert_eq!(machine.bounds(), BEFORE);
    machine.unmount();
}

#[tokio::test]
async fn sensors_that_fail_as_a_kernel_lets_them_are_named_and_come_back() {
    let Some(machine) = Machine::new(KernelEra::Qos) else {
        return;
    };
    let mut running = machine.start();
    let mut app = App::open(&machine.home.socket(), Up::Hello(hello("camera")))
        .await
        .unwrap();
    app.assignment().await;
    let fail = |unreadable, cold, hot| {
        machine.mounted.with(|tree| {
            let plant = tree.plant_mut();
            plant.fail_zone(0, unreadable);
            plant.fail_zone(1, cold);
            plant.fail_zone(2, hot);
            plant.fail_rail(0, unreadable);
        });
    };
    let readings = |board: &BoardStatus| {
        let zones = board.zones[..3].iter().map(|zone| zone.celsius.is_some());
        (zones.collect::<Vec<_>>(), board.rails[0].watts.is_some())
    };
    let healthy = |board: &BoardStatus| readings(board) == (vec![true; 3], true) && board.problems.is_empty();
    board_when(&machine.home, &app, healthy).await;

    // EAGAIN of a unit without power, the kernel's "no temperature", and a sensor that is not connected.
    let (cold, hot) = (Failure::Stuck(-274.0), Failure::Stuck(100.0));
    fail(Some(Failure::Unreadable), Some(cold), Some(hot));
    let degraded =
        |board: &BoardStatus| readings(board) == (vec![false; 3], false) && board.problems.len() == 4;
    let board = board_when(&machine.home, &app, degraded).await;
    let mut faults: Vec<&str> = board
        .problems
        .iter()
        .map(|problem| problem.fault.as_str())
        .collect();
    faults.sort_unstable();
    assert_eq!(
        faults,
        [
            "cannot be true: -274 °C",
            "cannot be true: 100 °C",
            "is switched off",
            "is switched off"
        ]
    );
    fail(None, None, None);
    board_when(&machine.home, &app, healthy).await;
    assert!(running.log().contains("answers well again"), "{}", running.log());
    running.signal(Signal::SIGTERM);
    assert_eq!(running.ended().code(), Some(0));
    machine.unmount();
}

#[tokio::test]
async fn a_read_only_sysfs_is_told_and_the_daemon_goes_on() {
    let Some(machine) = Machine::new(KernelEra::Qos) else {
        return;
    };
    let mount = Command::new("mount")
        .args(["-o", "remount,bind,ro"])
        .arg(machine.root.path())
        .output()
        .unwrap();
    assert!(mount.status.success(), "{mount:?}");
    let mut running = machine.start();
    let clock = machine.clock_when(ClockState::Refused).await;
    assert!(clock.reason().contains("Read-only file system"), "{clock:?}");
    assert_eq!(machine.bounds(), BEFORE);
    let mut app = App::open(&machine.home.socket(), Up::Hello(hello("camera")))
        .await
        .unwrap();
    assert!(!app.assignment().await.cpus.is_empty());
    let sampled = |board: &BoardStatus| board.zones.iter().all(|zone| zone.celsius.is_some());
    board_when(&machine.home, &app, sampled).await;
    running.signal(Signal::SIGTERM);
    assert_eq!(running.ended().code(), Some(0));
    machine.unmount();
}
