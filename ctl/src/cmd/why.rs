//! `dynctl why`.

use std::path::Path;

use dynd_client::Operator;
use dynd_vocab::{Why, WhyPoint};

use super::print_json;
use crate::failure::Failure;
use crate::format;
use crate::output::print;

/// Say why an app runs what it runs: what it was given, what came second, and what stands in the way of more.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  dynctl why camera     by what it calls itself
  dynctl why 3          by its number, as \"dynctl apps\" shows it")]
pub(crate) struct Args {
    /// The app: its number, or its name if only one has it.
    app: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(super) async fn run(self, socket: &Path) -> Result<(), Failure> {
        let why = Operator::connect(socket).await?.why(&self.app).await?;
        if self.json {
            return print_json(&why);
        }
        print(&text(&why))
    }
}

fn text(why: &Why) -> String {
    let mut table = format::table(&["", "runs", "on", "clock", "quality", "late", "power"]);
    let rows = [
        ("chosen", &why.chosen),
        ("runner-up", &why.runner_up),
        ("better", &why.better),
    ];
    for (what, point) in rows {
        match point {
            Some(point) => table.add_row(row(what, point)),
            None => table.add_row([what, "-"]),
        };
    }
    let mut lines = vec![
        format!("app {} ({}) is {}", why.app, why.name, why.state.label()),
        format::render(&table),
        format!("in the way of better: {}", why.binding),
        format!("would have to change: {}", why.change),
    ];
    if !why.held_by.is_empty() {
        lines.push(format!("held by:              {}", why.held_by.join(", ")));
    }
    lines.join("\n")
}

fn row(what: &str, point: &WhyPoint) -> Vec<String> {
    let place = match point.cores {
        0 => format!("{}, shared", point.processor),
        cores => format!("{} x{cores}", point.processor),
    };
    vec![
        what.into(),
        point.subnetwork.clone(),
        place,
        point
            .clock_khz
            .map_or_else(|| "-".into(), |khz| format!("{} MHz", khz / 1000)),
        format!("{:.1} %", point.quality * 100.0),
        format!("{:.1} %", point.late * 100.0),
        format!("{:.2} W", point.power_w),
    ]
}

#[cfg(test)]
mod tests {
    use dynd_vocab::{AppId, Standing};

    use super::*;

    #[test]
    fn all_of_it_is_told() {
        let point = |subnetwork: &str, cores| WhyPoint {
            subnetwork: subnetwork.into(),
            processor: "big".into(),
            cores,
            clock_khz: (cores > 0).then_some(1_400_000),
            quality: 0.76,
            late: 0.021,
            power_w: 1.5,
        };
        let why = Why {
            app: AppId(3),
            name: "camera".into(),
            state: Standing::Met,
            chosen: Some(point("w50", 2)),
            runner_up: Some(point("w25", 0)),
            better: None,
            binding: "room on big: w75 lacks 1.0 cores of big".into(),
            change: "1.0 cores of big to become free".into(),
            held_by: vec!["reader".into()],
        };
        let text = text(&why);
        for expect in [
            "app 3 (camera) is met",
            "big x2",
            "1400 MHz",
            "big, shared",
            "2.1 %",
            "held by:              reader",
        ] {
            assert!(text.contains(expect), "{expect} is missing in\n{text}");
        }
    }
}
