//! What the daemon tells apps.

use dynd_vocab::{Assignment, Generation, Rung, Seconds, Standing};

use super::field;
use crate::{Problem, WireError, limits, v1};

impl From<Generation> for v1::Generation {
    fn from(generation: Generation) -> Self {
        Self {
            epoch: generation.epoch,
            number: generation.number,
        }
    }
}

impl From<v1::Generation> for Generation {
    fn from(generation: v1::Generation) -> Self {
        Self {
            epoch: generation.epoch,
            number: generation.number,
        }
    }
}

impl From<Standing> for v1::Standing {
    fn from(standing: Standing) -> Self {
        match standing {
            Standing::Met => Self::Met,
            Standing::Degraded => Self::Degraded,
            Standing::Blocked => Self::Blocked,
        }
    }
}

pub(super) fn standing(value: i32, field: &str) -> Result<Standing, WireError> {
    match v1::Standing::try_from(value) {
        Ok(v1::Standing::Met) => Ok(Standing::Met),
        Ok(v1::Standing::Degraded) => Ok(Standing::Degraded),
        Ok(v1::Standing::Blocked) => Ok(Standing::Blocked),
        Ok(v1::Standing::Unspecified) | Err(_) => Err(Problem::UnknownValue(value).of(field)),
    }
}

impl From<Assignment> for v1::Assignment {
    fn from(assignment: Assignment) -> Self {
        Self {
            generation: Some(assignment.generation.into()),
            standing: v1::Standing::from(assignment.standing).into(),
            reason: assignment.reason,
            processor: assignment.processor,
            cpus: assignment.cpus.iter().collect(),
            ladder: assignment.ladder.into_iter().map(Into::into).collect(),
            requirement: Some(assignment.requirement.into()),
            contended: assignment.contended,
        }
    }
}

/// The ladder is empty exactly when the app is blocked. Its indices are not checked: only the receiver
/// knows the app's table.
impl TryFrom<v1::Assignment> for Assignment {
    type Error = WireError;

    fn try_from(assignment: v1::Assignment) -> Result<Self, WireError> {
        let standing = standing(assignment.standing, "standing")?;
        let ladder: Vec<Rung> = field::each(assignment.ladder, limits::SUBNETWORKS, "ladder")?;
        match (standing, ladder.len()) {
            (Standing::Blocked, 1..) => return Err(Problem::TooMany(0).of("ladder")),
            (Standing::Met | Standing::Degraded, 0) => return Err(Problem::Empty.of("ladder")),
            _ => {}
        }
        Ok(Self {
            generation: assignment
                .generation
                .ok_or_else(|| Problem::Missing.of("generation"))?
                .into(),
            standing,
            reason: assignment.reason,
            processor: assignment.processor,
            cpus: field::cpus(assignment.cpus, "cpus")?,
            ladder,
            requirement: field::required(assignment.requirement, "requirement")?,
            contended: assignment.contended,
        })
    }
}

impl From<Rung> for v1::Rung {
    fn from(rung: Rung) -> Self {
        Self {
            subnetwork: field::wire_index(rung.subnetwork),
            undisturbed_s: rung.undisturbed.get(),
            bound_s: rung.bound.get(),
        }
    }
}

/// A bound may be infinite (no bound holds at that percentile), an undisturbed latency may not.
impl TryFrom<v1::Rung> for Rung {
    type Error = WireError;

    fn try_from(rung: v1::Rung) -> Result<Self, WireError> {
        let bound = match rung.bound_s {
            f64::INFINITY => Seconds::new(f64::INFINITY),
            bound => field::seconds(bound, "bound_s")?,
        };
        Ok(Self {
            subnetwork: field::index(rung.subnetwork),
            undisturbed: field::seconds(rung.undisturbed_s, "undisturbed_s")?,
            bound,
        })
    }
}
