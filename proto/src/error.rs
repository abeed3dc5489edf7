//! Why a message was refused.

use std::fmt;

use thiserror::Error;

use crate::limits;

/// A message that breaks a promise of the vocabulary.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{field}: {problem}")]
pub struct WireError {
    /// Path of the field from the message that was converted, such as `model.subnetworks[3].quality`.
    pub field: String,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Problem {
    /// A field that must be given is absent.
    #[error("is missing")]
    Missing,
    /// An enum has no value, or one that this version does not know.
    #[error("has the unknown value {0}")]
    UnknownValue(i32),
    /// The client speaks another version of the protocol.
    #[error("version {0} is not spoken here, only version {expected}", expected = crate::PROTOCOL)]
    Protocol(u32),
    /// A name is empty.
    #[error("must not be empty")]
    Empty,
    /// A name is too long.
    #[error("is longer than {max} bytes", max = limits::NAME_BYTES)]
    NameTooLong,
    /// A name contains a control character.
    #[error("contains a control character")]
    ControlCharacter,
    /// A list is too long.
    #[error("has more than {0} entries")]
    TooMany(usize),
    /// A name that must be unique is not.
    #[error("'{0}' is there twice")]
    Duplicate(String),
    /// The sub-networks are not sorted by MACs.
    #[error("must come in ascending order of MACs")]
    NotAscending,
    /// A span of time is zero, negative, infinite or no number.
    #[error("must be a positive, finite time")]
    NotATime,
    /// A quality or other share is outside 0 to 1.
    #[error("must lie between 0 and 1")]
    NotAShare,
    /// A percentile is outside 0 to 1, or at one of its ends.
    #[error("must lie between 0 and 1, exclusive")]
    NotAPercentile,
    /// A number that must be positive is zero.
    #[error("must be at least 1")]
    Zero,
    /// A sub-network's index is beyond the table.
    #[error("names sub-network {0}, which the model does not have")]
    NoSuchSubnetwork(u32),
    /// A CPU's number cannot be held.
    #[error("names cpu {0}, beyond the last possible, {last}", last = dynd_vocab::CpuSet::CAPACITY - 1)]
    NoSuchCpu(u32),
}

impl Problem {
    /// This problem, in `field`.
    pub(crate) fn of(self, field: &str) -> WireError {
        WireError {
            field: field.to_owned(),
            problem: self,
        }
    }
}

impl WireError {
    /// The same problem, seen from the message whose field `outer` contains it.
    pub(crate) fn within(self, outer: impl fmt::Display) -> Self {
        Self {
            field: format!("{outer}.{}", self.field),
            problem: self.problem,
        }
    }
}

/// `INVALID_ARGUMENT`, but `FAILED_PRECONDITION` for another version of the protocol.
impl From<WireError> for tonic::Status {
    fn from(error: WireError) -> Self {
        match error.problem {
            Problem::Protocol(_) => Self::failed_precondition(error.to_string()),
            _ => Self::invalid_argument(error.to_string()),
        }
    }
}
