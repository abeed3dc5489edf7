//! Keeps apps on their CPUs by way of the kernel, and knows what it set.
//!
//! For each app, every time:
//!
//! 1. *Where?* ([`cgroups::place`]) Its unit or control group, if it is alone there. What is not to be confined any
//!    more, or must not, is put back first.
//! 2. *Whose is it?* A CPU set that does not read as it was left is somebody else's: it is the new baseline, and left
//!    alone until other CPUs are asked for.
//! 3. *Journal* what was in force and what will be written; only then *write*, only what changes, those first that
//!    take CPUs away.
//! 4. *Read back*.

use std::collections::BTreeMap;

use dynd_vocab::{
    AppId, Confined, Confinement, CpuSet, Enforcement, EnforcementState, Fence, PutBack, PutBackOutcome,
};

use crate::cgroups::{self, Bus, Unfit};
use crate::fenced::{Fenced, Place, named};
use crate::ledger::Ledger;
use crate::units::{FenceError, Fences};

/// Keeps apps on their CPUs.
#[derive(Debug)]
pub(crate) struct Confiner {
    fences: Fences,
    /// The apps that are left alone, with the CPUs that were asked for then, and why.
    contests: BTreeMap<AppId, (CpuSet, String)>,
}

/// An app and where it can be confined.
struct Ward<'a> {
    app: &'a Confinement,
    by: Fence,
    place: Place,
}

impl Confiner {
    pub(crate) fn new(fences: Fences) -> Self {
        Self {
            fences,
            contests: BTreeMap::new(),
        }
    }

    /// Confines these apps and no others, or finds out why it cannot.
    pub(crate) fn apply(&mut self, ledger: &mut Ledger, apps: &[Confinement]) -> Vec<Confined> {
        if apps.is_empty() && ledger.entries.fences.is_empty() {
            self.contests.clear();
            return Vec::new();
        }
        self.contests
            .retain(|id, (cpus, _)| apps.iter().any(|app| app.app == *id && app.cpus == *cpus));
        let (mut wards, mut answers) = (Vec::new(), BTreeMap::new());
        for app in apps {
            match self.place(app) {
                Ok((by, place)) => wards.push(Ward { app, by, place }),
                Err(Unfit { by, reason }) => {
                    answers.insert(app.app, Enforcement::refused(by, reason));
                }
            }
        }
        self.release(ledger, &wards);
        // Whoever comes to a CPU finds it left.
        wards.sort_by_cached_key(|ward| self.widens(ward));
        for ward in wards {
            answers.insert(ward.app.app, self.settle(ledger, &ward));
        }
        let answer = |(app, enforcement)| Confined { app, enforcement };
        answers.into_iter().map(answer).collect()
    }

    /// Puts back every CPU set that was written.
    pub(crate) fn restore(&mut self, ledger: &mut Ledger) -> Vec<PutBack> {
        let all = std::mem::take(&mut ledger.entries.fences);
        let mut answers = Vec::new();
        for fenced in all.into_iter().rev().filter(Fenced::is_changed) {
            let Some(outcome) = put_back(&mut self.fences, &fenced) else {
                continue;
            };
            answers.push(PutBack {
                attribute: fenced.place.to_string(),
                before: named(fenced.before),
                outcome: outcome.clone(),
            });
            if matches!(outcome, PutBackOutcome::Refused { .. }) {
                ledger.entries.fences.insert(0, fenced);
            }
        }
        ledger.strike();
        answers
    }

    fn place(&self, app: &Confinement) -> Result<(Fence, Place), Unfit> {
        let bus = if self.fences.has_units() {
            Bus::Joined
        } else {
            Bus::None
        };
        cgroups::place(self.fences.root(), app, bus)
    }

    /// Puts back what is not to be confined any more; what refuses is tried again the next time.
    fn release(&mut self, ledger: &mut Ledger, wards: &[Ward<'_>]) {
        let is_kept = |fenced: &Fenced| wards.iter().any(|ward| ward.place == fenced.place);
        let (kept, gone): (Vec<_>, Vec<_>) = ledger.entries.fences.drain(..).partition(is_kept);
        ledger.entries.fences = kept;
        if gone.is_empty() {
            return;
        }
        for fenced in gone {
            if let Some(PutBackOutcome::Refused { .. }) = put_back(&mut self.fences, &fenced) {
                ledger.fence(fenced);
            }
        }
        ledger.strike();
    }

    /// True if an app is to be allowed a CPU that it is not allowed now.
    fn widens(&mut self, ward: &Ward<'_>) -> bool {
        let now = self.fences.read(&ward.place).unwrap_or_default();
        !now.is_empty() && !ward.app.cpus.difference(now).is_empty()
    }

    fn settle(&mut self, ledger: &mut Ledger, ward: &Ward<'_>) -> Enforcement {
        let Ward { app, by, place } = ward;
        let refused = |reason| Enforcement::refused(Some(*by), reason);
        let now = match self.fences.read(place) {
            Ok(now) => now,
            Err(error) => return refused(error.to_string()),
        };
        let known = ledger.fenced(place).cloned();
        if let Some(known) = known.as_ref().filter(|known| !known.is_ours(now)) {
            let change = format!("{place} reads {} where {} was left", named(now), named(known.to));
            self.contests.insert(app.app, (app.cpus, change));
            ledger.unfence(place);
            ledger.strike();
        }
        if let Some((_, change)) = self.contests.get(&app.app) {
            return Enforcement {
                state: EnforcementState::Contested,
                by: Some(*by),
                cpus: now,
                reason: Some(change.clone()),
            };
        }
        let before = known.map_or(now, |known| known.before);
        let after = match self.set(ledger, place, [before, now, app.cpus]) {
            Ok(after) => after,
            Err(reason) => return refused(reason),
        };
        if after != app.cpus {
            let (reads, asked) = (named(after), named(app.cpus));
            return refused(format!("{place} reads {reads} after {asked} was written"));
        }
        Enforcement {
            state: EnforcementState::Held,
            by: Some(*by),
            cpus: after,
            reason: None,
        }
    }

    /// Writes `to` where `now` is read, once `before` is in the journal; what is read then.
    fn set(
        &mut self,
        ledger: &mut Ledger,
        place: &Place,
        [before, now, to]: [CpuSet; 3],
    ) -> Result<CpuSet, String> {
        let note = |from, to| Fenced {
            place: place.clone(),
            before,
            from,
            to,
        };
        if now == to {
            ledger.fence(note(now, now));
            return Ok(now);
        }
        ledger.fence(note(now, to));
        if let Err(reason) = ledger.record() {
            ledger.fence(note(now, now));
            return Err(reason);
        }
        match self.fences.write(place, to) {
            Ok(()) => ledger.fence(note(to, to)),
            // It stays noted that this may have been written.
            Err(FenceError::Unanswered(reason)) => return Err(reason),
            Err(error) => {
                ledger.fence(note(now, now));
                return Err(error.to_string());
            }
        }
        let after = self.fences.read(place).map_err(|error| error.to_string())?;
        if after != to {
            // Whatever the system made of it is ours all the same.
            ledger.fence(note(after, to));
        }
        Ok(after)
    }
}

/// Puts one CPU set back, as far as it still reads as it was left; nothing is said of what is no more.
fn put_back(fences: &mut Fences, fenced: &Fenced) -> Option<PutBackOutcome> {
    let attempt = |fences: &mut Fences| {
        let reads = fences.read(&fenced.place)?;
        if reads == fenced.before {
            return Ok(PutBackOutcome::AsBefore);
        }
        if !fenced.is_ours(reads) {
            return Ok(PutBackOutcome::Foreign { reads: named(reads) });
        }
        fences.write(&fenced.place, fenced.before)?;
        let reads = fences.read(&fenced.place)?;
        let is_free = fenced.before.is_empty() && fences.is_free(&fenced.place, reads);
        Ok(if reads == fenced.before || is_free {
            PutBackOutcome::Done
        } else {
            PutBackOutcome::Refused {
                reason: format!("it reads {} after it was written", named(reads)),
            }
        })
    };
    match attempt(fences) {
        Ok(outcome) => Some(outcome),
        Err(FenceError::Gone) => None,
        Err(FenceError::Unanswered(reason) | FenceError::Failed(reason)) => {
            Some(PutBackOutcome::Refused { reason })
        }
    }
}

#[cfg(test)]
mod tests;
