//! `dynctl board`.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use clap::Subcommand;
use comfy_table::Table;
use dynd_board::Snapshot;
use dynd_vocab::{Board as _, BoardDescription, BoardStatus, ProcessorStatus, Role, ZoneStatus};
use serde::Serialize;

use super::figures::{Figures, Said};
use super::mount::{self, Mount};
use super::print_json;
use super::validate::Validate;
use crate::failure::Failure;
use crate::output::print;
use crate::traced::{Traced, TracedBoard, rates};
use crate::{board, format, likeness};

/// Over how long loads and energy are measured.
const SPAN: Duration = Duration::from_millis(200);

/// Show the board: processors, memory clocks, power, heat and battery, and the file behind each. Needs no daemon.
#[derive(clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  dynctl board
  dynctl board --json | jq '.rails[] | {name, watts, path}'
  dynctl board fixture board.tree    for a bug report
  dynctl board unpack board.tree /tmp/board && dynctl board --root /tmp/board"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Option<Action>,

    /// Print JSON.
    #[arg(long)]
    json: bool,

    /// Show the figures of this board file, too: one that comes with dynd, or a path. Refused if it describes other
    /// processors than those that are found; names are not compared.
    #[arg(long, value_name = "BOARD")]
    board_file: Option<String>,

    #[command(flatten)]
    root: Root,
}

/// What to do with the board other than show it.
#[derive(Subcommand)]
enum Action {
    Fixture(Fixture),
    Figures(Figures),
    Unpack(Unpack),
    Validate(Validate),
    Mount(Mount),
}

/// Write what the board's discovery reads to a text file, to attach to a bug report: no serial numbers, no addresses,
/// no host name. Needs no daemon.
#[derive(clap::Args)]
struct Fixture {
    /// Where to write it.
    file: PathBuf,

    #[command(flatten)]
    root: Root,
}

/// Write the files of a board that somebody has sent as a fixture, to look at it with `dynctl board --root`.
#[derive(clap::Args)]
struct Unpack {
    /// The fixture.
    file: PathBuf,

    /// The directory that gets its sys/ and proc/; made if it is not there.
    directory: PathBuf,
}

/// Where the board is.
#[derive(clap::Args)]
pub(super) struct Root {
    /// Directory in which sys/ and proc/ of the board are looked up.
    #[arg(long = "root", value_name = "DIR", default_value = "/")]
    pub(super) directory: PathBuf,
}

impl Args {
    pub(super) async fn run(self) -> Result<(), Failure> {
        match self.action {
            Some(Action::Fixture(fixture)) => return fixture.run(),
            Some(Action::Figures(figures)) => return figures.run(),
            Some(Action::Unpack(unpack)) => return unpack.run(),
            Some(Action::Validate(validate)) => return validate.run(),
            Some(Action::Mount(mount)) => return mount.run().await,
            None => {}
        }
        let mut host = board::discover(&self.root.directory).map_err(Failure::BadInput)?;
        let file = self
            .board_file
            .as_ref()
            .map(|name| said(name, host.describe()))
            .transpose()?;
        host.count();
        let (before, after) = board::samples(&mut host, SPAN).await;
        let status = board::status(&host, &before, &after);
        let board = TracedBoard::new(status, host.sources(), rates(&before, &after));
        if self.json {
            return print_json(&Shown { board, file });
        }
        let file = file.map(|file| format!("\n\nboard file: {}", file.text()));
        print(&format!("{}{}", text(&board), file.unwrap_or_default()))
    }
}

/// The board and its file, in JSON.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    board: TracedBoard,
    /// What the board file says, if one was given.
    file: Option<Said>,
}

/// What the board file `name` says, if it may be about the board that was `found`.
fn said(name: &str, found: &BoardDescription) -> Result<Said, Failure> {
    let board = mount::find(name)?;
    let differences = likeness::differences(found, &board);
    if differences.is_empty() {
        return Ok(Said::of(&board));
    }
    Err(Failure::BadInput(anyhow!(
        "failed to use the board file {name}: it is not about this machine\n  {}\nwithout --board-file the machine is shown as it is",
        differences.join("\n  ")
    )))
}

impl Fixture {
    fn run(self) -> Result<(), Failure> {
        let root = &self.root.directory;
        let snapshot = Snapshot::take(root)
            .with_context(|| format!("failed to discover the board below {}", root.display()))
            .map_err(Failure::BadInput)?;
        let text = format!("# Written by dynctl {}.\n{snapshot}", env!("CARGO_PKG_VERSION"));
        fs::write(&self.file, text).with_context(|| format!("failed to write {}", self.file.display()))?;
        print(&format!(
            "wrote {}; look through it before you send it",
            self.file.display()
        ))
    }
}

impl Unpack {
    fn run(self) -> Result<(), Failure> {
        let text = fs::read_to_string(&self.file)
            .with_context(|| format!("failed to read {}", self.file.display()))
            .map_err(Failure::BadInput)?;
        let snapshot = Snapshot::parse(&text)
            .with_context(|| format!("{} is no fixture", self.file.display()))
            .map_err(Failure::BadInput)?;
        snapshot.write(&self.directory).map_err(anyhow::Error::from)?;
        print(&format!(
            "unpacked; look at it with: dynctl board --root {}",
            self.directory.display()
        ))
    }
}

fn text(board: &TracedBoard) -> String {
    let mut processors = format::table(&["processor", "role", "cpus", "capacity", "load", "clock", "path"]);
    for processor in &board.processors {
        let path = processor.clock_path.as_ref().or(processor.path.as_ref());
        let path = [path, processor.load_path.as_ref()].into_iter().flatten();
        let path: Vec<&str> = path.map(String::as_str).collect();
        let mut row = processor_row(&processor.value);
        row.push(path.join(" "));
        processors.add_row(row);
    }
    let memory = section(&board.memory, "memory", "clock", |memory| {
        (memory.name.clone(), clock(memory.clock_khz, &memory.opps_khz))
    });
    let rails = section(&board.rails, "rail", "power", |rail| {
        let within = rail.within.as_ref();
        let name = within.map_or_else(
            || rail.name.clone(),
            |within| format!("{} (in {within})", rail.name),
        );
        (name, format::watts(rail.watts))
    });
    let zones = section(&board.zones, "zone", "temperature", |zone| {
        (zone.name.clone(), temperature(zone))
    });
    let cooling = section(&board.cooling, "cooling", "state", |device| {
        let state = device.state.map_or_else(|| "-".into(), |state| state.to_string());
        (device.name.clone(), format!("{state} of {}", device.max_state))
    });
    let battery = section(board.battery.as_slice(), "battery", "charge", |battery| {
        let (charge, flow) = (format::percent(battery.charge), battery.flow.label());
        (
            battery.name.clone(),
            format!("{charge}, {flow}, {}", format::watts(battery.watts)),
        )
    });
    let tables = [memory, rails, zones, cooling, battery].into_iter().flatten();
    let mut text = format!("{}\n\n{}", board.name, format::render(&processors));
    for table in tables {
        text += &format!("\n\n{}", format::render(&table));
    }
    if !board.power_is_measured {
        text += "\n\nno power sensor answers: the power of this machine is not measured";
    }
    if !board.problems.is_empty() {
        text += "\n\nproblems (see dynctl doctor)";
        for problem in &board.problems {
            text += &format!("\n  {} {}; {}", problem.path, problem.fault, problem.lost);
        }
    }
    text
}

/// A table of things of one kind; none if there are none.
fn section<T>(
    things: &[Traced<T>],
    kind: &str,
    value: &str,
    row: impl Fn(&T) -> (String, String),
) -> Option<Table> {
    let mut table = format::table(&[kind, value, "path"]);
    for thing in things {
        let (name, value) = row(&thing.value);
        table.add_row([name, value, thing.paths.join(" ")]);
    }
    (!things.is_empty()).then_some(table)
}

/// The processors as a table.
pub(super) fn table(board: &BoardStatus) -> String {
    let mut table = format::table(&["processor", "role", "cpus", "capacity", "load", "clock"]);
    for processor in &board.processors {
        table.add_row(processor_row(processor));
    }
    format::render(&table)
}

fn processor_row(processor: &ProcessorStatus) -> Vec<String> {
    let or_dash = |text: String, there: bool| if there { text } else { "-".into() };
    vec![
        processor.name.clone(),
        processor.role.map_or("-", Role::label).into(),
        or_dash(processor.cpus.to_string(), !processor.cpus.is_empty()),
        or_dash(processor.capacity.to_string(), processor.capacity > 0),
        format::percent(processor.load),
        clock(processor.clock_khz, &processor.opps_khz),
    ]
}

/// The temperature, and where the kernel acts.
fn temperature(zone: &ZoneStatus) -> String {
    let trips = zone
        .trips
        .iter()
        .map(|trip| format!("{} {:.0}", trip.kind.label(), trip.temperature.get()));
    let trips: Vec<String> = trips.collect();
    let now = format::celsius(zone.celsius);
    if trips.is_empty() {
        now
    } else {
        format!("{now} ({})", trips.join(", "))
    }
}

/// The clock, and the range it can have.
fn clock(khz: Option<u64>, opps_khz: &[u64]) -> String {
    let now = format::clock(khz);
    match (opps_khz.first(), opps_khz.last()) {
        (Some(lowest), Some(highest)) => format!("{now} ({} to {})", lowest / 1000, highest / 1000),
        _ => now,
    }
}
