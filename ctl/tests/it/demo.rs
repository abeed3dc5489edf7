//! The demo from end to end, short: real daemon, real apps, real inference. What is checked is that all
//! parts work together, not how fast this machine is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::MACHINE;

/// A demo of 5 s takes three times as long, and measures models before; a busy machine needs longer.
const PATIENCE: Duration = Duration::from_secs(300);

fn dynctl() -> Command {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_dynctl"));
    for needed in ["dynd", "dynd-runtime"] {
        let file = program.with_file_name(needed);
        assert!(
            file.is_file(),
            "{} is missing: build it with 'cargo build --workspace', or run all tests with \
             'cargo test --workspace', which does",
            file.display()
        );
    }
    let mut command = Command::new(program);
    command.stdin(Stdio::null());
    command
}

/// The sockets of the demo's own daemons, one per run that has one. Their directory is made in `temp`.
fn sockets(temp: &Path) -> Vec<PathBuf> {
    let entries = |directory: PathBuf| {
        fs::read_dir(directory)
            .into_iter()
            .flatten()
            .filter_map(Result::ok)
    };
    entries(temp.into())
        .flat_map(|demo| entries(demo.path()))
        .map(|run| run.path().join("dynd.sock"))
        .filter(|socket| socket.exists())
        .collect()
}

/// The status while both apps run what the daemon told them; absent as long as they do not.
fn both_managed(temp: &Path) -> Option<Value> {
    let managed = |socket: &PathBuf| {
        let output = dynctl()
            .arg("--socket")
            .arg(socket)
            .args(["status", "--json"])
            .output()
            .unwrap();
        let status: Value = serde_json::from_slice(&output.stdout).ok()?;
        let apps = status["apps"].as_array()?;
        let acked = apps
            .iter()
            .filter(|app| app["assignment"]["acked"] == true)
            .count();
        (acked == 2).then_some(status)
    };
    sockets(temp).iter().find_map(managed)
}

/// Whether a process was started with a file in `directory` among its arguments.
fn is_used(directory: &Path) -> bool {
    let directory = directory.to_str().unwrap().as_bytes();
    let processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let arguments = processes.filter_map(|process| fs::read(process.path().join("cmdline")).ok());
    arguments
        .into_iter()
        .any(|line| line.windows(directory.len()).any(|part| part == directory))
}

fn start(temp: &Path, arguments: &[&str]) -> Child {
    dynctl()
        .args(["demo", "--busy"])
        .args(arguments)
        .env("TMPDIR", temp)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What `look` finds while `demo` runs.
fn watch<T>(demo: &mut Child, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + PATIENCE;
    while demo.try_wait().unwrap().is_none() && Instant::now() < deadline {
        if let Some(found) = look() {
            return Some(found);
        }
        thread::sleep(Duration::from_millis(50));
    }
    None
}

fn is_share(value: &Value) -> bool {
    value.as_f64().is_some_and(|share| (0.0..=1.0).contains(&share))
}

#[test]
fn a_short_demo_runs_and_its_daemon_manages_both_apps() {
    let _machine = MACHINE.read();
    let temp = tempfile::tempdir().unwrap();
    let report = temp.path().join("report").join("demo.html");
    fs::create_dir(report.parent().unwrap()).unwrap();
    let sockets = temp.path().join("sockets");
    fs::create_dir(&sockets).unwrap();

    let arguments = ["--seconds", "5", "--json", "--report", report.to_str().unwrap()];
    let mut demo = start(&sockets, &arguments);
    let status = watch(&mut demo, || both_managed(&sockets));
    let output = demo.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");

    let status = status.unwrap_or_else(|| panic!("both apps were never managed at once\n{said}"));
    check_status(&status);
    check_document(&serde_json::from_slice(&output.stdout).unwrap());
    assert!(fs::read_to_string(report).unwrap().contains("latency_ms"));
    assert!(fs::read_dir(&sockets).unwrap().next().is_none(), "files are left");
}

fn check_status(status: &Value) {
    for app in status["apps"].as_array().unwrap() {
        let assignment = &app["assignment"];
        assert!(
            assignment["subnetwork"].is_string() && assignment["cpus"].is_string(),
            "{app}"
        );
        assert!(
            app["pid"].is_u64() && app["target_ms"].is_f64() && app["slowdown"].is_f64(),
            "{app}"
        );
    }
    assert!(status["board"]["processors"][0]["cpus"].is_string(), "{status}");
    assert_eq!(status["policy"]["objective"], "max-timely-quality");
    assert!(
        status["daemon"]["rss_bytes"]
            .as_u64()
            .is_some_and(|bytes| bytes > 0),
        "{status}"
    );
}

fn check_document(document: &Value) {
    let phases = document["phases"].as_array().unwrap();
    assert_eq!(phases.len(), 6);
    assert_eq!(phases[5]["end_s"], 5.0);
    assert!(document["board"]["processors"][0]["name"].is_string());
    for way in ["managed", "static-largest", "static-smallest"] {
        for app in ["camera", "reader"] {
            let app = &document["runs"][way]["apps"][app];
            assert!(
                app["inferences"].as_u64().is_some_and(|count| count > 0),
                "{way}: {app}"
            );
            assert!(
                is_share(&app["within_target"]) && is_share(&app["quality"]),
                "{way}: {app}"
            );
            assert!(is_share(&app["correct_on_time"]), "{way}: {app}");
            assert_eq!(
                app["late_after"].as_array().map(Vec::len),
                Some(2),
                "{way}: {app}"
            );
            assert!(
                app["target_ms"].as_f64().is_some_and(|target| target > 0.0),
                "{way}: {app}"
            );
        }
    }
}

#[test]
fn an_interrupted_demo_leaves_nothing_behind() {
    let _machine = MACHINE.read();
    let temp = tempfile::tempdir().unwrap();
    let mut demo = start(temp.path(), &["--seconds", "60"]);
    let begun = watch(&mut demo, || sockets(temp.path()).pop());
    assert!(begun.is_some(), "{:?}", demo.wait_with_output());
    assert!(is_used(temp.path()));

    let pid = Pid::from_raw(demo.id().try_into().unwrap());
    kill(pid, Signal::SIGINT).unwrap();
    let output = demo.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    assert!(
        String::from_utf8_lossy(&output.stderr).ends_with("dynctl: interrupted\n"),
        "{output:?}"
    );
    assert!(sockets(temp.path()).is_empty(), "sockets are left");
    assert!(
        fs::read_dir(temp.path()).unwrap().next().is_none(),
        "files are left"
    );
    assert!(!is_used(temp.path()), "processes are left");
}
