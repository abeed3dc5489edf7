//! The best fixed choice: found by trying, on the very trace that it is then judged on.
//!
//! From the largest sub-network at home on, one app after the other takes the choice that costs least while the others keep
//! theirs, until nobody changes. Ties go to the first.

use dynd_plant::Place;
use dynd_vocab::CpuSet;

use super::brief::{AppBrief, Brief};
use super::cost::Cost;
use super::manager::Fixed;
use super::metrics::Metrics;
use super::play::{PlayError, play};
use super::stage::Stage;
use super::world::Run;

/// Rounds after which the search ends in any case.
const ROUNDS: usize = 3;

/// The largest sub-network of each app on all that it may use at home.
pub(crate) fn largest(brief: &Brief) -> Vec<Run> {
    let run = |app: &AppBrief| Run {
        subnetwork: app.table.subnetworks.len() - 1,
        place: app.spots[0].widest(app.threads),
    };
    brief.apps.iter().map(run).collect()
}

/// The smallest sub-network of each app on all that it may use at home.
pub(crate) fn smallest(brief: &Brief) -> Vec<Run> {
    let run = |run: Run| Run { subnetwork: 0, ..run };
    largest(brief).into_iter().map(run).collect()
}

/// What costs least under `governors`.
pub(crate) fn best(
    stage: &Stage,
    brief: &Brief,
    governors: &[(usize, &'static str)],
) -> Result<Vec<Run>, PlayError> {
    let measure = |runs: &[Run]| -> Result<Metrics, PlayError> {
        let trace = play(stage, &mut Fixed::new(runs.to_vec(), governors.to_vec()))?;
        Ok(Metrics::new(&stage.scenario, &trace))
    };
    let mut runs = largest(brief);
    let reference = measure(&runs)?;
    let mut least = Cost::new(&stage.scenario, &reference, &reference).total;
    for _ in 0..ROUNDS {
        let before = runs.clone();
        for app in 0..runs.len() {
            for choice in choices(&brief.apps[app]) {
                let mut tried = runs.clone();
                tried[app] = choice;
                let cost = Cost::new(&stage.scenario, &measure(&tried)?, &reference).total;
                if cost < least {
                    (least, runs) = (cost, tried);
                }
            }
        }
        if runs == before {
            break;
        }
    }
    Ok(runs)
}

/// Every sub-network at every place.
fn choices(app: &AppBrief) -> Vec<Run> {
    let mut all = Vec::new();
    for place in places(app) {
        let run = |subnetwork| Run { subnetwork, place };
        all.extend((0..app.table.subnetworks.len()).map(run));
    }
    all
}

/// Every place of `app`: accelerators, and of each cluster the first and the last cores of each number, so that two apps
/// can stay out of each other's way.
pub(crate) fn places(app: &AppBrief) -> Vec<Place> {
    let mut all = Vec::new();
    for spot in &app.spots {
        if spot.cpus.is_empty() {
            all.push(Place::Accelerator(spot.processor));
            continue;
        }
        let cpus: Vec<u32> = spot.cpus.iter().collect();
        for count in 1..=cpus.len().min(app.threads as usize) {
            let first: CpuSet = cpus[..count].iter().copied().collect();
            let last: CpuSet = cpus[cpus.len() - count..].iter().copied().collect();
            all.push(Place::Cpus(first));
            if last != first {
                all.push(Place::Cpus(last));
            }
        }
    }
    all
}
