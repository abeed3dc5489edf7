//! What an app logged: one JSON object a line, first `{"app": …}`, then one object per frame it released.

use std::path::Path;

use anyhow::{Context as _, bail};
use serde::Deserialize;

/// One scheduled inference of an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// When it was due to start, in nanoseconds since the start of the script.
    pub(crate) release_ns: u64,
    /// What came of it; absent for a frame that was skipped, since the one before it took too long.
    pub(crate) run: Option<Inference>,
}

/// One inference that ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Inference {
    /// Completion minus scheduled release, in nanoseconds.
    pub(crate) latency_ns: u64,
    /// Index of the sub-network that ran.
    pub(crate) subnetwork: usize,
    /// On how many cores.
    pub(crate) cores: u32,
    /// Whether it named the right label.
    pub(crate) correct: bool,
    /// Whether sub-network or cores differ from those of the inference before, and how long no inference
    /// could run for that, in nanoseconds.
    pub(crate) switch: Option<u64>,
}

impl Frame {
    /// Whether it was done within `target_ns` of its release.
    pub(crate) fn within(&self, target_ns: u64) -> bool {
        self.run.is_some_and(|run| run.latency_ns <= target_ns)
    }
}

#[derive(Deserialize)]
struct Header {
    app: HeaderApp,
}

#[derive(Deserialize)]
struct HeaderApp {
    refusal: Option<String>,
}

#[derive(Deserialize)]
struct Line {
    release_ns: u64,
    end_ns: Option<u64>,
    subnetwork: Option<usize>,
    cores: Option<u32>,
    correct: Option<bool>,
    #[serde(default)]
    switched: bool,
    switch_gap_ns: Option<u64>,
}

/// Reads the log at `path`. `origin_ns` is the start of the script on the monotonic clock.
///
/// # Errors
/// If the log cannot be read or is none, or if the daemon refused the app.
pub(crate) fn read(path: &Path, origin_ns: u64) -> anyhow::Result<Vec<Frame>> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("failed to read log {}", path.display()))?;
    parse(&text, origin_ns).with_context(|| format!("failed to understand log {}", path.display()))
}

fn parse(text: &str, origin_ns: u64) -> anyhow::Result<Vec<Frame>> {
    let mut lines = text.lines().enumerate();
    let (_, first) = lines.next().context("the log is empty")?;
    let header: Header = serde_json::from_str(first).context("line 1 does not describe the app")?;
    if let Some(refusal) = header.app.refusal {
        bail!("the app was not managed as it should have been: {refusal}");
    }
    lines
        .map(|(index, text)| {
            let line: Line =
                serde_json::from_str(text).with_context(|| format!("line {} is no frame", index + 1))?;
            Ok(line.frame(origin_ns))
        })
        .collect()
}

impl Line {
    fn frame(self, origin_ns: u64) -> Frame {
        let run = self
            .subnetwork
            .zip(self.end_ns)
            .map(|(subnetwork, end_ns)| Inference {
                latency_ns: end_ns.saturating_sub(self.release_ns),
                subnetwork,
                cores: self.cores.unwrap_or(0),
                correct: self.correct.unwrap_or(false),
                switch: self.switched.then(|| self.switch_gap_ns.unwrap_or(0)),
            });
        Frame {
            release_ns: self.release_ns.saturating_sub(origin_ns),
            run,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const APP: &str = r#"{"app":{"name":"camera","model":"slim-mnist","subnetworks":["w25"],"target_ms":20.0,"period_ms":30.0}}"#;

    #[test]
    fn frames_are_told_from_skipped_ones() {
        let text = format!(
            "{APP}\n{}\n{}\n",
            r#"{"frame":0,"release_ns":1000,"begin_ns":1100,"end_ns":1700,"subnetwork":0,"cores":2,"correct":true,"switched":true,"switch_gap_ns":90}"#,
            r#"{"frame":1,"release_ns":2000,"begin_ns":null,"end_ns":null,"subnetwork":null,"cores":null,"correct":null,"switched":false}"#,
        );
        let frames = parse(&text, 900).unwrap();
        let inference = Inference {
            latency_ns: 700,
            subnetwork: 0,
            cores: 2,
            correct: true,
            switch: Some(90),
        };
        assert_eq!(
            frames,
            [
                Frame {
                    release_ns: 100,
                    run: Some(inference)
                },
                Frame {
                    release_ns: 1100,
                    run: None
                },
            ]
        );
        assert!(frames[0].within(700) && !frames[0].within(699) && !frames[1].within(u64::MAX));
    }

    #[test]
    fn what_is_no_log_is_refused() {
        let check = |text: &str, expect: &str| {
            let error = format!("{:#}", parse(text, 0).unwrap_err());
            assert!(error.contains(expect), "{error}");
        };
        check("", "the log is empty");
        check("{}", "line 1 does not describe the app");
        check(&format!("{APP}\n{{\"frame\":"), "line 2 is no frame");
        check(
            r#"{"app":{"name":"x","refusal":"unknown protocol"}}"#,
            "unknown protocol",
        );
    }
}
