//! The real board.

use std::path::{Path, PathBuf};
use std::time::Duration;

use dynd_vocab::{
    Actuation, Board, BoardDescription, CpuSet, CpuTimes, Hertz, Pid, PutBack, Sample, Setting, Timestamp,
};

use crate::actuator::Actuator;
use crate::attribute::Attribute;
use crate::counter::{Counter, CpuCounter};
use crate::discovery::{self, Discovery, discover};
use crate::journal::{Journal, JournalError};
use crate::kernel::Sysfs;
use crate::problem::ProblemLog;
use crate::process::Processes;
use crate::{BoardError, Fault, Loss, SensorProblem, procfs};

/// The machine at hand, or one whose `sys` and `proc` lie below a directory.
///
/// The description is of the CPUs that were online at discovery. A sample opens no file that it opened before and,
/// while all sensors answer, allocates nothing but what it returns.
#[derive(Debug)]
pub struct Host {
    description: BoardDescription,
    problems: ProblemLog,
    stat: Attribute,
    /// By number of the CPU.
    cpus: Vec<CpuCounter>,
    /// Per processor.
    clocks: Vec<Option<Attribute>>,
    pressure: Option<Attribute>,
    stalled: Counter,
    processes: Processes,
    actuator: Actuator,
    kernel: Sysfs,
    buffer: Vec<u8>,
}

impl Host {
    /// Looks at the machine whose `sys` and `proc` lie below `root`; `/` for the one at hand.
    ///
    /// # Errors
    /// Only if `root` cannot be opened or no CPU is found; all else that fails is a [problem](Self::problems).
    pub fn discover(root: &Path) -> Result<Self, BoardError> {
        let mut problems = ProblemLog::default();
        let Discovery {
            board,
            clocks,
            domains,
        } = discover(root, &mut problems)?;
        Ok(Self {
            description: board,
            stat: Attribute::new(root.join("proc/stat")),
            cpus: vec![CpuCounter::default(); CpuSet::CAPACITY as usize],
            clocks: clocks.into_iter().map(|path| path.map(Attribute::new)).collect(),
            pressure: pressure(root.join("proc/pressure/cpu"), &mut problems),
            stalled: Counter::default(),
            processes: Processes::new(root.join("proc")),
            actuator: Actuator::new(domains),
            kernel: Sysfs::new(root),
            problems,
            buffer: Vec::new(),
        })
    }

    /// Lets clocks be set: from now on what was in force is noted in `dir` before it is changed. Takes over what
    /// an earlier process changed in this boot and did not put back, and says whether there is any.
    ///
    /// # Errors
    /// If another process keeps the journal there, or it cannot be read; clocks then cannot be set.
    pub fn keep_journal(&mut self, dir: &Path) -> Result<bool, JournalError> {
        let (journal, taken) = Journal::open(dir, self.kernel.root())?;
        let is_dirty = !taken.is_empty();
        self.actuator.keep(journal, taken);
        Ok(is_dirty)
    }

    /// What cannot be read at present, each thing once. A sensor leaves the list when it has answered well for a
    /// while; what only discovery reads stays on it.
    pub fn problems(&self) -> &[SensorProblem] {
        self.problems.current()
    }

    /// The problems that arose since this was last called, for a log; a problem that lasts is told once.
    pub fn take_problems(&mut self) -> Vec<SensorProblem> {
        self.problems.take_untold()
    }

    /// The times of the CPUs and the number of runnable tasks: one text, since the kernel walks all interrupts
    /// to make it.
    fn stat(&mut self) -> (Vec<CpuTimes>, Option<u32>) {
        let mut times = Vec::with_capacity(self.description.cpus().len() as usize);
        let text = match self.stat.read_text(&mut self.buffer) {
            Ok(text) => text,
            Err(fault) => {
                let _: Option<()> =
                    self.problems
                        .settle(self.stat.path(), Loss::CpuTimes, Err(fault.clone()));
                let _: Option<()> = self.problems.settle(self.stat.path(), Loss::Runnable, Err(fault));
                return (times, None);
            }
        };
        let mut verdict = Ok(());
        for line in procfs::cpu_lines(text) {
            let reading = line.and_then(|(cpu, ticks)| {
                // CPUs beyond the capacity of a set were complained of at discovery.
                let counter = self.cpus.get_mut(cpu as usize);
                let times = counter.map(|counter| counter.advance(ticks)).transpose()?;
                Ok(times.map(|(busy, total)| CpuTimes { cpu, busy, total }))
            });
            match reading {
                Ok(cpu) => times.extend(cpu),
                Err(fault) => verdict = Err(fault),
            }
        }
        if times.is_empty() && verdict.is_ok() {
            verdict = Err(Fault::malformed(text.as_bytes()));
        }
        let runnable = procfs::runnable(text);
        self.problems.settle(self.stat.path(), Loss::CpuTimes, verdict);
        (
            times,
            self.problems.settle(self.stat.path(), Loss::Runnable, runnable),
        )
    }

    fn clock(&mut self, processor: usize) -> Option<Hertz> {
        let attribute = self.clocks.get_mut(processor)?.as_mut()?;
        let reading = attribute.read_text(&mut self.buffer).and_then(discovery::clock);
        self.problems.settle(attribute.path(), Loss::Clock, reading)
    }

    fn stalled(&mut self) -> Option<Duration> {
        let attribute = self.pressure.as_mut()?;
        let reading = attribute.read_text(&mut self.buffer).and_then(|text| {
            let micros = procfs::stalled_micros(text).ok_or_else(|| Fault::malformed(text.as_bytes()))?;
            self.stalled.advance(micros)
        });
        let micros = self.problems.settle(attribute.path(), Loss::Stalled, reading)?;
        Some(Duration::from_micros(micros))
    }
}

impl Board for Host {
    fn describe(&self) -> &BoardDescription {
        &self.description
    }

    fn sample(&mut self, now: Timestamp, apps: &[Pid], into: &mut Sample) {
        let (cpus, runnable) = self.stat();
        *into = Sample {
            at: now,
            cpus,
            runnable,
            clocks: (0..self.clocks.len())
                .map(|processor| self.clock(processor))
                .collect(),
            loads: vec![None; self.clocks.len()],
            stalled: self.stalled(),
            apps: self.processes.sample(apps, &mut self.buffer, &mut self.problems),
            ..Sample::default()
        };
    }

    fn apply(&mut self, setting: &Setting) -> Vec<Actuation> {
        self.actuator.apply(&mut self.kernel, setting)
    }

    fn restore(&mut self) -> Vec<PutBack> {
        self.actuator.restore(&mut self.kernel)
    }
}

/// Puts back what a process that is gone changed on the board below `root` and noted in `dir`. Needs no
/// [`Host`], since the journal says all: one answer per attribute.
///
/// # Errors
/// If another process keeps the journal there, or it cannot be read.
pub fn restore(root: &Path, dir: &Path) -> Result<Vec<PutBack>, JournalError> {
    let (journal, taken) = Journal::open(dir, root)?;
    let mut actuator = Actuator::default();
    actuator.keep(journal, taken);
    Ok(actuator.restore(&mut Sysfs::new(root)))
}

/// Pressure stall information, on kernels that have it (4.20, and not disabled).
fn pressure(path: PathBuf, problems: &mut ProblemLog) -> Option<Attribute> {
    match path.try_exists() {
        Ok(true) => Some(Attribute::new(path)),
        Ok(false) => problems.settle(&path, Loss::Stalled, Err(Fault::Absent)),
        Err(error) => problems.settle(&path, Loss::Stalled, Err(error.into())),
    }
}
