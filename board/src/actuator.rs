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
//!    refuses, only what changes.
//! 5. *Read back*, [again](look_back) for a while if need be. What still reads otherwise is held there by something in
//!    the kernel (`_PPC` of ACPI, another QoS request): the request is ours all the same, stays in the journal, and is
//!    answered as refused.
//!
//! While the kernel lowers a clock, what somebody else asked of it cannot be read (since Linux 5.4 the attribute
//! tells what is in force), so a clock that was never touched is first touched when it has cooled.

use std::io;
use std::path::Path;

use dynd_vocab::{Actuation, ClockBounds, Hold, PutBack, Setting};

use crate::clock_domain::{ClockDomain, End};
use crate::clock_range::{ClockRange, Wish, order};
use crate::kernel::{Kernel, look_back};
use crate::ledger::Ledger;
use crate::put_back::put_back;
use crate::taken::{Taken, Whose};

/// Sets the bounds of clocks.
#[derive(Debug, Default)]
pub(crate) struct Actuator {
    processors: Vec<Clocks>,
    ledger: Ledger,
}

/// The clocks of one processor.
#[derive(Debug, Default)]
struct Clocks {
    domains: Vec<ClockDomain>,
    asked: ClockBounds,
    /// How often an operator has released it.
    releases: u32,
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

    /// The clocks of each processor.
    pub(crate) fn domains(&self) -> impl Iterator<Item = &[ClockDomain]> {
        self.processors.iter().map(|clocks| clocks.domains.as_slice())
    }

    /// What is looked after.
    pub(crate) fn ledger(&mut self) -> &mut Ledger {
        &mut self.ledger
    }

    /// Makes `setting` true, or finds out why it is not.
    pub(crate) fn apply(&mut self, kernel: &mut impl Kernel, setting: &Setting) -> Vec<Actuation> {
        (0..self.processors.len())
            .map(|processor| {
                let clocks = &mut self.processors[processor];
                let releases = setting.releases_of(processor);
                if clocks.releases != releases {
                    clocks.releases = releases;
                    clocks.contest = None;
                }
                self.bound(kernel, processor, setting.of(processor))
            })
            .collect()
    }

    /// Puts back every bound that was taken.
    pub(crate) fn restore(&mut self, kernel: &mut impl Kernel) -> Vec<PutBack> {
        let report = put_back(kernel, &mut self.ledger.entries.clocks);
        self.ledger.strike();
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
        if asked.is_none() && !domains.iter().any(|domain| self.ledger.has_any(domain)) {
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
        let is_hidden = match (
            self.ledger.taken(domain, End::Min),
            self.ledger.taken(domain, End::Max),
        ) {
            (_, None) => limits.max.is_none_or(|max| now.reads.max < max),
            (None, Some(_)) => now.reads.max < now.wanted.max,
            (Some(_), Some(_)) => false,
        };
        if is_hidden && let Some(by) = kernel.cooling(domain) {
            return Ok(Hold::Throttled { by });
        }
        let before = |end| self.ledger.taken(domain, end).map(|taken| taken.before);
        let baseline = ClockRange {
            min: before(End::Min).unwrap_or(now.reads.min),
            max: before(End::Max).unwrap_or(now.reads.max),
        };
        let wish = Wish {
            min: asked.min.map(|clock| domain.value(clock)),
            max: asked.max.map(|clock| domain.value(clock)),
        };
        let target = baseline.wished(wish, limits);
        let after = self.write(kernel, domain, now, target)?;
        self.ledger
            .forget(|taken| match ClockDomain::of(&taken.attribute) {
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
        Ok(if self.ledger.is_changed(domain) {
            Hold::Held
        } else {
            Hold::Unchanged
        })
    }

    /// Reads both bounds. A foreign change ends our part in the attribute.
    fn look(&mut self, kernel: &mut impl Kernel, domain: &ClockDomain) -> Result<Reading, Hold> {
        let reads = read(kernel, domain)?;
        let mut wanted = reads;
        let mut foreign = Vec::new();
        for end in End::BOTH {
            match self.whose(kernel, domain, end, reads) {
                None | Some((_, Whose::Ours)) => {}
                Some((taken, Whose::Lowered)) => wanted.set(end, taken.asked().unwrap_or(reads.get(end))),
                Some((taken, Whose::Foreign)) => foreign.push((taken.clone(), reads.get(end))),
            }
        }
        if foreign.is_empty() {
            return Ok(Reading { wanted, reads });
        }
        self.ledger
            .forget(|taken| foreign.iter().any(|(changed, _)| changed == taken));
        let change = |(Taken { attribute, to, .. }, now): &(Taken, u64)| {
            format!("{} reads {now} where {to} was left", attribute.display())
        };
        Err(Hold::Contested {
            by: kernel.rival(domain),
            change: foreign.iter().map(change).collect::<Vec<_>>().join(", "),
        })
    }

    /// Reads both bounds after `ends` were written. Whatever they read, our part in them goes on.
    fn read_back<K: Kernel>(
        &mut self,
        kernel: &mut K,
        domain: &ClockDomain,
        ends: &[End],
    ) -> Result<ClockRange, Hold> {
        let look = |kernel: &mut K| -> Result<_, Hold> {
            let reads = read(kernel, domain)?;
            let unlike = |end: &End| match self.whose(kernel, domain, *end, reads)? {
                (taken, Whose::Foreign) => Some((*end, taken.clone())),
                _ => None,
            };
            Ok((reads, ends.iter().filter_map(unlike).collect::<Vec<_>>()))
        };
        let (reads, unlike) = look_back(kernel, look, |seen| {
            !seen.as_ref().is_ok_and(|(_, unlike)| !unlike.is_empty())
        })?;
        let mut outcome = Ok(reads);
        for (end, Taken { attribute, to, .. }) in unlike {
            let now = reads.get(end);
            self.ledger.take(domain, end, now, to);
            let reason = format!("{} reads {now} after {to} was written", attribute.display());
            outcome = outcome.and(Err(refused(None, reason)));
        }
        outcome
    }

    /// What is known of a bound that is ours, and who determines what it reads.
    fn whose(
        &self,
        kernel: &mut impl Kernel,
        domain: &ClockDomain,
        end: End,
        reads: ClockRange,
    ) -> Option<(&Taken, Whose)> {
        let taken = self.ledger.taken(domain, end)?;
        let max = self.ledger.taken(domain, End::Max);
        let whose = taken.whose(reads.get(end), || may_be_lower(kernel, domain, end, reads, max));
        Some((taken, whose))
    }

    /// Writes what of `target` is not known to be asked for already, once that is in the journal, and reads it
    /// back. What one bound refuses does not stop the other.
    fn write(
        &mut self,
        kernel: &mut impl Kernel,
        domain: &ClockDomain,
        now: Reading,
        target: ClockRange,
    ) -> Result<Reading, Hold> {
        let mut due = Vec::new();
        for end in order(now.wanted, target) {
            let (from, to) = (now.wanted.get(end), target.get(end));
            let taken = self.ledger.taken(domain, end);
            let may_hide = taken.is_some_and(|taken| taken.may_hide(now.reads.get(end)));
            if from != to || may_hide {
                due.push((end, may_hide));
            }
            // What may have been written, unseen, stays in the journal until it is written over.
            if from != to || !may_hide {
                self.ledger.take(domain, end, from, to);
            }
        }
        if due.is_empty() {
            return Ok(now);
        }
        self.record()?;
        let mut written = Vec::new();
        let mut outcome = Ok(());
        for (end, may_hide) in due {
            let attribute = domain.attribute(end);
            let (from, to) = (now.wanted.get(end), target.get(end));
            match kernel.write(&attribute, to) {
                Ok(()) => {
                    self.ledger.take(domain, end, to, to);
                    written.push(end);
                }
                Err(error) => {
                    if !may_hide {
                        self.ledger.take(domain, end, from, from);
                    }
                    outcome = outcome.and(Err(not_written(&attribute, to, &error)));
                }
            }
        }
        let reads = self.read_back(kernel, domain, &written);
        outcome?;
        Ok(Reading {
            wanted: target,
            reads: reads?,
        })
    }

    fn record(&mut self) -> Result<(), Hold> {
        self.ledger.record().map_err(|reason| refused(None, reason))
    }
}

/// True if the kernel can be why a bound reads lower than written: it lowers a maximum to cool the board, and a
/// minimum to the maximum in force. If that is neither lowered to cool nor `max`, what is ours, then it is somebody
/// else's, and the minimum may be, too.
pub(crate) fn may_be_lower(
    kernel: &mut impl Kernel,
    domain: &ClockDomain,
    end: End,
    reads: ClockRange,
    max: Option<&Taken>,
) -> bool {
    let may_follow = match end {
        End::Max => false,
        End::Min if reads.min != reads.max => return false,
        End::Min => max.is_some_and(|max| max.is_known(reads.max)),
    };
    may_follow || kernel.cooling(domain).is_some()
}

/// What both bounds of a clock read.
fn read(kernel: &mut impl Kernel, domain: &ClockDomain) -> Result<ClockRange, Hold> {
    let mut read = |end| {
        let attribute = domain.attribute(end);
        kernel
            .read(&attribute)
            .map_err(|fault| refused(None, format!("{} {fault}", attribute.display())))
    };
    Ok(ClockRange {
        min: read(End::Min)?,
        max: read(End::Max)?,
    })
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

#[cfg(test)]
mod tests;
