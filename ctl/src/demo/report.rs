//! The outcome as one HTML file that needs nothing else: the timelines are drawn by a script in it.

use dynd_vocab::Subnetwork;
use serde::Serialize;

use super::cast::{Cast, NAMES};
use super::frames::Frame;
use super::json::{self, Span};
use super::outcome::{AppTerms, Outcome};
use super::table::{self, HEADINGS, Row};
use super::verdict::Verdict;

const PAGE: &str = include_str!("report.html");
const SCRIPT: &str = include_str!("report.js");

/// What the script draws.
#[derive(Serialize)]
struct Data<'a> {
    board: String,
    others: String,
    phases: Vec<Span>,
    loads: Vec<u32>,
    apps: [App<'a>; 2],
    ways: Vec<Way<'a>>,
    headings: [&'static str; 10],
    verdicts: &'a [Verdict],
}

#[derive(Serialize)]
struct App<'a> {
    name: &'static str,
    terms: String,
    target_ms: f64,
    subnetworks: Vec<&'a str>,
    rows: Vec<Row>,
}

#[derive(Serialize)]
struct Way<'a> {
    name: &'static str,
    pair: Option<&'a Cast<String>>,
    /// Of the camera and of the reader.
    timelines: [Timeline; 2],
}

/// The frames of an app, a column each: short, and quick to draw.
#[derive(Serialize)]
struct Timeline {
    release_s: Vec<f64>,
    latency_ms: Vec<Option<f64>>,
    subnetwork: Vec<Option<usize>>,
    cores: Vec<Option<u32>>,
}

/// The HTML file of `outcome`.
///
/// # Errors
/// None that can be provoked: the data is always JSON.
pub(crate) fn page(outcome: &Outcome) -> serde_json::Result<String> {
    let app = |index: usize, name, terms: &'_ AppTerms| App {
        name,
        terms: table::terms(name, terms),
        target_ms: terms.target.as_secs_f64() * 1e3,
        subnetworks: names(&outcome.apps, index),
        rows: table::rows(outcome, index),
    };
    let ways = outcome.showings.iter().map(|showing| Way {
        name: showing.label.name(),
        pair: showing.pair.as_ref(),
        timelines: showing.frames.as_ref().map(|frames| timeline(frames)).each(),
    });
    let data = Data {
        board: board(outcome),
        others: table::others(outcome.others),
        phases: json::spans(&outcome.script),
        loads: outcome.script.phases.iter().map(|phase| phase.load).collect(),
        apps: [
            app(0, NAMES.camera, &outcome.apps.camera),
            app(1, NAMES.reader, &outcome.apps.reader),
        ],
        ways: ways.collect(),
        headings: HEADINGS,
        verdicts: &outcome.verdicts,
    };
    // A name that holds "</script>" must not end the element.
    let data = serde_json::to_string(&data)?.replace('<', "\\u003c");
    Ok(PAGE.replace("{{data}}", &data).replace("{{script}}", SCRIPT))
}

fn names(apps: &Cast<AppTerms>, index: usize) -> Vec<&str> {
    let subnetworks = &apps.as_ref().each()[index].model.subnetworks;
    subnetworks
        .iter()
        .map(|Subnetwork { name, .. }| name.as_str())
        .collect()
}

fn board(outcome: &Outcome) -> String {
    let processor =
        |processor: &dynd_vocab::ProcessorStatus| format!("{} (cpus {})", processor.name, processor.cpus);
    let processors: Vec<_> = outcome.board.processors.iter().map(processor).collect();
    format!("{}: {}", outcome.board.name, processors.join(", "))
}

fn timeline(frames: &[Frame]) -> Timeline {
    let rounded = |value: f64, digits: f64| (value * digits).round() / digits;
    let latency = |frame: &Frame| Some(rounded(frame.run?.latency_ns as f64 * 1e-6, 1e3));
    Timeline {
        release_s: frames
            .iter()
            .map(|frame| rounded(frame.release_ns as f64 * 1e-9, 1e4))
            .collect(),
        latency_ms: frames.iter().map(latency).collect(),
        subnetwork: frames
            .iter()
            .map(|frame| frame.run.map(|run| run.subnetwork))
            .collect(),
        cores: frames
            .iter()
            .map(|frame| frame.run.map(|run| run.cores))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::outcome::tests::full;

    #[test]
    fn the_page_holds_the_data_and_asks_for_nothing() {
        let page = page(&full('s')).unwrap();
        assert!(!page.contains("{{"));
        assert!(page.contains(r#""latency_ms":[10.0,10.0"#));
        assert!(page.contains("best-per-phase"));
        for outside in ["http:", "https:", "src=", "href=", "url(", "@import", "fetch("] {
            assert!(!page.contains(outside), "{outside}");
        }
    }

    #[test]
    fn a_name_cannot_end_the_script() {
        let mut outcome = full('o');
        outcome.board.name = "</script><b>".into();
        assert_eq!(
            page(&outcome).unwrap().matches("</script>").count(),
            PAGE.matches("</script>").count()
        );
    }
}
