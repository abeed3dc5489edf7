//! What a command answers, on standard output.

use std::io::{self, ErrorKind, Write as _};

use anyhow::Context as _;

use crate::failure::Failure;

/// Prints `text` and a line end.
///
/// # Errors
/// [`Failure::Unheard`] if nobody reads it any more, as in `dynctl status | head -1`.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Failure::Unheard),
        written => Ok(written.context("failed to write to standard output")?),
    }
}
