//! What could not be read, each thing once.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use dynd_vocab::ProblemStatus;

/// How many good readings in a row end a problem: a sensor that fails now and then is one problem, not many.
const RECOVERY: u32 = 10;

/// "No such process", the same number on every architecture.
const ESRCH: i32 = 3;

/// "No data available", the same number on every architecture that runs dynd.
const ENODATA: i32 = 61;

/// Longest excerpt of an unreadable text that is kept.
const EXCERPT: usize = 48;

/// Something that could not be read, and what the daemon must do without because of it.
#[derive(Clone, Debug)]
pub struct SensorProblem {
    /// The file or directory, the root included.
    pub path: PathBuf,
    /// What is wrong with it.
    pub fault: Fault,
    /// What is unknown as long as it lasts.
    pub lost: Loss,
    good: u32,
}

/// What is wrong with a sensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// This kernel or machine does not have it. No defect, but something is lost.
    Absent,
    /// The kernel answers with an error, here in words.
    Unreadable(String),
    /// The answer, here in excerpt, is not in the format of such a file.
    Malformed(String),
    /// The answer, here in words, cannot be true.
    Implausible(String),
    /// A counter ran backwards.
    Backwards,
    /// A counter that never rests stood still.
    Frozen,
    /// What it measures, or the sensor itself, is switched off.
    Off,
    /// The kernel does not let it count, here why.
    Uncounted(String),
    /// It names this many CPUs beyond [`CpuSet::CAPACITY`](dynd_vocab::CpuSet::CAPACITY).
    TooManyCpus(u32),
}

/// What is unknown without a sensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Some or all CPUs of the board.
    Cpus,
    /// The capacities that the kernel knows; other evidence, or equality, takes their place.
    Capacity,
    /// Which CPUs share a core or a package.
    Topology,
    /// Which CPUs share a clock, and their clocks.
    Cpufreq,
    /// The operating performance points of a processor.
    Opps,
    /// The clock of a processor.
    Clock,
    /// What the hardware counters of CPUs say.
    Counters,
    /// How busy an accelerator is.
    Load,
    /// A memory clock.
    MemoryClock,
    /// The power of a rail.
    Power,
    /// The temperature of a zone.
    Temperature,
    /// A temperature at which the kernel acts.
    Trip,
    /// The state of a cooling device.
    Cooling,
    /// How the battery does.
    Battery,
    /// The busy and total times of one or more CPUs.
    CpuTimes,
    /// The number of runnable tasks.
    Runnable,
    /// The time that tasks waited for a CPU.
    Stalled,
    /// The CPU time of an app.
    AppTime,
}

impl Fault {
    pub(crate) fn malformed(text: &[u8]) -> Self {
        let text = String::from_utf8_lossy(&text[..text.len().min(EXCERPT)]);
        Self::Malformed(text.trim_end().escape_debug().to_string())
    }

    /// True if the file is there and holds nothing.
    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, Self::Malformed(text) if text.is_empty())
    }
}

/// A process that ended answers `ESRCH` to those who hold its files open: it is as absent as its files. A sensor
/// whose unit has no power answers `EAGAIN` (thermal zones of Tegra), a channel that was switched off `ENODATA`
/// (INA3221).
impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        match (error.kind(), error.raw_os_error()) {
            (io::ErrorKind::NotFound, _) | (_, Some(ESRCH)) => Self::Absent,
            (io::ErrorKind::WouldBlock, _) | (_, Some(ENODATA)) => Self::Off,
            _ => Self::Unreadable(error.to_string()),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("does not exist"),
            Self::Unreadable(error) => write!(f, "cannot be read: {error}"),
            Self::Malformed(_) if self.is_empty() => f.write_str("is empty"),
            Self::Malformed(text) => write!(f, "makes no sense: '{text}'"),
            Self::Implausible(reading) => write!(f, "cannot be true: {reading}"),
            Self::Backwards => f.write_str("counted backwards"),
            Self::Frozen => f.write_str("does not count"),
            Self::Off => f.write_str("is switched off"),
            Self::Uncounted(error) => write!(f, "does not count: {error}"),
            Self::TooManyCpus(count) => write!(f, "names {count} CPUs too many"),
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cpus => "some CPUs stay unused",
            Self::Capacity => "CPU capacities are guessed",
            Self::Topology => "shared cores and packages are unknown",
            Self::Cpufreq => "CPU clocks are unknown",
            Self::Opps => "operating performance points are unknown",
            Self::Clock => "the processor's clock is unknown",
            Self::Counters => "the cycles and instructions of the CPUs are unknown",
            Self::Load => "the load of the accelerator is unknown",
            Self::MemoryClock => "the memory clock is unknown",
            Self::Power => "the power of the rail is unknown",
            Self::Temperature => "the temperature of the zone is unknown",
            Self::Trip => "a temperature at which the kernel acts is unknown",
            Self::Cooling => "whether the kernel cools is unknown",
            Self::Battery => "the state of the battery is unknown",
            Self::CpuTimes => "the load of one or more CPUs is unknown",
            Self::Runnable => "the number of runnable tasks is unknown",
            Self::Stalled => "the time that tasks wait for a CPU is unknown",
            Self::AppTime => "the app's CPU time is unknown",
        })
    }
}

impl From<&SensorProblem> for ProblemStatus {
    fn from(problem: &SensorProblem) -> Self {
        Self {
            path: problem.path.display().to_string(),
            fault: problem.fault.to_string(),
            lost: problem.lost.to_string(),
        }
    }
}

/// The problems in force.
#[derive(Debug, Default)]
pub(crate) struct ProblemLog {
    current: Vec<SensorProblem>,
    /// The same, as they are shown.
    shown: Vec<ProblemStatus>,
}

impl ProblemLog {
    /// The reading, if it is one. A fault is noted unless that is done already; a good reading counts
    /// towards the end of the problem.
    pub(crate) fn settle<T>(&mut self, path: &Path, lost: Loss, reading: Result<T, Fault>) -> Option<T> {
        let known = self.current.iter().position(|p| p.lost == lost && p.path == path);
        match (reading, known) {
            (Ok(value), None) => Some(value),
            (Ok(value), Some(at)) => {
                self.current[at].good += 1;
                if self.current[at].good >= RECOVERY {
                    self.current.remove(at);
                    self.shown.remove(at);
                }
                Some(value)
            }
            (Err(_), Some(at)) => {
                self.current[at].good = 0;
                None
            }
            (Err(fault), None) => {
                let problem = SensorProblem {
                    path: path.to_path_buf(),
                    fault,
                    lost,
                    good: 0,
                };
                self.shown.push((&problem).into());
                self.current.push(problem);
                None
            }
        }
    }

    /// Forgets what is said of `path`, which is of no interest any more.
    pub(crate) fn forget(&mut self, path: &Path) {
        self.current.retain(|problem| problem.path != path);
        self.shown = self.current.iter().map(ProblemStatus::from).collect();
    }

    pub(crate) fn current(&self) -> &[SensorProblem] {
        &self.current
    }

    pub(crate) fn shown(&self) -> &[ProblemStatus] {
        &self.shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sensor_that_fails_now_and_then_is_one_problem() {
        let mut log = ProblemLog::default();
        let path = Path::new("sensor");
        for _ in 0..50 {
            assert_eq!(log.settle::<()>(path, Loss::Clock, Err(Fault::Absent)), None);
            assert_eq!(log.settle(path, Loss::Clock, Ok(7)), Some(7));
        }
        assert_eq!(log.current().len(), 1);
        for _ in 0..RECOVERY {
            log.settle(path, Loss::Clock, Ok(7));
        }
        assert!(log.current().is_empty() && log.shown().is_empty());
        log.settle::<()>(path, Loss::Clock, Err(Fault::Backwards));
        log.settle::<()>(Path::new("other"), Loss::Clock, Err(Fault::Absent));
        log.forget(path);
        assert_eq!(
            log.shown(),
            [ProblemStatus::from(&log.current()[0])],
            "they are shown as they are"
        );
    }

    #[test]
    fn errors_of_the_kernel_tell_absent_from_switched_off() {
        let fault = |errno| Fault::from(io::Error::from_raw_os_error(errno));
        assert_eq!([2, ESRCH].map(fault), [Fault::Absent, Fault::Absent]);
        assert_eq!([11, ENODATA].map(fault), [Fault::Off, Fault::Off]);
        assert!(matches!(fault(5), Fault::Unreadable(_)));
    }

    #[test]
    fn a_problem_reads_as_a_sentence() {
        let mut log = ProblemLog::default();
        let fault = Fault::malformed(b"<unknown>\n");
        log.settle::<()>(Path::new("/sys/scaling_cur_freq"), Loss::Clock, Err(fault));
        assert_eq!(
            log.shown()[0].to_string(),
            "/sys/scaling_cur_freq makes no sense: '<unknown>'; the processor's clock is unknown"
        );
    }
}
