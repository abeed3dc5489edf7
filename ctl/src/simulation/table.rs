//! Contests as text.

use super::json::{ControllerReport, Report, ScenarioReport, Spread};
use crate::format;

const HEADINGS: [&str; 12] = [
    "controller",
    "cost",
    "spread",
    "regret",
    "missed",
    "late until met",
    "quality",
    "energy",
    "p95 ms",
    "switches",
    "power",
    "hottest",
];

/// A table per scenario, medians over seeds; of the cost its spread too.
pub(crate) fn text(report: &Report) -> String {
    let scenarios: Vec<_> = report.scenarios.iter().map(scenario).collect();
    scenarios.join("\n\n")
}

fn scenario(scenario: &ScenarioReport) -> String {
    let mut table = format::table(&HEADINGS);
    for name in &scenario.order {
        if let Some(controller) = scenario.controllers.get(name) {
            table.add_row(row(name, controller));
        }
    }
    format::right_align(&mut table, 1);
    format!(
        "{}: {}\n{}, {} for {} s, {} seeds, medians\n\n{}",
        scenario.name,
        scenario.title,
        scenario.board,
        scenario.objective,
        scenario.seconds,
        scenario.seeds,
        format::render(&table)
    )
}

fn row(name: &str, controller: &ControllerReport) -> [String; 12] {
    let Spread { median, min, max } = controller.cost;
    [
        name.into(),
        format!("{median:.3}"),
        format!("{min:.3}-{max:.3}"),
        format::percent(controller.regret_share.map(|share| share.median)),
        format::percent(Some(controller.misses.median)),
        format!("{:.0}", controller.late_until_met.median),
        format!("{:.4}", controller.quality.median),
        format!("{:.1} J", controller.energy_j.median),
        format!("{:.1}", controller.p95_ms.median),
        format!("{:.0}", controller.switches.median),
        format::watts(Some(controller.power_w.median)),
        format::celsius(Some(controller.max_temp_c.median)),
    ]
}
