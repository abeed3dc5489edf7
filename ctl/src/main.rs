//! `dynctl`, the operator's tool of dynd.
//!
//! One file per noun in `cmd`; `format` owns the layout of what is printed. Whatever runs inference is in
//! the program `dynd-runtime`, which this one executes, so that it stays small itself.
//!
//! Exit codes: 0 done; 1 something failed, such as a daemon that does not answer, or was found that needs attention;
//! 2 bad input, in arguments or files; 130 interrupted.

#![forbid(unsafe_code)]

mod board;
mod cmd;
mod daemon;
mod demo;
mod failure;
mod figures;
mod format;
mod likeness;
mod output;
mod program;
mod served_board;
mod simulation;
mod traced;
mod validation;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

/// Shows what dynd does: board, apps, models and policy, and a demo of it all.
///
/// dynd tells each inference app which sub-network of its model to run on which cores, so that all keep
/// their latency targets while accuracy is as high as the load allows.
#[derive(Parser)]
#[command(name = "dynctl", version, max_term_width = 100, after_help = AFTER_HELP)]
struct Cli {
    /// Socket of the daemon.
    #[arg(long, global = true, display_order = 900, value_name = "PATH", default_value_os_t = dynd_client::default_socket())]
    socket: PathBuf,

    #[command(subcommand)]
    command: cmd::Command,
}

const AFTER_HELP: &str = "\
Examples:
  dynctl demo              see dynd steer real inference on this machine
  dynctl status --watch    follow what it does

Exit codes: 0 done, 1 failed, 2 bad input, 130 interrupted";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.command.run(&cli.socket).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.print();
            failure.exit_code()
        }
    }
}
