//! What went wrong, for people and for scripts.

use std::process::ExitCode;

use dynd_files::FileError;
use dynd_runtime::{RuntimeError, TestImagesError};

/// Exit code for a file or an argument that has to be corrected; 1 is for any other failure.
const BAD_INPUT: u8 = 2;

/// An argument that is well-formed and makes no sense.
#[derive(Debug, thiserror::Error)]
#[error("{argument}: {reason}")]
pub(crate) struct BadArgument {
    /// The argument, as on the command line.
    pub(crate) argument: &'static str,
    /// What is wrong with it, and what would be right.
    pub(crate) reason: String,
}

/// A daemon is there and refuses the app: it says why, and to run unmanaged is not what was asked for.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Refused(pub(crate) String);

/// Prints `error`, its causes and what to do about it; the exit code to end with.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    let mut lines = String::new();
    for (depth, cause) in error.chain().enumerate() {
        let line = cause.to_string();
        if depth == 0 {
            lines.push_str(&format!("error: {line}"));
        } else {
            lines.push_str(&format!("\n  caused by: {line}"));
        }
    }
    if let Some(help) = error.downcast_ref::<RuntimeError>().and_then(RuntimeError::help) {
        lines.push_str(&format!("\n  help: {help}"));
    }
    eprintln!("{lines}");
    if is_bad_input(error) {
        ExitCode::from(BAD_INPUT)
    } else {
        ExitCode::FAILURE
    }
}

fn is_bad_input(error: &anyhow::Error) -> bool {
    error.is::<FileError>()
        || error.is::<TestImagesError>()
        || error.is::<BadArgument>()
        || error.is::<Refused>()
        || error
            .downcast_ref::<RuntimeError>()
            .is_some_and(RuntimeError::is_bad_input)
}
