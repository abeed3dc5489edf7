//! Built without NVML: no GPU is known through it.

use dynd_vocab::{BoardDescription, Sample};

use crate::problem::ProblemLog;
use crate::sensor::Reader;
use crate::source::Sources;

pub(crate) const LIBRARY: &str = "";

/// There are none.
#[derive(Debug)]
pub(crate) enum Cards {}

impl Cards {
    pub(crate) fn open(_library: &str, _log: &mut ProblemLog) -> Option<Self> {
        None
    }

    pub(crate) fn describe(&self, _board: &mut BoardDescription) {
        match *self {}
    }

    pub(crate) fn trace(&self, _sources: &mut Sources) {
        match *self {}
    }

    pub(crate) fn sample(&self, _reader: &mut Reader<'_>, _into: &mut Sample) {
        match *self {}
    }
}
