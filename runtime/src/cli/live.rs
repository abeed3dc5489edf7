//! A line a second for whoever watches.

use std::io::{self, Write as _};
use std::time::Duration;

use dynd_client::Timestamp;
use serde::Serialize;

use super::frame::Frame;
use super::measurement::Latencies;

const EVERY: Duration = Duration::from_secs(1);

/// Frames since the last line are judged; more than these a second are not looked at.
const MOST: usize = 4096;

/// Prints what the app does now, as one JSON object a line on stdout.
#[derive(Debug)]
pub(crate) struct Live {
    next: Timestamp,
    latencies: Latencies,
}

#[derive(Debug, Serialize)]
struct Line {
    subnetwork: Option<usize>,
    cores: Option<u32>,
    /// Over the last second.
    p95_ms: Option<f64>,
}

impl Live {
    pub(crate) fn new(start: Timestamp) -> Self {
        Self {
            next: start + EVERY,
            latencies: Latencies::with_capacity(MOST),
        }
    }

    /// Takes a frame that has run to `end`, and prints a line if one is due.
    pub(crate) fn take(&mut self, frame: &Frame, release: Timestamp, end: Timestamp) {
        if self.latencies.len() < MOST {
            self.latencies.push(end.since(release));
        }
        if end < self.next {
            return;
        }
        let line = Line {
            subnetwork: frame.subnetwork,
            cores: frame.cores,
            p95_ms: self.latencies.quantile(0.95).map(|seconds| seconds * 1e3),
        };
        // Nobody may be watching any more: that is no reason to stop.
        if let Ok(line) = serde_json::to_string(&line) {
            let _ = writeln!(io::stdout(), "{line}");
        }
        self.latencies.clear();
        while self.next <= end {
            self.next = self.next + EVERY;
        }
    }
}
