//! The world is the same for everybody.

use dynd_plant::Place;
use dynd_sim::lab::manager::{Dynd, Fixed};
use dynd_sim::lab::{Brief, Run, Stage, play, varied};

use super::{scenario, written};

const ONE_APP: &str = r#"
    title     = "one app"
    source    = "a test"
    board     = "jetson-xavier-nx"
    duration  = "6 s"
    objective = "max-quality"
    governor  = "performance"
    [[app]]
    name       = "camera"
    model      = "dynamic-ofa"
    latency    = "60 ms"
    percentile = 90
    period     = "50 ms"
    processors = ["gpu"]
    noise      = "none"
"#;

const GPU: Place = Place::Accelerator(3);

fn latencies(text: &str, subnetwork: usize) -> Vec<Option<f64>> {
    let stage = Stage::new(&written(text), 1).unwrap();
    let run = Run {
        subnetwork,
        place: GPU,
    };
    let trace = play(&stage, &mut Fixed::new(vec![run], vec![])).unwrap();
    let frames = trace.frames.iter().map(|frame| frame.latency);
    frames
        .map(|latency| latency.map(|latency| latency.as_millis()))
        .collect()
}

/// The published latency comes out of (α, β) on the plant, but for the first inference, which costs a switch.
#[test]
fn a_published_latency_is_what_the_plant_takes() {
    let found = latencies(ONE_APP, 0);
    let first = found[0].unwrap();
    assert!((first - (41.16 - 3.0) * 1.15 - 3.0 - 1.0).abs() < 0.5, "{first}");
    for latency in &found[1..] {
        assert!((latency.unwrap() - 41.16).abs() < 0.1, "{latency:?}");
    }
}

/// 61.7 ms of work every 50 ms: frames wait, and those that a newer one overtakes are dropped.
#[test]
fn a_frame_that_waits_too_long_is_dropped() {
    let found = latencies(ONE_APP, 5);
    let dropped = found.iter().filter(|latency| latency.is_none()).count();
    assert!((15..40).contains(&dropped), "{dropped} of {}", found.len());
    assert!(
        found.iter().flatten().all(|latency| *latency < 130.0),
        "{found:?}"
    );
}

#[test]
fn a_seed_fixes_a_run() {
    let scenario = scenario("orin-four-apps");
    let trace = |seed| {
        let stage = Stage::new(&scenario, seed).unwrap();
        play(&stage, &mut Dynd::new(Brief::new(&stage, &stage).unwrap())).unwrap()
    };
    assert_eq!(trace(1), trace(1));
    assert_ne!(trace(1).frames, trace(2).frames);
}

#[test]
fn a_crash_ends_the_frames_of_an_app() {
    let crash = format!("{ONE_APP}\n[[event]]\nat = \"1.97 s\"\ncrash = \"camera\"\n");
    let found = latencies(&crash, 0);
    assert_eq!(
        found.len(),
        39,
        "one each 50 ms until 1.95 s, when one began that never ended"
    );
}

#[test]
fn a_varied_board_differs_by_the_share_at_most() {
    let board = scenario("xu3-widths").board.1;
    let other = varied(&board, 7, 0.3);
    assert_ne!(board, other);
    assert_eq!(other, varied(&board, 7, 0.3));
    let capacitance = |board: &dynd_vocab::Blueprint| board.clusters[1].silicon.power.capacitance;
    let ratio = capacitance(&other) / capacitance(&board);
    assert!((0.7..=1.3).contains(&ratio), "{ratio}");
    assert_eq!(
        other.clusters[1].silicon.opps[0].clock,
        board.clusters[1].silicon.opps[0].clock
    );
}
