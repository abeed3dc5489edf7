//! `dynctl policy`.

use std::path::PathBuf;

use clap::Subcommand;
use dynd_vocab::Board as _;

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
                    "{}: ok: {}, objective {}",
                    file.display(),
                    rules(policy.apps.len()),
                    policy.objective.label()
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

fn rules(count: usize) -> String {
    match count {
        0 => "no app rules".into(),
        1 => "1 app rule".into(),
        _ => format!("{count} app rules"),
    }
}
