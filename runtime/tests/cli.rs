//! The program as its callers see it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use dynd_client::now;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

/// A daemon that does what the test says.
#[path = "../../client/tests/scripted/mod.rs"]
mod scripted;

const SECOND: u64 = 1_000_000_000;

fn models() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../models")
}

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_dynd-runtime"))
}

fn run(arguments: &[&str]) -> Output {
    program().args(arguments).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn json_lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn check_says_what_it_measured() {
    let manifest = models().join("exit-mnist");
    let output = run(&["check", manifest.to_str().unwrap(), "--limit", "3", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let findings: Value = serde_json::from_slice(&output.stdout).unwrap();
    let names: Vec<&str> = findings
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["e1", "e2", "e3"]);
    assert!(findings[0]["median_ms"].as_f64().unwrap() > 0.0);
    assert!(
        findings[0]["agrees"].is_null(),
        "three images are too few to judge"
    );
}

#[test]
fn bad_files_end_with_code_2_and_say_which() {
    let directory = tempfile::tempdir().unwrap();
    let shipped = fs::read_to_string(models().join("exit-mnist/model.toml")).unwrap();
    let shipped = shipped.replace("../digits-test", models().join("digits-test").to_str().unwrap());
    let onnx = fs::read(models().join("exit-mnist/exit-mnist.onnx")).unwrap();
    let check = |text: &str, bytes: Option<&[u8]>, expect: &[&str]| {
        let file = directory.path().join("exit-mnist.onnx");
        let _ = fs::remove_file(&file);
        if let Some(bytes) = bytes {
            fs::write(&file, bytes).unwrap();
        }
        fs::write(directory.path().join("model.toml"), text).unwrap();
        let output = run(&["check", directory.path().to_str().unwrap()]);
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(expect.iter().all(|part| message.contains(part)), "{message}");
    };
    let truncated = &onnx[..onnx.len() / 2];
    check(
        &shipped,
        Some(truncated),
        &["exit-mnist.onnx", "failed to read", "help:"],
    );
    check(&shipped, None, &["exit-mnist.onnx", "model.toml:"]);
    check(
        &shipped.replace("exit3", "exit4"),
        Some(&onnx),
        &["exit-mnist.onnx", "'exit4'"],
    );
    check(
        &shipped.replace("name = \"e2\"", "name = \"e1\""),
        Some(&onnx),
        &["model.toml:", "\"e1\" is defined a second time"],
    );
    let labels = "labels.idx1-ubyte";
    check(
        &shipped.replace(labels, "images.idx3-ubyte"),
        Some(&onnx),
        &["test images", "images.idx3-ubyte"],
    );
}

#[test]
fn a_quality_that_is_not_so_ends_with_code_1() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, header: &[u32], bytes: &[u8]| {
        let mut file = vec![0, 0, 8, u8::try_from(header.len()).unwrap()];
        file.extend(header.iter().flat_map(|size| size.to_be_bytes()));
        file.extend(bytes);
        fs::write(directory.path().join(name), file).unwrap();
    };
    write("images", &[4, 56, 56], &[0; 4 * 56 * 56]);
    // No network has that many classes, so that none of its answers is right.
    write("labels", &[4], &[200; 4]);
    let manifest = |quality: &str| {
        let text = format!(
            "name = \"n\"\nkind = \"family\"\ntask = \"t\"\nquality-metric = \"top-1\"\nsource = \"s\"\n\
             [input]\nshape = [1, 1, 56, 56]\nscale = \"1/255\"\n\
             [test]\nimages = \"images\"\nlabels = \"labels\"\n\
             [[subnetwork]]\nname = \"small\"\nquality = {quality}\nmacs = 1\nmemory = \"1 MiB\"\n\
             artifacts = {{ onnx = \"{}\" }}\n",
            models().join("slim-mnist/w25.onnx").display()
        );
        fs::write(directory.path().join("model.toml"), text).unwrap();
        let output = run(&["check", directory.path().to_str().unwrap()]);
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, table) = manifest("0.003");
    assert!(code == Some(1) && table.contains('!'), "{table}");
    let (code, table) = manifest("0.001");
    assert!(code == Some(0) && !table.contains('!'), "{table}");
}

#[test]
fn profile_measures_every_sub_network_on_every_number_of_cores() {
    let manifest = models().join("exit-mnist");
    let output = run(&["profile", manifest.to_str().unwrap(), "--threads", "2", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let points: Value = serde_json::from_slice(&output.stdout).unwrap();
    let points = points.as_array().unwrap();
    let keys: Vec<_> = points
        .iter()
        .map(|point| {
            (
                point["subnetwork"].as_u64().unwrap(),
                point["cores"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(keys, [(0, 1), (0, 2), (1, 1), (1, 2), (2, 1), (2, 2)]);
    for point in points {
        let (median, p95) = (
            point["median_s"].as_f64().unwrap(),
            point["p95_s"].as_f64().unwrap(),
        );
        assert!(0.0 < median && median <= p95, "{point}");
    }
}

/// The arguments of an app on exit-mnist that starts soon after it was loaded.
fn app(log: &Path, seconds: u64) -> Command {
    let start = now().as_nanos() + 2 * SECOND;
    let mut command = program();
    command
        .args([
            "app",
            "--name",
            "reader",
            "--target-ms",
            "100",
            "--period-ms",
            "40",
            "--manifest",
        ])
        .arg(models().join("exit-mnist"))
        .args(["--start-ns", &start.to_string()])
        .args(["--stop-ns", &(start + seconds * SECOND).to_string()])
        .arg("--log")
        .arg(log);
    command
}

/// Every frame of a log whose period is 40 ms; each is in order, and ran or was skipped as a whole.
fn frames(log: &Path) -> Vec<Value> {
    let lines = json_lines(&fs::read_to_string(log).unwrap());
    let (header, frames) = lines.split_first().unwrap();
    assert_eq!(header["app"]["name"], "reader");
    assert_eq!(
        header["app"]["subnetworks"],
        serde_json::json!(["e1", "e2", "e3"])
    );
    let first = frames[0]["release_ns"].as_u64().unwrap();
    for (number, frame) in (0..).zip(frames) {
        assert_eq!(frame["frame"], number);
        let release = frame["release_ns"].as_u64().unwrap();
        assert_eq!(release, first + number * 40_000_000);
        match (frame["begin_ns"].as_u64(), frame["end_ns"].as_u64()) {
            (Some(begin), Some(end)) => {
                assert!(release <= begin && begin < end, "{frame}");
                assert!(
                    frame["correct"].is_boolean() && frame["cores"].is_u64(),
                    "{frame}"
                );
            }
            (None, None) => assert!(frame["subnetwork"].is_null(), "{frame}"),
            _ => panic!("half a frame: {frame}"),
        }
    }
    frames.to_vec()
}

#[test]
fn an_app_with_a_fixed_sub_network_runs_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("log");
    let output = app(&log, 1).args(["--fixed", "e2", "--live"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let said = String::from_utf8(output.stdout.clone()).unwrap();
    assert_eq!(said.lines().next(), Some("ready"));
    let frames = frames(&log);
    assert_eq!(frames.len(), 25);
    let ran: Vec<_> = frames
        .iter()
        .filter(|frame| frame["subnetwork"].is_u64())
        .collect();
    assert!(!ran.is_empty());
    assert!(
        ran.iter()
            .all(|frame| frame["subnetwork"] == 1 && frame["switched"] == false)
    );
}

#[test]
fn an_app_without_its_daemon_selects_for_itself() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("log");
    let socket = directory.path().join("no-daemon.sock");
    let output = app(&log, 1).arg("--socket").arg(&socket).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let frames = frames(&log);
    let first = frames.iter().find(|frame| frame["subnetwork"].is_u64()).unwrap();
    assert_eq!(
        first["switched"], true,
        "the first frame has nothing to go on with"
    );
    assert!(first["switch_gap_ns"].is_u64());
}

#[test]
fn an_app_that_is_told_to_end_writes_its_log() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("log");
    let mut child = app(&log, 3600)
        .args(["--fixed", "0", "--live"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "ready");
    let live: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(
        (&live["subnetwork"], &live["cores"]),
        (&Value::from(0), &Value::from(1))
    );
    kill(Pid::from_raw(child.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(!frames(&log).is_empty());
}

#[test]
fn arguments_that_make_no_sense_end_with_code_2() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("log");
    let check = |arguments: &[&str], expect: &str| {
        let output = app(&log, 1).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains(expect), "{}", stderr(&output));
        assert!(!log.exists());
    };
    check(&["--fixed", "e9"], "no sub-network 'e9', only e1, e2, e3");
    check(&["--fixed", "3"], "no sub-network '3'");
    check(&[], "--socket");
    check(&["--socket", "s", "--percentile", "95"], "--percentile");
    check(&["--socket", "s", "--min-quality", "2"], "--min-quality");
    check(&["--socket", "s", "--profile", "missing.json"], "missing.json");
}

#[test]
fn load_ends_on_time_and_when_told() {
    let start = Instant::now();
    let mut forever = program()
        .args(["load", "--threads", "1", "--stop-ns", &u64::MAX.to_string()])
        .spawn()
        .unwrap();
    let stop = (now() + Duration::from_millis(300)).as_nanos();
    let output = run(&["load", "--threads", "2", "--stop-ns", &stop.to_string()]);
    assert_eq!(output.status.code(), Some(0));
    assert!(now().as_nanos() >= stop);
    assert!(forever.try_wait().unwrap().is_none());
    // Sent again until it is heeded: the first may come before the program can take it.
    let code = loop {
        kill(Pid::from_raw(forever.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
        if let Some(status) = forever.try_wait().unwrap() {
            break status.code();
        }
        assert!(start.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(code, Some(0));
}

#[test]
fn an_app_that_the_daemon_refuses_ends_with_code_2_and_says_why() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("dynd.sock");
    let why = "the client speaks protocol 1, this daemon speaks 9: update the client";
    let refusal = tonic::Status::failed_precondition(why);
    let _daemon = scripted::ScriptedDaemon::start(&socket, scripted::Manner::Refusal(refusal));
    let log = directory.path().join("log");
    let start = now().as_nanos() + SECOND;
    let output = program()
        .args(["app", "--manifest", models().join("exit-mnist").to_str().unwrap()])
        .args(["--name", "reader", "--target-ms", "50", "--period-ms", "100"])
        .args([
            "--start-ns",
            &start.to_string(),
            "--stop-ns",
            &(start + SECOND).to_string(),
        ])
        .args([
            "--log",
            log.to_str().unwrap(),
            "--socket",
            socket.to_str().unwrap(),
        ])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains(why), "{}", stderr(&output));
    assert!(!log.exists(), "a refused app ran");
}
