//! Every published controller at home: what its authors claim holds of ours.

use dynd_files::Scenario;
use dynd_sim::lab::{Contender, Contest, Frame, Margin, Stage, Trace};

use super::{costs, scenario, written};

fn trace(scenario: &Scenario, contender: Contender) -> Trace {
    let stages = Stage::seeded(scenario, 1).unwrap();
    let contest = Contest::hold(&stages, &[contender], |_| ()).unwrap();
    contest.of(contender).unwrap().trace.clone()
}

fn within(have: f64, want: f64, share: f64, what: &str) {
    assert!(
        (have / want - 1.0).abs() <= share,
        "{what}: {have:.2}, published {want:.2}"
    );
}

/// Fig. 7 of Dynamic-OFA: level 4 until 4.99 s, level 3 until 8.03 s, then level 2; mean latencies 46.0, 62.9, 60.8, 53.0.
#[test]
fn dynamic_ofa_takes_the_steps_of_its_trace() {
    let trace = trace(&scenario("dynamic-ofa-run-time"), Contender::DynamicOfaRule);
    let seconds = |frame: &Frame| frame.release.as_nanos() as f64 * 1e-9;
    let level = |frame: &Frame| frame.run.unwrap().subnetwork + 1;
    let until = |wanted: usize| {
        let of_level = trace.frames.iter().filter(|frame| level(frame) == wanted);
        of_level.map(seconds).fold(0.0, f64::max)
    };
    within(until(4), 4.99, 0.2, "end of level 4");
    within(until(3), 8.03, 0.2, "end of level 3");
    let mean = |wanted: usize, from: f64, to: f64| {
        let at = |frame: &&Frame| (from..to).contains(&seconds(frame)) && level(frame) == wanted;
        let latencies: Vec<f64> = trace
            .frames
            .iter()
            .filter(at)
            .map(|frame| frame.latency.unwrap().as_millis())
            .collect();
        assert!(latencies.len() > 10, "level {wanted} between {from} and {to} s");
        latencies.iter().sum::<f64>() / latencies.len() as f64
    };
    within(mean(4, 0.1, 2.4), 46.0, 0.2, "level 4 alone");
    within(mean(4, 2.6, 4.9), 62.9, 0.2, "level 4 beside the other app");
    within(mean(3, 5.1, 7.9), 60.8, 0.2, "level 3");
    within(mean(2, 8.2, 10.7), 53.0, 0.2, "level 2");
}

/// "within 5 % of an oracle", for one app.
#[test]
fn alert_is_close_to_the_oracle_for_one_app() {
    let found = costs(
        &scenario("xavier-one-model"),
        &[Contender::Alert, Contender::Oracle],
        3,
    );
    assert!(
        found[0] <= 1.05 * found[1],
        "alert {}, oracle {}",
        found[0],
        found[1]
    );
}

/// The mean rate is within 3 % of the goal, at the least power that gives it.
#[test]
fn poet_keeps_its_goal() {
    let scenario = written(
        r#"
        title     = "one app on the big cores of an XU3"
        source    = "after Imes et al., RTAS 2015"
        board     = "odroid-xu3"
        duration  = "60 s"
        objective = "min-energy"
        [[app]]
        name        = "x264"
        model       = "alexnet-widths"
        latency     = "30 ms"
        percentile  = 50
        min-quality = 0.7
        processors  = ["big"]
        "#,
    );
    let trace = trace(&scenario, Contender::Poet(Margin::Default));
    let settled = trace
        .frames
        .iter()
        .filter(|frame| frame.release.as_nanos() > 5_000_000_000);
    let latencies: Vec<f64> = settled.map(|frame| frame.latency.unwrap().as_millis()).collect();
    let mean = latencies.iter().sum::<f64>() / latencies.len() as f64;
    within(mean, 30.0, 0.03, "mean latency");
}
