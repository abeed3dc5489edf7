//! What a board shows is what was captured on the real one, where that is on file.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use dynd_board::Snapshot;
use dynd_sim::{Refusal, Tree};
use tempfile::TempDir;

use crate::board;

/// Attributes that never change. Their words count, not the order of these, which differs between kernels.
const LASTING: [&str; 12] = [
    "available_frequencies",
    "scaling_available_frequencies",
    "cpuinfo_max_freq",
    "cpuinfo_min_freq",
    "cpu_capacity",
    "scaling_driver",
    "related_cpus",
    "model",
    "type",
    "max_state",
    "online",
    "present",
];

/// The files below `root`, by path below it.
fn files(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut left = vec![root.to_path_buf()];
    while let Some(dir) = left.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => left.push(path),
                false => found.push(path.strip_prefix(root).unwrap().to_path_buf()),
            }
        }
    }
    found.sort();
    found
}

fn is_lasting(path: &Path) -> bool {
    let name = path.file_name().unwrap().to_str().unwrap();
    LASTING.contains(&name)
        || name.starts_with("trip_point_")
        || name.starts_with("rail_name_")
        || name.ends_with("_label")
}

/// Compares the board `name` with the capture of that name, and expects no other `differences` than these (ends of
/// paths). What only one of the two has is not compared: captures hold engines that are no processors, and other numbers
/// of hwmon.
fn check(name: &str, capture: &str, differences: &[&str]) {
    let listing = format!(
        "{}/../board/tests/fixtures/{capture}.tree",
        env!("CARGO_MANIFEST_DIR")
    );
    let captured = TempDir::new().unwrap();
    let snapshot = Snapshot::parse(&fs::read_to_string(listing).unwrap()).unwrap();
    snapshot.write(captured.path()).unwrap();
    let mut tree = Tree::new(&board(name), 1);
    let words = |text: &str| -> BTreeSet<String> {
        let text = text.replace('\0', " ");
        text.split_whitespace().map(str::to_owned).collect()
    };
    let (mut same, mut differ) = (0, Vec::new());
    for path in files(captured.path()).into_iter().filter(|path| is_lasting(path)) {
        let real = fs::read_to_string(captured.path().join(&path)).unwrap();
        match tree.read(&path) {
            Ok(ours) if words(&ours) == words(&real) => same += 1,
            Ok(_) => differ.push(path),
            Err(refusal) => assert_eq!(refusal, Refusal::Absent, "{name}: {}", path.display()),
        }
    }
    let expected = |path: &PathBuf, end: &&str| path.to_str().is_some_and(|path| path.ends_with(*end));
    let all = differ.len() == differences.len()
        && differ
            .iter()
            .all(|path| differences.iter().any(|end| expected(path, end)));
    assert!(all, "{name}: {differ:?}");
    assert!(same > 10, "{name}: only {same} files are the same");
}

#[test]
fn boards_show_what_was_captured_on_them() {
    check("jetson-nano", "jetson-nano", &[]);
    check("jetson-xavier-nx", "jetson-xavier-nx", &[]);
    check("odroid-xu3", "odroid-xu3", &[]);
    check("rk3588-rock5b", "rk3588", &[]);
    check("rpi4", "rpi4", &[]);
    // The capture knows no trip of the fan.
    check("rpi5", "rpi5", &["trip_point_0_temp", "trip_point_0_type"]);
    // Another carrier, or another version of its device tree.
    check(
        "jetson-orin-nano",
        "jetson-orin-nano",
        &["model", "zone8/trip_point_0_temp"],
    );
    let nx = [
        "model",
        "zone0/trip_point_0_temp",
        "zone0/trip_point_1_temp",
        "zone8/trip_point_0_temp",
    ];
    check("jetson-orin-nx", "jetson-orin-nx", &nx);
    // The capture is of the mode in which the Denver cores are off.
    check("jetson-tx2", "jetson-tx2", &["model", "cpu/online"]);
    // The board file is of mainline 6.6, the capture of the vendor's 4.14.
    check(
        "odroid-xu4",
        "odroid-xu4",
        &["cooling_device1/type", "cooling_device2/type"],
    );
    // The capture knows no trip but the last.
    let n2 = ["trip_point_0_temp", "trip_point_0_type"];
    check("odroid-n2plus", "odroid-n2plus", &n2);
}
