//! What dynd looks after, and the journal that says so on disk: clocks and CPU sets alike.

use std::path::Path;

use crate::clock_domain::{ClockDomain, End};
use crate::fenced::{Fenced, Place};
use crate::journal::{Journal, JournalError};
use crate::taken::Taken;

/// What is looked after; of each kind the latest written comes last.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Entries {
    /// Bounds of clocks.
    pub(crate) clocks: Vec<Taken>,
    /// CPU sets.
    pub(crate) fences: Vec<Fenced>,
}

/// What is looked after, and its journal.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    journal: Option<Journal>,
    pub(crate) entries: Entries,
}

impl Entries {
    pub(crate) fn is_empty(&self) -> bool {
        self.clocks.is_empty() && self.fences.is_empty()
    }
}

impl Ledger {
    /// From now on keeps `journal`, which says that `entries` are to be put back.
    pub(crate) fn keep(&mut self, journal: Journal, entries: Entries) {
        self.journal = Some(journal);
        self.entries = entries;
    }

    /// Puts on disk what is to be put back; why that failed, in words.
    pub(crate) fn record(&mut self) -> Result<(), String> {
        match &mut self.journal {
            Some(journal) => journal.record(&self.entries).map_err(|error| chain(&error)),
            None => Err("there is no journal to note in what was in force".into()),
        }
    }

    /// Puts on disk that something needs no putting back any more. A journal that cannot be replaced says too much,
    /// and of what does not read as it was left, or reads as before.
    pub(crate) fn strike(&mut self) {
        let _ = self.record();
    }

    /// Notes that a bound is to be written, last of all, or that it needs no writing.
    pub(crate) fn take(&mut self, domain: &ClockDomain, end: End, from: u64, to: u64) {
        let (attribute, all) = (domain.attribute(end), &mut self.entries.clocks);
        let known = all.iter().position(|taken| taken.attribute == attribute);
        let at = known.unwrap_or(all.len());
        let before = known.map_or(from, |at| all.remove(at).before);
        let at = if from == to { at } else { all.len() };
        let taken = Taken {
            attribute,
            before,
            from,
            to,
        };
        all.insert(at, taken);
    }

    /// Ends our part in some bounds.
    pub(crate) fn forget(&mut self, which: impl Fn(&Taken) -> bool) {
        let count = self.entries.clocks.len();
        self.entries.clocks.retain(|taken| !which(taken));
        if self.entries.clocks.len() < count {
            self.strike();
        }
    }

    /// What is known of a bound that is ours.
    pub(crate) fn taken(&self, domain: &ClockDomain, end: End) -> Option<&Taken> {
        let attribute: &Path = &domain.attribute(end);
        self.entries
            .clocks
            .iter()
            .find(|taken| taken.attribute == attribute)
    }

    pub(crate) fn has_any(&self, domain: &ClockDomain) -> bool {
        End::BOTH.iter().any(|end| self.taken(domain, *end).is_some())
    }

    pub(crate) fn is_changed(&self, domain: &ClockDomain) -> bool {
        End::BOTH
            .iter()
            .any(|end| self.taken(domain, *end).is_some_and(Taken::is_changed))
    }

    /// What is known of a CPU set that is ours.
    pub(crate) fn fenced(&self, place: &Place) -> Option<&Fenced> {
        self.entries.fences.iter().find(|fenced| fenced.place == *place)
    }

    /// Takes note of a CPU set, last of all.
    pub(crate) fn fence(&mut self, fenced: Fenced) {
        self.unfence(&fenced.place);
        self.entries.fences.push(fenced);
    }

    /// Ends our part in a CPU set.
    pub(crate) fn unfence(&mut self, place: &Place) {
        self.entries.fences.retain(|fenced| fenced.place != *place);
    }
}

fn chain(error: &JournalError) -> String {
    let source = std::error::Error::source(error).map(|source| format!(": {source}"));
    format!("{error}{}", source.unwrap_or_default())
}
