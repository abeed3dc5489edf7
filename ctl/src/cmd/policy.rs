//! `dynctl policy`.

use std::path::PathBuf;

use clap::Subcommand;
use dynd_vocab::{Board as _, BoardDescription, PowerGrade};

use crate::board;
use crate::failure::Failure;
use crate::output::print;

/// Check policy files.
#[derive(Subcommand)]
#[command(after_help = "\
Example:
  dynctl policy check policies/*.toml")]
pub(crate) enum Policy {
    Check(Check),
}

/// Check that policy files hold for the board at hand. Needs no daemon.
#[derive(clap::Args)]
#[command(after_help = "\
Example:
  dynctl policy check policies/*.toml

The exit code is 2 if any file is refused; each is refused with file, line, column and reason.")]
pub(crate) struct Check {
    /// Policy files.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// Directory in which sys/ and proc/ of the board are looked up.
    #[arg(long, value_name = "DIR", default_value = "/")]
    root: PathBuf,
}

impl Policy {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Check(check) => check.run(),
        }
    }
}

impl Check {
    fn run(self) -> Result<(), Failure> {
        let host = board::discover(&self.root).map_err(Failure::BadInput)?;
        let mut refused = false;
        for file in &self.files {
            match dynd_files::load_policy(file, Some(host.describe())) {
                Ok(policy) => print(&format!(
                    "{}: ok: {}, objective {}{}",
                    file.display(),
                    rules(policy.apps.len()),
                    policy.objective.label(),
                    budgets(&policy, host.describe())
                ))?,
                Err(error) => {
                    refused = true;
                    eprintln!("{:#}", anyhow::Error::new(error));
                }
            }
        }
        if refused { Err(Failure::Reported) } else { Ok(()) }
    }
}

/// What is to be kept within bounds, and whether that can be.
fn budgets(policy: &dynd_vocab::Policy, board: &BoardDescription) -> String {
    let mut text = String::new();
    if let Some(budget) = policy.power_budget {
        text += &format!(", {budget} at most");
        match (board.rails.is_empty(), policy.power_grade) {
            (false, _) => {}
            (true, PowerGrade::Estimated) => text += " (estimated: this board measures no power)",
            (true, PowerGrade::Measured) => text += " (cannot be kept: this board measures no power)",
        }
    }
    if let Some(limit) = policy.temperature_limit {
        text += &format!(", {limit} at most");
        if board.zones.is_empty() {
            text += " (cannot be kept: this board measures no temperature)";
        }
    }
    text
}

fn rules(count: usize) -> String {
    match count {
        0 => "no app rules".into(),
        1 => "1 app rule".into(),
        _ => format!("{count} app rules"),
    }
}

#[cfg(test)]
mod tests {
    use dynd_vocab::{Celsius, Policy, PowerRail, Watts};

    use super::{BoardDescription, PowerGrade, budgets};

    #[test]
    fn a_budget_that_cannot_be_kept_says_so() {
        let policy = |power_grade| Policy {
            power_budget: Some(Watts::new(8.0)),
            temperature_limit: Some(Celsius::new(80.0)),
            power_grade,
            ..Policy::default()
        };
        let bare = BoardDescription::default();
        assert_eq!(budgets(&Policy::default(), &bare), "");
        assert_eq!(
            budgets(&policy(PowerGrade::Measured), &bare),
            ", 8.00 W at most (cannot be kept: this board measures no power), 80.0 °C at most (cannot be kept: \
             this board measures no temperature)"
        );
        let rail = PowerRail {
            name: "VDD_IN".into(),
            within: None,
        };
        let zone = dynd_vocab::ThermalZone {
            name: "cpu".into(),
            trips: Vec::new(),
        };
        let board = BoardDescription {
            rails: vec![rail],
            zones: vec![zone],
            ..bare
        };
        assert_eq!(
            budgets(&policy(PowerGrade::Measured), &board),
            ", 8.00 W at most, 80.0 °C at most"
        );
    }
}
