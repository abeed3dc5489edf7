//! The demo: one script, run in several ways with real processes, and what came of it.
//!
//! Steps:
//! 1. Profile both models on the quiet machine; targets and periods follow from that.
//! 2. Run the script in each [`Way`]: start the private daemon (managed only), both apps, and the load of
//!    each phase when its time comes. If every fixed pair is tried, run the best one again, right after managed.
//! 3. Read what the apps logged, compute figures, find the best fixed pairs, judge.
//!
//! ```text
//!   script ─┐                                          ┌─► json
//!   way ────┼─► play ─► frames ─► measure ─► outcome ──┼─► table
//!   stage ──┘   (processes)        best, verdict       └─► report
//! ```

mod best;
mod bystanders;
mod cast;
mod frames;
mod json;
mod live;
mod measure;
mod outcome;
mod play;
mod process;
mod profile;
mod progress;
mod report;
mod scene;
mod script;
mod stage;
mod table;
mod venue;
mod verdict;
mod way;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use tokio::signal::unix::{SignalKind, signal};

use crate::failure::Failure;

use self::bystanders::Bystanders;
use self::outcome::{Others, Outcome, Run};
use self::play::Player;
use self::progress::Progress;
use self::script::Script;
use self::stage::Stage;
use self::venue::Venue;
use self::way::Way;

pub(crate) use self::json::document;
pub(crate) use self::table::text;

/// What to run.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Length of the script.
    pub(crate) seconds: u32,
    /// Whether to run every fixed pair, or only the largest and the smallest.
    pub(crate) every_pair: bool,
    /// How often to measure a model at most: again each time that other work disturbs it.
    pub(crate) measurements: u32,
    /// Where to write the report.
    pub(crate) report: Option<PathBuf>,
    /// Where the models are, if it is not where they are looked for.
    pub(crate) models: Option<PathBuf>,
    /// The virtual board to play on, if it is not this machine.
    pub(crate) live_board: Option<String>,
}

/// Runs the demo. Whatever it started has ended, and its files are gone, when it returns, interrupted or not.
///
/// # Errors
/// If the plan asks for what is not there, if a program is missing or fails, or if it is interrupted.
pub(crate) async fn run(plan: &Plan) -> Result<Outcome, Failure> {
    if let Some(report) = &plan.report {
        check_place(report).map_err(Failure::BadInput)?;
    }
    let mut signals = [
        SignalKind::interrupt(),
        SignalKind::terminate(),
        SignalKind::hangup(),
    ]
    .map(signal)
    .into_iter()
    .collect::<Result<Vec<_>, _>>()
    .context("failed to listen for signals")?;
    let [interrupt, terminate, hangup] = &mut signals[..] else {
        return Err(anyhow!("failed to listen for signals").into());
    };
    let outcome = tokio::select! {
        biased;
        _ = interrupt.recv() => return Err(Failure::Interrupted),
        _ = terminate.recv() => return Err(Failure::Interrupted),
        _ = hangup.recv() => return Err(Failure::Interrupted),
        outcome = perform(plan) => outcome?,
    };
    if let Some(report) = &plan.report {
        let page = report::page(&outcome).context("failed to write the report's data")?;
        std::fs::write(report, page).with_context(|| format!("failed to write {}", report.display()))?;
        eprintln!("dynctl: wrote {}", report.display());
    }
    Ok(outcome)
}

async fn perform(plan: &Plan) -> Result<Outcome, Failure> {
    let script = Script::lasting(Duration::from_secs(plan.seconds.into()));
    let venue = match &plan.live_board {
        Some(name) => Venue::board(name)?,
        None => Venue::default(),
    };
    let stage = Stage::set(plan, venue).await?;
    let subnetworks = stage
        .parts
        .as_ref()
        .map(|part| part.terms.model.subnetworks.len());
    let mut ways = Way::all(subnetworks, plan.every_pair);
    let progress = Progress::new(&script, ways.len() + usize::from(plan.every_pair));
    let mut player = Player::new(&stage, &script, &progress);
    let mut runs = Vec::new();
    let terms = stage.parts.as_ref().map(|part| part.terms.clone());
    let mut beside_script: Option<f64> = None;
    while let Some(&way) = ways.get(runs.len()) {
        let bystanders = Bystanders::watch()?;
        let frames = player.play(way).await?;
        runs.push(Run { way, frames });
        if stage.venue.is_machine() {
            beside_script = [beside_script, bystanders.share()?]
                .into_iter()
                .flatten()
                .reduce(f64::max);
        }
        // What was best of all tries was lucky too, and long ago: it is judged by how it does right after managed.
        if plan.every_pair && way == Way::Managed {
            ways.extend(outcome::best_pair(&terms, &script, &runs).map(Way::Fixed));
        }
    }
    progress.finish();
    let others = Others {
        beside_profile: stage.beside_profile,
        beside_script,
    };
    Ok(Outcome::of((stage.board.clone(), others), script, terms, runs))
}

/// Whether a report can be written there: told before the demo, not after it.
fn check_place(report: &Path) -> anyhow::Result<()> {
    let directory = match report.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    if report.is_dir() {
        return Err(anyhow!("failed to write {}: it is a directory", report.display()));
    }
    if !directory.is_dir() {
        let directory = directory.display();
        return Err(anyhow!(
            "failed to write {}: there is no directory {directory}",
            report.display()
        ));
    }
    Ok(())
}
