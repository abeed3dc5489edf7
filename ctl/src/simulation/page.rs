//! Contests as one HTML file that needs nothing else: what is drawn is drawn by a script in it.

use dynd_plant::Place;
use dynd_sim::lab::{Contest, Entry, Frame};
use dynd_vocab::blueprint::{ClusterPlan, Silicon};
use serde::Serialize;

use super::json::{Report, report};

const PAGE: &str = include_str!("page.html");
const SCRIPT: &str = include_str!("page.js");

/// Moments drawn per run, at most.
const MOMENTS: usize = 400;

/// What the script draws.
#[derive(Serialize)]
struct Data {
    report: Report,
    runs: Vec<ScenarioRuns>,
}

/// The runs of one scenario with the first seed.
#[derive(Serialize)]
struct ScenarioRuns {
    processors: Vec<String>,
    apps: Vec<AppNames>,
    controllers: Vec<ControllerRun>,
    disturbances_s: Vec<f64>,
}

#[derive(Serialize)]
struct AppNames {
    name: String,
    subnetworks: Vec<String>,
}

#[derive(Serialize)]
struct ControllerRun {
    name: String,
    apps: Vec<Timeline>,
    at_s: Vec<f64>,
    /// By processor.
    mhz: Vec<Vec<u64>>,
    watts: Vec<f64>,
    celsius: Vec<f64>,
}

/// The frames of an app, a column each: short, and quick to draw.
#[derive(Serialize)]
struct Timeline {
    release_s: Vec<f64>,
    latency_ms: Vec<Option<f64>>,
    target_ms: Vec<f64>,
    subnetwork: Vec<Option<usize>>,
    processor: Vec<Option<usize>>,
}

/// The HTML file of `contests`.
///
/// # Errors
/// None that can be provoked: the data is always JSON.
pub(crate) fn page(contests: &[Contest]) -> serde_json::Result<String> {
    let data = Data {
        report: report(contests),
        runs: contests.iter().map(runs).collect(),
    };
    // A name that holds "</script>" must not end the element.
    let data = serde_json::to_string(&data)?.replace('<', "\\u003c");
    Ok(PAGE.replace("{{data}}", &data).replace("{{script}}", SCRIPT))
}

fn runs(contest: &Contest) -> ScenarioRuns {
    let scenario = &contest.scenario;
    let names = |app: &dynd_files::ScenarioApp| AppNames {
        name: app.name.clone(),
        subnetworks: app
            .model
            .table
            .subnetworks
            .iter()
            .map(|each| each.name.clone())
            .collect(),
    };
    let silicon = scenario.board.1.silicon();
    ScenarioRuns {
        processors: silicon.map(|silicon: &Silicon| silicon.name.clone()).collect(),
        apps: scenario.apps.iter().map(names).collect(),
        controllers: contest
            .entries
            .iter()
            .map(|entry| controller(contest, entry))
            .collect(),
        disturbances_s: contest.entries.first().map_or_else(Vec::new, |entry| {
            let at = entry.trace.disturbances.iter();
            at.map(|at| seconds(at.as_nanos())).collect()
        }),
    }
}

fn controller(contest: &Contest, entry: &Entry) -> ControllerRun {
    let stride = entry.trace.moments.len().div_ceil(MOMENTS).max(1);
    let moments: Vec<_> = entry.trace.moments.iter().step_by(stride).collect();
    let processors = contest.scenario.board.1.silicon().count();
    ControllerRun {
        name: entry.contender.to_string(),
        apps: (0..contest.scenario.apps.len())
            .map(|app| timeline(contest, entry, app))
            .collect(),
        at_s: moments
            .iter()
            .map(|moment| seconds(moment.at.as_nanos()))
            .collect(),
        mhz: (0..processors)
            .map(|processor| {
                let clocks = moments.iter().map(|moment| moment.clocks[processor]);
                clocks.map(|clock| clock.as_hz() / 1_000_000).collect()
            })
            .collect(),
        watts: moments
            .iter()
            .map(|moment| rounded(moment.power.get(), 100.0))
            .collect(),
        celsius: moments
            .iter()
            .map(|moment| rounded(moment.hottest.get(), 10.0))
            .collect(),
    }
}

fn timeline(contest: &Contest, entry: &Entry, app: usize) -> Timeline {
    let mut frames: Vec<&Frame> = entry
        .trace
        .frames
        .iter()
        .filter(|frame| frame.app == app)
        .collect();
    frames.sort_by_key(|frame| frame.release);
    let clusters = &contest.scenario.board.1.clusters;
    let processor = |frame: &&Frame| {
        frame.run.and_then(|run| match run.place {
            Place::Cpus(cpus) => {
                let overlaps = |cluster: &ClusterPlan| !cluster.cpus.intersection(cpus).is_empty();
                clusters.iter().position(overlaps)
            }
            Place::Accelerator(processor) => Some(processor),
        })
    };
    Timeline {
        release_s: frames
            .iter()
            .map(|frame| seconds(frame.release.as_nanos()))
            .collect(),
        latency_ms: frames
            .iter()
            .map(|frame| Some(rounded(frame.latency?.as_millis(), 100.0)))
            .collect(),
        target_ms: frames
            .iter()
            .map(|frame| rounded(frame.target.as_millis(), 100.0))
            .collect(),
        subnetwork: frames.iter().map(|frame| Some(frame.run?.subnetwork)).collect(),
        processor: frames.iter().map(processor).collect(),
    }
}

fn seconds(nanos: u64) -> f64 {
    rounded(nanos as f64 * 1e-9, 1e3)
}

fn rounded(value: f64, steps: f64) -> f64 {
    (value * steps).round() / steps
}
