//! The outcome as tables, for people: one per app, a row per phase and way, and the verdicts.

use serde::Serialize;

use super::cast::NAMES;
use super::measure::{AppFigures, Figures};
use super::outcome::{AppTerms, Others, Outcome, Showing};
use crate::format;

/// The headings of a [`Row`].
pub(crate) const HEADINGS: [&str; 10] = [
    "phase",
    "way",
    "within\ntarget",
    "accu-\nracy",
    "correct,\non time",
    "p50\nms",
    "p95\nms",
    "late\nafter",
    "switch\ncount",
    "longest\ngap µs",
];

/// What the last group of rows is called.
const WHOLE: &str = "whole script";

/// How an app did in one phase in one way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Row {
    /// The phase.
    pub(crate) phase: &'static str,
    /// The way.
    pub(crate) way: &'static str,
    /// What is below the other [`HEADINGS`].
    pub(crate) cells: [String; 8],
}

/// Everything for the terminal.
pub(crate) fn text(outcome: &Outcome) -> String {
    let mut text = String::new();
    for (index, (name, app)) in NAMES.zip(outcome.apps.as_ref()).each().into_iter().enumerate() {
        let mut table = format::table(&HEADINGS);
        let mut last = "";
        for Row { phase, way, cells } in rows(outcome, index) {
            let group = if phase == last { "" } else { phase };
            if !last.is_empty() && !group.is_empty() {
                table.add_row([""]);
            }
            last = phase;
            table.add_row([group, way].into_iter().chain(cells.iter().map(String::as_str)));
        }
        format::right_align(&mut table, 2);
        text += &format!("{}\n\n{}\n\n", terms(name, app), format::render(&table));
    }
    text += NOTES;
    text += &others(outcome.others);
    text + &verdicts(outcome)
}

const NOTES: &str = "\
Phases count from the app's tenth frame in them, the whole script from the first.
late after: late frames from the arrival of load until the app was back within its target.
";

/// How quiet the machine was, if it is known.
pub(crate) fn others(others: Others) -> String {
    let share = |share: f64| format::percent(Some(share));
    match (others.beside_profile, others.beside_script) {
        (Some(profile), Some(script)) => format!(
            "other work used {} of the machine while the models were measured, and at most {} in a run.",
            share(profile),
            share(script)
        ),
        _ => String::new(),
    }
}

/// The rows of the camera (0) or the reader (1).
pub(crate) fn rows(outcome: &Outcome, app: usize) -> Vec<Row> {
    let figures = |showing: &Showing| showing.figures.as_ref().each()[app].clone();
    let mut rows = Vec::new();
    for (index, phase) in outcome.script.phases.iter().enumerate() {
        for showing in &outcome.showings {
            let figures = figures(showing);
            let Some(measured) = figures.phases.iter().find(|phase| phase.phase == index) else {
                continue;
            };
            let late = measured
                .late_after
                .map_or_else(String::new, |late| late.to_string());
            rows.push(Row {
                phase: phase.name,
                way: showing.label.name(),
                cells: cells(&measured.figures, late),
            });
        }
    }
    rows.extend(outcome.showings.iter().map(|showing| {
        let AppFigures {
            script, late_after, ..
        } = figures(showing);
        let late: Vec<_> = late_after.iter().map(usize::to_string).collect();
        Row {
            phase: WHOLE,
            way: showing.label.name(),
            cells: cells(&script, late.join(", ")),
        }
    }));
    rows
}

/// The terms of an app in one line.
pub(crate) fn terms(name: &str, app: &AppTerms) -> String {
    let AppTerms {
        model,
        threads,
        target,
        period,
    } = app;
    let threads = if *threads == 1 {
        "1 thread".into()
    } else {
        format!("{threads} threads")
    };
    let millis = |span: &std::time::Duration| span.as_secs_f64() * 1e3;
    format!(
        "{name}: {} with up to {threads}, target {:.1} ms for 95 % of frames, a frame every {:.1} ms",
        model.name,
        millis(target),
        millis(period)
    )
}

fn cells(figures: &Figures, late: String) -> [String; 8] {
    let number = |value: Option<f64>, digits: usize| {
        value.map_or_else(|| "-".into(), |value| format!("{value:.digits$}"))
    };
    [
        format::percent(figures.within_target()),
        format::percent(figures.quality()),
        format::percent(figures.share_correct_on_time()),
        number(figures.p50_ms, 1),
        number(figures.p95_ms, 1),
        late,
        figures.switches.to_string(),
        number(figures.longest_gap_us, 0),
    ]
}

fn verdicts(outcome: &Outcome) -> String {
    if outcome.verdicts.is_empty() {
        return String::new();
    }
    let number = |value: Option<f64>| value.map_or_else(|| "none".into(), |value| format!("{value:.3}"));
    let mut table = format::table(&["managed must show", "value", "", "limit", ""]);
    for verdict in &outcome.verdicts {
        table.add_row([
            verdict.what.clone(),
            number(verdict.value),
            verdict.op.sign().into(),
            number(verdict.limit),
            if verdict.ok { "ok" } else { "not met" }.into(),
        ]);
    }
    format!("\n\n{}", format::render(&table))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::outcome::tests::full;

    #[test]
    fn the_table_fits_the_terminal() {
        let text = text(&full('s'));
        let widest = text.lines().map(|line| line.chars().count()).max();
        assert!(widest.is_some_and(|width| width <= 100), "{widest:?}\n{text}");
    }

    #[test]
    fn a_phase_without_the_app_has_no_row() {
        let outcome = full('o');
        let phases = |app| {
            let mut phases: Vec<_> = rows(&outcome, app).iter().map(|row| row.phase).collect();
            phases.dedup();
            phases
        };
        assert_eq!(phases(0).len(), 7);
        assert_eq!(
            phases(1),
            [
                "reader arrives",
                "light load",
                "heavy load",
                "load gone",
                "whole script"
            ]
        );
    }

    #[test]
    fn a_row_says_what_was_measured() {
        let outcome = full('l');
        let row = rows(&outcome, 0)
            .into_iter()
            .find(|row| row.phase == "heavy load")
            .unwrap();
        assert_eq!(row.way, "managed");
        assert_eq!(
            row.cells,
            ["0.0 %", "100.0 %", "0.0 %", "30.0", "30.0", "150", "0", "-"].map(String::from)
        );
    }
}
