//! How far simulations are, on standard error: a bar on a terminal, else a line per scenario.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressStyle};

/// How far simulations are.
pub(crate) struct Progress(Option<ProgressBar>);

impl Progress {
    /// The progress of `runs` runs.
    pub(crate) fn new(runs: u64) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self(None);
        }
        let bar = ProgressBar::new(runs);
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} runs, {eta} left: {msg}");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        Self(Some(bar))
    }

    /// The next scenario begins.
    pub(crate) fn begin(&self, scenario: &str) {
        match &self.0 {
            Some(bar) => bar.set_message(format!("{scenario}: tuning the static choice")),
            None => eprintln!("dynctl: {scenario}"),
        }
    }

    /// A run is over: `what`.
    pub(crate) fn ran(&self, what: &str) {
        if let Some(bar) = &self.0 {
            bar.set_message(what.to_owned());
            bar.inc(1);
        }
    }

    /// All have.
    pub(crate) fn end(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
