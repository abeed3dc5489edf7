//! What valid files say arrives where it belongs.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use dynd_files::{FileError, Knob, TestSet, load_manifest, load_policy, parse_manifest, parse_policy};
use dynd_vocab::{
    AppMatch, BoardDescription, ClockBounds, CpuSet, Hertz, ModelKind, Processor, ProcessorKind,
    ProcessorName, ProcessorRule, Restore, Role,
};

/// Sub-networks from large to small, with every key.
const MANIFEST: &str = include_str!("sample-model.toml");

#[test]
fn a_manifest_is_read_in_order_of_macs() {
    let manifest = parse_manifest(Path::new("models/digits/model.toml"), MANIFEST).unwrap();
    assert_eq!(manifest.path, Path::new("models/digits/model.toml"));
    assert_eq!(manifest.table.kind, ModelKind::Supernet);
    assert_eq!(
        (manifest.input.shape, manifest.input.scale),
        (vec![1, 1, 40, 40], 1.0 / 255.0)
    );
    let test = TestSet {
        images: "models/digits/../images.idx3-ubyte".into(),
        labels: "models/digits/../labels.idx1-ubyte".into(),
    };
    assert_eq!(manifest.test, Some(test));

    let table: Vec<_> = manifest
        .table
        .subnetworks
        .iter()
        .map(|s| (s.name.as_str(), s.macs, s.memory_bytes))
        .collect();
    assert_eq!(
        table,
        [("w25", 17_200_000, 400_000), ("w50", 60_000_000, 3 << 19)]
    );
    let [small, large] = &manifest.artifacts[..] else {
        panic!("two sub-networks")
    };
    assert_eq!(small.files["onnx"], Path::new("models/digits/all.onnx"));
    assert_eq!(small.output.as_deref(), Some("exit1"));
    assert_eq!(large.files["tflite"], Path::new("/opt/w50.tflite"));
    assert_eq!(large.knobs["width"], Knob::Number(0.5));
    assert_eq!(large.knobs["norm"], Knob::Text("batch".into()));
}

/// Writes the manifest and `files` to a fresh directory.
fn model(files: &[&str]) -> (tempfile::TempDir, PathBuf) {
    let root = tempfile::tempdir().unwrap();
    let directory = root.path().join("digits");
    fs::create_dir(&directory).unwrap();
    let text = MANIFEST.replace("/opt/w50.tflite", "w50.tflite");
    fs::write(directory.join("model.toml"), text).unwrap();
    for file in files {
        fs::write(directory.join(file), "").unwrap();
    }
    (root, directory)
}

#[test]
fn a_directory_stands_for_its_manifest() {
    let (_root, directory) = model(&[
        "../images.idx3-ubyte",
        "../labels.idx1-ubyte",
        "w50.onnx",
        "w50.tflite",
        "all.onnx",
    ]);
    let manifest = load_manifest(&directory).unwrap();
    assert_eq!(manifest, load_manifest(&directory.join("model.toml")).unwrap());
    assert_eq!(manifest.path, directory.join("model.toml"));
}

#[test]
fn the_first_absent_file_is_pointed_at() {
    let check = |files: &[&str], line: usize, expect: &str| {
        let (_root, directory) = model(files);
        let Err(FileError::Invalid(found)) = load_manifest(&directory) else {
            panic!("{expect}: is refused")
        };
        let message = found.message.replace(directory.to_str().unwrap(), "DIR");
        assert_eq!((found.line, message.as_str()), (line, expect));
    };
    let test = ["../images.idx3-ubyte", "../labels.idx1-ubyte"];
    check(&[], 12, "failed to find test images DIR/../images.idx3-ubyte");
    check(
        &test[..1],
        13,
        "failed to find test labels DIR/../labels.idx1-ubyte",
    );
    check(&test, 21, "failed to find model file DIR/w50.onnx");
    check(
        &[test[0], test[1], "w50.onnx"],
        21,
        "failed to find model file DIR/w50.tflite",
    );
    check(
        &[test[0], test[1], "w50.onnx", "w50.tflite"],
        28,
        "failed to find model file DIR/all.onnx",
    );
}

#[test]
fn a_directory_is_no_artifact() {
    let (_root, directory) = model(&["../images.idx3-ubyte", "../labels.idx1-ubyte"]);
    fs::create_dir(directory.join("w50.onnx")).unwrap();
    let message = load_manifest(&directory).unwrap_err().to_string();
    assert!(message.contains("w50.onnx is a directory"), "{message}");
}

#[test]
fn what_cannot_be_read_is_named() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("policy.toml");
    let absent = load_policy(&path, None).unwrap_err();
    assert!(
        matches!(&absent, FileError::Read { path: named, .. } if *named == path),
        "{absent}"
    );

    fs::write(&path, vec![b'#'; 2 << 20]).unwrap();
    let large = load_policy(&path, None).unwrap_err();
    assert!(matches!(large, FileError::TooLarge { .. }), "{large}");

    fs::write(&path, b"objective = \"max\xffquality\"\n").unwrap();
    let Err(FileError::Invalid(garbled)) = load_policy(&path, None) else {
        panic!("no UTF-8")
    };
    assert_eq!((garbled.line, garbled.column), (1, 17));
}

#[test]
fn rules_match_by_what_they_name() {
    let check = |text: &str, expect: AppMatch| {
        let text = format!("[[app]]\n{text}\n");
        assert_eq!(
            parse_policy(Path::new("p.toml"), &text, None).unwrap().apps[0].matches,
            expect
        );
    };
    let none = AppMatch::default();
    check(
        "match = { user = \"root\" }",
        AppMatch {
            uid: Some(0),
            ..none.clone()
        },
    );
    check(
        "match = { user = \"1000\" }",
        AppMatch {
            uid: Some(1000),
            ..none.clone()
        },
    );
    check(
        "match = { user = 1000 }",
        AppMatch {
            uid: Some(1000),
            ..none.clone()
        },
    );
    check(
        "match.exe = \"/bin/a\"",
        AppMatch {
            exe: Some("/bin/a".into()),
            ..none.clone()
        },
    );
    check(
        "[app.match]\nsocket = \"box\"",
        AppMatch {
            socket: Some("box".into()),
            ..none.clone()
        },
    );
    check(
        "match = { unit = \"a.scope\", name = \"a\" }",
        AppMatch {
            unit: Some("a.scope".into()),
            name: Some("a".into()),
            ..none
        },
    );
}

#[test]
fn a_narrow_rule_may_stand_before_a_wide_one() {
    let text = r#"app = [
        { match = { unit = "a.service", name = "x" } },
        { match = { unit = "a.service" } },
        { match = { name = "x" } },
    ]"#;
    assert_eq!(
        parse_policy(Path::new("p.toml"), text, None).unwrap().apps.len(),
        3
    );
}

#[test]
fn processors_of_the_board_and_roles_of_any_board_are_known() {
    let processor = Processor {
        name: "cpu".into(),
        kind: ProcessorKind::Cpu,
        role: Role::Big,
        cpus: "0-1".parse::<CpuSet>().unwrap(),
        capacity: 1024,
        opps: Vec::new(),
    };
    let board = BoardDescription {
        name: "small".into(),
        processors: vec![processor],
        ..BoardDescription::default()
    };
    let text = "reserve-cpus = \"1\"\n[[app]]\nmatch = { name = \"x\" }\nprocessors = [\"cpu\", \"little\"]\npercentile = 99.5\n";
    let policy = parse_policy(Path::new("p.toml"), text, Some(&board)).unwrap();
    let expect = [
        ProcessorName::Named("cpu".into()),
        ProcessorName::Role(Role::Little),
    ];
    assert_eq!(policy.apps[0].processors, expect);
    assert_eq!(policy.apps[0].percentile, Some(0.995));
    assert_eq!(policy, parse_policy(Path::new("p.toml"), text, None).unwrap());
}

#[test]
fn processors_are_ruled_by_role_or_name() {
    let text = r#"
        restore = "never"
        [processor.big]
        clocks = "bound"
        min-clock = "600 MHz"
        max-clock = "1.4 GHz"
        [processor.gpu0]
        max-clock = "0.9 GHz"
        clocks = "bound"
        [processor.npu0]
        clocks = "bound"
        [processor.little]
        clocks = "leave"
        [processor.mid]
    "#;
    let policy = parse_policy(Path::new("p.toml"), text, None).unwrap();
    assert_eq!(policy.restore, Restore::Never);
    let khz = |khz| (khz > 0).then(|| Hertz::from_khz(khz));
    let rule = |processor, min, max| ProcessorRule {
        processor,
        clocks: Some(ClockBounds {
            min: khz(min),
            max: khz(max),
        }),
    };
    let left = |role| ProcessorRule {
        processor: ProcessorName::Role(role),
        clocks: None,
    };
    let expect = [
        rule(ProcessorName::Role(Role::Big), 600_000, 1_400_000),
        rule(ProcessorName::Named("gpu0".into()), 0, 900_000),
        rule(ProcessorName::Named("npu0".into()), 0, 0),
        left(Role::Little),
        left(Role::Mid),
    ];
    assert_eq!(policy.processors, expect);
}
