//! `dynctl model`.

use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;

use anyhow::anyhow;
use clap::Subcommand;

use crate::failure::Failure;
use crate::program::Program;

/// Check models.
#[derive(Subcommand)]
#[command(after_help = "\
Example:
  dynctl model check models/slim-mnist")]
pub(crate) enum Model {
    Check(Check),
}

/// Check a model: its manifest, and that each of its sub-networks can be run. Needs no daemon.
#[derive(clap::Args)]
#[command(after_help = "\
Example:
  dynctl model check models/slim-mnist

The exit code is 2 if the model is refused.")]
pub(crate) struct Check {
    /// The manifest, or the directory that holds it as model.toml.
    #[arg(value_name = "MANIFEST")]
    manifest: PathBuf,

    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Model {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Check(check) => check.run(),
        }
    }
}

impl Check {
    /// Becomes the program that runs inference: its output and exit code are this command's.
    fn run(self) -> Result<(), Failure> {
        let program = Program::Runtime.find()?;
        let mut command = Command::new(&program);
        command.arg("check").arg(&self.manifest);
        if self.json {
            command.arg("--json");
        }
        let error = command.exec();
        Err(anyhow!(error)
            .context(format!("failed to execute {}", program.display()))
            .into())
    }
}
