//! `dynctl demo`.

use std::path::PathBuf;

use crate::demo::{self, Plan};
use crate::failure::Failure;

/// See dynd steer real inference on this machine, and what would become of it without.
///
/// Starts a private daemon and two apps that run real models, and runs one script in several ways: managed
/// by the daemon, and with fixed sub-networks. Other work comes and goes meanwhile. Needs no root, changes
/// nothing, and stops everything it started.
///
/// With --live all of it takes place on a virtual board, whose CPUs are this machine's, slowed to its clocks.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  dynctl demo                               about two minutes
  dynctl demo --full --report report.html   every fixed pair, and what the best would have been
  dynctl demo --seconds 8 --json
  dynctl demo --board odroid-xu3 --live     on a little and a big core, as root

Leave the machine alone meanwhile: other work is what it measures.")]
pub(crate) struct Args {
    /// How long the script takes, each time it is run.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(5..=3600))]
    seconds: u32,

    /// Also try every fixed pair of sub-networks, to find the best one of the script and of each phase.
    #[arg(long)]
    full: bool,

    /// Measure the models once, though other work disturbs that and makes their targets easy: for a machine that is
    /// never quiet.
    #[arg(long)]
    busy: bool,

    /// Print the figures as JSON in place of the tables.
    #[arg(long)]
    json: bool,

    /// Write the timelines and figures to an HTML file that needs nothing else.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,

    /// Directory of the models slim-mnist and exit-mnist [default: models/ here or in the source tree, else
    /// /usr/share/dynd/models]
    #[arg(long, value_name = "DIR")]
    models: Option<PathBuf>,

    /// Board for --live: one that comes with dynd, or the path of a board file.
    #[arg(long, value_name = "NAME", requires = "live")]
    board: Option<String>,

    /// Play it on a virtual board, mounted for the time (see dynctl board mount). Needs root, FUSE and cgroups.
    #[arg(long, requires = "board")]
    live: bool,
}

impl Args {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let plan = Plan {
            seconds: self.seconds,
            every_pair: self.full,
            measurements: if self.busy { 1 } else { 5 },
            report: self.report,
            models: self.models,
            live_board: self.board,
        };
        let outcome = demo::run(&plan).await?;
        if self.json {
            super::print_json(&demo::document(&outcome))
        } else {
            crate::output::print(&demo::text(&outcome))
        }
    }
}
