//! The library with the models of this repository, real ONNX files and real threads.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod accuracy;
mod inference;
mod refusals;

use std::path::Path;

use dynd_files::{Manifest, load_manifest};

/// The manifest of a model in `models/`.
fn shipped(name: &str) -> Manifest {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models");
    load_manifest(&models.join(name)).unwrap()
}
