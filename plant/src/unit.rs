//! Units: CPUs, and accelerators as one unit each. A unit runs one strand at a time, in turns.
//!
//! On a CPU the turns are the time slices of the fair scheduler (kernel/sched/fair.c up to 6.5): a period of 6 ms shared
//! by all that want to run, each at least 0.75 ms, both times 1 + ⌊log₂ n⌋ for n ≤ 8 CPUs. On an accelerator they are
//! the time slices of its channel scheduler (`turn` of the board file), and a turn holds what one process has put
//! there.

use std::collections::VecDeque;

use crate::utilization::Utilization;
use crate::work::JobId;
use dynd_vocab::Pid;

/// Part of one job, or a batch of jobs, on one unit.
#[derive(Clone, Debug)]
pub(crate) struct Strand {
    /// Whose.
    pub(crate) app: Pid,
    /// The jobs that it serves.
    pub(crate) jobs: Vec<JobId>,
    /// How much of it is left, from 1 down to 0.
    pub(crate) left: f64,
    /// Time that no clock shortens, in seconds.
    pub(crate) stall: f64,
    /// Cycles at the speed of the fastest core of the board.
    pub(crate) cycles: f64,
    /// Bytes moved to and from memory.
    pub(crate) traffic: f64,
}

impl Strand {
    /// How long all of it takes alone, in seconds, at `speed` cycles per second, its stalls `stretch` times as long as on
    /// an idle board.
    pub(crate) fn seconds(&self, speed: f64, stretch: f64) -> f64 {
        self.stall * stretch + self.cycles / speed
    }
}

/// What runs, and what waits for its turn.
#[derive(Clone, Debug)]
pub(crate) struct Unit {
    /// Index of its processor.
    pub(crate) processor: usize,
    /// Its number, if it is a CPU.
    pub(crate) cpu: Option<u32>,
    /// The first one runs.
    pub(crate) strands: VecDeque<Strand>,
    /// What is left of the turn of the first one, in seconds.
    pub(crate) turn_left: f64,
    /// Time spent running anything, in seconds.
    pub(crate) busy: f64,
    /// Cycles of its real clock in that time, and the cycles' worth of work done: stalls do none.
    pub(crate) cycles: f64,
    pub(crate) worked: f64,
    /// How busy the scheduler believes it to be.
    pub(crate) utilization: Utilization,
    /// Whether it woke or went to sleep, and its governor has not been told.
    pub(crate) stirred: bool,
    /// Whether the scheduler's tick goes on: while something runs, and once more after it went to sleep.
    pub(crate) ticking: bool,
}

/// What the scheduler does at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beat {
    /// Nothing by itself.
    Between,
    /// It looks at what runs.
    Tick,
    /// It also looks for load to balance; where nothing runs it does at every tick.
    Balance,
}

/// A strand of which less than this share is left is done.
const NOTHING: f64 = 1e-12;

impl Unit {
    pub(crate) const fn new(processor: usize, cpu: Option<u32>, utilization: Utilization) -> Self {
        Self {
            processor,
            cpu,
            strands: VecDeque::new(),
            turn_left: 0.0,
            busy: 0.0,
            cycles: 0.0,
            worked: 0.0,
            utilization,
            stirred: false,
            ticking: false,
        }
    }

    /// Adds `strand` at the end of the line.
    pub(crate) fn push(&mut self, strand: Strand, turn: f64) {
        if self.strands.is_empty() {
            self.turn_left = turn;
            self.stirred = true;
            self.ticking = true;
        }
        self.strands.push_back(strand);
    }

    /// After how many seconds something changes here by itself, if the first strand takes `seconds` in all.
    pub(crate) fn horizon(&self, seconds: f64) -> f64 {
        match self.strands.front() {
            Some(strand) if self.strands.len() > 1 => (strand.left * seconds).min(self.turn_left),
            Some(strand) => strand.left * seconds,
            None => f64::INFINITY,
        }
    }

    /// Lets the first strand run for `elapsed` of the `seconds` it takes in all; the next one's turn lasts `turn`.
    /// Answers the strand if it is done.
    pub(crate) fn run(&mut self, elapsed: f64, seconds: f64, turn: f64) -> Option<Strand> {
        let strand = self.strands.front_mut()?;
        self.busy += elapsed;
        self.worked += strand.cycles * elapsed / seconds;
        strand.left -= elapsed / seconds;
        self.turn_left -= elapsed;
        // Time is counted in whole nanoseconds.
        if strand.left <= NOTHING || strand.left * seconds < 1e-9 {
            self.turn_left = turn;
            let done = self.strands.pop_front();
            if self.strands.is_empty() {
                self.utilization.sleep();
                self.stirred = true;
            }
            return done;
        }
        if self.turn_left < 1e-9 {
            self.turn_left = turn;
            self.strands.rotate_left(1);
        }
        None
    }

    /// Whether the scheduler tells the governor of this unit.
    pub(crate) fn tells(&mut self, beat: Beat) -> bool {
        let idles = self.strands.is_empty();
        let ticks = beat != Beat::Between && self.ticking;
        self.ticking &= !(ticks && idles);
        let asked = std::mem::take(&mut self.stirred) || ticks;
        let balances = ticks && (beat == Beat::Balance || idles);
        (asked && self.utilization.tell()) || balances
    }
}

/// How long a turn lasts on a CPU that `wanting` strands want, on a board of `cpus`, in seconds.
pub(crate) fn slice(wanting: usize, cpus: u32) -> f64 {
    let scale = f64::from(1 + cpus.clamp(1, 8).ilog2());
    (6e-3 * scale / wanting.max(1) as f64).max(0.75e-3 * scale)
}

#[cfg(test)]
mod tests {
    use dynd_vocab::blueprint::KernelEra;

    use super::*;

    fn strand(job: u64, seconds: f64) -> Strand {
        Strand {
            app: Pid(1),
            jobs: vec![JobId(job)],
            left: 1.0,
            stall: seconds,
            cycles: 0.0,
            traffic: 0.0,
        }
    }

    #[test]
    fn turns_are_shared() {
        let mut unit = Unit::new(0, Some(0), Utilization::new(1.0, KernelEra::Qos));
        unit.push(strand(1, 0.010), 0.004);
        unit.push(strand(2, 0.003), 0.004);
        let mut now = 0.0;
        let mut done = Vec::new();
        while let Some(first) = unit.strands.front() {
            let seconds = first.seconds(1.0, 1.0);
            let step = unit.horizon(seconds);
            now += step;
            done.extend(
                unit.run(step, seconds, 0.004)
                    .map(|strand| (strand.jobs[0].0, now)),
            );
        }
        let rounded: Vec<_> = done.iter().map(|(job, at)| (*job, (at * 1e6).round())).collect();
        // 4 ms of job 1, all 3 ms of job 2, the other 6 ms of job 1.
        assert_eq!(rounded, [(2, 7000.0), (1, 13000.0)]);
        assert!((unit.busy - 0.013).abs() < 1e-9);
    }

    #[test]
    fn slices_shrink_to_a_floor() {
        let near = |have: f64, want: f64| assert!((have - want).abs() < 1e-12, "{have} {want}");
        near(slice(1, 8), 24e-3);
        near(slice(2, 8), 12e-3);
        near(slice(100, 8), 3e-3);
        near(slice(2, 1), 3e-3);
    }
}
