//! What nobody manages on an accelerator, as an app's own inferences and the driver's load tell of it.

use std::time::Duration;

use dynd_core::Input;
use dynd_vocab::{AppId, Hertz, Objective, Processor, Report, Sample, Timestamp};

use crate::told::{ON_GPU, QUALITY, Told, board, hello, policy};

/// One app on the GPU: its best sub-network takes 8 ms at the highest clock, of which a fifth is not scaled, and 11 are
/// allowed.
struct Loop {
    told: Told,
    frame: u64,
}

impl Loop {
    fn new(objective: Objective, target_ms: f64) -> Self {
        let told = Told::new(
            policy(objective),
            &[hello("camera", (target_ms, 100.0), &["gpu"])],
        );
        Self { told, frame: 0 }
    }

    /// Infers once, `slowdown` times as slow as alone; the latency in ms.
    fn infer(&mut self, slowdown: f64) -> f64 {
        self.frame += 1;
        let noise = [0.97, 1.0, 1.04, 1.02][self.frame as usize % 4];
        let subnetwork = self.told.app(0).ladder[0].subnetwork;
        let clock = 1600.0 / self.told.mhz(1).unwrap() as f64;
        let ms = ON_GPU[subnetwork] * (0.2 + 0.8 * clock) * slowdown * noise;
        self.told.now += 80_000_000;
        let report = report(subnetwork, ms, self.told.now);
        self.told.step(Input::Reports(AppId(1), vec![report]));
        // Between two inferences it is thought of again.
        self.told.now += 200_000_000;
        self.told.step(Input::Tick);
        ms
    }
}

fn report(subnetwork: usize, ms: f64, ended: u64) -> Report {
    let service = Duration::from_secs_f64(ms * 1e-3);
    Report {
        subnetwork,
        cores: 1,
        ended: Timestamp::from_nanos(ended),
        service,
        latency: service,
        after_switch: false,
    }
}

#[test]
fn a_stranger_on_the_gpu_is_answered_and_forgotten_within_a_few_inferences() {
    let mut camera = Loop::new(Objective::MaxQuality, 11.0);
    (0..60).for_each(|_| {
        camera.infer(1.0);
    });
    for round in 0..3 {
        assert_eq!(camera.told.quality(0), QUALITY[2], "alone, round {round}");
        (0..3).for_each(|_| {
            camera.infer(1.6);
        });
        assert!(
            camera.told.quality(0) < QUALITY[2],
            "beside a stranger, round {round}"
        );
        let late = (0..40).filter(|_| camera.infer(1.6) > 11.0).count();
        assert!(late <= 2, "{late} late beside a stranger, round {round}");
        (0..4).for_each(|_| {
            camera.infer(1.0);
        });
    }
}

#[test]
fn of_what_is_late_in_any_case_the_least_late_is_run() {
    for objective in [Objective::MaxQuality, Objective::MinEnergy] {
        let mut camera = Loop::new(objective, 11.0);
        (0..40).for_each(|_| {
            camera.infer(1.0);
        });
        (0..20).for_each(|_| {
            camera.infer(20.0);
        });
        assert_eq!(camera.told.mhz(1), Some(1600), "slower is even later");
        assert_eq!(camera.told.app(0).ladder[0].subnetwork, 0);
    }
}

#[test]
fn allowed_risk_is_for_quality_and_not_for_watts() {
    let mut clocks = [Objective::MaxQuality, Objective::MinEnergy].map(|objective| {
        let mut camera = Loop::new(objective, 11.0);
        // A tail: one of forty takes a quarter longer.
        (0..400).for_each(|frame| {
            camera.infer(if frame % 40 == 0 { 1.25 } else { 1.0 });
        });
        camera.told.mhz(1).unwrap()
    });
    assert_eq!(clocks[0], 1600, "{clocks:?}");
    clocks.sort_unstable();
    assert!(clocks[0] < 1600, "{clocks:?}");
}

#[test]
fn its_own_load_makes_no_stranger_of_an_app_that_has_just_come() {
    let mut camera = Loop::new(Objective::MaxQuality, 11.0);
    // Until its first report the GPU is busy, and nobody knows with what.
    for _ in 0..10 {
        camera.told.now += 30_000_000;
        let sample = Sample {
            at: Timestamp::from_nanos(camera.told.now),
            loads: vec![None, Some(0.9)],
            ..Sample::default()
        };
        camera.told.step(Input::Sample(sample));
    }
    assert_eq!(camera.told.quality(0), QUALITY[2]);
}

#[test]
fn clocks_of_clusters_that_nobody_uses_do_not_keep_the_gpu_from_its_best() {
    let opps = |count: u64| {
        (1..=count)
            .map(|step| Hertz::from_khz(1_600_000 * step / count))
            .collect()
    };
    let gpu_clock = |clusters: u64| {
        let mut board = board();
        board.processors[1].opps = opps(15);
        let gpu = board.processors.pop().unwrap();
        let cluster = board.processors.pop().unwrap();
        let numbered = (0..3).map(|number| Processor {
            name: format!("big{number}"),
            cpus: (4 * number..4 * number + 4).collect(),
            opps: opps(clusters),
            ..cluster.clone()
        });
        board.processors = numbered.chain([gpu]).collect();
        let apps = ["camera", "sorter"].map(|name| hello(name, (60.0, 100.0), &["gpu"]));
        let mut told = Told::on(board, policy(Objective::MinEnergy), &apps);
        for _ in 0..10 {
            for app in 0..2 {
                told.now += 100_000_000;
                let subnetwork = told.app(app).ladder[0].subnetwork;
                let clock = 1600.0 / told.mhz(3).unwrap() as f64;
                let report = report(subnetwork, ON_GPU[subnetwork] * (0.2 + 0.8 * clock), told.now);
                told.step(Input::Reports(AppId(app as u32 + 1), vec![report]));
            }
        }
        told.mhz(3).unwrap()
    };
    // Below 600 MHz there is less to save than a change of the clock costs.
    let (many, few) = (gpu_clock(25), gpu_clock(1));
    assert!(few < 600 && many < 600, "{many} {few}");
}
