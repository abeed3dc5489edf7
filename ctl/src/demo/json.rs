//! The outcome as one JSON object, for programs.

use dynd_vocab::BoardStatus;
use serde::Serialize;

use super::cast::Cast;
use super::measure::{AppFigures, Figures, PhaseFigures};
use super::outcome::{Label, Others, Outcome, Showing};
use super::script::Script;
use super::verdict::Verdict;

/// What `--json` prints.
#[derive(Serialize)]
pub(crate) struct Document<'a> {
    board: &'a BoardStatus,
    others: Others,
    phases: Vec<Span>,
    runs: Runs<'a>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    verdict: &'a [Verdict],
}

/// A phase and its times.
#[derive(Serialize)]
pub(crate) struct Span {
    name: &'static str,
    start_s: f64,
    end_s: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Runs<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    managed: Option<Way<'a, App>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    static_largest: Option<Way<'a, App>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    static_smallest: Option<Way<'a, App>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    best_static: Option<Way<'a, App>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    best_per_phase: Option<Way<'a, ComposedApp>>,
}

#[derive(Serialize)]
struct Way<'a, A> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pair: Option<&'a Cast<String>>,
    apps: Cast<A>,
}

#[derive(Serialize)]
struct App {
    target_ms: f64,
    inferences: usize,
    within_target: Option<f64>,
    quality: Option<f64>,
    correct_on_time: Option<f64>,
    p50_ms: Option<f64>,
    p95_ms: Option<f64>,
    late_after: Vec<usize>,
    switches: usize,
    switch_gap_us_p99: Option<f64>,
    phases: Vec<Phase>,
}

/// An app whose frames come from several runs: what spans their seams says nothing.
#[derive(Serialize)]
struct ComposedApp {
    within_target: Option<f64>,
    correct_on_time: Option<f64>,
    phases: Vec<Phase>,
}

#[derive(Serialize)]
struct Phase {
    name: &'static str,
    within_target: Option<f64>,
    quality: Option<f64>,
    correct_on_time: Option<f64>,
}

/// The document of `outcome`.
pub(crate) fn document(outcome: &Outcome) -> Document<'_> {
    let way = |label| {
        let showing: &Showing = outcome.showing(label)?;
        Some(Way {
            pair: showing.pair.as_ref().filter(|_| label == Label::BestStatic),
            apps: showing
                .figures
                .as_ref()
                .map(|figures| app(figures, &outcome.script)),
        })
    };
    let composed = |showing: &Showing| Way {
        pair: None,
        apps: showing.figures.as_ref().map(|figures| ComposedApp {
            within_target: figures.script.within_target(),
            correct_on_time: figures.script.share_correct_on_time(),
            phases: phases(figures, &outcome.script),
        }),
    };
    Document {
        board: &outcome.board,
        others: outcome.others,
        phases: spans(&outcome.script),
        runs: Runs {
            managed: way(Label::Managed),
            static_largest: way(Label::StaticLargest),
            static_smallest: way(Label::StaticSmallest),
            best_static: way(Label::BestStatic),
            best_per_phase: outcome.showing(Label::BestPerPhase).map(composed),
        },
        verdict: &outcome.verdicts,
    }
}

/// The phases of `script` and their times.
pub(crate) fn spans(script: &Script) -> Vec<Span> {
    let span = |phase: &super::script::Phase| Span {
        name: phase.name,
        start_s: phase.start.as_secs_f64(),
        end_s: phase.end.as_secs_f64(),
    };
    script.phases.iter().map(span).collect()
}

fn app(figures: &AppFigures, script: &Script) -> App {
    let over: &Figures = &figures.script;
    App {
        target_ms: figures.target_ms,
        inferences: over.inferences,
        within_target: over.within_target(),
        quality: over.quality(),
        correct_on_time: over.share_correct_on_time(),
        p50_ms: over.p50_ms,
        p95_ms: over.p95_ms,
        late_after: figures.late_after.clone(),
        switches: over.switches,
        switch_gap_us_p99: over.gap_p99_us,
        phases: phases(figures, script),
    }
}

fn phases(figures: &AppFigures, script: &Script) -> Vec<Phase> {
    let phase = |phase: &PhaseFigures| Phase {
        name: script.phases[phase.phase].name,
        within_target: phase.figures.within_target(),
        quality: phase.figures.quality(),
        correct_on_time: phase.figures.share_correct_on_time(),
    };
    figures.phases.iter().map(phase).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::demo::outcome::tests::{full, outcome};
    use crate::demo::way::Way;

    fn keys(value: &Value) -> Vec<&str> {
        value.as_object().unwrap().keys().map(String::as_str).collect()
    }

    #[test]
    fn the_names_are_those_that_programs_rely_on() {
        let outcome = full('s');
        let document = serde_json::to_value(document(&outcome)).unwrap();
        assert_eq!(keys(&document), ["board", "others", "phases", "runs", "verdict"]);
        assert_eq!(document["others"], json!({"profile": 0.01, "script": 0.123}));
        assert_eq!(
            document["phases"][1],
            json!({"name": "reader arrives", "start_s": 4.0, "end_s": 8.0})
        );
        let runs = &document["runs"];
        assert_eq!(
            keys(runs),
            [
                "best-per-phase",
                "best-static",
                "managed",
                "static-largest",
                "static-smallest"
            ]
        );
        assert_eq!(keys(&runs["managed"]), ["apps"]);
        assert_eq!(
            runs["best-static"]["pair"],
            json!({"camera": "w50", "reader": "e2"})
        );
        assert_eq!(
            keys(&runs["managed"]["apps"]["camera"]),
            [
                "correct_on_time",
                "inferences",
                "late_after",
                "p50_ms",
                "p95_ms",
                "phases",
                "quality",
                "switch_gap_us_p99",
                "switches",
                "target_ms",
                "within_target"
            ]
        );
        let reader = &runs["best-per-phase"]["apps"]["reader"];
        assert_eq!(keys(reader), ["correct_on_time", "phases", "within_target"]);
        assert_eq!(
            reader["phases"][0],
            json!({"name": "reader arrives", "within_target": 1.0, "quality": 1.0, "correct_on_time": 1.0})
        );
        let verdict = &document["verdict"][0];
        assert_eq!(keys(verdict), ["limit", "ok", "op", "value", "what"]);
        assert_eq!(verdict["op"], ">=");
    }

    #[test]
    fn what_was_not_run_is_absent() {
        let outcome = outcome(&[(Way::Managed, 'o')]);
        let document = serde_json::to_value(document(&outcome)).unwrap();
        assert_eq!(keys(&document), ["board", "others", "phases", "runs"]);
        assert_eq!(keys(&document["runs"]), ["managed"]);
        assert_eq!(
            document["runs"]["managed"]["apps"]["camera"]["switch_gap_us_p99"],
            Value::Null
        );
    }
}
