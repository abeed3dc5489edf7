//! Sets the bounds of clocks, and knows what it set.
//!
//! For each clock of each processor, every time:
//!
//! 1. *Read* both bounds and the limits of the hardware.
//! 2. *Whose are they?* ([`Taken::whose`]) A bound that reads as it was left is ours. One that the kernel lowers to
//!    cool the board is ours, too, and waited for. Any other is a foreign change: it is the new baseline, and the
//!    whole processor is left alone until something else is asked of it.
//! 3. *What to write*: the bounds asked for, within the limits; what was in force before for those not asked for.
//! 4. *Journal* what was in force and what will be written; only then *write*, in the [`order`] that no kernel
//!    refuses, only what changes; *read back* and judge again.
//!
//! While the kernel lowers a clock, what somebody else asked of it cannot be read (since Linux 5.4 the attribute
//! tells what is in force), so a clock that was never touched is first touched when it has cooled.

use std::io;
use std::path::Path;

use dynd_vocab::{Actuation, ClockBounds, Hold, PutBack, Setting};

use crate::clock_domain::{ClockDomain, End};
use crate::clock_range::{ClockRange, Wish, order};
use crate::journal::{Journal, JournalError};
use crate::kernel::Kernel;
use crate::put_back::put_back;
use crate::taken::{Taken, Whose};

/// Sets the bounds of clocks.
#[derive(Debug, Default)]
pub(crate) struct Actuator {
    processors: Vec<Clocks>,
    journal: Option<Journal>,
    taken: Vec<Taken>,
}

/// The clocks of one processor.
#[derive(Debug, Default)]
struct Clocks {
    domains: Vec<ClockDomain>,
    asked: ClockBounds,
    /// Why it is left alone.
    contest: Option<Hold>,
}

/// What both bounds of a clock read, and which of them the kernel lowers.
#[derive(Clone, Copy, Debug)]
struct Reading {
    /// As they would read if nothing were lowered, as far as that is known.
    wanted: ClockRange,
    reads: ClockRange,
}

impl Actuator {
    /// Sets the clocks of a board whose processors have these.
    pub(crate) fn new(processors: Vec<Vec<ClockDomain>>) -> Self {
        let clocks = |domains| Clocks {
            domains,
            ..Clocks::default()
        };
        Self {
            processors: processors.into_iter().map(clocks).collect(),
            ..Self::default()
        }
    }

    /// From now on keeps `journal`, which says that `taken` is to be put back.
    pub(crate) fn keep(&mut self, journal: Journal, taken: Vec<Taken>) {
        self.journal = Some(journal);
        self.taken = taken;
    }

    /// Makes `setting` true, or finds out why it is not.
    pub(crate) fn apply(&mut self, kernel: &mut impl Kernel, setting: &Setting) -> Vec<Actuation> {
        (0..self.processors.len())
            .map(|processor| self.bound(kernel, processor, setting.of(processor)))
            .collect()
    }

    /// Puts back everything that was taken.
    pub(crate) fn restore(&mut self, kernel: &mut impl Kernel) -> Vec<PutBack> {
        let report = put_back(kernel, &mut self.taken);
        // What is on disk and was put back reads as before: nothing is done to it the next time.
        let _ = self.record();
        report
    }

    fn bound(&mut self, kernel: &mut impl Kernel, processor: usize, asked: ClockBounds) -> Actuation {
        let clocks = &mut self.processors[processor];
        if clocks.asked != asked {
            clocks.asked = asked;
            clocks.contest = None;
        }
        let mut answer = Actuation {
            bounds: ClockBounds::NONE,
            hold: clocks.contest.clone().unwrap_or_default(),
        };
        let domains = clocks.domains.clone();
        if asked.is_none() && !domains.iter().any(|domain| self.has_any(domain)) {
            return answer;
        }
        if domains.is_empty() {
            answer.hold = refused(None, "the kernel offers no bounds for its clock".into());
        }
        for domain in &domains {
            let hold = match answer.hold {
                // Whatever else is changed meanwhile is not ours any more either.
                Hold::Contested { .. } => self.look(kernel, domain).map(|_| Hold::Left),
                _ => self.settle(kernel, domain, asked),
            };
            let hold = hold.unwrap_or_else(|hold| hold);
            if severity(&hold) > severity(&answer.hold) {
                answer.hold = hold;
            }
            answer.bounds = widest(answer.bounds, in_force(kernel, domain));
        }
        if matches!(answer.hold, Hold::Contested { .. }) {
            self.processors[processor].contest = Some(answer.hold.clone());
        }
        answer
    }

    /// Makes both bounds of a clock what is asked for.
    fn settle(
        &mut self,
        kernel: &mut impl Kernel,
        domain: &ClockDomain,
        asked: ClockBounds,
    ) -> Result<Hold, Hold> {
        let now = self.look(kernel, domain)?;
        let limits = Wish {
            min: limit(kernel, domain, End::Min),
            max: limit(kernel, domain, End::Max),
        };
        let is_hidden = match (self.taken(domain, End::Min), self.taken(domain, End::Max)) {
            (_, None) => limits.max.is_none_or(|max| now.reads.max < max),
            (None, Some(_)) => now.reads.max < now.wanted.max,
            (Some(_), Some(_)) => false,
        };
        if is_hidden && let Some(by) = kernel.cooling(domain) {
            return Ok(Hold::Throttled { by });
        }
        let before = |end| self.taken(domain, end).map(|taken| taken.before);
        let baseline = ClockRange {
            min: before(End::Min).unwrap_or(now.reads.min),
            max: before(End::Max).unwrap_or(now.reads.max),
        };
        let wish = Wish {
            min: asked.min.map(|clock| domain.value(clock)),
            max: asked.max.map(|clock| domain.value(clock)),
        };
        let target = baseline.wished(wish, limits);
        for end in order(now.wanted, target) {
            self.take(domain, end, now.wanted.get(end), target.get(end));
        }
        let written = self.write(kernel, domain, now.wanted, target);
        let after = self.look(kernel, domain)?;
        written?;
        self.forget(|taken| match ClockDomain::of(&taken.attribute) {
            Some((of, end)) => of == *domain && wish.get(end).is_none() && !taken.is_changed(),
            None => false,
        });
        if asked.is_none() {
            return Ok(Hold::Left);
        }
        if after.reads != after.wanted
            && let Some(by) = kernel.cooling(domain)
        {
            return Ok(Hold::Throttled { by });
        }
        Ok(if self.is_changed(domain) {
            Hold::Held
        } else {
            Hold::Unchanged
        })
    }

    /// Reads both bounds. A foreign change ends our part in the attribute.
    fn look(&mut self, kernel: &mut impl Kernel, domain: &ClockDomain) -> Result<Reading, Hold> {
        let mut read = |end| {
            let attribute = domain.attribute(end);
            kernel
                .read(&attribute)
                .map_err(|fault| refused(None, format!("{} {fault}", attribute.display())))
        };
        let reads = ClockRange {
            min: read(End::Min)?,
            max: read(End::Max)?,
        };
        let mut wanted = reads;
        let mut changes = Vec::new();
        for end in [End::Min, End::Max] {
            let Some(taken) = self.taken(domain, end).cloned() else {
                continue;
            };
            let now = reads.get(end);
            let whose = taken.whose(now, || may_be_lower(kernel, domain, end, reads));
            match (whose, end) {
                (Whose::Ours, _) => {}
                (Whose::Lowered, End::Min) => wanted.min = taken.asked().unwrap_or(now),
                (Whose::Lowered, End::Max) => wanted.max = taken.asked().unwrap_or(now),
                (Whose::Foreign, _) => {
                    let Taken { attribute, to, .. } = taken;
                    changes.push(format!("{} reads {now} where {to} was left", attribute.display()));
                    self.forget(|taken| taken.attribute == attribute);
                }
            }
        }
        if changes.is_empty() {
            return Ok(Reading { wanted, reads });
        }
        Err(Hold::Contested {
            by: kernel.rival(domain),
            change: changes.join(", "),
        })
    }

    /// Notes that a bound is to be written, last of all, or that it needs no writing.
    fn take(&mut self, domain: &ClockDomain, end: End, from: u64, to: u64) {
        let attribute = domain.attribute(end);
        let known = self.taken.iter().position(|taken| taken.attribute == attribute);
        let at = known.unwrap_or(self.taken.len());
        let before = known.map_or(from, |at| self.taken.remove(at).before);
        let taken = Taken {
            attribute,
            before,
            from,
            to,
        };
        let at = if from == to { at } else { self.taken.len() };
        self.taken.insert(at, taken);
    }

    /// Writes what of `target` differs from `now`, once that is in the journal. What one bound refuses does not
    /// stop the other.
    fn write(
        &mut self,
        kernel: &mut impl Kernel,
        domain: &ClockDomain,
        now: ClockRange,
        target: ClockRange,
    ) -> Result<(), Hold> {
        if now == target {
            return Ok(());
        }
        self.record()?;
        let mut outcome = Ok(());
        for end in order(now, target) {
            let (from, to) = (now.get(end), target.get(end));
            if from == to {
                continue;
            }
            let attribute = domain.attribute(end);
            match kernel.write(&attribute, to) {
                Ok(()) => self.take(domain, end, to, to),
                Err(error) => outcome = outcome.and(Err(not_written(&attribute, to, &error))),
            }
        }
        outcome
    }

    fn record(&mut self) -> Result<(), Hold> {
        match &mut self.journal {
            Some(journal) => journal
                .record(&self.taken)
                .map_err(|error| refused(None, chain(&error))),
            None => Err(refused(
                None,
                "there is no journal to note in what was in force".into(),
            )),
        }
    }

    /// Ends our part in some attributes.
    fn forget(&mut self, which: impl Fn(&Taken) -> bool) {
        let count = self.taken.len();
        self.taken.retain(|taken| !which(taken));
        if self.taken.len() < count {
            // A journal that cannot be replaced says too much, and of what does not read as it was left.
            let _ = self.record();
        }
    }

    fn taken(&self, domain: &ClockDomain, end: End) -> Option<&Taken> {
        let attribute = domain.attribute(end);
        self.taken.iter().find(|taken| taken.attribute == attribute)
    }

    fn has_any(&self, domain: &ClockDomain) -> bool {
        End::BOTH.iter().any(|end| self.taken(domain, *end).is_some())
    }

    fn is_changed(&self, domain: &ClockDomain) -> bool {
        End::BOTH
            .iter()
            .any(|end| self.taken(domain, *end).is_some_and(Taken::is_changed))
    }
}

/// True if the kernel can be why a bound reads lower than written: it lowers a maximum to cool the board, and a
/// minimum to the maximum in force.
pub(crate) fn may_be_lower(
    kernel: &mut impl Kernel,
    domain: &ClockDomain,
    end: End,
    reads: ClockRange,
) -> bool {
    match end {
        End::Max => kernel.cooling(domain).is_some(),
        End::Min => reads.min == reads.max,
    }
}

fn limit(kernel: &mut impl Kernel, domain: &ClockDomain, end: End) -> Option<u64> {
    kernel.read(&domain.limit(end)?).ok()
}

fn in_force(kernel: &mut impl Kernel, domain: &ClockDomain) -> ClockBounds {
    let mut read = |end| {
        let value = kernel.read(&domain.attribute(end)).ok()?;
        (value > 0).then(|| domain.clock(value))
    };
    ClockBounds {
        min: read(End::Min),
        max: read(End::Max),
    }
}

/// The bounds that hold for all clocks of a processor.
fn widest(one: ClockBounds, other: ClockBounds) -> ClockBounds {
    ClockBounds {
        min: one.min.into_iter().chain(other.min).min(),
        max: one.max.into_iter().chain(other.max).max(),
    }
}

/// Which of the answers for several clocks is the one to give.
fn severity(hold: &Hold) -> u8 {
    match hold {
        Hold::Left => 0,
        Hold::Unchanged => 1,
        Hold::Held => 2,
        Hold::Throttled { .. } => 3,
        Hold::Refused { .. } => 4,
        Hold::Contested { .. } => 5,
    }
}

fn refused(errno: Option<i32>, reason: String) -> Hold {
    Hold::Refused { errno, reason }
}

fn not_written(attribute: &Path, value: u64, error: &io::Error) -> Hold {
    refused(
        error.raw_os_error(),
        format!("{} does not take {value}: {error}", attribute.display()),
    )
}

fn chain(error: &JournalError) -> String {
    let source = std::error::Error::source(error).map(|source| format!(": {source}"));
    format!("{error}{}", source.unwrap_or_default())
}

#[cfg(test)]
mod tests;
