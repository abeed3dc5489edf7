//! Where the log goes: to the journal if standard error is connected to it, else to standard error.

use std::io::{self, IsTerminal};
use std::os::unix::fs::MetadataExt;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

/// Starts the log with `filter`. A journal that does not answer is replaced by standard error.
pub fn start(filter: &str) {
    let journal = stderr_is_journal()
        .then(tracing_journald::layer)
        .and_then(Result::ok);
    let output = match journal {
        Some(journal) => journal.boxed(),
        None => fmt::layer()
            .with_writer(io::stderr)
            .with_ansi(io::stderr().is_terminal())
            .boxed(),
    };
    // A second start, in tests, keeps the first log.
    let _ = tracing_subscriber::registry()
        .with(output)
        .with(EnvFilter::new(filter))
        .try_init();
}

/// systemd names the journal's stream by device and inode in JOURNAL_STREAM; a redirected standard error
/// inherits the variable but is another file.
fn stderr_is_journal() -> bool {
    let Ok(stream) = std::env::var("JOURNAL_STREAM") else {
        return false;
    };
    std::fs::metadata("/proc/self/fd/2").is_ok_and(|file| stream == format!("{}:{}", file.dev(), file.ino()))
}
