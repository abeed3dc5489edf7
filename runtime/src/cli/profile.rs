//! `profile`: how long does each sub-network take on this machine?
//!
//! As an app sees it that infers now and then, not in a loop: before each inference the threads sleep for as long
//! as the last one took, so that waking them up, and a processor's way out of idleness, count. (In a loop they cost
//! nothing, and targets derived from that are missed for ever.)

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use dynd_client::{CpuSet, Hertz, OperatingPoint, Pool, Seconds};
use dynd_files::load_manifest;
use dynd_runtime::{DynamicModel, Input};
use serde::{Deserialize, Serialize};

use super::failure::BadArgument;
use super::measurement::Latencies;

const WARMUPS: usize = 3;
const RUNS: usize = 100;
const LONGEST: Duration = Duration::from_secs(2);

/// The shortest pause between two inferences.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);

/// Measures each sub-network on one core and more, without a daemon.
#[derive(Debug, Args)]
pub(crate) struct Profile {
    /// The manifest, or the directory of its model.toml.
    manifest: PathBuf,
    /// The most threads to measure with.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    threads: u32,
    /// The CPUs to measure on, one thread each; by default the first that this process may use.
    #[arg(long, value_name = "LIST")]
    cpus: Option<CpuSet>,
    /// Prints JSON instead of a table.
    #[arg(long)]
    json: bool,
}

/// What was measured of a sub-network on some cores.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Measured {
    /// Index of the sub-network in the table.
    subnetwork: usize,
    /// Threads, each on a core of its own.
    cores: u32,
    /// The processor's clock meanwhile, if somebody kept it constant and wrote it down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    clock_hz: Option<u64>,
    median_s: f64,
    p95_s: f64,
}

impl Measured {
    /// As an operating point of `processor`.
    pub(crate) fn on(self, processor: &str) -> OperatingPoint {
        OperatingPoint {
            subnetwork: self.subnetwork,
            processor: processor.into(),
            cores: self.cores,
            clock: self.clock_hz.map(Hertz::from_hz),
            median: Seconds::new(self.median_s),
            p95: Seconds::new(self.p95_s),
        }
    }
}

/// Reads what [`Profile`] printed as JSON, for a model of `subnetworks` sub-networks.
pub(crate) fn read(path: &Path, subnetworks: usize) -> anyhow::Result<Vec<Measured>> {
    let bad = |reason: String| BadArgument {
        argument: "--profile",
        reason: format!(
            "{}: {reason}; measure again with 'profile --json'",
            path.display()
        ),
    };
    let text = std::fs::read_to_string(path).map_err(|error| bad(error.to_string()))?;
    let measured: Vec<Measured> = serde_json::from_str(&text).map_err(|error| bad(error.to_string()))?;
    if let Some(point) = measured.iter().find(|point| point.subnetwork >= subnetworks) {
        return Err(bad(format!("the model has no sub-network {}", point.subnetwork)).into());
    }
    Ok(measured)
}

impl Profile {
    pub(crate) fn run(&self) -> anyhow::Result<ExitCode> {
        let manifest = load_manifest(&self.manifest)?;
        let mut model = DynamicModel::load(&manifest, self.threads)?;
        let input = Input::new(&manifest.input)?;
        let cpus = self.cpus()?;
        let mut pool = Pool::new(model.teams())?;
        let mut measured = Vec::new();
        for cores in 1..=self.threads {
            // As a managed app is pinned.
            pool.pin(cpus.iter().take(cores as usize).collect())?;
            for subnetwork in 0..manifest.table.subnetworks.len() {
                measured.push(measure(&mut model, subnetwork, cores, &input)?);
            }
        }
        measured.sort_by_key(|point| (point.subnetwork, point.cores));
        if self.json {
            println!("{}", serde_json::to_string(&measured)?);
            return Ok(ExitCode::SUCCESS);
        }
        println!(
            "{:<16} {:>5} {:>12} {:>12}",
            "sub-network", "cores", "median", "p95"
        );
        for point in &measured {
            println!(
                "{:<16} {:>5} {:>9.2} ms {:>9.2} ms",
                manifest.table.subnetworks[point.subnetwork].name,
                point.cores,
                point.median_s * 1e3,
                point.p95_s * 1e3
            );
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Profile {
    /// The CPUs to measure on: no fewer than threads.
    fn cpus(&self) -> anyhow::Result<CpuSet> {
        let cpus = match self.cpus {
            Some(cpus) => cpus,
            None => dynd_client::allowed_cpus()?,
        };
        if cpus.len() < self.threads {
            let reason = format!("'{cpus}' are fewer CPUs than {} threads", self.threads);
            return Err(BadArgument {
                argument: "--cpus",
                reason,
            }
            .into());
        }
        Ok(cpus)
    }
}

fn measure(
    model: &mut DynamicModel,
    subnetwork: usize,
    cores: u32,
    input: &Input,
) -> anyhow::Result<Measured> {
    for _ in 0..WARMUPS {
        model.run(subnetwork, cores, input)?;
    }
    let mut latencies = Latencies::with_capacity(RUNS);
    let start = Instant::now();
    let mut pause = SHORTEST_PAUSE;
    for _ in 0..RUNS {
        std::thread::sleep(pause);
        let began = Instant::now();
        latencies.time(|| model.run(subnetwork, cores, input))?;
        pause = began.elapsed().max(SHORTEST_PAUSE);
        if start.elapsed() > LONGEST {
            break;
        }
    }
    let mut quantile = |share| {
        latencies
            .quantile(share)
            .context("failed to measure: no time passed")
    };
    Ok(Measured {
        subnetwork,
        cores,
        clock_hz: None,
        median_s: quantile(0.5)?,
        p95_s: quantile(0.95)?,
    })
}
