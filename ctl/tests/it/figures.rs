//! Board files as users see them: every figure with its grade, beside the machine if they are about it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use dynd_files::{board_names, find_board};
use dynd_sim::{Tree, export};
use dynd_vocab::Blueprint;
use serde_json::Value;
use tempfile::TempDir;

fn dynctl(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dynctl"))
        .args(arguments)
        .output()
        .unwrap()
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn text(output: Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn figures(board: &str) -> Value {
    json(&dynctl(&["board", "figures", board, "--json"]))
}

/// How often each grade stands in the board file, as it is written.
fn written(board: &str, grade: &str) -> usize {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../boards")
        .join(board)
        .with_extension("toml");
    let text = fs::read_to_string(file).unwrap();
    let is_grade = |line: &&str| line.starts_with("grade") && line.contains(&format!("\"{grade}\""));
    text.lines().filter(is_grade).count()
}

#[test]
fn every_figure_of_every_board_has_its_grade_and_its_source() {
    for board in board_names() {
        let said = figures(board);
        let list = said["figures"].as_array().unwrap();
        for figure in list {
            for key in ["of", "what", "value", "source"] {
                assert!(!figure[key].as_str().unwrap().is_empty(), "{board}: {figure}");
            }
        }
        // A table with a grade shows in one row at least.
        for grade in ["measured", "fitted", "assumed"] {
            let shown = list.iter().filter(|figure| figure["grade"] == grade).count();
            assert!(shown >= written(board, grade), "{board}: {shown} {grade}");
        }
        for name in names(&find_board(board).unwrap()) {
            assert!(list.iter().any(|figure| figure["of"] == *name), "{board}: {name}");
        }
    }
}

/// Everything that has a name of its own in the file of `board`.
fn names(board: &Blueprint) -> Vec<&String> {
    let silicon = board.silicon().map(|silicon| &silicon.name);
    let rails = board.rails.iter().map(|rail| &rail.name);
    let zones = board.zones.iter().map(|zone| &zone.name);
    let coolers = board.coolers.iter().map(|cooler| &cooler.name);
    let nodes = board.thermal.nodes.iter().map(|node| &node.name);
    let limits = board.limits.iter().map(|limit| &limit.name);
    let named = silicon
        .chain(rails)
        .chain(zones)
        .chain(coolers)
        .chain(nodes)
        .chain(limits);
    named.chain([&board.memory.name]).collect()
}

#[test]
fn a_figure_says_what_its_file_says() {
    let said = figures("jetson-xavier-nx");
    let find = |of: &str, what: &str| {
        let list = said["figures"].as_array().unwrap();
        let figure = list
            .iter()
            .find(|figure| figure["of"] == of && figure["what"] == what);
        let figure = figure.unwrap_or_else(|| panic!("no {what} of {of}"));
        ["value", "grade"].map(|key| figure[key].as_str().unwrap().to_owned())
    };
    assert_eq!(find("board", "idle power"), ["3.20 W", "assumed"]);
    assert_eq!(
        find("big0", "clocks"),
        ["25 from 115 MHz to 1907 MHz", "measured"]
    );
    assert_eq!(
        find("big0", "real clock"),
        ["88.0 to 98.5 % of the reported one", "measured"]
    );
    assert_eq!(find("gpu", "capacitance"), ["10.0650 nF", "fitted"]);
    assert_eq!(find("gpu", "voltages"), ["0.620 to 0.817 V", "assumed"]);
    assert_eq!(find("emc", "traffic"), ["100 mJ/GB", "fitted"]);
    assert_eq!(find("soc", "capacity"), ["10 J/K", "assumed"]);
    assert_eq!(find("VDD_IN", "quantum"), ["8.0 mA", "measured"]);
}

#[test]
fn a_board_whose_power_was_never_measured_says_so() {
    let power = |board| figures(board)["power"].as_str().unwrap().to_owned();
    assert_eq!(
        power("odroid-n2plus"),
        "Its power was never measured: every figure of it is assumed. It has no power sensor."
    );
    assert_eq!(
        power("jetson-tx2"),
        "Of its power only that at idle was measured; what each processor draws is assumed. It has 9 power sensors."
    );
    assert_eq!(
        power("jetson-nano"),
        "What these draw was measured, or fitted to measurements: gpu, memory. What these draw is assumed: cpu. \
         It has 3 power sensors."
    );
    let shown = text(dynctl(&["board", "figures", "odroid-n2plus"]));
    assert!(shown.contains("Its power was never measured"), "{shown}");
}

#[test]
fn a_board_file_is_shown_beside_the_machine_that_it_is_about() {
    let root = TempDir::new().unwrap();
    export(
        &mut Tree::new(&find_board("odroid-n2plus").unwrap(), 1),
        root.path(),
    )
    .unwrap();
    let root = root.path().to_str().unwrap();
    let board = json(&dynctl(&[
        "board",
        "--root",
        root,
        "--board-file",
        "odroid-n2plus",
        "--json",
    ]));
    assert_eq!(board["processors"].as_array().unwrap().len(), 3);
    assert_eq!(
        (&board["power_is_measured"], &board["rails"]),
        (&Value::Bool(false), &Value::Array(vec![]))
    );
    assert_eq!(board["file"]["figures"], figures("odroid-n2plus")["figures"]);

    let shown = text(dynctl(&[
        "board",
        "--root",
        root,
        "--board-file",
        "odroid-n2plus",
    ]));
    assert!(
        shown.contains("the power of this machine is not measured"),
        "{shown}"
    );
    assert!(shown.contains("board file: Hardkernel ODROID-N2Plus"), "{shown}");
    assert!(!text(dynctl(&["board", "--root", root])).contains("board file"));

    // Its firmware calls it so, but it has other processors.
    let output = dynctl(&["board", "--root", root, "--board-file", "rpi5"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("it is not about this machine"), "{said}");
    assert!(
        said.contains("the file has no big0 of CPUs 0-1, clocks 9 from 1000 MHz to 2016 MHz"),
        "{said}"
    );
}

#[test]
fn a_measured_board_says_nothing_of_unmeasured_power() {
    let root = TempDir::new().unwrap();
    export(
        &mut Tree::new(&find_board("jetson-nano").unwrap(), 1),
        root.path(),
    )
    .unwrap();
    let root = root.path().to_str().unwrap();
    let shown = text(dynctl(&["board", "--root", root]));
    assert!(!shown.contains("not measured"), "{shown}");
    assert_eq!(
        json(&dynctl(&["board", "--root", root, "--json"]))["power_is_measured"],
        true
    );
}

#[test]
fn a_board_file_that_contradicts_itself_is_refused_with_its_line() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../boards/rk3588-rock5b.toml");
    let good = fs::read_to_string(path).unwrap();
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("b.toml");
    let empty = dir.path().join("empty");
    fs::create_dir(&empty).unwrap();
    for (from, to, said) in [
        ("\"4-5\"", "\"3-5\"", "CPU 3 belongs to \"little\" already"),
        (
            "408000, 600000",
            "600000, 408000",
            "the clocks must ascend, and 408000 does not",
        ),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_ne!(good, bad, "{from}");
        fs::write(&file, bad).unwrap();
        let file = file.to_str().unwrap();
        for arguments in [
            &["board", "figures", file][..],
            &["board", "--board-file", file],
            &["board", "mount", file, empty.to_str().unwrap()],
        ] {
            let output = dynctl(arguments);
            assert_eq!(output.status.code(), Some(2), "{output:?}");
            let error = String::from_utf8(output.stderr).unwrap();
            assert!(error.contains(said) && error.contains("b.toml:"), "{error}");
        }
    }
}
