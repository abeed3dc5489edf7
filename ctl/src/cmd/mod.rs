//! The commands, one file per noun.

mod apps;
mod board;
mod demo;
mod doctor;
mod figures;
mod model;
mod models;
mod mount;
mod policy;
mod release;
mod simulate;
mod status;
mod validate;
mod why;

use std::path::Path;

use anyhow::Context as _;
use clap::Subcommand;
use serde::Serialize;

use crate::failure::Failure;
use crate::output::print;

/// What to do.
#[derive(Subcommand)]
pub(crate) enum Command {
    Status(status::Args),
    Apps(apps::Args),
    Why(why::Args),
    Models(models::Args),
    Board(board::Args),
    Doctor(doctor::Args),
    Release(release::Args),
    #[command(subcommand)]
    Policy(policy::Policy),
    #[command(subcommand)]
    Model(model::Model),
    Demo(demo::Args),
    Simulate(simulate::Args),
}

impl Command {
    /// Does it, with the daemon on `socket` where one is needed.
    pub(crate) async fn run(self, socket: &Path) -> Result<(), Failure> {
        match self {
            Self::Status(args) => args.run(socket).await,
            Self::Apps(args) => args.run(socket).await,
            Self::Why(args) => args.run(socket).await,
            Self::Models(args) => args.run(socket).await,
            Self::Board(args) => args.run().await,
            Self::Doctor(args) => args.run().await,
            Self::Release(args) => args.run(socket).await,
            Self::Policy(policy) => policy.run(),
            Self::Model(model) => model.run(),
            Self::Demo(args) => args.run().await,
            Self::Simulate(args) => args.run(),
        }
    }
}

/// Prints `value` as JSON, indented for people who look at it.
fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).context("failed to write JSON")?;
    print(&text)
}
