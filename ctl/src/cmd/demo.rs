//! `dynctl demo`.

use std::path::PathBuf;

use crate::demo::{self, Plan};
use crate::failure::Failure;

/// See dynd steer real inference on this machine, and what would become of it without.
///
/// Starts a private daemon and two apps that run real models, and runs one script in several ways: managed
/// by the daemon, and with fixed sub-networks. Other work comes and goes meanwhile. Needs no root, changes
/// nothing, and stops everything it started.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  dynctl demo                               about two minutes
  dynctl demo --full --report report.html   every fixed pair, and what the best would have been
  dynctl demo --seconds 8 --json

Leave the machine alone meanwhile: other work is what it measures.")]
pub(crate) struct Args {
    /// How long the script takes, each time it is run.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(5..=3600))]
    seconds: u32,

    /// Also try every fixed pair of sub-networks, to find the best one of the script and of each phase.
    #[arg(long)]
    full: bool,

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
}

impl Args {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let plan = Plan {
            seconds: self.seconds,
            every_pair: self.full,
            report: self.report,
            models: self.models,
        };
        let outcome = demo::run(&plan).await?;
        if self.json {
            super::print_json(&demo::document(&outcome))
        } else {
            crate::output::print(&demo::text(&outcome))
        }
    }
}
