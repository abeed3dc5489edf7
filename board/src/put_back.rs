//! Puts attributes back, as far as they still read as they were left.
//!
//! The latest written comes first. What could not be put back is tried again as long as something else could be,
//! since a minimum may have to wait for its maximum, or read lower until then; what still refuses stays taken. At
//! the end everything is read once more. Nothing counts as changed by somebody, or as not put back, at first sight.

use std::path::Path;

use dynd_vocab::{PutBack, PutBackOutcome};

use crate::Fault;
use crate::actuator::may_be_lower;
use crate::clock_domain::{ClockDomain, End};
use crate::clock_range::ClockRange;
use crate::kernel::{Kernel, look_back};
use crate::taken::{Taken, Whose};

/// Puts back what is in `taken`, and leaves there what refuses. One answer per attribute, in the order in which
/// they were settled.
pub(crate) fn put_back(kernel: &mut impl Kernel, taken: &mut Vec<Taken>) -> Vec<PutBack> {
    let all = std::mem::take(taken);
    let mut pending: Vec<Taken> = all
        .iter()
        .filter(|taken| taken.is_changed())
        .rev()
        .cloned()
        .collect();
    let mut settled = Vec::new();
    let failed = loop {
        let mut failed = Vec::new();
        let tried = pending.len();
        for taken in pending {
            match attempt(kernel, &taken, &all) {
                Ok(outcome) => settled.push((taken, outcome)),
                Err(outcome) => failed.push((taken, outcome)),
            }
        }
        if failed.is_empty() || failed.len() == tried {
            break failed;
        }
        pending = failed.into_iter().map(|(taken, _)| taken).collect();
    };
    for (taken, outcome) in &mut settled {
        if *outcome == PutBackOutcome::Done {
            *outcome = verify(kernel, taken, &all);
        }
    }
    settled.extend(failed);
    let answers = settled.iter().map(|(taken, outcome)| PutBack {
        attribute: taken.attribute.display().to_string(),
        before: taken.before.to_string(),
        outcome: outcome.clone(),
    });
    let answers = answers.collect();
    let still = settled
        .into_iter()
        .filter(|(_, outcome)| matches!(outcome, PutBackOutcome::Refused { .. }));
    taken.extend(still.map(|(taken, _)| taken).rev());
    answers
}

/// Puts back one attribute, or says why it cannot be put back for now; what it reads then is not known yet.
fn attempt(kernel: &mut impl Kernel, taken: &Taken, all: &[Taken]) -> Result<PutBackOutcome, PutBackOutcome> {
    let refused = |reason| PutBackOutcome::Refused { reason };
    let settled = |whose: Whose| whose != Whose::Foreign;
    let (reads, whose) = judge(kernel, taken, all, settled).map_err(refused)?;
    let seems_as_before = reads == taken.before && whose != Whose::Lowered;
    if seems_as_before && !taken.may_hide(reads) {
        return Ok(PutBackOutcome::AsBefore);
    }
    if whose == Whose::Foreign && !seems_as_before {
        return Err(PutBackOutcome::Foreign {
            reads: reads.to_string(),
        });
    }
    match kernel.write(&taken.attribute, taken.before) {
        Ok(()) => Ok(PutBackOutcome::Done),
        // Nor was the write that could not be seen.
        Err(_) if seems_as_before => Ok(PutBackOutcome::AsBefore),
        Err(error) => Err(refused(error.to_string())),
    }
}

fn verify(kernel: &mut impl Kernel, taken: &Taken, all: &[Taken]) -> PutBackOutcome {
    let written = Taken {
        from: taken.before,
        to: taken.before,
        ..taken.clone()
    };
    match judge(kernel, &written, all, |whose| whose == Whose::Ours) {
        Ok((_, Whose::Ours)) => PutBackOutcome::Done,
        Ok((_, Whose::Lowered)) => PutBackOutcome::Throttled,
        Ok((reads, Whose::Foreign)) => PutBackOutcome::Refused {
            reason: format!("it reads {reads} after it was written"),
        },
        Err(reason) => PutBackOutcome::Refused { reason },
    }
}

/// What an attribute reads once that is `settled`, and who determines it; `all` is what was ours at the start.
fn judge<K: Kernel>(
    kernel: &mut K,
    taken: &Taken,
    all: &[Taken],
    settled: impl Fn(Whose) -> bool,
) -> Result<(u64, Whose), String> {
    let look = |kernel: &mut K| {
        let reads = read(kernel, &taken.attribute)?;
        Ok((reads, whose(kernel, taken, all, reads)?))
    };
    look_back(kernel, look, |seen| match seen {
        Ok((_, whose)) => settled(*whose),
        Err(_) => true,
    })
}

/// Who determines that an attribute reads `reads`; `all` is what was ours at the start.
fn whose(kernel: &mut impl Kernel, taken: &Taken, all: &[Taken], reads: u64) -> Result<Whose, String> {
    let Some((domain, end)) = ClockDomain::of(&taken.attribute) else {
        return Ok(taken.whose(reads, || false));
    };
    let attribute = domain.attribute(End::Max);
    let max = match end {
        End::Max => reads,
        End::Min => read(kernel, &attribute)?,
    };
    let range = ClockRange { min: reads, max };
    let max = all.iter().find(|taken| taken.attribute == attribute);
    Ok(taken.whose(reads, || may_be_lower(kernel, &domain, end, range, max)))
}

fn read(kernel: &mut impl Kernel, attribute: &Path) -> Result<u64, String> {
    kernel.read(attribute).map_err(|fault: Fault| fault.to_string())
}
