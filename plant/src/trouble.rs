//! Sensors of a virtual board that do not answer, or not what can be true, as an observer names them.
//!
//! They are treated as on a real board: after [`PATIENCE`] faults in a row a sensor is tried only once per [`RETRY`], and one
//! that fails now and then is one problem.

use std::collections::BTreeMap;
use std::time::Duration;

use dynd_vocab::{Celsius, ProblemStatus, Timestamp, Watts};

/// Faults in a row that end regular reading, and the time between two tries from then on.
const PATIENCE: u32 = 3;
const RETRY: Duration = Duration::from_secs(1);

/// How many good readings in a row end a problem.
const RECOVERY: u32 = 10;

/// A sensor: what is lost with it, and its number among those that tell that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Sensor {
    /// The power of a rail.
    Power(usize),
    /// The temperature of a zone.
    Temperature(usize),
}

/// Why a sensor's reading is none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fault {
    /// Reading it fails.
    Unreadable,
    /// It cannot be so cold or hot.
    NoTemperature(Celsius),
    /// It cannot be so much or little.
    NoPower(Watts),
}

/// The sensors in trouble.
#[derive(Clone, Debug, Default)]
pub(crate) struct Troubles {
    current: Vec<ProblemStatus>,
    sensors: BTreeMap<Sensor, Trouble>,
}

#[derive(Clone, Debug)]
struct Trouble {
    problem: ProblemStatus,
    /// Faults and good readings in a row.
    faults: u32,
    good: u32,
    tried: Timestamp,
}

impl Troubles {
    pub(crate) fn current(&self) -> &[ProblemStatus] {
        &self.current
    }

    /// Whether `sensor` is to be left alone at `now`.
    pub(crate) fn rests(&self, sensor: Sensor, now: Timestamp) -> bool {
        self.sensors
            .get(&sensor)
            .is_some_and(|trouble| trouble.faults >= PATIENCE && now.since(trouble.tried) < RETRY)
    }

    /// The reading of `sensor`, which is called `name`, if it is one.
    pub(crate) fn settle<T>(
        &mut self,
        now: Timestamp,
        sensor: Sensor,
        name: &str,
        reading: Result<T, Fault>,
    ) -> Option<T> {
        match (&reading, self.sensors.get_mut(&sensor)) {
            (Ok(_), None) => {}
            (Ok(_), Some(trouble)) => {
                (trouble.faults, trouble.tried) = (0, now);
                trouble.good += 1;
                if trouble.good >= RECOVERY
                    && let Some(ended) = self.sensors.remove(&sensor)
                {
                    self.current.retain(|problem| *problem != ended.problem);
                }
            }
            (Err(_), Some(trouble)) => {
                (trouble.good, trouble.tried) = (0, now);
                trouble.faults = trouble.faults.saturating_add(1);
            }
            (Err(fault), None) => {
                let problem = problem(sensor, name, *fault);
                self.current.push(problem.clone());
                let (faults, good, tried) = (1, 0, now);
                self.sensors.insert(
                    sensor,
                    Trouble {
                        problem,
                        faults,
                        good,
                        tried,
                    },
                );
            }
        }
        reading.ok()
    }
}

fn problem(sensor: Sensor, name: &str, fault: Fault) -> ProblemStatus {
    let (what, lost) = match sensor {
        Sensor::Power(_) => ("rail", "the power of the rail is unknown"),
        Sensor::Temperature(_) => ("zone", "the temperature of the zone is unknown"),
    };
    let fault = match fault {
        Fault::Unreadable => "cannot be read".into(),
        Fault::NoTemperature(shown) => format!("cannot be true: {} °C", shown.get()),
        Fault::NoPower(shown) => format!("cannot be true: {:.1} W", shown.get()),
    };
    ProblemStatus {
        path: format!("{what} {name}"),
        fault,
        lost: lost.into(),
    }
}
