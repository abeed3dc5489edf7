//! `dynctl board validate`.

use std::path::Path;

use comfy_table::Table as Layout;
use dynd_files::{Measurement, Table, board_names, find_board, measurements};
use dynd_vocab::blueprint::{Grade, Origin};
use dynd_vocab::{Blueprint, Hertz};
use serde::Serialize;

use super::print_json;
use crate::failure::Failure;
use crate::format;
use crate::output::print;
use crate::validation::{Check, check_live, do_tasks, validate};

/// Compare virtual boards with published measurements of the real ones, or a live board's speed with its clocks. Needs no
/// daemon.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  dynctl board validate
  dynctl board validate jetson-xavier-nx
  dynctl board validate ./my-board.toml --json
  dynctl board validate --live

The exit code is 1 if a limit is not met, 2 if a board file is refused or
this user may not mount a live board.")]
pub(super) struct Validate {
    /// Board: one that comes with dynd, or the path of a board file, whose measurements are found by its file name. All
    /// that come with dynd by default.
    #[arg(value_name = "NAME")]
    boards: Vec<String>,

    /// Print JSON.
    #[arg(long)]
    json: bool,

    /// Check that clocks of a live board slow a task on this machine as they should. Needs root, FUSE and cgroups,
    /// and a machine that is left alone meanwhile.
    #[arg(long, conflicts_with = "boards")]
    live: bool,

    /// Be the task, on this CPU.
    #[arg(long, value_name = "CPU", hide = true, requires = "live")]
    task_on: Option<u32>,
}

/// What `--live --json` prints.
#[derive(Serialize)]
struct LiveReport {
    checks: Vec<Check>,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    checks: Vec<Check>,
    fitted: Vec<Fitted>,
    boards: Vec<Grades>,
}

/// Rows of a measurement that figures of a board file are fitted on.
#[derive(Serialize)]
struct Fitted {
    board: String,
    title: String,
    source: String,
    rows: String,
}

/// How far the figures of one board can be trusted: how many tables of its file are of which grade.
#[derive(Serialize)]
struct Grades {
    board: String,
    measured: usize,
    fitted: usize,
    assumed: usize,
    power_sensors: usize,
}

impl Validate {
    pub(super) fn run(self) -> Result<(), Failure> {
        if let Some(cpu) = self.task_on {
            return Ok(do_tasks(cpu)?);
        }
        if self.live {
            return self.run_live();
        }
        let names = match self.boards.is_empty() {
            true => board_names().map(String::from).collect(),
            false => self.boards,
        };
        let measurements = measurements().map_err(Failure::bad_input)?;
        let mut report = Report {
            checks: Vec::new(),
            fitted: Vec::new(),
            boards: Vec::new(),
        };
        for name in &names {
            let board = find_board(name).map_err(Failure::bad_input)?;
            let name = board_name(name);
            let checks = validate(name, &board, &measurements).map_err(anyhow::Error::new)?;
            report.checks.extend(checks);
            let of_board = measurements.iter().filter(|each| each.board == name);
            report.fitted.extend(of_board.map(fitted));
            report.boards.push(grades(name, &board));
        }
        if self.json {
            print_json(&report)?;
        } else {
            print(&text(&report))?;
        }
        judge(&report.checks)
    }

    fn run_live(self) -> Result<(), Failure> {
        let checks = check_live(|news| eprintln!("dynctl: {news}"))?;
        if self.json {
            print_json(&LiveReport {
                checks: checks.clone(),
            })?;
        } else {
            print(&format::render(&table(&checks)))?;
        }
        judge(&checks)
    }
}

/// Fails if a limit is not met.
fn judge(checks: &[Check]) -> Result<(), Failure> {
    match checks.iter().filter(|check| !check.ok).count() {
        0 => Ok(()),
        unmet => Err(Failure::Failed(anyhow::anyhow!("{unmet} limits are not met"))),
    }
}

/// What the board in the file at the path `name`, or that comes with dynd under it, is called: the name of the file.
fn board_name(name: &str) -> &str {
    Path::new(name)
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or(name)
}

fn fitted(measurement: &Measurement) -> Fitted {
    Fitted {
        board: measurement.board.clone(),
        title: measurement.title.clone(),
        source: measurement.source.clone(),
        rows: rows(&measurement.table),
    }
}

/// The rows of `table` that something is fitted on.
fn rows(table: &Table) -> String {
    match table {
        Table::Serving(serving) => format!("one client at {} MHz", megahertz(&serving.fitted)),
        Table::Dwells(dwells) => format!(
            "power with the first cluster at {} MHz; heat at one in {} readings; throttling",
            megahertz(&dwells.fitted.first_clocks),
            dwells.fitted.trace_every
        ),
    }
}

fn megahertz(clocks: &[Hertz]) -> String {
    let clocks: Vec<_> = clocks
        .iter()
        .map(|clock| (clock.as_hz() as f64 / 1e6).to_string())
        .collect();
    clocks.join(", ")
}

fn grades(name: &str, board: &Blueprint) -> Grades {
    let count = |grade| origins(board).filter(|origin| origin.grade == grade).count();
    Grades {
        board: name.into(),
        measured: count(Grade::Measured),
        fitted: count(Grade::Fitted),
        assumed: count(Grade::Assumed),
        power_sensors: board.rails.len(),
    }
}

/// Where every table of the file is known from.
fn origins(board: &Blueprint) -> impl Iterator<Item = &Origin> {
    let silicon = board.silicon().flat_map(|silicon| {
        [
            &silicon.origin,
            &silicon.clocks_origin,
            &silicon.voltages_origin,
            &silicon.real_clock_origin,
            &silicon.power.origin,
        ]
    });
    let memory = [
        &board.memory.origin,
        &board.memory.bandwidth_origin,
        &board.memory.power_origin,
    ];
    let whole = [
        &board.kernel.origin,
        &board.idle.origin,
        &board.base.origin,
        &board.thermal.origin,
    ];
    silicon
        .chain(memory)
        .chain(whole)
        .chain(board.rails.iter().map(|rail| &rail.origin))
        .chain(board.zones.iter().map(|zone| &zone.origin))
        .chain(board.coolers.iter().map(|cooler| &cooler.origin))
        .chain(board.limits.iter().map(|limit| &limit.origin))
}

/// The checks as a table.
fn table(checks: &[Check]) -> Layout {
    let mut table = format::table(&["check", "value", "limit", "", "rows checked", "rows fitted"]);
    for check in checks {
        let rows = check.rows;
        table.add_row([
            check.name.clone(),
            format!("{:.2} {}", check.value, check.unit.label()),
            format!("{} {} {}", check.op, check.limit, check.unit.label()),
            if check.ok { "ok" } else { "NOT MET" }.into(),
            rows.map_or("-".into(), |rows| rows.checked.to_string()),
            rows.map_or("-".into(), |rows| rows.fitted.to_string()),
        ]);
    }
    table
}

fn text(report: &Report) -> String {
    let mut boards = format::table(&["board", "measured", "fitted", "assumed", "power sensors"]);
    for grades in &report.boards {
        boards.add_row([
            grades.board.clone(),
            grades.measured.to_string(),
            grades.fitted.to_string(),
            grades.assumed.to_string(),
            match grades.power_sensors {
                0 => "none: power is estimated".into(),
                count => count.to_string(),
            },
        ]);
    }
    let mut text = format::render(&table(&report.checks));
    for fitted in &report.fitted {
        text += &format!(
            "\n\n{}: {}\n  fitted on {}; errors are over all other rows\n  {}",
            fitted.board, fitted.title, fitted.rows, fitted.source
        );
    }
    text + "\n\nTables of each board file by grade:\n\n" + &format::render(&boards)
}
