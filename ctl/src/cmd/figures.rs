//! `dynctl board figures`.

use serde::Serialize;

use super::{mount, print_json};
use crate::failure::Failure;
use crate::figures::{Figure, figures, power_said};
use crate::format;
use crate::output::print;

/// Show every figure of a board file, how far it can be trusted (measured, fitted to measurements, assumed) and who
/// found it. Needs no daemon and no board.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  dynctl board figures jetson-nano
  dynctl board figures ./my-board.toml --json | jq '.figures[] | select(.grade == \"assumed\")'
  dynctl board --board-file jetson-nano    beside what is found on this machine, if it is one")]
pub(super) struct Figures {
    /// Board: one that comes with dynd, or the path of a board file.
    name: String,

    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What a board file says, in JSON.
#[derive(Debug, Serialize)]
pub(super) struct Said {
    name: String,
    /// What is known of its power.
    power: String,
    figures: Vec<Figure>,
}

impl Figures {
    pub(super) fn run(self) -> Result<(), Failure> {
        let said = Said::of(&mount::find(&self.name)?);
        if self.json {
            return print_json(&said);
        }
        print(&said.text())
    }
}

impl Said {
    /// What `board` says.
    pub(super) fn of(board: &dynd_vocab::Blueprint) -> Self {
        Self {
            name: board.name.clone(),
            power: power_said(board),
            figures: figures(board),
        }
    }

    pub(super) fn text(&self) -> String {
        let mut table = format::table(&["of", "figure", "value", "grade", "source"]);
        for figure in &self.figures {
            let Figure {
                of,
                what,
                value,
                grade,
                source,
            } = figure;
            table.add_row([of, *what, value, *grade, source]);
        }
        format!("{}\n{}\n\n{}", self.name, self.power, format::render(&table))
    }
}
