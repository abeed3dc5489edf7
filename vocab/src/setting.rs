//! What is asked of a board's hardware, and what came of it.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::{Confined, Confinement, Hertz};

/// What is asked of a board's hardware. The default leaves all of it alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Per processor of the board, between which clocks it is to run; a processor left out, like one without
    /// bounds, is left alone.
    pub clocks: Vec<ClockBounds>,
    /// Per processor, how often an operator has released its contested clock: when that goes up, the same bounds are
    /// asked for anew. Never, for a processor left out.
    pub released: Vec<u32>,
    /// The apps that are to be kept on CPUs.
    pub apps: Vec<Confinement>,
    /// What becomes of it when the daemon stops.
    pub restore: Restore,
}

impl Setting {
    /// What is asked of the processor of this index.
    pub fn of(&self, processor: usize) -> ClockBounds {
        self.clocks.get(processor).copied().unwrap_or_default()
    }

    /// How often an operator has released the clock of the processor of this index.
    pub fn releases_of(&self, processor: usize) -> u32 {
        self.released.get(processor).copied().unwrap_or_default()
    }
}

/// What came of a setting.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actuated {
    /// The setting.
    pub setting: Setting,
    /// What came of it for each processor.
    pub clocks: Vec<Actuation>,
    /// What came of it for each app that is to be kept on CPUs.
    pub apps: Vec<Confined>,
}

/// Bounds of a clock; what is absent is left as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockBounds {
    /// The lowest clock.
    pub min: Option<Hertz>,
    /// The highest clock, not below the lowest.
    pub max: Option<Hertz>,
}

impl ClockBounds {
    /// No bounds: the clock is left alone.
    pub const NONE: Self = Self { min: None, max: None };

    /// True if nothing is asked.
    pub const fn is_none(self) -> bool {
        self.min.is_none() && self.max.is_none()
    }
}

/// What becomes of the hardware's setting when the daemon stops.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Restore {
    /// It becomes what it was before.
    #[default]
    OnExit,
    /// It stays.
    Never,
}

impl Restore {
    /// Both.
    pub const ALL: [Self; 2] = [Self::OnExit, Self::Never];

    /// The name that policies use.
    pub const fn label(self) -> &'static str {
        match self {
            Self::OnExit => "on-exit",
            Self::Never => "never",
        }
    }
}

/// What came of the setting for one processor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actuation {
    /// The bounds that the kernel says are in force; absent where they were not looked at.
    pub bounds: ClockBounds,
    /// Whether they are what was asked for.
    pub hold: Hold,
}

/// Whether the bounds of a clock are what was asked for, and why not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "hold")]
pub enum Hold {
    /// Nothing is asked, and nothing of ours is in force.
    #[default]
    Left,
    /// They are, without anything having been written.
    Unchanged,
    /// They are, because they were written.
    Held,
    /// The kernel lowers the clock to cool the board; what was asked for returns, or will be written, when it
    /// has cooled.
    Throttled {
        /// The cooling device that does.
        by: String,
    },
    /// Somebody else wrote to them. That is left alone until something else is asked for.
    Contested {
        /// Who it may have been, if that can be told.
        by: Option<String>,
        /// What was written, in words.
        change: String,
    },
    /// They cannot be read or written.
    Refused {
        /// What the system said, as a number; absent if it was not the system that refused.
        errno: Option<i32>,
        /// What was refused and why, in words.
        reason: String,
    },
}

impl Hold {
    /// Why the bounds are not what was asked for.
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Left | Self::Unchanged | Self::Held => None,
            Self::Throttled { by } => Some(alloc::format!("{by} cools the board")),
            Self::Contested { by: None, change } => Some(change.clone()),
            Self::Contested { by: Some(by), change } => Some(alloc::format!("{change}; perhaps by {by}")),
            Self::Refused { reason, .. } => Some(reason.clone()),
        }
    }
}

impl fmt::Display for ClockBounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.min, self.max) {
            (None, None) => f.write_str("any clock"),
            (Some(min), None) => write!(f, "{min} or more"),
            (None, Some(max)) => write!(f, "{max} or less"),
            (Some(min), Some(max)) => write!(f, "{min} to {max}"),
        }
    }
}

/// What became of one attribute that is to be as it was before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutBack {
    /// The attribute's file, or `AllowedCPUs of UNIT`.
    pub attribute: String,
    /// What it was before, as the attribute says it.
    pub before: String,
    /// What became of it.
    pub outcome: PutBackOutcome,
}

/// What became of an attribute that is to be as it was before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "outcome")]
pub enum PutBackOutcome {
    /// It was already.
    AsBefore,
    /// It was put back.
    Done,
    /// It was put back; until the board has cooled, the kernel keeps it lower.
    Throttled,
    /// It no longer read as it was left: somebody else changed it, and it was left alone.
    Foreign {
        /// What it reads.
        reads: String,
    },
    /// It could not be put back, and stays in the journal.
    Refused {
        /// Why, in words.
        reason: String,
    },
}

impl PutBack {
    /// True if the attribute is as it was before, or will be once the board has cooled.
    pub const fn is_as_before(&self) -> bool {
        matches!(
            self.outcome,
            PutBackOutcome::AsBefore | PutBackOutcome::Done | PutBackOutcome::Throttled
        )
    }
}

impl fmt::Display for PutBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            attribute,
            before,
            outcome,
        } = self;
        match outcome {
            PutBackOutcome::AsBefore => write!(f, "{attribute} is {before}, as it was before"),
            PutBackOutcome::Done => write!(f, "{attribute} is {before} again"),
            PutBackOutcome::Throttled => {
                write!(f, "{attribute} is {before} again once the board has cooled")
            }
            PutBackOutcome::Foreign { reads } => {
                write!(
                    f,
                    "{attribute} was changed to {reads} by another and is left alone; it was {before}"
                )
            }
            PutBackOutcome::Refused { reason } => {
                write!(f, "{attribute} could not be put back to {before}: {reason}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn a_hold_says_why_it_is_none() {
        let contested = |by: Option<&str>| Hold::Contested {
            by: by.map(Into::into),
            change: "max_freq reads 5 where 7 was written".into(),
        };
        assert_eq!(Hold::Held.reason(), None);
        assert_eq!(
            contested(None).reason().unwrap(),
            "max_freq reads 5 where 7 was written"
        );
        assert_eq!(
            contested(Some("nvpmodel")).reason().unwrap(),
            "max_freq reads 5 where 7 was written; perhaps by nvpmodel"
        );
    }

    #[test]
    fn a_setting_leaves_alone_what_it_does_not_name() {
        let bounds = ClockBounds {
            min: None,
            max: Some(Hertz::from_khz(1_400_000)),
        };
        let setting = Setting {
            clocks: alloc::vec![ClockBounds::NONE, bounds],
            ..Setting::default()
        };
        assert_eq!(
            [setting.of(0), setting.of(1), setting.of(2)].map(ClockBounds::is_none),
            [true, false, true]
        );
        assert_eq!(bounds.to_string(), "1400 MHz or less");
    }
}
