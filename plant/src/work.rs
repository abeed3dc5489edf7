//! Work: what one inference, or any other job, asks of a processor.
//!
//! One item takes `stall + cycles / clock` on one unit: the (α, β) of latency = α + β/f. `stall` waits for memory and for
//! launches and does not scale with the clock; `cycles` does. Several cores share the cycles as Amdahl's law says.
//! A batch of k items on an accelerator takes `stall + cycles · (1 + gain · (k - 1)) / clock`: one item alone
//! fills the units of the accelerator badly, so that each further one costs only the share `gain`.

use dynd_vocab::{CpuSet, Pid, Seconds, Timestamp};

/// What one item asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Work {
    /// Time that no clock shortens (α).
    pub stall: Seconds,
    /// Cycles of one unit (β); of a CPU, one as fast per cycle as the fastest of the board.
    pub cycles: f64,
    /// Bytes moved to and from memory.
    pub traffic: f64,
    /// The share of it that only one core can do (0 to 1).
    pub serial: f64,
    /// How items that wait at an accelerator are served together; absent where each is served alone.
    pub batch: Option<Batch>,
}

/// How items are served together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Batch {
    /// The cycles of each further item over those of the first (0 to 1).
    pub gain: f64,
    /// The most items that are served at once; at least 1.
    pub most: u32,
}

impl Work {
    /// An item of `stall` and `cycles` that moves nothing, all of it parallel, served alone.
    pub const fn new(stall: Seconds, cycles: f64) -> Self {
        Self {
            stall,
            cycles,
            traffic: 0.0,
            serial: 0.0,
            batch: None,
        }
    }

    /// Whether it takes some time and no figure is out of its range.
    pub(crate) fn is_sound(&self) -> bool {
        let figures = [self.stall.get(), self.cycles, self.traffic];
        let batch = self
            .batch
            .is_none_or(|batch| (0.0..=1.0).contains(&batch.gain) && batch.most >= 1);
        figures.iter().all(|figure| figure.is_finite() && *figure >= 0.0)
            && (0.0..=1.0).contains(&self.serial)
            && self.stall.get() + self.cycles > 0.0
            && batch
    }

    /// The share of it that core number `core` of `cores` does.
    pub(crate) fn share(&self, core: u32, cores: u32) -> f64 {
        let parallel = (1.0 - self.serial) / f64::from(cores);
        if core == 0 {
            parallel + self.serial
        } else {
            parallel
        }
    }
}

/// Where work is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// On each of these CPUs at once, one thread each; done when the last one is.
    Cpus(CpuSet),
    /// On a processor that is no CPU cluster, by index.
    Accelerator(usize),
}

/// A job handed to a board, unique on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub u64);

/// A job that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Completion {
    /// Which.
    pub job: JobId,
    /// Whose.
    pub app: Pid,
    /// When it was handed over.
    pub submitted: Timestamp,
    /// When it was done.
    pub finished: Timestamp,
}

impl Completion {
    /// How long it took, waiting included.
    pub fn latency(&self) -> Seconds {
        self.finished.since(self.submitted).into()
    }
}
