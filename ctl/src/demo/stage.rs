//! What is the same for all runs: programs, models, board, the terms of the apps, a directory for files.

use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use dynd_vocab::{Board as _, BoardStatus, CpuSet};
use tempfile::TempDir;

use super::Plan;
use super::bystanders::Bystanders;
use super::cast::Cast;
use super::outcome::AppTerms;
use super::profile;
use super::venue::Venue;
use crate::board;
use crate::failure::Failure;
use crate::program::Program;

/// Who plays what, and how much room it is given.
struct Casting {
    /// The directory of its model.
    model: &'static str,
    /// The most threads of its inference.
    threads: u32,
    /// Target over the 95th percentile of the latency of the largest sub-network, undisturbed.
    room: f64,
}

const CASTING: Cast<Casting> = Cast {
    camera: Casting {
        model: "slim-mnist",
        threads: 2,
        room: 1.25,
    },
    reader: Casting {
        model: "exit-mnist",
        threads: 1,
        room: 1.5,
    },
};

/// Period over target.
const PERIOD: f64 = 1.5;

/// Over how long the machine is watched before the demo.
const LISTEN: Duration = Duration::from_millis(500);

/// Load that is no longer quiet.
const QUIET: f64 = 0.15;

/// A profile beside which others used more of the machine than this is taken again: it would make targets easy.
const UNDISTURBED: f64 = 0.03;

/// What is the same for all runs.
#[derive(Debug)]
pub(crate) struct Stage {
    /// The daemon's program.
    pub(crate) daemon: PathBuf,
    /// The program that runs inference.
    pub(crate) runtime: PathBuf,
    /// The machine before the demo.
    pub(crate) board: BoardStatus,
    /// The share of the machine (0 to 1) that others used while the models were measured, if it is known.
    pub(crate) beside_profile: Option<f64>,
    /// The processor that the profiles are of.
    pub(crate) processor: String,
    /// CPUs of the board that this process may use.
    pub(crate) cpus: u32,
    /// The apps.
    pub(crate) parts: Cast<Part>,
    /// For sockets and logs; goes with the stage.
    pub(crate) directory: TempDir,
    /// Where all of it takes place.
    pub(crate) venue: Venue,
}

/// An app, before it is started.
#[derive(Debug)]
pub(crate) struct Part {
    /// What it runs, and on what terms.
    pub(crate) terms: AppTerms,
    /// Its model's manifest.
    pub(crate) manifest: PathBuf,
    /// Its model's profile.
    pub(crate) profile: PathBuf,
}

impl Stage {
    /// Looks for all that `plan` needs and profiles the models.
    ///
    /// # Errors
    /// If something is missing, does not hold, or fails.
    pub(crate) async fn set(plan: &Plan, venue: Venue) -> Result<Self, Failure> {
        let daemon = Program::Daemon.find()?;
        let runtime = Program::Runtime.find()?;
        let models = find_models(plan.models.as_deref()).map_err(Failure::BadInput)?;
        let mut host = board::discover(venue.root())?;
        let fastest = host
            .describe()
            .processors
            .iter()
            .max_by_key(|processor| processor.capacity);
        let fastest = fastest.context("the board has no processor")?;
        let processor = fastest.name.clone();
        let allowed = dynd_client::allowed_cpus()?;
        let allowed = match host.describe().cpus().intersection(allowed) {
            none if none.is_empty() => allowed,
            some => some,
        };
        let profiled = match fastest.cpus.intersection(allowed) {
            none if none.is_empty() => allowed,
            some => some,
        };

        let board = board::observe(&mut host, LISTEN).await;
        warn_if_busy(&board);
        let directory = tempfile::Builder::new().prefix("dynctl-demo-").tempdir();
        let directory = directory.context("failed to make a directory for the demo's files")?;
        eprintln!("dynctl: measuring the models on the quiet machine");
        let files = Files {
            runtime: &runtime,
            models: &models,
            directory: directory.path(),
            cpus: profiled,
            venue: &venue,
        };
        let parts = Cast {
            camera: Part::undisturbed(&CASTING.camera, &files, plan.measurements).await?,
            reader: Part::undisturbed(&CASTING.reader, &files, plan.measurements).await?,
        };
        let beside = parts.as_ref().map(|profiled| profiled.beside);
        let beside_profile = beside.each().into_iter().flatten().reduce(f64::max);
        if let Some(share) = beside_profile.filter(|&share| share > UNDISTURBED) {
            eprintln!(
                "dynctl: warning: other work used {:.0} % of this machine at best; targets are easier than on a quiet one",
                share * 100.0
            );
        }
        Ok(Self {
            daemon,
            runtime,
            board,
            beside_profile,
            processor,
            cpus: allowed.len(),
            parts: parts.map(|profiled| profiled.part),
            directory,
            venue,
        })
    }
}

/// Where things are.
struct Files<'a> {
    runtime: &'a Path,
    models: &'a Path,
    directory: &'a Path,
    /// Where models are profiled.
    cpus: CpuSet,
    venue: &'a Venue,
}

/// An app that was cast, and the share of the machine (0 to 1) that others used meanwhile, if it is known.
struct Profiled {
    part: Part,
    beside: Option<f64>,
}

impl Part {
    /// The name of its sub-network of this index.
    pub(crate) fn subnetwork(&self, index: usize) -> &str {
        let subnetwork = self.terms.model.subnetworks.get(index);
        subnetwork.map_or("", |subnetwork| subnetwork.name.as_str())
    }

    /// Casts it, and again while others disturb that, up to so many times: the least disturbed counts.
    async fn undisturbed(casting: &Casting, files: &Files<'_>, times: u32) -> Result<Profiled, Failure> {
        let mut least = Self::profiled(casting, files, 1).await?;
        for attempt in 2..=times {
            let Some(share) = least.beside.filter(|&share| share > UNDISTURBED) else {
                break;
            };
            eprintln!(
                "dynctl: other work used {:.0} % of this machine meanwhile; measuring {} again ({attempt} of {times})",
                share * 100.0,
                casting.model
            );
            let next = Self::profiled(casting, files, attempt).await?;
            if next.beside < least.beside {
                least = next;
            }
        }
        Ok(least)
    }

    /// Casts it, and tells what others did meanwhile.
    async fn profiled(casting: &Casting, files: &Files<'_>, attempt: u32) -> Result<Profiled, Failure> {
        let bystanders = Bystanders::watch()?;
        let part = Self::cast(casting, files, attempt).await?;
        // What serves a virtual board cannot be told from bystanders.
        let beside = if files.venue.is_machine() {
            bystanders.share()?
        } else {
            None
        };
        Ok(Profiled { part, beside })
    }

    /// Profiles the model, on no more threads than there are CPUs, and derives the terms from that.
    async fn cast(casting: &Casting, files: &Files<'_>, attempt: u32) -> Result<Self, Failure> {
        let manifest = dynd_files::load_manifest(&files.models.join(casting.model));
        let manifest = manifest.map_err(Failure::bad_input)?;
        let threads = casting.threads.min(files.cpus.len());
        let profile = files
            .directory
            .join(format!("{}.profile-{attempt}.json", casting.model));
        let profiling = profile::start(files.runtime, &manifest, (threads, files.cpus), &profile)?;
        files.venue.admit(&profiling)?;
        let undisturbed = profile::finish(profiling, &manifest, &profile).await?;
        let target = undisturbed.mul_f64(casting.room);
        Ok(Self {
            terms: AppTerms {
                model: manifest.table,
                threads,
                target,
                period: target.mul_f64(PERIOD),
            },
            manifest: manifest.path,
            profile,
        })
    }
}

fn warn_if_busy(board: &BoardStatus) {
    if let Some(load) = board::load(board).filter(|&load| load > QUIET) {
        eprintln!(
            "dynctl: warning: other work uses {:.0} % of this machine; the figures will suffer from it",
            load * 100.0
        );
    }
}

/// The directory that holds the models of both apps.
fn find_models(given: Option<&Path>) -> anyhow::Result<PathBuf> {
    let names = [CASTING.camera.model, CASTING.reader.model];
    let holds = |directory: &Path| names.iter().all(|model| directory.join(model).is_dir());
    let missing = |place: &str| anyhow!("no models {} and {} in {place}", names[0], names[1]);
    if let Some(given) = given {
        let found = holds(given).then(|| given.to_path_buf());
        return found.ok_or_else(|| missing(&given.display().to_string()));
    }
    // A program built in a source tree lies in target/PROFILE/.
    let own = env::current_exe().ok();
    let tree = own.as_deref().and_then(|own| own.ancestors().nth(3));
    let candidates = [
        Some(PathBuf::from("models")),
        tree.map(|tree| tree.join("models")),
        Some(PathBuf::from("/usr/share/dynd/models")),
    ];
    let mut candidates = candidates.into_iter().flatten();
    candidates
        .find(|directory| holds(directory))
        .ok_or_else(|| missing("models/ or /usr/share/dynd/models; name their directory with --models"))
}
