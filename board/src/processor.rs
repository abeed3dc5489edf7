//! A processor and what observes it.

use std::path::PathBuf;

use dynd_vocab::Processor;

use crate::clock::Clock;
use crate::clock_domain::ClockDomain;
use crate::load::LoadMeter;

/// A processor that was found.
#[derive(Debug)]
pub(crate) struct Found {
    /// What it is.
    pub(crate) processor: Processor,
    /// Where the kernel governs its clock, the root included.
    pub(crate) dir: Option<PathBuf>,
    /// What shows its clock.
    pub(crate) clock: Option<Clock>,
    /// The clocks of which it is made and whose bounds can be set; several where each CPU has its own.
    pub(crate) domains: Vec<ClockDomain>,
    /// What shows how busy it is, if that is not its CPUs' times.
    pub(crate) load: Option<LoadMeter>,
}
