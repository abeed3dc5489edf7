//! A daemon on a board of plain files, whose sensors fail while it runs.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use dynd_board::Snapshot;
use dynd_proto::v1;
use tempfile::TempDir;
use v1::client_message::Message as Up;

use crate::app::{App, hello, reports, status_when};
use crate::running::{DEADLINE, Home};

fn machine(listing: &str) -> TempDir {
    let root = TempDir::new().unwrap();
    Snapshot::parse(listing).unwrap().write(root.path()).unwrap();
    root
}

/// Changes files below `root`.
fn write(root: &Path, listing: &str) {
    Snapshot::parse(listing).unwrap().write(root).unwrap();
}

/// The board as the status shows it, once `holds` of it. Meanwhile `app` reports, so that the board is sampled.
pub(crate) async fn board_when(
    home: &Home,
    app: &App,
    holds: impl Fn(&v1::BoardStatus) -> bool,
) -> v1::BoardStatus {
    let start = Instant::now();
    loop {
        assert!(app.say(reports(1, 5)).await);
        let board = status_when(&home.socket(), |_| true).await.board.unwrap();
        if holds(&board) {
            return board;
        }
        assert!(start.elapsed() < DEADLINE, "never came to hold: {board:#?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn sensors_that_lie_or_vanish_are_named_and_the_daemon_goes_on() {
    let root = machine(include_str!("../../../board/tests/fixtures/rk3588.tree"));
    let home = Home::new();
    let running = home.start(&["--root", root.path().to_str().unwrap()]);
    let mut app = App::open(&home.socket(), Up::Hello(hello("camera")))
        .await
        .unwrap();
    app.assignment().await;
    let sampled = |board: &v1::BoardStatus| board.zones.iter().all(|zone| zone.celsius.is_some());
    let board = board_when(&home, &app, sampled).await;
    let npu = &board.processors[4];
    assert_eq!((npu.name.as_str(), npu.kind()), ("npu", v1::ProcessorKind::Npu));
    assert_eq!((npu.clock_khz, npu.load), (Some(1_000_000), Some(0.0)));
    assert_eq!(board.memory[0].clock_khz, Some(2_112_000));
    assert_eq!(board.zones[1].trips.len(), 2);
    assert!(board.problems.is_empty(), "{:?}", board.problems);

    write(
        root.path(),
        "[sys/class/thermal]\nthermal_zone0/temp = -274000\nthermal_zone4/temp =\nthermal_zone5/temp = 100000\nthermal_zone6/temp = hot",
    );
    let policy = root.path().join("sys/devices/system/cpu/cpufreq/policy6");
    fs::write(policy.join("scaling_cur_freq"), "").unwrap();
    fs::remove_dir_all(policy).unwrap();
    // The sample that showed them reaches the status a little later than they do.
    let troubled = |board: &v1::BoardStatus| {
        board.problems.len() == 5
            && board.zones[0].celsius.is_none()
            && board.processors[2].clock_khz.is_none()
    };
    let board = board_when(&home, &app, troubled).await;
    let faults: Vec<&str> = board
        .problems
        .iter()
        .map(|problem| problem.fault.as_str())
        .collect();
    assert!(faults.contains(&"cannot be true: -274 °C"), "{faults:?}");
    assert!(faults.contains(&"cannot be true: 100 °C"), "{faults:?}");
    assert!(faults.contains(&"makes no sense: 'hot'"), "{faults:?}");
    assert!(faults.contains(&"is empty"), "{faults:?}");
    assert!(
        board
            .problems
            .iter()
            .any(|problem| problem.path.contains("policy6"))
    );
    assert_eq!(board.zones[5].celsius, None);
    assert!(board.zones[1].celsius.is_some());
    assert!(
        running
            .log()
            .contains("thermal_zone0/temp cannot be true: -274 °C"),
        "{}",
        running.log()
    );

    let mut second = App::open(&home.socket(), Up::Hello(hello("reader")))
        .await
        .unwrap();
    assert!(!second.assignment().await.cpus.is_empty());
}
