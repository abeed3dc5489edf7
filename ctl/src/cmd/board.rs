//! `dynctl board`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use dynd_vocab::BoardStatus;

use super::print_json;
use crate::failure::Failure;
use crate::output::print;
use crate::{board, daemon, format};

/// Over how long the load is measured where no daemon measures it.
const SPAN: Duration = Duration::from_millis(200);

/// Show the processors of the board, with load and clock. Needs no daemon.
#[derive(clap::Args)]
#[command(after_help = "\
Example:
  dynctl board")]
pub(crate) struct Args {
    /// Print JSON.
    #[arg(long)]
    json: bool,

    /// Directory in which sys/ and proc/ of the board are looked up.
    #[arg(long, value_name = "DIR", default_value = "/")]
    root: PathBuf,
}

impl Args {
    pub(super) async fn run(self, socket: &Path) -> Result<(), Failure> {
        let mut host = board::discover(&self.root).map_err(Failure::BadInput)?;
        let at_hand = self.root == Path::new("/");
        let asked = if at_hand {
            daemon::status(socket).await.ok()
        } else {
            None
        };
        let status = match asked {
            Some(status) if !status.board.processors.is_empty() => status.board,
            _ => board::observe(&mut host, SPAN).await,
        };
        if self.json {
            return print_json(&status);
        }
        print(&format!("{}\n\n{}", status.name, table(&status)))
    }
}

/// The processors as a table.
pub(super) fn table(board: &BoardStatus) -> String {
    let mut table = format::table(&["processor", "role", "cpus", "capacity", "load", "clock"]);
    for processor in &board.processors {
        table.add_row([
            processor.name.clone(),
            processor.role.label().into(),
            processor.cpus.to_string(),
            processor.capacity.to_string(),
            format::percent(processor.load),
            clock(processor.clock_khz, &processor.opps_khz),
        ]);
    }
    format::render(&table)
}

/// The clock, and the range it can have.
fn clock(khz: Option<u64>, opps_khz: &[u64]) -> String {
    let now = format::clock(khz);
    match (opps_khz.first(), opps_khz.last()) {
        (Some(lowest), Some(highest)) => format!("{now} ({} to {})", lowest / 1000, highest / 1000),
        _ => now,
    }
}
