//! The clock bounds that an observer holds on a virtual board, and what they replaced.
//!
//! Nobody else writes to a virtual board while it is observed in its own process, so nothing is contested; and it
//! ends with that process, so there is nothing to keep on disk.

use dynd_vocab::{Actuation, ClockBounds, Hertz, Hold, PutBack, PutBackOutcome, Setting};

use crate::plant::Plant;

/// What was in force before, of each processor that was bounded, in the order of the first change.
#[derive(Clone, Debug, Default)]
pub(crate) struct Holds(Vec<(usize, (Hertz, Hertz))>);

impl Holds {
    /// Makes `setting` true for `plant`.
    pub(crate) fn apply(&mut self, plant: &mut Plant, setting: &Setting) -> Vec<Actuation> {
        let blueprint = plant.blueprint();
        let processors = blueprint.clusters.len() + blueprint.accelerators.len();
        (0..processors)
            .map(|processor| self.hold(plant, processor, setting.of(processor)))
            .collect()
    }

    /// Puts back what was changed, the last first.
    pub(crate) fn release(&mut self, plant: &mut Plant) -> Vec<PutBack> {
        let held = std::mem::take(&mut self.0);
        held.into_iter()
            .rev()
            .map(|(processor, before)| put_back(plant, processor, before))
            .collect()
    }

    fn hold(&mut self, plant: &mut Plant, processor: usize, asked: ClockBounds) -> Actuation {
        let present = plant.user_bounds(processor);
        let known = self.0.iter().position(|(held, _)| *held == processor);
        let before = known.map_or(present, |index| self.0[index].1);
        if asked.is_none() {
            if let Some(index) = known {
                put_back(plant, processor, before);
                self.0.remove(index);
            }
            return Actuation::default();
        }
        let high = asked.max.unwrap_or(before.1);
        let wanted = (asked.min.unwrap_or(before.0).min(high), high);
        let hold = if wanted == present {
            Hold::Unchanged
        } else {
            if known.is_none() {
                self.0.push((processor, before));
            }
            match plant.bound(processor, wanted.0, wanted.1) {
                Ok(()) => Hold::Held,
                Err(why) => Hold::Refused {
                    errno: None,
                    reason: why.to_string(),
                },
            }
        };
        let (min, max) = plant.bounds(processor);
        let hold = match cooled_by(plant, processor) {
            Some(by) if max < wanted.1 => Hold::Throttled { by },
            _ => hold,
        };
        Actuation {
            bounds: ClockBounds {
                min: Some(min),
                max: Some(max),
            },
            hold,
        }
    }
}

/// The cooling device that lowers the clock of `processor` now.
fn cooled_by(plant: &Plant, processor: usize) -> Option<String> {
    let mut coolers = plant.blueprint().coolers.iter().enumerate();
    let active =
        coolers.find(|(index, plan)| plan.processor == Some(processor) && plant.cooling_state(*index) > 0)?;
    Some(active.1.name.clone())
}

fn put_back(plant: &mut Plant, processor: usize, before: (Hertz, Hertz)) -> PutBack {
    let outcome = match plant.bound(processor, before.0, before.1) {
        Ok(()) if plant.bounds(processor).1 < before.1 => PutBackOutcome::Throttled,
        Ok(()) => PutBackOutcome::Done,
        Err(why) => PutBackOutcome::Refused {
            reason: why.to_string(),
        },
    };
    PutBack {
        attribute: format!("the highest clock of processor {processor}, in kHz"),
        before: before.1.as_khz().to_string(),
        outcome,
    }
}
