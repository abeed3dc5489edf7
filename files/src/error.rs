//! Why a file was refused.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why a file was refused.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file could not be read.
    #[error("failed to read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is far larger than anything a person writes.
    #[error("failed to read {}: it is larger than {limit} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The largest size taken.
        limit: u64,
    },
    /// There is no board of that name, and no such file.
    #[error("failed to find the board \"{name}\": {}dynd knows {}, or give the path of a board file", .nearest.map(|nearest| format!("did you mean \"{nearest}\"? ")).unwrap_or_default(), .known.join(", "))]
    UnknownBoard {
        /// What was asked for.
        name: String,
        /// The name that was meant, if one is close.
        nearest: Option<&'static str>,
        /// The boards that come with dynd.
        known: Vec<&'static str>,
    },
    /// The file says something that does not hold.
    #[error("{0}")]
    Invalid(Box<Diagnostic>),
}

/// What is wrong in a file, and where. Its `Display` is ready for a terminal: several lines, the last one
/// without a newline, control characters of the file replaced.
///
/// ```text
/// camera.toml:7:15: latency must be longer than zero
///   7 | latency     = "-60 ms"
///     |               ^^^^^^^^
///   help: write a time such as "60 ms" or "1.5 s"
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file, as the caller named it.
    pub path: PathBuf,
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
    /// What is wrong, in one line.
    pub message: String,
    /// The offending line, or the part of it around the fault where it is very long.
    pub excerpt: String,
    /// The characters of `excerpt` before the offending text.
    pub indent: usize,
    /// The characters of the offending text; at least 1.
    pub width: usize,
    /// What to write instead, where that can be said.
    pub help: Option<String>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path,
            line,
            column,
            message,
            excerpt,
            indent,
            width,
            help,
        } = self;
        let number = line.to_string();
        // A tab stays a tab, so that the caret stands below its text at any tab width.
        let keep_tab = |c| if c == '\t' { '\t' } else { ' ' };
        let padding: String = excerpt
            .chars()
            .map(keep_tab)
            .chain(std::iter::repeat(' '))
            .take(*indent)
            .collect();
        writeln!(f, "{}:{line}:{column}: {message}", path.display())?;
        writeln!(f, "{}", format!("  {number} | {excerpt}").trim_end())?;
        write!(
            f,
            "  {:gutter$} | {padding}{:^<width$}",
            "",
            "",
            gutter = number.len()
        )?;
        match help {
            Some(help) => write!(f, "\n  help: {help}"),
            None => Ok(()),
        }
    }
}
