//! One network served by a GPU: the clients of the measured experiment ask the simulated board.
//!
//! Each client waits for its answer, then needs some time of one CPU before it asks again. The server takes all
//! questions that wait when the GPU comes free as one batch (Triton's dynamic batching without delay). The clocks of the CPUs
//! are at their highest; the board is as warm as one that has worked for a while.
//!
//! Every error is over the rows that nothing was fitted on; so is the clock of least energy, of the clocks at which one client's
//! row is such a one, with its distance counted in all clocks that were measured.

use std::collections::BTreeMap;
use std::time::Duration;

use dynd_files::{Serving, ServingClock};
use dynd_plant::{Batch, Completion, JobId, Place, Plant, Work};
use dynd_vocab::{Blueprint, Celsius, CpuSet, Hertz, Pid, ProcessorKind, Seconds};

use super::ValidationError;
use super::check::{Check, Errors, Unit};

const ONE_CLIENT: f64 = 5.0;
const MANY_CLIENTS: f64 = 15.0;
const POWER: f64 = 8.0;
const LEAST_ENERGY: f64 = 1.0;

/// How warm the board is when an experiment begins.
const WARM: Celsius = Celsius::new(45.0);

/// Answers per client before counting begins, and while it lasts.
const SETTLING: usize = 4;
const COUNTED: usize = 12;

/// Bound on the batch; Triton's is the model's, which no run reached.
const LARGEST_BATCH: u32 = 32;

/// The server's process; clients are numbered after it.
const SERVER: Pid = Pid(1);

/// What one experiment found.
#[derive(Clone, Copy)]
struct Found {
    latency: f64,
    watts: f64,
}

/// Runs every experiment of `serving` on `board`.
pub(super) fn check(name: &str, board: &Blueprint, serving: &Serving) -> Result<Vec<Check>, ValidationError> {
    let (mut one, mut many, mut power) = (Errors::default(), Errors::default(), Errors::default());
    let (mut simulated, mut measured) = (Vec::new(), Vec::new());
    for (index, row) in serving.clocks.iter().enumerate() {
        for (column, &clients) in serving.clients.iter().enumerate() {
            let found = experiment(name, board, serving, row, clients)?;
            let (latency, watts) = (row.latency[column].get(), row.watts[column]);
            let error = 100.0 * (found.latency / latency - 1.0);
            let is_fitted = serving.is_fitted(row.clock, clients);
            power.push(is_fitted, 100.0 * (found.watts / watts - 1.0));
            if clients > 1 {
                many.push(is_fitted, error);
                continue;
            }
            one.push(is_fitted, error);
            if !is_fitted {
                simulated.push((index, found.latency * found.watts));
                measured.push((index, latency * watts));
            }
        }
    }
    let percent = |what: &str, errors: &Errors, limit: f64| {
        let name = format!("{name}: {what}, mean error");
        Check::at_most(name, errors.mean_absolute(), limit, Unit::Percent).of(errors.rows())
    };
    Ok(vec![
        percent("latency of one client over all GPU clocks", &one, ONE_CLIENT),
        percent(
            "latency of several clients over all GPU clocks",
            &many,
            MANY_CLIENTS,
        ),
        percent("board power", &power, POWER),
        least_energy(name, &simulated, &measured).of(one.rows()),
    ])
}

/// How far apart the clocks are at which `simulated` and `measured` energies, each beside the index of its clock, are lowest.
fn least_energy(name: &str, simulated: &[(usize, f64)], measured: &[(usize, f64)]) -> Check {
    let lowest = |energies: &[(usize, f64)]| {
        energies
            .iter()
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .map(|&(index, _)| index)
    };
    let apart = match (lowest(simulated), lowest(measured)) {
        (Some(simulated), Some(measured)) => simulated.abs_diff(measured) as f64,
        _ => f64::NAN,
    };
    let name = format!("{name}: clock of least energy");
    Check::at_most(name, apart, LEAST_ENERGY, Unit::Opps)
}

/// `clients` clients at the GPU clock of `row`.
fn experiment(
    name: &str,
    board: &Blueprint,
    serving: &Serving,
    row: &ServingClock,
    clients: u32,
) -> Result<Found, ValidationError> {
    let (mut plant, gpu) = prepare(name, board, row.clock)?;
    let mut clients = Clients::new(&mut plant, serving, gpu, clients)?;
    let (settling, counted) = (SETTLING * clients.count, COUNTED * clients.count);
    let mut answers = 0;
    let (mut began, mut energy, mut waited) = (plant.now(), 0.0, Seconds::ZERO);
    while answers < settling + counted {
        plant.advance(Duration::from_secs(1));
        for done in plant.completed() {
            if clients.answered(&mut plant, &done)? {
                answers += 1;
                if answers > settling {
                    waited += done.latency();
                } else if answers == settling {
                    (began, energy) = (plant.now(), plant.energy());
                }
            }
        }
    }
    let seconds = plant.now().since(began).as_secs_f64();
    Ok(Found {
        latency: waited.get() / (answers - settling) as f64,
        watts: (plant.energy() - energy) / seconds,
    })
}

/// The board with its GPU held at `clock` and its CPUs at their highest, and the index of the GPU.
fn prepare(name: &str, board: &Blueprint, clock: Hertz) -> Result<(Plant, usize), ValidationError> {
    let gpu = board
        .accelerators
        .iter()
        .position(|each| each.kind == ProcessorKind::Gpu);
    let gpu = gpu.ok_or_else(|| ValidationError::Lacks {
        board: name.into(),
        what: "GPU".into(),
    })?;
    let gpu = board.clusters.len() + gpu;
    let mut plant = Plant::new(board, super::SEED);
    for cluster in 0..board.clusters.len() {
        plant.govern(cluster, "performance")?;
    }
    plant.bound(gpu, clock, clock)?;
    for node in 0..board.thermal.nodes.len() {
        plant.preheat(node, WARM);
    }
    Ok((plant, gpu))
}

/// Clients that ask, wait and ask again.
struct Clients {
    count: usize,
    gpu: usize,
    image: Work,
    host: Vec<(Work, CpuSet)>,
    /// Which client's time on the CPU a job is.
    thinking: BTreeMap<JobId, usize>,
    /// Which client's question a job is.
    asking: BTreeMap<JobId, usize>,
}

impl Clients {
    fn new(plant: &mut Plant, serving: &Serving, gpu: usize, count: u32) -> Result<Self, ValidationError> {
        let image = Work {
            traffic: serving.traffic,
            batch: Some(Batch {
                gain: serving.gain,
                most: LARGEST_BATCH,
            }),
            ..Work::new(serving.stall, serving.cycles)
        };
        let cpus: Vec<u32> = plant.cpus().iter().collect();
        let clock = plant.real_clock(0).as_hz() as f64;
        let work = Work::new(Seconds::ZERO, serving.host.get() * clock);
        let host = (0..count as usize).map(|client| (work, CpuSet::single(cpus[client % cpus.len()])));
        let mut clients = Self {
            count: count as usize,
            gpu,
            image,
            host: host.collect(),
            thinking: BTreeMap::new(),
            asking: BTreeMap::new(),
        };
        for client in 0..clients.count {
            clients.think(plant, client)?;
        }
        Ok(clients)
    }

    /// Takes notice of what is done; true if it was an answer.
    fn answered(&mut self, plant: &mut Plant, done: &Completion) -> Result<bool, ValidationError> {
        if let Some(client) = self.thinking.remove(&done.job) {
            let job = plant.submit(SERVER, self.image, Place::Accelerator(self.gpu))?;
            self.asking.insert(job, client);
        } else if let Some(client) = self.asking.remove(&done.job) {
            self.think(plant, client)?;
            return Ok(true);
        }
        Ok(false)
    }

    fn think(&mut self, plant: &mut Plant, client: usize) -> Result<(), ValidationError> {
        let (work, cpus) = self.host[client];
        let app = Pid(SERVER.0 + 1 + client as u32);
        let job = plant.submit(app, work, Place::Cpus(cpus))?;
        self.thinking.insert(job, client);
        Ok(())
    }
}
