//! A process that sets the clocks of a mounted board is killed at random moments, and everything is put back.

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use dynd_board::{Host, restore};
use dynd_vocab::blueprint::KernelEra;
use dynd_vocab::{Board as _, ClockBounds, Hertz, Setting};
use tempfile::TempDir;

use crate::mounted::mount;
use crate::{held_back, tree};

/// Per kernel era.
const KILLS: u64 = 100;
const ROOT: &str = "DYND_TEST_ROOT";
const RUN_DIR: &str = "DYND_TEST_RUN_DIR";
const SEED: &str = "DYND_TEST_SEED";
/// What the victim says once it sets clocks.
const AT_WORK: &str = "at work";

/// Numbers that look random (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }

    /// Bounds among `opps`, now and then none.
    fn bounds(&mut self, opps: &[Hertz]) -> ClockBounds {
        let (one, other) = (opps[self.below(opps.len())], opps[self.below(opps.len())]);
        match self.below(4) {
            0 => ClockBounds::NONE,
            1 => ClockBounds {
                min: None,
                max: Some(one),
            },
            _ => ClockBounds {
                min: Some(one.min(other)),
                max: Some(one.max(other)),
            },
        }
    }
}

/// What every bound of the board below `root` reads.
fn bounds(root: &Path) -> Vec<String> {
    let policies = [0, 3, 7].map(|policy| format!("sys/devices/system/cpu/cpufreq/policy{policy}/scaling_"));
    let devices = ["28000000.gpu", "29000000.npu"].map(|device| format!("sys/class/devfreq/{device}/"));
    let read = |path: String| fs::read_to_string(root.join(path)).unwrap();
    policies
        .iter()
        .chain(&devices)
        .flat_map(|dir| ["min_freq", "max_freq"].map(|end| read(format!("{dir}{end}"))))
        .collect()
}

fn check(era: KernelEra) {
    let Some((mounted, dir)) = mount(tree(&held_back(), era)) else {
        return;
    };
    let (root, run_dir) = (dir.path(), TempDir::new().unwrap());
    // Not what a fresh board has.
    for (file, text) in [
        (
            "sys/devices/system/cpu/cpufreq/policy3/scaling_max_freq",
            "1836000",
        ),
        ("sys/class/devfreq/28000000.gpu/min_freq", "300000000"),
    ] {
        fs::write(root.join(file), text).unwrap();
    }
    let before = bounds(root);
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut changed = 0;
    for kill in 0..KILLS {
        let mut victim = Command::new(env::current_exe().unwrap())
            .args(["--exact", "kill::victim", "--ignored", "--nocapture"])
            .env(ROOT, root)
            .env(RUN_DIR, run_dir.path())
            .env(SEED, (kill + 1).to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(victim.stdout.take().unwrap()).lines();
        assert!(
            lines.any(|line| line.unwrap().contains(AT_WORK)),
            "the victim ended"
        );
        std::thread::sleep(Duration::from_micros(random.below(5000) as u64));
        victim.kill().unwrap();
        victim.wait().unwrap();

        let left = bounds(root);
        changed += u64::from(left != before);
        let answers = restore(root, run_dir.path(), None).unwrap();
        assert_eq!(
            bounds(root),
            before,
            "{era:?}, kill {kill}: left {left:?}, answered {answers:?}"
        );
        assert!(
            answers.iter().all(|answer| answer.is_as_before()),
            "{era:?}, kill {kill}: {answers:?}"
        );
    }
    println!("{era:?}: {KILLS} kills left clocks changed {changed} times; all were put back");
    assert!(
        changed > KILLS / 2,
        "{era:?}: only {changed} kills left anything to put back"
    );
    mounted.unmount().unwrap();
}

#[test]
fn after_100_kills_on_an_old_kernel_everything_reads_as_before() {
    check(KernelEra::Legacy);
}

#[test]
fn after_100_kills_on_a_new_kernel_everything_reads_as_before() {
    check(KernelEra::Qos);
}

/// Sets clocks until it is killed.
#[test]
#[ignore = "is started, and killed, by the tests above"]
fn victim() {
    let (Some(root), Some(run_dir), Ok(seed)) = (env::var_os(ROOT), env::var_os(RUN_DIR), env::var(SEED))
    else {
        return;
    };
    let mut host = Host::discover(&PathBuf::from(root)).unwrap();
    host.keep_journal(&PathBuf::from(run_dir)).unwrap();
    let tables: Vec<Vec<Hertz>> = host
        .describe()
        .processors
        .iter()
        .map(|each| each.opps.clone())
        .collect();
    let mut random = Random(seed.parse().unwrap());
    for round in 0_u64.. {
        let setting = Setting {
            clocks: tables.iter().map(|opps| random.bounds(opps)).collect(),
            ..Setting::default()
        };
        host.apply(&setting);
        if round == 0 {
            println!("{AT_WORK}");
        }
    }
}
