//! A model that cannot be run is refused with a message that names the file at fault.

use std::error::Error as _;
use std::fs;
use std::path::{Path, PathBuf};

use dynd_files::load_manifest;
use dynd_runtime::{DynamicModel, RuntimeError};
use tempfile::TempDir;

/// A manifest of one sub-network in a directory of its own.
struct Scene {
    directory: TempDir,
}

impl Scene {
    /// With the first `share` of the bytes of the shipped exit-mnist.
    fn new(share: f64) -> Self {
        let scene = Self {
            directory: tempfile::tempdir().unwrap(),
        };
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/exit-mnist/exit-mnist.onnx");
        let bytes = fs::read(shipped).unwrap();
        let length = (bytes.len() as f64 * share) as usize;
        fs::write(scene.path("net.onnx"), &bytes[..length]).unwrap();
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn load(&self, shape: &str, rest: &str) -> Result<DynamicModel, RuntimeError> {
        let text = format!(
            "name = \"n\"\nkind = \"supernet\"\ntask = \"t\"\nquality-metric = \"top-1\"\nsource = \"s\"\n\
             [input]\nshape = {shape}\nscale = 1\n\
             [[subnetwork]]\nname = \"a\"\nquality = 0.9\nmacs = 1\nmemory = \"1 MiB\"\n{rest}\n"
        );
        fs::write(self.path("model.toml"), text).unwrap();
        let manifest = load_manifest(self.directory.path()).unwrap();
        DynamicModel::load(&manifest, 1)
    }
}

const SHAPE: &str = "[1, 1, 56, 56]";
const LAST: &str = "artifacts = { onnx = \"net.onnx\" }\noutput = \"exit3\"";

fn check(error: &RuntimeError, file: &str, expect: &str) {
    let message = error.to_string();
    assert!(message.contains(file) && message.contains(expect), "{message}");
    assert!(error.is_bad_input() && error.help().is_some(), "{error:?}");
}

#[test]
fn a_whole_file_is_taken() {
    Scene::new(1.0).load(SHAPE, LAST).unwrap();
}

#[test]
fn a_truncated_file_is_refused() {
    for share in [0.0, 0.01, 0.5, 0.999] {
        let error = Scene::new(share).load(SHAPE, LAST).unwrap_err();
        check(&error, "net.onnx", "failed to");
    }
    let error = Scene::new(0.5).load(SHAPE, LAST).unwrap_err();
    assert!(matches!(error, RuntimeError::Parse { .. }) && error.source().is_some());
}

#[test]
fn a_file_that_vanished_is_refused() {
    let scene = Scene::new(1.0);
    scene.load(SHAPE, LAST).unwrap();
    let manifest = load_manifest(scene.directory.path()).unwrap();
    fs::remove_file(scene.path("net.onnx")).unwrap();
    check(
        &DynamicModel::load(&manifest, 1).unwrap_err(),
        "net.onnx",
        "failed to read",
    );
}

#[test]
fn another_input_than_the_manifest_says_is_refused() {
    for shape in ["[1, 1, 40, 40]", "[1, 3, 56, 56]", "[56, 56]"] {
        let error = Scene::new(1.0).load(shape, LAST).unwrap_err();
        check(&error, "net.onnx", "the manifest says shape");
    }
}

#[test]
fn an_output_that_is_not_there_is_refused() {
    let with = |output: &str| {
        let rest = format!("artifacts = {{ onnx = \"net.onnx\" }}\n{output}");
        Scene::new(1.0).load(SHAPE, &rest).unwrap_err()
    };
    check(
        &with("output = \"exit9\""),
        "net.onnx",
        "no output 'exit9', only exit1, exit2, exit3",
    );
    check(&with(""), "net.onnx", "several outputs (exit1, exit2, exit3)");
}

#[test]
fn a_model_for_another_runtime_is_refused() {
    let error = Scene::new(1.0)
        .load(SHAPE, "artifacts = { tensorrt = \"net.onnx\" }")
        .unwrap_err();
    check(&error, "model.toml", "'a' has no artifact 'onnx'");
}
