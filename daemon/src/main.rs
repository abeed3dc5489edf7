//! `dynd`: reads the settings, starts the log, runs the daemon.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;
use dynd::StartError;
use dynd::cli::Cli;
use dynd::settings::{Layers, Settings};

fn main() -> ExitCode {
    let cli = Cli::parse();
    match start(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let code = error.exit_code();
            eprintln!("dynd: {}", chain(error));
            code
        }
    }
}

fn start(cli: &Cli) -> Result<(), StartError> {
    let dirs = if cli.settings_dir.is_empty() {
        Settings::system_dirs()
    } else {
        cli.settings_dir.clone()
    };
    let vars = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let settings = Settings::load(&Layers {
        dirs,
        vars,
        flags: cli.layer(),
    })?;
    if cli.check {
        dynd::check(&settings)?;
        println!("settings and policy are in order");
        return Ok(());
    }
    if cli.restore {
        return dynd::restore(&settings);
    }
    dynd::log::start(&settings.log);
    for name in &settings.ignored {
        tracing::warn!("the environment variable {name} is no setting of the daemon: ignored");
    }
    dynd::run(&settings)
}

/// The error and all that caused it, outermost first.
fn chain(error: StartError) -> String {
    format!("{:#}", anyhow::Error::from(error))
}
