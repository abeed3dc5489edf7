//! The real board.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use dynd_vocab::{
    Actuation, Board, BoardDescription, Confined, Confinement, Pid, ProblemStatus, ProcessorKind, PutBack,
    Sample, Setting, Timestamp,
};

use crate::actuator::Actuator;
use crate::clock_domain::ClockDomain;
use crate::confiner::Confiner;
use crate::counter::Counter;
use crate::discovery::{Discovery, Sensors, discover};
use crate::journal::{Journal, JournalError};
use crate::kernel::Sysfs;
use crate::nvml::{Cards, LIBRARY};
use crate::pmu::{PMUS, Pmu};
use crate::problem::ProblemLog;
use crate::process::Processes;
use crate::sensor::{Reader, Sensor};
use crate::source::Sources;
use crate::stat::Stat;
use crate::units::{Fences, Units};
use crate::{BoardError, Fault, Loss, SensorProblem, procfs};

/// The machine at hand, or one whose `sys` and `proc` lie below a directory.
///
/// The description is of the CPUs that were online at discovery. A sample opens no file that it opened before and,
/// while all sensors answer, allocates nothing once its buffers have grown.
#[derive(Debug)]
pub struct Host {
    description: BoardDescription,
    problems: ProblemLog,
    stat: Stat,
    sensors: Sensors,
    /// Per processor; none unless asked for, and only of the machine at hand, since they are no files.
    counters: Vec<Option<Pmu>>,
    /// GPUs that show in no file, behind those that do; only of the machine at hand.
    cards: Option<Cards>,
    pressure: Option<Sensor>,
    stalled: Counter,
    processes: Processes,
    actuator: Actuator,
    confiner: Confiner,
    kernel: Sysfs,
    buffer: Vec<u8>,
    seen: BTreeSet<PathBuf>,
}

impl Host {
    /// Looks at the machine whose `sys` and `proc` lie below `root`; `/` for the one at hand.
    ///
    /// # Errors
    /// Only if `root` cannot be opened or no CPU is found; all else that fails is a [problem](Board::problems).
    pub fn discover(root: &Path) -> Result<Self, BoardError> {
        let mut problems = ProblemLog::default();
        let Discovery {
            mut board,
            sensors,
            mut domains,
            seen,
        } = discover(root, &mut problems)?;
        let counters = board.processors.iter().map(|_| None).collect();
        let has_gpu = board
            .processors
            .iter()
            .any(|each| each.kind == ProcessorKind::Gpu);
        let cards = (root == Path::new("/") && !has_gpu)
            .then(|| Cards::open(LIBRARY, &mut problems))
            .flatten();
        if let Some(cards) = &cards {
            cards.describe(&mut board);
            domains.resize_with(board.processors.len(), Vec::new);
        }
        Ok(Self {
            counters,
            cards,
            stat: Stat::new(root.join("proc/stat")),
            pressure: sensors
                .pressure
                .as_ref()
                .map(|path| Sensor::new(path.clone(), Loss::Stalled)),
            description: board,
            sensors,
            stalled: Counter::default(),
            processes: Processes::new(root.join("proc")),
            actuator: Actuator::new(domains),
            confiner: Confiner::new(Fences::new(root, None)),
            kernel: Sysfs::new(root),
            problems,
            buffer: Vec::new(),
            seen,
        })
    }

    /// Counts cycles and instructions from now on; that it cannot be done is a problem. Two events stay open per CPU
    /// of the machine at hand; any other has no counters.
    pub fn count(&mut self) {
        if self.kernel.root() != Path::new("/") {
            return;
        }
        for (processor, counters) in self.description.processors.iter().zip(&mut self.counters) {
            if processor.kind == ProcessorKind::Cpu {
                let pmu = Pmu::open(processor.cpus).map_err(|error| Fault::Uncounted(error.to_string()));
                let path = self.kernel.root().join(PMUS);
                *counters = self.problems.settle(&path, Loss::Counters, pmu);
            }
        }
    }

    /// From now on reaches systemd by `units`.
    pub fn join(&mut self, units: Box<dyn Units>) {
        self.confiner = Confiner::new(Fences::new(self.kernel.root(), Some(units)));
    }

    /// Lets clocks and CPU sets be set: from now on what was in force is noted in `dir` before it is changed. Takes over what
    /// an earlier process changed in this boot and did not put back, and says whether there is any.
    ///
    /// # Errors
    /// If another process keeps the journal there, or it cannot be read; then nothing can be set.
    pub fn keep_journal(&mut self, dir: &Path) -> Result<bool, JournalError> {
        let (journal, entries) = Journal::open(dir, self.kernel.root())?;
        let is_dirty = !entries.is_empty();
        self.actuator.ledger().keep(journal, entries);
        Ok(is_dirty)
    }

    /// The [problems](Board::problems) with their causes, in the same order. A sensor leaves the list when it has
    /// answered well for a while; what only discovery reads stays on it.
    pub fn faults(&self) -> &[SensorProblem] {
        self.problems.current()
    }

    /// The files behind each value of a sample.
    pub fn sources(&self) -> Sources {
        let mut sources = Sources::of(&self.sensors);
        if let Some(cards) = &self.cards {
            cards.trace(&mut sources);
        }
        sources
    }

    /// Per processor, the clocks whose bounds can be set, where they may be.
    pub(crate) fn domains(&self) -> impl Iterator<Item = &[ClockDomain]> {
        self.actuator.domains()
    }

    /// The files that discovery read, below the root.
    pub(crate) fn seen(&self) -> &BTreeSet<PathBuf> {
        &self.seen
    }
}

impl Board for Host {
    fn describe(&self) -> &BoardDescription {
        &self.description
    }

    fn sample(&mut self, now: Timestamp, apps: &[Pid], into: &mut Sample) {
        let sensors = &mut self.sensors;
        let reader = &mut Reader {
            now,
            buffer: &mut self.buffer,
            log: &mut self.problems,
        };
        into.at = now;
        self.stat.read(reader, into);
        let cpus = &into.cpus;
        fill(&mut into.clocks, &mut sensors.clocks, |clock| {
            clock.as_mut()?.read(reader, cpus)
        });
        fill(&mut into.counters, &mut self.counters, |pmu| {
            pmu.as_mut()?.read(cpus)
        });
        fill(&mut into.loads, &mut sensors.loads, |load| {
            load.as_mut()?.read(reader)
        });
        fill(&mut into.memory, &mut sensors.memory, |clock| {
            clock.read(reader, cpus)
        });
        fill(&mut into.rails, &mut sensors.rails, |meter| meter.read(reader));
        fill(&mut into.zones, &mut sensors.zones, |zone| zone.read(reader));
        fill(&mut into.cooling, &mut sensors.cooling, |device| {
            device.read(reader)
        });
        if let Some(cards) = &self.cards {
            cards.sample(reader, into);
        }
        into.battery = sensors.battery.as_mut().map(|battery| battery.read(reader));
        into.stalled = self
            .pressure
            .as_mut()
            .and_then(|pressure| stalled(pressure, &mut self.stalled, reader));
        self.processes.sample(apps, reader, &mut into.apps);
    }

    fn problems(&self) -> &[ProblemStatus] {
        self.problems.shown()
    }

    fn apply(&mut self, setting: &Setting) -> Vec<Actuation> {
        self.actuator.apply(&mut self.kernel, setting)
    }

    fn confine(&mut self, apps: &[Confinement]) -> Vec<Confined> {
        self.confiner.apply(self.actuator.ledger(), apps)
    }

    fn restore(&mut self) -> Vec<PutBack> {
        let mut answers = self.confiner.restore(self.actuator.ledger());
        answers.extend(self.actuator.restore(&mut self.kernel));
        answers
    }
}

/// Puts back what a process that is gone changed on the board below `root` and noted in `dir`; `units` is the way to
/// systemd, if there is one. Needs no [`Host`], since the journal says all: one answer per attribute.
///
/// # Errors
/// If another process keeps the journal there, or it cannot be read.
pub fn restore(root: &Path, dir: &Path, units: Option<Box<dyn Units>>) -> Result<Vec<PutBack>, JournalError> {
    let (journal, entries) = Journal::open(dir, root)?;
    let mut actuator = Actuator::default();
    actuator.ledger().keep(journal, entries);
    let mut answers = Confiner::new(Fences::new(root, units)).restore(actuator.ledger());
    answers.extend(actuator.restore(&mut Sysfs::new(root)));
    Ok(answers)
}

/// Puts a reading per sensor into `readings`, whose memory is used again.
fn fill<S, T>(readings: &mut Vec<Option<T>>, sensors: &mut [S], read: impl FnMut(&mut S) -> Option<T>) {
    readings.clear();
    readings.extend(sensors.iter_mut().map(read));
}

/// The time that tasks waited for a CPU.
fn stalled(pressure: &mut Sensor, total: &mut Counter, reader: &mut Reader<'_>) -> Option<Duration> {
    let micros = pressure.read(reader, |text| {
        let micros = procfs::stalled_micros(text).ok_or_else(|| Fault::malformed(text.as_bytes()))?;
        total.advance(micros)
    })?;
    Some(Duration::from_micros(micros))
}
