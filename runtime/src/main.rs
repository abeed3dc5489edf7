//! `dynd-runtime`: checks, measures and runs dynamic models. What links the inference engine lives here, so
//! that the daemon and the operator's tool stay small.

#![forbid(unsafe_code)]

mod cli;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Checks, measures and runs dynamic models.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(cli::Check),
    Profile(cli::Profile),
    App(cli::App),
    Load(cli::Load),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Check(check) => check.run(),
        Command::Profile(profile) => profile.run(),
        Command::App(app) => app.run(),
        Command::Load(load) => load.run(),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => cli::report(&error),
    }
}
