//! `dynctl status`.

use std::cmp::Ordering;
use std::io::IsTerminal as _;
use std::path::Path;

use anyhow::{Context as _, anyhow};
use dynd_client::Operator;
use dynd_vocab::{BoardStatus, BudgetStatus, ClockState, DaemonStatus, ProcessorStatus, Status};
use tokio_stream::StreamExt as _;

use super::{apps, board, print_json};
use crate::failure::Failure;
use crate::output::print;
use crate::{daemon, format};

/// How many of the latest events are shown.
const EVENTS: usize = 5;

/// Moves the cursor to the upper left and clears the screen.
const CLEAR: &str = "\x1b[H\x1b[J";

/// Show what the daemon does: board, apps, policy, latest events.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  dynctl status
  dynctl status --watch
  dynctl status --json | jq '.apps[] | {name, p95_ms, assignment}'")]
pub(crate) struct Args {
    /// Print JSON; with --watch, one object per line.
    #[arg(long)]
    json: bool,

    /// Show it again after each change and at least once a second, until interrupted.
    #[arg(long)]
    watch: bool,
}

impl Args {
    pub(super) async fn run(self, socket: &Path) -> Result<(), Failure> {
        if self.watch {
            return self.watch(socket).await;
        }
        let status = daemon::status(socket).await?;
        if self.json {
            return print_json(&status);
        }
        print(&text(&status))
    }

    async fn watch(self, socket: &Path) -> Result<(), Failure> {
        let mut updates = Operator::connect(socket).await?.watch().await?;
        let clear = if std::io::stdout().is_terminal() {
            CLEAR
        } else {
            ""
        };
        while let Some(status) = updates.next().await {
            let status = status?;
            if self.json {
                print(&serde_json::to_string(&status).context("failed to write JSON")?)?;
            } else {
                print(&format!("{clear}{}", text(&status)))?;
            }
        }
        Err(anyhow!("the daemon ended").into())
    }
}

fn text(status: &Status) -> String {
    let events = status.events.iter().rev().take(EVENTS).rev();
    let events: String = events.map(|event| format!("  {event}\n")).collect();
    let mut text = format!("{}\n{}\n", daemon_line(&status.daemon), policy_line(status));
    text += &format!(
        "\n{}{}{}\n",
        board::table(&status.board),
        clock_lines(&status.board),
        load_line(&status.board)
    );
    text += &sensor_lines(&status.board);
    text += &budget_lines(&status.board.budget);
    text += &format!("\n{}", apps::table(&status.apps));
    if !events.is_empty() {
        text += &format!("\n\nlatest events\n{}", events.trim_end());
    }
    text
}

fn daemon_line(daemon: &DaemonStatus) -> String {
    format!(
        "dynd {}, pid {}, up {}, {} resident, {} of one core",
        daemon.version,
        daemon.pid,
        format::span(daemon.uptime_s),
        format::bytes(daemon.rss_bytes),
        format::percent(Some(daemon.cpu_share)),
    )
}

fn policy_line(status: &Status) -> String {
    let file = status.policy.file.as_deref().unwrap_or("built in");
    format!("policy: {} ({file})", status.policy.objective)
}

/// One line per processor whose clock is not left alone: its bounds, and what holds them there.
fn clock_lines(board: &BoardStatus) -> String {
    let line = |processor: &ProcessorStatus| {
        let clocks = processor.clocks.as_ref()?;
        if clocks.state == ClockState::Left {
            return None;
        }
        let (min, max) = (format::clock(clocks.min_khz), format::clock(clocks.max_khz));
        let reason = clocks.reason.as_ref().map(|reason| format!(": {reason}"));
        let (name, state) = (&processor.name, clocks.state.label());
        Some(format!(
            "\nclock of {name}: {min} to {max}, {state}{}",
            reason.unwrap_or_default()
        ))
    };
    board.processors.iter().filter_map(line).collect()
}

fn load_line(board: &BoardStatus) -> String {
    match board.unmanaged_tasks_per_core {
        Some(tasks) => format!("\nunmanaged tasks per core: {tasks}"),
        None => String::new(),
    }
}

/// Power, heat, and what cannot be read; nothing of what is not measured.
fn sensor_lines(board: &BoardStatus) -> String {
    let mut lines = String::new();
    let rails = board.rails.iter().filter(|rail| rail.watts.is_some());
    let rails: Vec<String> = rails
        .map(|rail| format!("{} {}", rail.name, format::watts(rail.watts)))
        .collect();
    if !rails.is_empty() {
        lines += &format!("\npower: {}", rails.join(", "));
    }
    let zones = board.zones.iter().filter(|zone| zone.celsius.is_some());
    if let Some(zone) = zones.max_by(|a, b| a.celsius.partial_cmp(&b.celsius).unwrap_or(Ordering::Equal)) {
        lines += &format!("\nhottest: {} ({})", format::celsius(zone.celsius), zone.name);
    }
    if !board.problems.is_empty() {
        lines += "\nsensors in trouble (see dynctl doctor)";
    }
    for problem in &board.problems {
        lines += &format!("\n  {} {}; {}", problem.path, problem.fault, problem.lost);
    }
    lines
}

/// How the budgets stand; nothing of what the policy does not set.
fn budget_lines(budget: &BudgetStatus) -> String {
    let mut lines = String::new();
    if let Some(power) = &budget.power {
        let limit = format::watts(Some(power.limit_w));
        let now = format::watts(power.predicted_w);
        lines += &format!("\npower budget: {now} of {limit}, {}", power.grade.label());
        if let Some(reason) = &power.unenforceable {
            lines += &format!("; not kept: {reason}");
        }
    }
    if let Some(heat) = &budget.temperature {
        lines += &format!("\ntemperature limit: {}", format::celsius(Some(heat.limit_c)));
        if let Some(zone) = &heat.zone {
            lines += &format!(", {zone} heads for {}", format::celsius(heat.steady_c));
        }
        if let Some(watts) = heat.sustainable_w {
            lines += &format!(", {} can be sustained", format::watts(Some(watts)));
        }
        if let Some(zone) = &heat.blind {
            lines += &format!("; the sensor of {zone} is lost, the worst is assumed");
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use dynd_vocab::{
        AppId, ClockStatus, CpuSet, Event, PolicyStatus, PowerBudgetStatus, PowerGrade, ProblemStatus,
        ProcessorKind, RailStatus, Role, TemperatureLimitStatus, ZoneStatus,
    };

    use super::*;

    #[test]
    fn power_heat_and_problems_are_shown() {
        let zone = |name: &str, celsius| ZoneStatus {
            name: name.into(),
            celsius,
            trips: Vec::new(),
        };
        let board = BoardStatus {
            rails: vec![RailStatus {
                name: "VDD_IN".into(),
                within: None,
                watts: Some(4.816),
            }],
            zones: vec![
                zone("gpu", Some(61.5)),
                zone("cpu", Some(52.0)),
                zone("cv0", None),
            ],
            problems: vec![ProblemStatus {
                path: "/sys/x/temp".into(),
                fault: "is empty".into(),
                lost: "the temperature of the zone is unknown".into(),
            }],
            ..BoardStatus::default()
        };
        assert_eq!(
            sensor_lines(&board),
            "\npower: VDD_IN 4.82 W\nhottest: 61.5 °C (gpu)\nsensors in trouble (see dynctl doctor)\n  \
             /sys/x/temp is empty; the temperature of the zone is unknown"
        );
        assert_eq!(sensor_lines(&BoardStatus::default()), "");
    }

    #[test]
    fn budgets_are_shown_with_what_is_known_of_them() {
        let budget = BudgetStatus {
            power: Some(PowerBudgetStatus {
                limit_w: 8.0,
                predicted_w: Some(6.25),
                grade: PowerGrade::Estimated,
                unenforceable: Some("the board measures no power".into()),
            }),
            temperature: Some(TemperatureLimitStatus {
                limit_c: 80.0,
                zone: Some("cpu".into()),
                steady_c: Some(71.5),
                sustainable_w: Some(9.5),
                blind: Some("gpu".into()),
            }),
        };
        assert_eq!(
            budget_lines(&budget),
            "\npower budget: 6.25 W of 8.00 W, estimated; not kept: the board measures no power\n\
             temperature limit: 80.0 °C, cpu heads for 71.5 °C, 9.50 W can be sustained; the sensor of gpu is \
             lost, the worst is assumed"
        );
        assert_eq!(budget_lines(&BudgetStatus::default()), "");
    }

    #[test]
    fn a_quiet_daemon_says_so() {
        let status = Status {
            daemon: DaemonStatus {
                version: "0.1.0".into(),
                pid: 7,
                uptime_s: 75.0,
                rss_bytes: 5 << 20,
                cpu_share: 0.002,
            },
            policy: PolicyStatus {
                objective: "max-quality".into(),
                file: None,
            },
            events: (0..8).map(|id| Event::Left { app: AppId(id) }).collect(),
            ..Status::default()
        };
        assert_eq!(
            text(&status),
            "dynd 0.1.0, pid 7, up 1 min 15 s, 5.0 MiB resident, 0.2 % of one core\n\
             policy: max-quality (built in)\n\
             \nprocessor  role  cpus  capacity  load  clock\n\
             \nno app is registered\n\
             \nlatest events\n  app 3 left\n  app 4 left\n  app 5 left\n  app 6 left\n  app 7 left"
        );
    }

    #[test]
    fn clocks_that_are_asked_for_are_shown_with_what_holds_them() {
        let clocks = |state, reason: Option<&str>| ClockStatus {
            min_khz: Some(600_000),
            max_khz: None,
            state,
            reason: reason.map(Into::into),
        };
        let processor = |clocks| ProcessorStatus {
            name: "big".into(),
            kind: ProcessorKind::Cpu,
            role: Some(Role::Big),
            cpus: CpuSet::EMPTY,
            capacity: 1024,
            load: None,
            clock_khz: None,
            opps_khz: Vec::new(),
            clocks,
        };
        let board = BoardStatus {
            processors: vec![
                processor(None),
                processor(Some(clocks(ClockState::Left, None))),
                processor(Some(clocks(ClockState::Held, None))),
                processor(Some(clocks(ClockState::Contested, Some("it reads 5")))),
            ],
            ..BoardStatus::default()
        };
        assert_eq!(
            clock_lines(&board),
            "\nclock of big: 600 MHz to -, held\nclock of big: 600 MHz to -, contested: it reads 5"
        );
    }
}
