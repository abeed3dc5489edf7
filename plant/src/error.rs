//! Why a plant refuses something.

use dynd_vocab::{CpuSet, Hertz};

/// Why a plant refuses something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlantError {
    /// A figure of the work is out of its range.
    #[error("failed to take work: a figure of it is negative, endless or no number, or it takes no time")]
    Work,
    /// No CPU, or one that the board does not have.
    #[error("failed to place work on CPUs {0}: the board does not have them all")]
    Cpus(CpuSet),
    /// No such accelerator.
    #[error("failed to place work on processor {0}: it is no accelerator of the board")]
    Accelerator(usize),
    /// No such processor.
    #[error("failed to find processor {0}")]
    Processor(usize),
    /// A minimum above the maximum, on a kernel that refuses it (EINVAL).
    #[error("failed to bound a clock: {low} is above {high}")]
    Bounds {
        /// The minimum.
        low: Hertz,
        /// The maximum.
        high: Hertz,
    },
    /// The processor has no such governor, or it is not in charge (EINVAL).
    #[error("failed to use the governor \"{0}\"")]
    Governor(String),
}
