//! A process that sets clocks is killed at random moments, and everything is put back.

use std::env;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use dynd_board::{Host, restore};
use dynd_vocab::{Board, ClockBounds, Hertz, Setting};

use crate::actuators::Bench;

const KILLS: u64 = 200;
const ROOT: &str = "DYND_TEST_ROOT";
const RUN_DIR: &str = "DYND_TEST_RUN_DIR";
const SEED: &str = "DYND_TEST_SEED";
/// What the victim says once it sets clocks.
const AT_WORK: &str = "at work";

/// Numbers that look random (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    /// Bounds on the OPPs of the board, now and then none.
    fn bounds(&mut self) -> ClockBounds {
        let opp = |random: &mut Self| Hertz::from_khz(200_000 + 100_000 * random.below(13));
        let (one, other) = (opp(self), opp(self));
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

#[test]
fn after_200_kills_everything_reads_as_before() {
    let bench = Bench::new();
    let before = bench.bounds();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut changed = 0;
    for kill in 0..KILLS {
        let mut victim = Command::new(env::current_exe().unwrap())
            .args(["--exact", "kill::victim", "--ignored", "--nocapture"])
            .env(ROOT, bench.tree.root())
            .env(RUN_DIR, bench.run_dir.path())
            .env(SEED, (kill + 1).to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(victim.stdout.take().unwrap()).lines();
        assert!(
            lines.any(|line| line.unwrap().contains(AT_WORK)),
            "the victim ended"
        );
        std::thread::sleep(Duration::from_micros(random.below(2000)));
        victim.kill().unwrap();
        victim.wait().unwrap();

        let left = bench.bounds();
        changed += u64::from(left != before);
        let answers = restore(bench.tree.root(), bench.run_dir.path(), None).unwrap();
        assert_eq!(
            bench.bounds(),
            before,
            "kill {kill}: left {left:?}, answered {answers:?}"
        );
        assert!(
            answers.iter().all(|answer| answer.is_as_before()),
            "kill {kill}: {answers:?}"
        );
    }
    println!("{KILLS} kills left clocks changed {changed} times; all were put back");
    assert!(
        changed > KILLS / 2,
        "only {changed} of {KILLS} kills left anything to put back"
    );
}

/// Sets clocks until it is killed.
#[test]
#[ignore = "is started, and killed, by the test above"]
fn victim() {
    let (Some(root), Some(run_dir), Ok(seed)) = (env::var_os(ROOT), env::var_os(RUN_DIR), env::var(SEED))
    else {
        return;
    };
    let mut host = Host::discover(&PathBuf::from(root)).unwrap();
    host.keep_journal(&PathBuf::from(run_dir)).unwrap();
    let processors = host.describe().processors.len();
    let mut random = Random(seed.parse().unwrap());
    for round in 0_u64.. {
        let setting = Setting {
            clocks: (0..processors).map(|_| random.bounds()).collect(),
            ..Setting::default()
        };
        host.apply(&setting);
        if round == 0 {
            println!("{AT_WORK}");
        }
    }
}
