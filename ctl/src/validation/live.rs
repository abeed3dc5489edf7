//! How exactly a clock slows what runs on a live board: a task that takes 10 ms at the highest clock, at others.
//!
//! 1. A board is mounted whose clocks are round shares of the highest, and another process (the [`Worker`]) is put on
//!    its fastest CPU.
//! 2. At the highest clock, and at each of [`CLOCKS`], it does the same work many times, with rests between whose lengths
//!    hit every part of a period of the quota.
//! 3. The median at each clock is held against the median at the highest over the share of the clock.
//!
//! Everything else that this machine does at the time is part of the answer.

use std::fs;
use std::hint::black_box;
use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail};
use dynd_files::find_board;
use dynd_vocab::Blueprint;
use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;

use super::check::{Check, Unit};
use crate::failure::Failure;
use crate::served_board::{Programs, ServedBoard, part};

/// Its fastest cluster has a clock at each multiple of 5 % of the highest.
const BOARD: &str = "odroid-xu3";

/// The clocks to check, in percent of the highest.
const CLOCKS: [u64; 4] = [30, 50, 70, 90];

/// How far a median may be from where it should be, in percent.
const LIMIT: f64 = 8.0;

/// How long the task takes at the highest clock.
const TASK: Duration = Duration::from_millis(10);

/// How often it is done before that counts, by when a clock is long in force, and how often then.
const SETTLING: usize = 5;
const COUNTED: usize = 60;

/// The shortest rest between two tasks, and by how much the longest is longer.
const REST: Duration = Duration::from_millis(15);
const REST_RANGE: Duration = Duration::from_millis(10);

/// Runs the check; `tell` hears how it goes on.
///
/// # Errors
/// If this user may not mount a live board, or a part of it fails.
pub(crate) fn check_live(tell: impl Fn(&str)) -> Result<Vec<Check>, Failure> {
    let board = part(&find_board(BOARD).map_err(Failure::bad_input)?)?;
    let directory = tempfile::tempdir().context("failed to make a directory for the board")?;
    let served = ServedBoard::mount(&board, directory.path(), Programs::Real)?;
    let checks = check(&board, &served, directory.path(), tell);
    served.unmount()?;
    Ok(checks?)
}

fn check(
    board: &Blueprint,
    served: &ServedBoard,
    root: &Path,
    tell: impl Fn(&str),
) -> anyhow::Result<Vec<Check>> {
    let clock = Clock::fastest(board, root)?;
    let mut worker = Worker::start(clock.cpu)?;
    served.admit(worker.process.id())?;
    clock.set(100)?;
    let full = worker.median()?;
    CLOCKS
        .into_iter()
        .map(|percent| {
            clock.set(percent)?;
            let median = worker.median()?;
            let ideal = full.as_secs_f64() * 100.0 / percent as f64;
            let millis = |seconds: f64| seconds * 1e3;
            tell(&format!(
                "at {percent} % of the clock: median {:.1} ms, ideal {:.1} ms",
                millis(median.as_secs_f64()),
                millis(ideal)
            ));
            let error = 100.0 * (median.as_secs_f64() / ideal - 1.0).abs();
            let name =
                format!("live: median latency of a task of 10 ms at {percent} % of the clock, against 1/f");
            Ok(Check::at_most(name, error, LIMIT, Unit::Percent))
        })
        .collect()
}

/// The clock of the board's fastest cluster, as files.
struct Clock {
    policy: PathBuf,
    /// In kHz.
    highest: u64,
    cpu: u32,
}

impl Clock {
    fn fastest(board: &Blueprint, root: &Path) -> anyhow::Result<Self> {
        let cluster = board.clusters.iter().max_by_key(|cluster| cluster.capacity);
        let cluster = cluster.context("the board has no CPUs")?;
        let highest = cluster.silicon.opps.last().context("the board has no clocks")?;
        let policy = root.join(format!("sys/devices/system/cpu/cpufreq/policy{}", cluster.policy));
        let clock = Self {
            policy,
            highest: highest.clock.as_khz(),
            cpu: cluster.policy,
        };
        clock.write("scaling_governor", "performance")?;
        Ok(clock)
    }

    fn set(&self, percent: u64) -> anyhow::Result<()> {
        let wanted = (self.highest * percent / 100).to_string();
        self.write("scaling_max_freq", &wanted)?;
        let file = self.policy.join("scaling_cur_freq");
        let now = fs::read_to_string(&file).with_context(|| format!("failed to read {}", file.display()))?;
        match now.trim() == wanted {
            true => Ok(()),
            false => bail!("the clock is {} kHz where {wanted} was asked", now.trim()),
        }
    }

    fn write(&self, file: &str, text: &str) -> anyhow::Result<()> {
        let file = self.policy.join(file);
        fs::write(&file, text).with_context(|| format!("failed to write {}", file.display()))
    }
}

/// Who does the task: this program again, in a process of its own. It ends with the value.
struct Worker {
    process: Child,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Worker {
    fn start(cpu: u32) -> anyhow::Result<Self> {
        let own = std::env::current_exe().context("failed to find this program")?;
        let mut process = Command::new(own)
            .args(["board", "validate", "--live", "--task-on", &cpu.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("failed to start the task")?;
        let stdout = process.stdout.take().context("the task has no output")?;
        Ok(Self {
            process,
            answers: BufReader::new(stdout).lines(),
        })
    }

    /// The median latency of the task at present.
    fn median(&mut self) -> anyhow::Result<Duration> {
        let stdin = self.process.stdin.as_mut().context("the task has no input")?;
        writeln!(stdin).context("failed to ask for the task")?;
        let answer = self
            .answers
            .next()
            .ok_or_else(|| anyhow!("the task has ended"))??;
        Ok(Duration::from_nanos(
            answer
                .parse()
                .with_context(|| format!("the task says {answer:?}"))?,
        ))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It has ended already if that fails.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What the [`Worker`] runs, on `cpu`: for each line that it reads it does the task many times and says the median, in
/// nanoseconds. The first line comes at the highest clock, at which the task takes 10 ms.
///
/// # Errors
/// If it cannot be pinned.
pub(crate) fn do_tasks(cpu: u32) -> anyhow::Result<()> {
    let mut only = CpuSet::new();
    let pinned = only
        .set(cpu as usize)
        .and_then(|()| sched_setaffinity(Pid::from_raw(0), &only));
    pinned.with_context(|| format!("failed to run on CPU {cpu}"))?;
    let mut rounds = None;
    for line in std::io::stdin().lines() {
        line.context("failed to listen")?;
        let rounds = *rounds.get_or_insert_with(calibrate);
        println!("{}", median(rounds).as_nanos());
    }
    Ok(())
}

fn median(rounds: u64) -> Duration {
    // Multiples of the golden ratio hit all parts of a range alike.
    let rest = |index: usize| REST + REST_RANGE.mul_f64((index as f64 * 0.618_034).fract());
    let task = |index: usize| {
        std::thread::sleep(rest(index));
        let begun = Instant::now();
        work(rounds);
        begun.elapsed()
    };
    let mut latencies: Vec<_> = (0..SETTLING + COUNTED).map(task).skip(SETTLING).collect();
    latencies.sort_unstable();
    latencies[COUNTED / 2]
}

/// How many rounds of work take as long as the task: the most that were done in that time, of many tries.
fn calibrate() -> u64 {
    const ROUNDS: u64 = 1_000_000;
    let tries = (0..100).map(|_| {
        let begun = Instant::now();
        work(ROUNDS);
        begun.elapsed()
    });
    let fastest = tries.min().unwrap_or(TASK).as_secs_f64().max(1e-9);
    (ROUNDS as f64 * TASK.as_secs_f64() / fastest) as u64
}

/// Work that needs the CPU only, one round after the other.
fn work(rounds: u64) {
    let next = |state: u64| {
        state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407)
    };
    black_box((0..rounds).fold(1, |state, _| black_box(next(state))));
}
