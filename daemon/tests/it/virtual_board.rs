//! The daemon on a virtual board, in real time and without any mount.

use std::time::{Duration, Instant};

use dynd_proto::v1::client_message::Message as Up;
use dynd_proto::v1::{BoardStatus, ClockState, ProcessorKind, ProcessorStatus};

use crate::app::{App, hello, reports, session, status_when};
use crate::running::{DEADLINE, Home};

const XAVIER: [&str; 2] = ["--board", "sim:jetson-xavier-nx"];

fn cpus(board: &BoardStatus) -> impl Iterator<Item = &ProcessorStatus> {
    let is_cpu = |processor: &&ProcessorStatus| processor.kind() == ProcessorKind::Cpu;
    board.processors.iter().filter(is_cpu)
}

/// Power of all rails that are within no other, if all are known.
fn watts(board: &BoardStatus) -> Option<f64> {
    let outer = board.rails.iter().filter(|rail| rail.within.is_none());
    outer.map(|rail| rail.watts).sum()
}

/// The board once `holds`; meanwhile `app` says each 20 ms that it was busy for `busy_ms`.
async fn board_when(
    home: &Home,
    app: &App,
    busy_ms: u64,
    holds: impl Fn(&BoardStatus) -> bool,
) -> BoardStatus {
    let start = Instant::now();
    loop {
        assert!(app.say(reports(1, busy_ms)).await);
        let board = status_when(&home.socket(), |_| true).await.board.unwrap();
        if holds(&board) {
            return board;
        }
        assert!(start.elapsed() < DEADLINE, "never came to hold: {board:#?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn what_apps_report_keeps_the_virtual_board_busy() {
    let home = Home::new();
    let _running = home.start(&XAVIER);
    let mut app = App::open(&home.socket(), Up::Hello(hello("camera")))
        .await
        .unwrap();
    let assignment = app.assignment().await;
    assert!(
        assignment.cpus.is_empty(),
        "pinned to CPUs that are nowhere: {assignment:?}"
    );
    assert!(!assignment.ladder.is_empty());

    let known = |board: &BoardStatus| watts(board).is_some() && cpus(board).all(|each| each.load.is_some());
    let idle = board_when(&home, &app, 0, known).await;
    assert!(idle.name.contains("Xavier NX"), "{}", idle.name);
    assert!(
        idle.processors
            .iter()
            .any(|each| each.kind() == ProcessorKind::Gpu)
    );
    assert!(cpus(&idle).all(|each| each.load.unwrap() < 0.1), "{idle:#?}");

    // One of two cores of a cluster, as good as always.
    let is_busy = |board: &BoardStatus| cpus(board).any(|each| each.load.is_some_and(|load| load > 0.3));
    let hot = |board: &BoardStatus| is_busy(board) && watts(board) > watts(&idle).map(|watts| watts + 0.2);
    let busy = board_when(&home, &app, 25, hot).await;
    let assigned = status_when(&home.socket(), |_| true).await;
    let assigned = assigned.apps[0].assignment.as_ref().unwrap();
    let at_work = cpus(&busy)
        .max_by(|a, b| a.load.partial_cmp(&b.load).unwrap())
        .unwrap();
    assert_eq!(at_work.name, assigned.processor, "another cluster is busy");
    // What the app explains is no load of others.
    assert_eq!(busy.unmanaged_tasks_per_core, Some(0));
}

#[tokio::test]
async fn a_client_of_a_virtual_board_runs_where_it_is() {
    let home = Home::new();
    let _running = home.start(&XAVIER);
    let mut session = session(&home.socket(), "camera");
    session.set_pool(vec![dynd_client::this_thread()]);
    assert!(session.wait_assigned(DEADLINE));
    let before = dynd_client::allowed_cpus().unwrap();
    let job = session.begin(dynd_client::now());
    session.end(job);
    assert_eq!(session.refusal(), None);
    assert_eq!(dynd_client::allowed_cpus().unwrap(), before);
    let job = session.begin(dynd_client::now());
    session.end(job);
    assert!(session.assignment().is_some(), "it went on alone");
}

#[tokio::test]
async fn clocks_of_a_virtual_board_are_held() {
    let home = Home::new();
    let bound = "[processor.big]\nclocks = \"bound\"\nmax-clock = \"1.2 GHz\"\n";
    std::fs::write(home.path().join("policy.toml"), bound).unwrap();
    let _running = home.start(&XAVIER);
    let held = |state: &BoardStatus| {
        cpus(state).all(|each| {
            each.clocks
                .as_ref()
                .is_some_and(|clocks| clocks.state() == ClockState::Held)
        })
    };
    status_when(&home.socket(), |status| status.board.as_ref().is_some_and(held)).await;
}

#[test]
fn a_board_that_nobody_knows_is_refused() {
    let check = |board: &str, expect: &[&str]| {
        for flags in [&["--board", board][..], &["--board", board, "--check"]] {
            let (code, text) = Home::new().refused(flags);
            assert_eq!(code, Some(2), "{board}: {text}");
            for part in expect {
                assert!(text.contains(part), "{board}: {text}");
            }
        }
    };
    check(
        "sim:jetson-nanoo",
        &["\"jetson-nanoo\"", "did you mean \"jetson-nano\"?", "rpi5"],
    );
    check("sim:", &["board = \"sim:\"", "sim:NAME"]);
    check("jetson-nano", &["board = \"jetson-nano\"", "sim:NAME"]);
}
