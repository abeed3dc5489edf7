//! A kernel that keeps to what is known of the real one's clocks, era by era.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use crate::Fault;
use crate::clock_domain::{ClockDomain, End, Subsystem};
use crate::clock_range::ClockRange;
use crate::kernel::Kernel;

pub(crate) const EINVAL: i32 = 22;
pub(crate) const EBUSY: i32 = 16;

/// How a kernel takes a minimum above the maximum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Era {
    /// It refuses.
    Legacy,
    /// It takes it, and lowers the minimum in force.
    Qos,
}

/// A kernel with some clocks, all from 200 to 2000.
#[derive(Debug)]
pub(crate) struct ModelKernel {
    era: Era,
    clocks: BTreeMap<PathBuf, Clock>,
    /// The attributes whose writes fail with EBUSY.
    pub(crate) busy: BTreeSet<PathBuf>,
    /// Every write that was taken.
    pub(crate) writes: Vec<(PathBuf, u64)>,
    /// For how many pauses a bound of cpufreq reads as before it was written.
    pub(crate) lag: u32,
    /// The pauses so far.
    pub(crate) pauses: u32,
    /// After this many reads and writes the daemon is killed.
    pub(crate) crash_after: usize,
}

#[derive(Clone, Copy, Debug)]
struct Clock {
    subsystem: Subsystem,
    asked: ClockRange,
    /// What has been made of that so far, and the number of the pause after which the rest is.
    made: ClockRange,
    made_after: u32,
    /// The highest clock that cooling allows.
    cap: Option<u64>,
    /// The highest clock that something else in the kernel allows.
    limit: Option<u64>,
}

pub(crate) const LIMITS: ClockRange = ClockRange { min: 200, max: 2000 };

impl ModelKernel {
    pub(crate) fn new(era: Era) -> Self {
        Self {
            era,
            clocks: BTreeMap::new(),
            busy: BTreeSet::new(),
            writes: Vec::new(),
            lag: 0,
            pauses: 0,
            crash_after: usize::MAX,
        }
    }

    /// Adds a clock that is bounded to `min` to `max`.
    pub(crate) fn add(&mut self, subsystem: Subsystem, dir: &str, min: u64, max: u64) -> ClockDomain {
        let asked = ClockRange { min, max };
        let clock = Clock {
            subsystem,
            asked,
            made: asked,
            made_after: 0,
            cap: None,
            limit: None,
        };
        self.clocks.insert(dir.into(), clock);
        ClockDomain::new(subsystem, dir.into())
    }

    /// Somebody has written to a bound.
    pub(crate) fn meddle(&mut self, domain: &ClockDomain, end: End, value: u64) {
        let clock = self.clocks.get_mut(domain.dir()).unwrap();
        match end {
            End::Min => clock.asked.min = value,
            End::Max => clock.asked.max = value,
        }
        clock.made = clock.asked;
    }

    /// The kernel cools the board.
    pub(crate) fn cap(&mut self, domain: &ClockDomain, cap: Option<u64>) {
        self.clocks.get_mut(domain.dir()).unwrap().cap = cap;
    }

    /// Something in the kernel that is no cooling device limits the clock.
    pub(crate) fn limit(&mut self, domain: &ClockDomain, limit: Option<u64>) {
        self.clocks.get_mut(domain.dir()).unwrap().limit = limit;
    }

    /// What is asked of the clock, whatever is in force.
    pub(crate) fn asked(&self, domain: &ClockDomain) -> (u64, u64) {
        let ClockRange { min, max } = self.clocks[domain.dir()].asked;
        (min, max)
    }

    fn step(&mut self) {
        match self.crash_after.checked_sub(1) {
            Some(left) => self.crash_after = left,
            // Unlike a panic, this says nothing.
            None => std::panic::resume_unwind(Box::new("killed")),
        }
    }
}

impl Kernel for ModelKernel {
    fn read(&mut self, attribute: &Path) -> Result<u64, Fault> {
        self.step();
        let clock = self
            .clocks
            .get(attribute.parent().unwrap())
            .ok_or(Fault::Absent)?;
        let name = attribute.file_name().unwrap().to_str().unwrap();
        let limits = clock.cap.into_iter().chain(clock.limit);
        let max = limits.fold(clock.made.max, u64::min);
        match (name, ClockDomain::of(attribute)) {
            ("cpuinfo_min_freq", _) => Ok(LIMITS.min),
            ("cpuinfo_max_freq", _) => Ok(LIMITS.max),
            (_, Some((_, End::Max))) => Ok(max),
            (_, Some((_, End::Min))) => Ok(clock.made.min.min(max)),
            _ => Err(Fault::Absent),
        }
    }

    fn write(&mut self, attribute: &Path, value: u64) -> io::Result<()> {
        self.step();
        let (domain, end) = ClockDomain::of(attribute).unwrap();
        if self.busy.contains(attribute) {
            return Err(io::Error::from_raw_os_error(EBUSY));
        }
        let era = self.era;
        let clock = self.clocks.get_mut(domain.dir()).unwrap();
        assert_eq!(clock.subsystem, domain.subsystem());
        let mut asked = clock.asked;
        match end {
            End::Min => asked.min = value.clamp(LIMITS.min, LIMITS.max),
            End::Max => asked.max = value.clamp(LIMITS.min, LIMITS.max),
        }
        if era == Era::Legacy && asked.min > asked.max {
            return Err(io::Error::from_raw_os_error(EINVAL));
        }
        clock.asked = asked;
        if clock.subsystem == Subsystem::Cpufreq && self.lag > 0 {
            clock.made_after = self.pauses + self.lag;
        } else {
            clock.made = asked;
        }
        self.writes.push((attribute.to_path_buf(), value));
        Ok(())
    }

    fn cooling(&mut self, domain: &ClockDomain) -> Option<String> {
        self.clocks[domain.dir()].cap.map(|_| "cpufreq-cpu4".into())
    }

    fn rival(&mut self, _: &ClockDomain) -> Option<String> {
        Some("nvpmodel".into())
    }

    fn pause(&mut self) {
        self.pauses += 1;
        for clock in self.clocks.values_mut() {
            if clock.made_after <= self.pauses {
                clock.made = clock.asked;
            }
        }
    }
}
