//! The command line as users see it: help and errors against golden files, and what needs no daemon.
//!
//! `UPDATE_GOLDEN=1 cargo test -p dynctl --test it cli` writes the golden files anew.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use dynd_board::Snapshot;
use tempfile::TempDir;

/// A socket that no daemon listens on.
const NOWHERE: &str = "/nonexistent/dynd.sock";

fn dynctl(arguments: &[&str], directory: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dynctl"))
        .args(arguments)
        .current_dir(directory)
        .env_remove("DYND_SOCKET")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// Compares `text` with the golden file `name`, or writes it.
fn golden(name: &str, text: &str) {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&file, text).unwrap();
    }
    let expect = fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(
        text,
        expect,
        "differs from {}; UPDATE_GOLDEN=1 accepts it",
        file.display()
    );
}

/// Runs `dynctl` in `directory` and compares exit code and standard error.
fn fails(arguments: &[&str], directory: &Path, code: i32, name: &str) {
    let output = dynctl(arguments, directory);
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    golden(name, &String::from_utf8(output.stderr).unwrap());
}

fn files(files: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let file = directory.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    directory
}

#[test]
fn every_command_has_help() {
    let commands = [
        "",
        "status",
        "apps",
        "why",
        "models",
        "board",
        "policy",
        "policy check",
        "model",
        "model check",
        "demo",
        "board fixture",
        "board figures",
        "board unpack",
        "board validate",
        "board mount",
        "doctor",
        "release",
        "simulate",
    ];
    for command in commands {
        let arguments: Vec<_> = command.split_whitespace().chain(["--help"]).collect();
        let output = dynctl(&arguments, Path::new("."));
        assert!(output.status.success(), "{output:?}");
        let name = format!("help {command}").trim().replace(' ', "-");
        golden(&format!("{name}.txt"), &String::from_utf8(output.stdout).unwrap());
    }
}

#[test]
fn a_missing_daemon_is_told() {
    for command in ["status", "apps", "models"] {
        fails(
            &["--socket", NOWHERE, command],
            Path::new("."),
            1,
            "no-daemon.txt",
        );
        fails(
            &[command, "--socket", NOWHERE, "--json"],
            Path::new("."),
            1,
            "no-daemon.txt",
        );
    }
    fails(
        &["--socket", NOWHERE, "status", "--watch"],
        Path::new("."),
        1,
        "no-daemon.txt",
    );
}

#[test]
fn bad_arguments_are_told() {
    let here = Path::new(".");
    fails(&["statsu"], here, 2, "unknown-command.txt");
    fails(&["demo", "--seconds", "1"], here, 2, "demo-too-short.txt");
    fails(&["policy", "check"], here, 2, "policy-check-nothing.txt");
    fails(
        &["demo", "--report", "/nonexistent/x.html"],
        here,
        2,
        "demo-report-nowhere.txt",
    );
}

#[test]
fn an_answer_that_nobody_reads_is_no_failure() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = Command::new(env!("CARGO_BIN_EXE_dynctl"))
        .args(["--socket", NOWHERE, "board"])
        .stdout(writer)
        .output()
        .unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

#[test]
fn a_good_policy_is_ok() {
    let directory = files(&[
        ("empty.toml", ""),
        (
            "camera.toml",
            "objective = \"min-energy\"\n[[app]]\nmatch = { name = \"camera\" }\nlatency = \"60 ms\"\n",
        ),
    ]);
    let output = dynctl(
        &["policy", "check", "empty.toml", "camera.toml"],
        directory.path(),
    );
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "empty.toml: ok: no app rules, objective max-quality\n\
         camera.toml: ok: 1 app rule, objective min-energy\n"
    );
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

#[test]
fn a_bad_policy_is_shown_where_it_is_wrong_and_the_others_are_checked_too() {
    let rule = "[[app]]\nmatch = { name = \"camera\" }\n";
    let directory = files(&[
        ("good.toml", ""),
        ("latency.toml", &format!("{rule}latency = \"-60 ms\"\n")),
        ("processor.toml", &format!("{rule}processors = [\"warp\"]\n")),
    ]);
    let arguments = [
        "policy",
        "check",
        "latency.toml",
        "processor.toml",
        "missing.toml",
        "good.toml",
    ];
    let output = dynctl(&arguments, directory.path());
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "good.toml: ok: no app rules, objective max-quality\n"
    );
    let errors = String::from_utf8(output.stderr).unwrap();
    for expect in [
        "latency.toml:3:",
        "\"-60 ms\"",
        "processor.toml:3:",
        "warp",
        "missing.toml",
    ] {
        assert!(errors.contains(expect), "no {expect} in\n{errors}");
    }
}

/// A machine made of the listing `board/tests/fixtures/NAME.tree`.
fn machine(name: &str) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let listing = format!(
        "{}/../board/tests/fixtures/{name}.tree",
        env!("CARGO_MANIFEST_DIR")
    );
    let listing = fs::read_to_string(listing).unwrap();
    Snapshot::parse(&listing)
        .unwrap()
        .write(directory.path())
        .unwrap();
    directory
}

fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

#[test]
fn the_board_needs_no_daemon() {
    let output = dynctl(&["--socket", NOWHERE, "board", "--json"], Path::new("."));
    assert!(output.status.success(), "{output:?}");
    let board = json(&output);
    let processor = &board["processors"][0];
    assert!(
        processor["name"].is_string() && processor["cpus"].is_string(),
        "{board}"
    );
    assert!(
        processor["load"]
            .as_f64()
            .is_some_and(|load| (0.0..=1.0).contains(&load)),
        "{board}"
    );

    let text = dynctl(&["--socket", NOWHERE, "board"], Path::new("."));
    assert!(
        String::from_utf8_lossy(&text.stdout).contains("processor  role  cpus"),
        "{text:?}"
    );
}

#[test]
fn every_value_of_a_board_has_its_path() {
    let machine = machine("odroid-xu3");
    let output = dynctl(&["board", "--root", ".", "--json"], machine.path());
    let board = json(&output);
    assert_eq!(board["name"], "Hardkernel Odroid XU3");
    let gpu = &board["processors"][2];
    assert_eq!(
        (&gpu["name"], &gpu["kind"], &gpu["role"], &gpu["clock_khz"]),
        (&"gpu".into(), &"gpu".into(), &"gpu".into(), &177_000.into())
    );
    assert_eq!(gpu["opps_khz"][6], 600_000);
    let expect = [
        (
            &board["processors"][0]["path"],
            "sys/devices/system/cpu/cpufreq/policy0",
        ),
        (&gpu["path"], "sys/class/devfreq/11800000.gpu"),
        (&gpu["clock_path"], "sys/class/devfreq/11800000.gpu/cur_freq"),
        (
            &board["memory"][0]["path"],
            "sys/class/devfreq/bus-wcore/cur_freq",
        ),
        (&board["rails"][3]["path"], "sys/class/hwmon/hwmon3/power1_input"),
        (&board["zones"][4]["path"], "sys/class/thermal/thermal_zone4/temp"),
        (
            &board["cooling"][0]["path"],
            "sys/class/thermal/cooling_device0/cur_state",
        ),
    ];
    for (path, expect) in expect {
        assert_eq!(path, &format!("./{expect}"), "{board}");
        assert!(machine.path().join(expect).exists());
    }
    assert_eq!(board["rails"][0]["watts"], 6.4);
    assert_eq!(board["zones"][0]["trips"][4]["temperature"], 70.0);

    let text = dynctl(&["board", "--root", "."], machine.path());
    golden("board-odroid-xu3.txt", &String::from_utf8(text.stdout).unwrap());
}

#[test]
fn a_rail_that_is_a_product_has_two_paths() {
    let machine = machine("jetson-xavier-nx");
    let board = json(&dynctl(&["board", "--root", ".", "--json"], machine.path()));
    let rail = &board["rails"][1];
    assert_eq!(
        (&rail["name"], &rail["within"]),
        (&"VDD_CPU_GPU_CV".into(), &"VDD_IN".into())
    );
    assert_eq!(rail["paths"][0], "./sys/class/hwmon/hwmon3/in2_input");
    assert_eq!(rail["paths"][1], "./sys/class/hwmon/hwmon3/curr2_input");
    assert_eq!(
        board["problems"][0]["path"],
        "./sys/class/thermal/thermal_zone5/temp"
    );
}

#[test]
fn a_fixture_is_discovered_as_the_board_it_was_taken_of() {
    let machine = machine("rk3588");
    let output = dynctl(&["board", "fixture", "--root", ".", "copy.tree"], machine.path());
    assert!(output.status.success(), "{output:?}");
    let copy = tempfile::tempdir().unwrap();
    let directory = copy.path().to_str().unwrap();
    let output = dynctl(&["board", "unpack", "copy.tree", directory], machine.path());
    assert!(output.status.success(), "{output:?}");
    let board = |machine: &TempDir| json(&dynctl(&["board", "--root", ".", "--json"], machine.path()));
    let original = board(&machine);
    assert_eq!(original["processors"][4]["name"], "npu");
    assert_eq!(board(&copy), original);
    fails(
        &["board", "fixture", "--root", "/nonexistent/machine", "copy.tree"],
        machine.path(),
        2,
        "board-nowhere.txt",
    );
    fs::write(machine.path().join("no.tree"), "[proc]\nstat\n").unwrap();
    fails(
        &["board", "unpack", "no.tree", directory],
        machine.path(),
        2,
        "board-unpack-no-fixture.txt",
    );
}

#[test]
fn a_doctor_says_what_to_do() {
    let machine = machine("odroid-xu3-3.10");
    let output = dynctl(&["doctor", "--root", "."], machine.path());
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    golden(
        "doctor-odroid-xu3.txt",
        &String::from_utf8(output.stdout).unwrap(),
    );

    let output = dynctl(&["doctor", "--root", ".", "--json"], machine.path());
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let finding = &json(&output)["findings"][0];
    for field in ["grade", "what", "cost", "remedy"] {
        assert!(
            finding[field].as_str().is_some_and(|text| !text.is_empty()),
            "{finding}"
        );
    }
}

#[test]
fn a_doctor_finds_nothing_on_a_machine_in_order() {
    let machine = machine("odroid-xu3");
    let cgroups = "[sys/fs/cgroup]\ncgroup.controllers = cpuset cpu\ncgroup.subtree_control = cpuset cpu\n";
    Snapshot::parse(cgroups).unwrap().write(machine.path()).unwrap();
    let output = dynctl(&["doctor", "--root", "."], machine.path());
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "Hardkernel Odroid XU3\n\nnote: the driver of gpu does not tell how busy it is\n  \
         costs: load on it that dynd does not manage goes unseen\n  \
         to do: run as root, if it does not yet: some drivers tell it below /sys/kernel/debug only\n"
    );
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

const MANIFEST: &str = r#"
name = "tiny"
kind = "supernet"
task = "digit classification"
quality-metric = "top-1"
source = "written for this test"
input = { shape = [1, 1, 28, 28], scale = "1/255" }

[[subnetwork]]
name = "w100"
quality = 0.98
macs = 300_000_000
memory = "2 MiB"
artifacts.onnx = "w100.onnx"

[[subnetwork]]
name = "w25"
quality = 0.91
macs = 20_000_000
memory = "256 KiB"
artifacts.onnx = "w25.onnx"
"#;

#[test]
fn models_of_a_directory_need_no_daemon() {
    let directory = files(&[
        ("models/tiny/model.toml", MANIFEST),
        ("models/tiny/w100.onnx", ""),
        ("models/tiny/w25.onnx", ""),
        ("models/notes/readme.txt", ""),
    ]);
    let output = dynctl(&["models", "models"], directory.path());
    assert!(output.status.success(), "{output:?}");
    golden("models-directory.txt", &String::from_utf8(output.stdout).unwrap());

    let output = dynctl(&["models", "models/tiny", "--json"], directory.path());
    let models: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(models[0]["name"], "tiny");
    assert_eq!(models[0]["subnetworks"][1]["quality"], 0.98);
}

#[test]
fn a_directory_without_usable_models_is_refused() {
    let directory = files(&[("empty/readme.txt", ""), ("bad/model.toml", MANIFEST)]);
    fails(&["models", "empty"], directory.path(), 2, "models-none.txt");
    fails(
        &["models", "missing"],
        directory.path(),
        2,
        "models-no-directory.txt",
    );
    fails(&["models", "bad"], directory.path(), 2, "models-missing-file.txt");
}

#[test]
fn virtual_boards_come_close_to_the_real_ones() {
    let output = dynctl(&["board", "validate", "--json"], Path::new("."));
    let report = json(&output);
    let checks = report["checks"].as_array().unwrap();
    for check in checks {
        let (value, limit) = (check["value"].as_f64().unwrap(), check["limit"].as_f64().unwrap());
        assert!(check["op"] == "<=" && check["ok"] == (value <= limit), "{check}");
        assert!(check["ok"] == true, "{check}");
    }
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    // Rows that something was fitted on are in no error; the benefit of the XU3's highest clock has no others.
    for board in ["jetson-nano", "jetson-xavier-nx", "odroid-xu3"] {
        let of_board = checks
            .iter()
            .filter(|check| check["name"].as_str().unwrap().starts_with(board));
        let rows: Vec<_> = of_board
            .map(|check| (&check["rows"]["checked"], &check["rows"]["fitted"]))
            .map(|(checked, fitted)| (checked.as_u64(), fitted.as_u64()))
            .collect();
        let expect = match board {
            "jetson-nano" => [(7, 4), (132, 0), (139, 4), (7, 4)],
            "jetson-xavier-nx" => [(11, 4), (225, 0), (236, 4), (11, 4)],
            _ => [(50, 20), (33, 37), (42, 42), (0, 12)],
        };
        let expect = expect.map(|(checked, fitted)| (Some(checked), Some(fitted)));
        assert_eq!(
            rows[0],
            (None, None),
            "no measurement is compared with idle power"
        );
        assert_eq!(rows[1..], expect, "{board}");
    }
    // Idle power of eleven boards, and four figures for each of three measurements.
    assert_eq!(checks.len(), 11 + 3 * 4);
    assert_eq!(report["fitted"].as_array().unwrap().len(), 3);
    let rows = report["fitted"][1]["rows"].as_str().unwrap();
    assert_eq!(rows, "one client at 306, 701.25, 905.25, 1109.25 MHz");
}

#[test]
fn a_limit_that_is_not_met_is_reported() {
    let text =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../boards/odroid-xu3.toml")).unwrap();
    let board = files(&[("odroid-xu3.toml", &text.replace("0.4037 nF", "0.6 nF"))]);
    let output = dynctl(
        &["board", "validate", "./odroid-xu3.toml", "--json"],
        board.path(),
    );
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let report = json(&output);
    let power = &report["checks"][1];
    assert_eq!(
        power["name"],
        "odroid-xu3: power over all clock pairs, mean error"
    );
    assert!(
        power["ok"] == false && power["value"].as_f64() > Some(5.0),
        "{power}"
    );
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("limits are not met"), "{said}");
}

#[test]
fn a_bad_board_file_is_refused() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../boards/rk3588-rock5b.toml"))
        .unwrap();
    let board = files(&[("b.toml", &text.replace("\"4-5\"", "\"3-5\""))]);
    let output = dynctl(&["board", "validate", "b.toml"], board.path());
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("CPU 3 belongs to \"little\" already"), "{said}");
}

const SCENARIO: &str = r#"title     = "one app"
source    = "a test"
board     = "jetson-xavier-nx"
duration  = "3 s"
objective = "max-quality"
governor  = "performance"

[[app]]
name       = "camera"
model      = "dynamic-ofa"
latency    = "60 ms"
percentile = 90
processors = ["gpu"]

[[event]]
at     = "1 s"
target = { app = "camera", latency = "50 ms" }
"#;

#[test]
fn a_simulation_says_what_everybody_cost() {
    let directory = files(&[("one.toml", SCENARIO)]);
    let arguments = [
        "simulate",
        "one.toml",
        "--seeds",
        "2",
        "--json",
        "--report",
        "page.html",
    ];
    let output = dynctl(&arguments, directory.path());
    assert!(output.status.success(), "{output:?}");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let scenario = &report["scenarios"][0];
    assert_eq!(scenario["name"], "one");
    let controllers = scenario["controllers"].as_object().unwrap();
    assert_eq!(controllers.len(), 11, "{:?}", controllers.keys());
    for (name, controller) in controllers {
        for figure in [
            "energy_j",
            "misses",
            "late_until_met",
            "quality",
            "p50_ms",
            "p95_ms",
            "p99_ms",
            "switches",
            "max_temp_c",
            "power_w",
            "cost",
        ] {
            let of = |which: &str| controller[figure][which].as_f64().unwrap_or(f64::NAN);
            assert!(
                of("min") <= of("median") && of("median") <= of("max"),
                "{name} {figure}"
            );
        }
        assert_eq!(controller["apps"][0]["percentile"], 0.9);
    }
    let page = fs::read_to_string(directory.path().join("page.html")).unwrap();
    assert!(!page.contains("{{") && page.contains("clairvoyant"));
    for outside in ["http:", "https:", "src=", "href=", "url(", "@import", "fetch("] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn random_plants_are_counted() {
    let directory = files(&[("one.toml", SCENARIO)]);
    let arguments = ["simulate", "one.toml", "--random-plants", "4", "--json"];
    let output = dynctl(&arguments, directory.path());
    assert!(output.status.success(), "{output:?}");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["plants"], 4);
    let wins = report["wins"].as_object().unwrap();
    assert!(
        !wins.contains_key("oracle") && wins.contains_key("dynd"),
        "{wins:?}"
    );
    let sum: f64 = wins.values().filter_map(serde_json::Value::as_f64).sum();
    assert!(sum >= 1.0, "somebody is first on every plant: {wins:?}");
}

#[test]
fn a_scenario_or_controller_that_does_not_hold_is_told() {
    let late = SCENARIO.replace("\"1 s\"", "\"9 s\"");
    let directory = files(&[("late.toml", &late), ("one.toml", SCENARIO)]);
    fails(
        &["simulate", "late.toml"],
        directory.path(),
        2,
        "simulate-late-event.txt",
    );
    let unknown = ["simulate", "one.toml", "--controllers", "dynd,alerd"];
    fails(&unknown, directory.path(), 2, "simulate-unknown-controller.txt");
    let output = dynctl(&["simulate", "--check", "one.toml"], directory.path());
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "one.toml: ok: 1 apps, 0 loads, 1 events in 3.00 s on jetson-xavier-nx\n"
    );
}
