//! Why a model could not be loaded or run.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;

use tract_onnx::prelude::TractError;

/// Why a model could not be loaded or run. Each names the file at fault; the cause is in
/// [`source`](Error::source).
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// A file could not be read.
    #[error("failed to read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The manifest names no ONNX file for a sub-network.
    #[error("failed to load {}: the sub-network '{subnetwork}' has no artifact 'onnx'", manifest.display())]
    NoOnnx {
        /// The manifest.
        manifest: PathBuf,
        /// The sub-network.
        subnetwork: String,
    },
    /// A file is no ONNX model that can be run, or only part of one.
    #[error("failed to read {} as an ONNX model", path.display())]
    Parse {
        /// The ONNX file.
        path: PathBuf,
        /// What the inference engine said.
        source: Cause,
    },
    /// The manifest states another input than the file has.
    #[error("failed to load {}: its input is {found}, the manifest says shape {expected:?}", path.display())]
    InputShape {
        /// The ONNX file.
        path: PathBuf,
        /// The manifest's shape.
        expected: Vec<usize>,
        /// What the file has.
        found: String,
    },
    /// The manifest names an output that the file has not, or names none where it has several.
    #[error("failed to load {}: {}", path.display(), explain_output(output.as_deref(), known))]
    UnknownOutput {
        /// The ONNX file.
        path: PathBuf,
        /// The manifest's output.
        output: Option<String>,
        /// The file's outputs.
        known: Vec<String>,
    },
    /// An output is no list of scores, one per class.
    #[error("failed to load {}: its output '{output}' is {found}, not one f32 score per class", path.display())]
    Scores {
        /// The ONNX file.
        path: PathBuf,
        /// The output.
        output: String,
        /// Its type and shape.
        found: String,
    },
    /// The graph could not be prepared for its input shape.
    #[error("failed to optimise {}", path.display())]
    Optimise {
        /// The ONNX file.
        path: PathBuf,
        /// What the inference engine said.
        source: Cause,
    },
    /// An inference failed.
    #[error("failed to run {}", path.display())]
    Run {
        /// The ONNX file.
        path: PathBuf,
        /// What the inference engine said.
        source: Cause,
    },
    /// The input tensor could not be allocated or written.
    #[error("failed to prepare the input")]
    Input {
        /// What the inference engine said.
        source: Cause,
    },
    /// There are more or fewer pixels than the model takes.
    #[error("failed to fill the input: {found} pixels for {expected} elements")]
    InputLength {
        /// The elements of the input.
        expected: usize,
        /// The pixels given.
        found: usize,
    },
    /// The model has no sub-network with this index.
    #[error("failed to run sub-network {subnetwork}: the model has {count}, counted from 0")]
    UnknownSubnetwork {
        /// The index.
        subnetwork: usize,
        /// How many there are.
        count: usize,
    },
    /// The threads of inference could not be started.
    #[error("failed to start {threads} threads")]
    Threads {
        /// How many.
        threads: u32,
        /// What the system said.
        source: rayon::ThreadPoolBuildError,
    },
}

impl RuntimeError {
    /// True where a file that people provide is at fault, not the machine or the program.
    pub fn is_bad_input(&self) -> bool {
        match self {
            Self::Read { .. }
            | Self::NoOnnx { .. }
            | Self::Parse { .. }
            | Self::InputShape { .. }
            | Self::UnknownOutput { .. }
            | Self::Scores { .. }
            | Self::Optimise { .. } => true,
            Self::Run { .. }
            | Self::Input { .. }
            | Self::InputLength { .. }
            | Self::UnknownSubnetwork { .. }
            | Self::Threads { .. } => false,
        }
    }

    /// What to do about it, where that can be said.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::Read { .. } => Some("check the path in the manifest, and who may read the file"),
            Self::NoOnnx { .. } => Some("write artifacts = { onnx = \"FILE.onnx\" } for it"),
            Self::Parse { .. } => Some("copy or export the file again: it may be cut off"),
            Self::InputShape { .. } => Some("correct shape below [input] in the manifest, or export again"),
            Self::UnknownOutput { .. } => Some("correct output = \"…\" of the sub-network in the manifest"),
            Self::Scores { .. } => Some("export the classifier with one output of shape [1, classes]"),
            Self::Optimise { .. } => {
                Some("the file uses something that tract cannot run: export it differently")
            }
            _ => None,
        }
    }
}

fn explain_output(output: Option<&str>, known: &[String]) -> String {
    let known = known.join(", ");
    match output {
        Some(output) => format!("it has no output '{output}', only {known}"),
        None => format!("it has several outputs ({known}), and the manifest does not say which"),
    }
}

/// What the inference engine said, as an error with its own chain of causes.
pub struct Cause(pub(crate) TractError);

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Error for Cause {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}
