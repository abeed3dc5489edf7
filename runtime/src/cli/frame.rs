//! What happened to each frame, kept in memory while frames run and written when all is over.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use dynd_client::Timestamp;
use dynd_vocab::Generation;
use serde::Serialize;

/// One frame. Times are nanoseconds of CLOCK_MONOTONIC. A frame that was skipped, because the next one was
/// due before it could begin, has no begin, end, sub-network, cores and answer.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Frame {
    /// Counted from 0, skipped ones too.
    pub(crate) frame: u64,
    /// When it was scheduled: its latency counts from here.
    pub(crate) release_ns: u64,
    pub(crate) begin_ns: Option<u64>,
    pub(crate) end_ns: Option<u64>,
    /// Index of the sub-network.
    pub(crate) subnetwork: Option<usize>,
    pub(crate) cores: Option<u32>,
    /// Whether the answer is the image's label.
    pub(crate) correct: Option<bool>,
    /// Whether sub-network or cores changed since the frame before.
    pub(crate) switched: bool,
    /// What the change cost: from the frame's begin, through decision and pinning, to the inference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) switch_gap_ns: Option<u64>,
    /// The assignment it ran by, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) generation: Option<Generation>,
}

impl Frame {
    /// The frame numbered `frame`, skipped.
    pub(crate) fn skipped(frame: u64, release: Timestamp) -> Self {
        Self {
            frame,
            release_ns: release.as_nanos(),
            begin_ns: None,
            end_ns: None,
            subnetwork: None,
            cores: None,
            correct: None,
            switched: false,
            switch_gap_ns: None,
            generation: None,
        }
    }
}

/// The first line of a log.
#[derive(Debug, Serialize)]
pub(crate) struct Header<'a> {
    pub(crate) app: About<'a>,
}

/// Which app it was.
#[derive(Debug, Serialize)]
pub(crate) struct About<'a> {
    pub(crate) name: &'a str,
    pub(crate) model: &'a str,
    /// Names of the sub-networks, in the order of their indices.
    pub(crate) subnetworks: Vec<&'a str>,
    pub(crate) target_ms: f64,
    pub(crate) period_ms: f64,
    /// What went wrong with the daemon or the pinning, if anything did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) refusal: Option<String>,
}

/// Writes a log of JSON lines to `path`: the header, then a line per frame.
pub(crate) fn write_log(path: &Path, header: &Header<'_>, frames: &[Frame]) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    serde_json::to_writer(&mut file, header)?;
    file.write_all(b"\n")?;
    for frame in frames {
        serde_json::to_writer(&mut file, frame)?;
        file.write_all(b"\n")?;
    }
    file.flush()
}
