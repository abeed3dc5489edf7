//! The work of a published model on a board: (α, β) of each sub-network on each processor that it can run on.
//!
//! A published latency `L` on `n` cores at some clock, the share `s` of which no clock shortens, is
//! `L = host + (stall + cycles / speed) · share(n)` with `stall = s · (L - host) / share(n)` and Amdahl's
//! `share(n) = serial + (1 - serial) / n`. The speed of a processor at a clock is that of the plant: a probe is run on it.

use std::time::Duration;

use dynd_files::{PublishedModel, PublishedPlace, ScenarioApp};
use dynd_plant::{Place, Plant, PlantError, Work};
use dynd_vocab::{Blueprint, CpuSet, Hertz, Pid, Seconds};

/// Cycles of a probe: some milliseconds of any processor.
const PROBE: f64 = 1e7;

/// What the inferences of one app ask of the processors of its board.
#[derive(Clone, Debug)]
pub(crate) struct Workload {
    /// Per processor; absent where it cannot run, or may not.
    pub(crate) at: Vec<Option<PlaceWork>>,
    /// The processor it is at home on: the first that its model was published for.
    pub(crate) home: usize,
}

/// The work of each sub-network on one processor.
#[derive(Clone, Debug)]
pub(crate) struct PlaceWork {
    pub(crate) works: Vec<Work>,
    /// What a CPU does before an accelerator can begin.
    pub(crate) host: Option<Work>,
}

impl Workload {
    /// The work of `app` on `board`, which is called `name`.
    ///
    /// # Errors
    /// If the plant of the board refuses a probe.
    pub(crate) fn new(app: &ScenarioApp, name: &str, board: &Blueprint) -> Result<Self, PlantError> {
        let mut at: Vec<Option<PlaceWork>> = vec![None; board.silicon().count()];
        let mut home = None;
        for place in app.model.places.iter().filter(|place| place.board == name) {
            for (processor, silicon) in board.silicon().enumerate() {
                let named = is_called(&silicon.name, &place.processor);
                let allowed = app.processors.is_empty()
                    || app.processors.iter().any(|each| is_called(&silicon.name, each));
                if named && allowed && at[processor].is_none() {
                    home.get_or_insert(processor);
                    at[processor] = Some(place_work(&app.model, place, app.scale, (board, processor))?);
                }
            }
        }
        Ok(Self {
            at,
            home: home.unwrap_or(0),
        })
    }
}

/// True if a processor called `processor` is meant by `name`: its own name, or its role, which is its name without number.
fn is_called(processor: &str, name: &str) -> bool {
    processor == name || processor.trim_end_matches(|c: char| c.is_ascii_digit()) == name
}

fn place_work(
    model: &PublishedModel,
    place: &PublishedPlace,
    scale: f64,
    (board, processor): (&Blueprint, usize),
) -> Result<PlaceWork, PlantError> {
    let speed = speed(board, processor, place.clock)?;
    let share = place.serial + (1.0 - place.serial) / f64::from(place.cores);
    let most = model.table.subnetworks.last().map_or(1, |last| last.macs) as f64;
    let host = place.host.map_or(0.0, |host| host.get() * scale);
    let of = |(latency, macs): (&Seconds, u64)| {
        let alone = (latency.get() * scale - host) / share;
        Work {
            traffic: place.traffic * macs as f64 / most,
            serial: place.serial,
            ..Work::new(
                Seconds::new(place.stall * alone),
                (1.0 - place.stall) * alone * speed,
            )
        }
    };
    let macs = model.table.subnetworks.iter().map(|each| each.macs);
    let works = place.latencies.iter().zip(macs).map(of).collect();
    let host = match place.host {
        Some(_) => {
            let cluster = fastest(board);
            let highest = board.clusters[cluster].silicon.opps.last().map(|opp| opp.clock);
            let speed = self::speed(board, cluster, highest.unwrap_or_default())?;
            Some(Work::new(Seconds::ZERO, host * speed))
        }
        None => None,
    };
    Ok(PlaceWork { works, host })
}

/// The cluster of the highest capacity.
fn fastest(board: &Blueprint) -> usize {
    let clusters = board.clusters.iter().enumerate();
    clusters
        .max_by_key(|(index, cluster)| (cluster.capacity, std::cmp::Reverse(*index)))
        .map_or(0, |(index, _)| index)
}

/// The cycles per second of one unit of `processor` at `clock`, as [`Work`] counts them.
pub(crate) fn speed(board: &Blueprint, processor: usize, clock: Hertz) -> Result<f64, PlantError> {
    let mut plant = Plant::new(board, 0);
    plant.bound(processor, clock, clock)?;
    let place = match board.clusters.get(processor) {
        Some(cluster) => Place::Cpus(cluster.cpus.iter().take(1).collect::<CpuSet>()),
        None => Place::Accelerator(processor),
    };
    plant.submit(Pid(1), Work::new(Seconds::ZERO, PROBE), place)?;
    let mut took = Duration::ZERO;
    while plant.completed().is_empty() {
        took += plant.advance(Duration::from_secs(1));
    }
    Ok(PROBE / took.as_secs_f64())
}
