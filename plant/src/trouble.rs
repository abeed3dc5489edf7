//! Sensors of a virtual board that do not answer, as an observer names them.

use std::collections::BTreeMap;

use dynd_vocab::ProblemStatus;

/// How many good readings in a row end a problem, as on a real board: a sensor that fails now and then is one problem.
const RECOVERY: u32 = 10;

/// What is lost with a sensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lost {
    /// The power of a rail.
    Power,
    /// The temperature of a zone.
    Temperature,
}

/// The sensors that do not answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Troubles {
    current: Vec<ProblemStatus>,
    /// Good readings in a row of each sensor in trouble.
    good: BTreeMap<(Lost, usize), u32>,
}

impl Troubles {
    pub(crate) fn current(&self) -> &[ProblemStatus] {
        &self.current
    }

    /// The sensor `index` of those that tell `lost`, which is called `name`, answered or did not.
    pub(crate) fn settle(&mut self, lost: Lost, index: usize, name: &str, answered: bool) {
        let key = (lost, index);
        match (self.good.get_mut(&key), answered) {
            (None, true) => {}
            (None, false) => {
                self.good.insert(key, 0);
                self.current.push(problem(lost, name));
            }
            (Some(good), false) => *good = 0,
            (Some(good), true) => {
                *good += 1;
                if *good >= RECOVERY {
                    self.good.remove(&key);
                    let ended = problem(lost, name);
                    self.current.retain(|problem| *problem != ended);
                }
            }
        }
    }
}

fn problem(lost: Lost, name: &str) -> ProblemStatus {
    let (what, lost) = match lost {
        Lost::Power => ("rail", "the power of the rail is unknown"),
        Lost::Temperature => ("zone", "the temperature of the zone is unknown"),
    };
    ProblemStatus {
        path: format!("{what} {name}"),
        fault: "cannot be read".into(),
        lost: lost.into(),
    }
}
