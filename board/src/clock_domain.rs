//! One clock whose bounds can be set: a policy of cpufreq or a device of devfreq.
//!
//! Everything about it follows from its directory, so that a journal of paths is enough to put it back.

use std::path::{Path, PathBuf};

use dynd_vocab::Hertz;

/// A directory of cpufreq or devfreq, relative to the board's root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClockDomain {
    dir: PathBuf,
    subsystem: Subsystem,
}

/// What sets the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subsystem {
    /// Counts in kHz.
    Cpufreq,
    /// Counts in Hz.
    Devfreq,
}

/// One of the two bounds of a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The lower.
    Min,
    /// The upper.
    Max,
}

impl End {
    pub(crate) const BOTH: [Self; 2] = [Self::Min, Self::Max];
}

impl ClockDomain {
    pub(crate) fn new(subsystem: Subsystem, dir: PathBuf) -> Self {
        Self { dir, subsystem }
    }

    /// The domain that `attribute` bounds, and which of its bounds that is.
    pub(crate) fn of(attribute: &Path) -> Option<(Self, End)> {
        let (subsystem, end) = match attribute.file_name()?.to_str()? {
            "scaling_min_freq" => (Subsystem::Cpufreq, End::Min),
            "scaling_max_freq" => (Subsystem::Cpufreq, End::Max),
            "min_freq" => (Subsystem::Devfreq, End::Min),
            "max_freq" => (Subsystem::Devfreq, End::Max),
            _ => return None,
        };
        Some((Self::new(subsystem, attribute.parent()?.to_path_buf()), end))
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn subsystem(&self) -> Subsystem {
        self.subsystem
    }

    /// The file that sets a bound.
    pub(crate) fn attribute(&self, end: End) -> PathBuf {
        self.dir.join(match (self.subsystem, end) {
            (Subsystem::Cpufreq, End::Min) => "scaling_min_freq",
            (Subsystem::Cpufreq, End::Max) => "scaling_max_freq",
            (Subsystem::Devfreq, End::Min) => "min_freq",
            (Subsystem::Devfreq, End::Max) => "max_freq",
        })
    }

    /// The file that tells how far a bound can go; devfreq has none.
    pub(crate) fn limit(&self, end: End) -> Option<PathBuf> {
        match (self.subsystem, end) {
            (Subsystem::Cpufreq, End::Min) => Some(self.dir.join("cpuinfo_min_freq")),
            (Subsystem::Cpufreq, End::Max) => Some(self.dir.join("cpuinfo_max_freq")),
            (Subsystem::Devfreq, _) => None,
        }
    }

    /// `clock` in the unit of the attributes.
    pub(crate) fn value(&self, clock: Hertz) -> u64 {
        match self.subsystem {
            Subsystem::Cpufreq => clock.as_khz(),
            Subsystem::Devfreq => clock.as_hz(),
        }
    }

    /// What an attribute says, as a clock.
    pub(crate) fn clock(&self, value: u64) -> Hertz {
        match self.subsystem {
            Subsystem::Cpufreq => Hertz::from_khz(value),
            Subsystem::Devfreq => Hertz::from_hz(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_found_again_from_its_attributes() {
        for subsystem in [Subsystem::Cpufreq, Subsystem::Devfreq] {
            let domain = ClockDomain::new(subsystem, "sys/class/x".into());
            for end in [End::Min, End::Max] {
                let found = ClockDomain::of(&domain.attribute(end));
                assert_eq!(found, Some((domain.clone(), end)));
            }
            let clock = Hertz::from_khz(1_479_000);
            assert_eq!(domain.clock(domain.value(clock)), clock);
        }
        assert_eq!(ClockDomain::of(Path::new("sys/class/x/governor")), None);
    }
}
