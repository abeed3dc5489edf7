//! Why an operator cannot release a clock.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use dynd_vocab::{BoardDescription, Hold};

/// Why an operator cannot release a clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReleaseError {
    /// The board has no such processor.
    Unknown {
        /// What was asked for.
        processor: String,
        /// What the board has.
        known: Vec<String>,
    },
    /// Nobody contests its clock.
    NotContested {
        /// The processor.
        processor: String,
        /// How its clock stands.
        stands: &'static str,
    },
}

impl ReleaseError {
    pub(crate) fn unknown(processor: &str, board: &BoardDescription) -> Self {
        Self::Unknown {
            processor: processor.into(),
            known: board.processors.iter().map(|known| known.name.clone()).collect(),
        }
    }

    pub(crate) fn not_contested(processor: &str, hold: Option<&Hold>) -> Self {
        Self::NotContested {
            processor: processor.into(),
            stands: hold.map_or(
                "left alone, as the policy asks nothing of it",
                |hold| match hold {
                    Hold::Left => "left alone, as the policy asks nothing of it",
                    Hold::Unchanged => "as the policy asks",
                    Hold::Held => "held",
                    Hold::Throttled { .. } => "lowered by the kernel to cool the board",
                    Hold::Contested { .. } => "contested",
                    Hold::Refused { .. } => "refused",
                },
            ),
        }
    }
}

impl fmt::Display for ReleaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { processor, known } => {
                write!(
                    f,
                    "the board has no processor '{processor}'; it has {}",
                    known.join(", ")
                )
            }
            Self::NotContested { processor, stands } => {
                write!(f, "the clock of {processor} is not contested, but {stands}")
            }
        }
    }
}

impl core::error::Error for ReleaseError {}
