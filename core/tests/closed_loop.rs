//! Controller and selectors in a closed loop with a small scheduler model, in virtual time.
//!
//! The model is round-robin by time slices, nothing of which the planner knows: a task runs until the next
//! 4 ms tick, then every competitor runs for one slice; one start in eight waits for a slice first.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::time::Duration;

use dynd_core::{Controller, Input, Output, Selector};
use dynd_vocab::{
    AppCpu, AppId, BoardDescription, CpuSet, CpuTimes, Event, Hello, Holding, Identity, ModelKind,
    ModelTable, OperatingPoint, Pid, Policy, Processor, ProcessorKind, Quality, Report, Requirement, Role,
    Sample, Seconds, Standing, Subnetwork, Timestamp,
};

const MS: u64 = 1_000_000;
const SLICE: f64 = 4.0;

fn board(cores: u32) -> BoardDescription {
    let processor = Processor {
        name: "cpu".into(),
        kind: ProcessorKind::Cpu,
        role: Role::Big,
        cpus: (0..cores).collect(),
        capacity: 1024,
        opps: vec![],
    };
    BoardDescription {
        name: "test".into(),
        processors: vec![processor],
        ..BoardDescription::default()
    }
}

/// One app in the loop: `latencies[subnetwork]` in ms on one core, of which every further core saves 40 %.
struct App {
    id: AppId,
    selector: Selector,
    latencies: Vec<f64>,
    quality: Vec<f64>,
    target_ms: f64,
    period_ms: f64,
    cpus: CpuSet,
    standing: Standing,
    next_release: u64,
    /// (release, sub-network, late) of every inference.
    log: Vec<(u64, usize, bool)>,
    busy: Duration,
    switches: usize,
}

struct World {
    controller: Controller,
    apps: Vec<App>,
    events: Vec<(u64, Event)>,
    random: u64,
    competitors: u32,
    /// Milliseconds here over those of a machine of 30 GMAC/s.
    slowness: f64,
    now: u64,
    last_sample: u64,
    busy: BTreeMap<u32, Duration>,
    wake_at: Option<Timestamp>,
}

impl World {
    fn new() -> Self {
        Self {
            controller: Controller::new(board(2), Policy::default(), 7),
            apps: vec![],
            events: vec![],
            random: 1,
            competitors: 0,
            slowness: 1.0,
            now: 0,
            last_sample: 0,
            busy: BTreeMap::from([(0, Duration::ZERO), (1, Duration::ZERO)]),
            wake_at: None,
        }
    }

    fn uniform(&mut self) -> f64 {
        self.random = self
            .random
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.random >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn step(&mut self, input: Input) {
        let Output {
            assignments,
            events,
            wake_at,
            ..
        } = self.controller.step(Timestamp::from_nanos(self.now), input);
        self.wake_at = wake_at;
        self.events
            .extend(events.into_iter().map(|event| (self.now, event)));
        for (id, assignment) in assignments {
            let app = self.apps.iter_mut().find(|app| app.id == id).unwrap();
            app.selector.assign(&assignment);
            app.cpus = assignment.cpus;
            app.standing = assignment.standing;
            app.switches += 1;
        }
    }

    fn arrive(&mut self, latencies: &[f64], quality: &[f64], threads: u32, profiled: bool) {
        self.arrive_holding(latencies, quality, threads, profiled, None);
    }

    fn arrive_holding(
        &mut self,
        latencies: &[f64],
        quality: &[f64],
        threads: u32,
        profiled: bool,
        holding: Option<Holding>,
    ) {
        let id = AppId(self.apps.len() as u32 + 1);
        let slowness = self.slowness;
        let subnetwork = |(index, q): (usize, &f64)| Subnetwork {
            name: format!("s{index}"),
            quality: Quality::new(*q).unwrap(),
            macs: (latencies[index] / slowness * 30e6) as u64,
            memory_bytes: 0,
        };
        let model = ModelTable {
            name: "m".into(),
            kind: ModelKind::Supernet,
            quality_metric: "top-1".into(),
            subnetworks: quality.iter().enumerate().map(subnetwork).collect(),
        };
        let largest = latencies[latencies.len() - 1] * if threads > 1 { 0.6 } else { 1.0 };
        let target_ms = largest * if threads > 1 { 1.25 } else { 1.5 };
        let period_ms = target_ms * 1.5;
        let requirement = Requirement {
            latency: Seconds::from_millis(target_ms),
            percentile: 0.95,
            min_quality: Quality::ZERO,
            period: Some(Seconds::from_millis(period_ms)),
        };
        let mut profile = vec![];
        for (subnetwork, ms) in latencies.iter().enumerate().filter(|_| profiled) {
            for cores in 1..=threads {
                let median = Seconds::from_millis(ms * if cores > 1 { 0.6 } else { 1.0 });
                let p95 = median * 1.05;
                profile.push(OperatingPoint {
                    subnetwork,
                    processor: "cpu".into(),
                    cores,
                    clock: None,
                    median,
                    p95,
                });
            }
        }
        self.apps.push(App {
            id,
            selector: Selector::new(model.clone(), requirement, &profile),
            latencies: latencies.to_vec(),
            quality: quality.to_vec(),
            target_ms,
            period_ms,
            cpus: CpuSet::EMPTY,
            standing: Standing::Met,
            next_release: self.now,
            log: vec![],
            busy: Duration::ZERO,
            switches: 0,
        });
        let identity = Identity {
            pid: Some(Pid(id.0)),
            ..Identity::default()
        };
        let hello = Hello {
            name: format!("app{}", id.0),
            model,
            requirement,
            max_threads: threads,
            profile,
            holding,
        };
        self.step(Input::Hello(id, identity, hello));
    }

    /// Milliseconds that `work` ms on a core take beside `competitors` per core.
    fn stretched(&mut self, work: f64) -> f64 {
        let competitors = f64::from(self.competitors);
        let noise = 1.0 + 0.04 * self.uniform();
        let first = SLICE * (0.6 + 0.4 * self.uniform());
        let rounds = ((work - first) / SLICE).ceil().max(0.0);
        let wait = if competitors > 0.0 && self.uniform() < 0.125 {
            SLICE * 0.8 * self.uniform()
        } else {
            0.0
        };
        work * noise + wait + rounds * SLICE * competitors
    }

    fn infer(&mut self, index: usize) {
        let app = &mut self.apps[index];
        let (release, cores) = (app.next_release, app.cpus.len().max(1));
        let subnetwork = app
            .selector
            .choose(Seconds::from_millis(app.target_ms), cores)
            .subnetwork;
        let work = app.latencies[subnetwork] * if cores > 1 { 0.6 } else { 1.0 };
        let ms = self.stretched(work);
        let app = &mut self.apps[index];
        let service = Duration::from_secs_f64(ms * 1e-3);
        let ended = Timestamp::from_nanos(release) + service;
        let late = ms > app.target_ms;
        app.log.push((release, subnetwork, late));
        app.busy += Duration::from_secs_f64(work * 1e-3) * cores;
        let report = Report {
            subnetwork,
            cores,
            ended,
            service,
            latency: service,
            after_switch: false,
        };
        let (id, _urgent) = (app.id, app.selector.record(&report));
        while app.next_release < ended.as_nanos() {
            app.next_release += (app.period_ms * 1e6) as u64;
        }
        self.now = self.now.max(ended.as_nanos());
        self.step(Input::Reports(id, vec![report]));
    }

    fn sample(&mut self) {
        let wall = Duration::from_nanos(self.now - self.last_sample);
        self.last_sample = self.now;
        let busy_share = if self.competitors > 0 { 1.0 } else { 0.3 };
        self.busy
            .values_mut()
            .for_each(|busy| *busy += wall.mul_f64(busy_share));
        let total = Duration::from_nanos(self.now);
        let cpus = self
            .busy
            .iter()
            .map(|(cpu, busy)| CpuTimes {
                cpu: *cpu,
                busy: *busy,
                total,
            })
            .collect();
        let apps = self
            .apps
            .iter()
            .map(|app| AppCpu {
                pid: Pid(app.id.0),
                busy: app.busy,
            })
            .collect();
        let sample = Sample {
            at: Timestamp::from_nanos(self.now),
            cpus,
            runnable: Some(1 + 2 * self.competitors),
            apps,
            ..Sample::default()
        };
        self.step(Input::Sample(sample));
    }

    /// Lets the world go on until `until`, in ms.
    fn run(&mut self, until: u64) {
        while self.now < until * MS {
            let next = (0..self.apps.len()).min_by_key(|i| self.apps[*i].next_release);
            let release = next.map_or(u64::MAX, |i| self.apps[i].next_release);
            let sample = self.last_sample + 50 * MS;
            if sample <= release {
                self.now = self.now.max(sample);
                self.sample();
            } else if let Some(index) = next {
                self.now = self.now.max(release);
                self.infer(index);
            }
        }
    }

    fn share_within(&self, app: usize, from: u64, to: u64) -> f64 {
        let log = self.apps[app]
            .log
            .iter()
            .filter(|(at, ..)| (from * MS..to * MS).contains(at));
        let all = log.clone().count();
        log.filter(|(.., late)| !late).count() as f64 / all as f64
    }

    fn mean_quality(&self, app: usize, from: u64, to: u64) -> f64 {
        let app = &self.apps[app];
        let log: Vec<_> = app
            .log
            .iter()
            .filter(|(at, ..)| (from * MS..to * MS).contains(at))
            .collect();
        log.iter()
            .map(|(_, subnetwork, _)| app.quality[*subnetwork])
            .sum::<f64>()
            / log.len() as f64
    }
}

const CAMERA: (&[f64], &[f64]) = (&[0.7, 2.3, 4.8, 8.3], &[0.83, 0.92, 0.96, 0.975]);
const READER: (&[f64], &[f64]) = (&[0.7, 2.8, 8.2], &[0.82, 0.93, 0.973]);

/// The demo's script: camera alone, reader arrives, load of one, then two tasks per core, load gone.
fn scripted() -> World {
    let mut world = World::new();
    world.arrive(CAMERA.0, CAMERA.1, 2, true);
    world.run(4_000);
    world.arrive(READER.0, READER.1, 1, true);
    world.run(8_000);
    world.competitors = 1;
    world.run(15_000);
    world.competitors = 2;
    world.run(22_000);
    world.competitors = 0;
    world.run(26_000);
    world
}

#[test]
fn targets_hold_through_arrivals_and_load() {
    let world = scripted();
    let phases = [
        (0, 4_000),
        (4_000, 8_000),
        (8_000, 15_000),
        (15_000, 22_000),
        (22_000, 26_000),
    ];
    for (phase, (from, to)) in phases.into_iter().enumerate() {
        for app in 0..if phase == 0 { 1 } else { 2 } {
            let within = world.share_within(app, from + 100, to);
            let quality = world.mean_quality(app, from + 100, to);
            println!("phase {phase} app {app}: within {within:.3} quality {quality:.3}");
            assert!(
                within >= 0.95,
                "phase {phase} app {app}: {within} within target; {:?}",
                world.events
            );
        }
    }
    // Without load both run their best, whatever happened before.
    assert!(world.mean_quality(0, 0, 4_000) > 0.974);
    assert!(
        world.mean_quality(0, 5_000, 8_000) > 0.955,
        "three quarters on one core"
    );
    assert!(world.mean_quality(1, 5_000, 8_000) > 0.97);
    assert!(
        world.mean_quality(0, 24_000, 26_000) > 0.955,
        "{:?}",
        world.events
    );
    assert!(world.mean_quality(1, 24_000, 26_000) > 0.97, "{:?}", world.events);
    // Under load it does not flee to the smallest.
    assert!(world.mean_quality(0, 9_000, 15_000) > 0.91, "{:?}", world.events);
    assert!(world.mean_quality(1, 9_000, 15_000) > 0.92, "{:?}", world.events);
}

#[test]
fn the_arrival_of_load_costs_at_most_three_late_inferences() {
    let world = scripted();
    for arrival in [8_000, 15_000] {
        for app in &world.apps {
            let after = app
                .log
                .iter()
                .filter(|(at, ..)| *at >= arrival * MS)
                .map(|(.., late)| *late);
            let after: Vec<bool> = after.collect();
            let met = after
                .windows(20)
                .position(|window| window.iter().filter(|late| **late).count() <= 1);
            let late = after[..met.unwrap()].iter().filter(|late| **late).count();
            assert!(
                late <= 3,
                "app {} had {late} late inferences after {arrival} ms",
                app.id
            );
        }
    }
}

#[test]
fn with_constant_input_the_plan_stands_still() {
    let mut world = World::new();
    world.arrive(CAMERA.0, CAMERA.1, 2, true);
    world.arrive(READER.0, READER.1, 1, true);
    world.run(1_000);
    let switches: Vec<usize> = world.apps.iter().map(|app| app.switches).collect();
    world.run(60_000);
    assert_eq!(
        world.apps.iter().map(|app| app.switches).collect::<Vec<_>>(),
        switches,
        "{:?}",
        world.events
    );
}

#[test]
fn an_unknown_model_starts_small_and_finds_its_place() {
    let mut world = World::new();
    world.arrive(READER.0, READER.1, 1, false);
    world.run(1_500);
    let log = &world.apps[0].log;
    assert!(log[0].1 < 2, "starts with a sub-network that fits a slow machine");
    assert!(log.iter().filter(|(.., late)| *late).count() <= 2, "{log:?}");
    assert_eq!(log.last().unwrap().1, 2, "{log:?}");
}

#[test]
fn a_departure_gives_its_share_back() {
    let mut world = World::new();
    world.arrive(CAMERA.0, CAMERA.1, 2, true);
    world.arrive(READER.0, READER.1, 1, true);
    world.run(1_000);
    assert_eq!(world.apps[0].cpus.len(), 1);
    world.step(Input::Goodbye(AppId(2)));
    world.apps.pop();
    world.run(2_000);
    assert_eq!(world.apps[0].cpus.len(), 2);
    assert_eq!(world.apps[0].standing, Standing::Met);
}

#[test]
fn apps_that_come_back_to_a_restarted_controller_keep_what_they_have() {
    let mut world = World::new();
    let held = |subnetwork, cpu| {
        Some(Holding {
            subnetwork,
            processor: "cpu".into(),
            cpus: CpuSet::single(cpu),
        })
    };
    world.arrive_holding(CAMERA.0, CAMERA.1, 2, true, held(2, 1));
    world.run(300);
    assert_eq!(
        world.apps[0].switches, 0,
        "planned before the others were back: {:?}",
        world.events
    );
    world.arrive_holding(READER.0, READER.1, 1, true, held(2, 0));
    world.run(3_000);
    let cpus: Vec<CpuSet> = world.apps.iter().map(|app| app.cpus).collect();
    assert_eq!(cpus, [CpuSet::single(1), CpuSet::single(0)]);
    assert!(
        world.apps.iter().all(|app| app.switches == 1),
        "{:?}",
        world.events
    );
    // A newcomer to a controller that has planned is served at once.
    world.arrive_holding(READER.0, READER.1, 1, true, held(2, 0));
    assert_eq!(world.apps[2].switches, 1);
}

#[test]
fn what_an_app_says_it_holds_is_not_believed_blindly() {
    let mut world = World::new();
    let holding = Holding {
        subnetwork: 99,
        processor: "cpu".into(),
        cpus: (0..64).collect(),
    };
    world.arrive_holding(CAMERA.0, CAMERA.1, 2, true, Some(holding));
    world.run(2_000);
    assert_eq!(world.apps[0].cpus, (0..2).collect());
}

#[test]
fn more_apps_than_cores_share_and_none_is_blocked() {
    let mut world = World::new();
    (0..5).for_each(|_| world.arrive(READER.0, READER.1, 1, true));
    world.run(2_000);
    assert!(
        world
            .apps
            .iter()
            .all(|app| app.standing != Standing::Blocked && !app.cpus.is_empty())
    );
}

#[test]
fn without_active_apps_there_is_no_wake_up() {
    let mut controller = Controller::new(board(2), Policy::default(), 7);
    let output = controller.step(Timestamp::from_nanos(MS), Input::Tick);
    assert_eq!((output.wake_at, output.sample_every), (None, None));
    let mut world = World::new();
    world.arrive(READER.0, READER.1, 1, true);
    world.run(500);
    let later = Timestamp::from_nanos(world.now + 2_000 * MS);
    let output = world.controller.step(later, Input::Tick);
    assert_eq!((output.wake_at, output.sample_every), (None, None));
}

#[test]
fn nonsense_from_a_client_or_a_sensor_is_survived() {
    let mut world = World::new();
    world.arrive(READER.0, READER.1, 1, true);
    let huge = Duration::from_nanos(u64::MAX);
    let report = |subnetwork, ended, service| Report {
        subnetwork,
        cores: u32::MAX,
        ended: Timestamp::from_nanos(ended),
        service,
        latency: service,
        after_switch: false,
    };
    let reports = vec![
        report(9999, 0, huge),
        report(0, u64::MAX, Duration::ZERO),
        report(1, 5, huge),
    ];
    world.step(Input::Reports(AppId(1), reports.clone()));
    world.step(Input::Reports(AppId(77), reports));
    world.step(Input::Sample(Sample {
        runnable: Some(u32::MAX),
        ..Sample::default()
    }));
    world.step(Input::Ack(AppId(77), Default::default()));
    world.run(1_000);
    assert!(world.apps[0].standing != Standing::Blocked);
}

#[test]
fn the_same_inputs_give_the_same_plans() {
    assert_eq!(
        format!("{:?}", scripted().events),
        format!("{:?}", scripted().events)
    );
}

/// Machines from 4 times slower than one of 30 GMAC/s to 5 times faster; one of 4 is assumed.
#[test]
fn a_model_that_was_never_profiled_is_within_a_rung_after_twenty_inferences() {
    let quality = [0.80, 0.85, 0.89, 0.92, 0.95, 0.97];
    for scale in [0.2, 0.5, 1.0, 2.0, 4.0] {
        let latencies = [0.7, 1.2, 2.0, 3.4, 5.5, 8.2].map(|ms| ms * scale);
        let mut world = World::new();
        world.slowness = scale;
        world.arrive(&latencies, &quality, 1, false);
        world.run(60_000);
        let ran: Vec<usize> = world.apps[0]
            .log
            .iter()
            .map(|(_, subnetwork, _)| *subnetwork)
            .collect();
        let last = *ran.last().unwrap();
        let found = ran.iter().position(|rung| rung.abs_diff(last) <= 1).unwrap();
        let late = world.apps[0].log.iter().filter(|(.., late)| *late).count();
        println!(
            "{scale}: starts with {}, ends with {last}, near after {found}, {late} late",
            ran[0]
        );
        assert!(found <= 20, "{scale}: {:?}", &ran[..60]);
        let away = ran[20..].iter().filter(|rung| rung.abs_diff(last) > 1).count();
        assert!(away * 20 < ran.len(), "{scale}: {away} of {}", ran.len());
    }
}
