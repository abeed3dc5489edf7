//! Every noun survives the wire.

#![allow(clippy::unwrap_used, clippy::needless_pass_by_value)]

use std::fmt::Debug;
use std::time::Duration;

use dynd_proto::v1;
use dynd_vocab::{
    AppId, AppStatus, Assignment, AssignmentStatus, BatteryFlow, BatteryStatus, BoardStatus, BudgetStatus,
    Cause, Celsius, ClockState, ClockStatus, CoolingStatus, CpuSet, DaemonStatus, Enforcement,
    EnforcementState, Event, Fence, Generation, Hello, Hertz, Holding, Identity, MemoryStatus, ModelKind,
    ModelTable, OperatingPoint, Pid, PolicyStatus, PowerBudgetStatus, PowerGrade, ProblemStatus,
    ProcessorKind, ProcessorStatus, Quality, RailStatus, Report, Requirement, Role, Rung, Seconds, Standing,
    Status, Subnetwork, TemperatureLimitStatus, Timestamp, Trip, TripKind, Why, WhyPoint, ZoneStatus,
};
use prost::Message;

/// `value` comes back from `W`'s bytes as it went in.
fn check<W, T>(value: T)
where
    W: From<T> + Message + Default,
    T: TryFrom<W, Error: Debug> + Clone + PartialEq + Debug,
{
    let bytes = W::from(value.clone()).encode_to_vec();
    assert_eq!(T::try_from(W::decode(bytes.as_slice()).unwrap()).unwrap(), value);
}

fn clocks(state: ClockState) -> ClockStatus {
    ClockStatus {
        min_khz: None,
        max_khz: Some(1_400_000),
        state,
        reason: (state == ClockState::Contested).then(|| "nvpmodel".into()),
    }
}

fn enforcement(state: EnforcementState, by: Option<Fence>) -> Enforcement {
    Enforcement {
        state,
        by,
        cpus: CpuSet::single(1),
        reason: (state == EnforcementState::Refused).then(|| "it is not alone".into()),
    }
}

fn requirement() -> Requirement {
    Requirement {
        latency: Seconds::from_millis(12.5),
        percentile: 0.95,
        min_quality: Quality::new(0.9).unwrap(),
        period: Some(Seconds::from_millis(20.0)),
    }
}

fn table(kind: ModelKind) -> ModelTable {
    let subnetwork = |name: &str, quality, macs| Subnetwork {
        name: name.into(),
        quality: Quality::new(quality).unwrap(),
        macs,
        memory_bytes: macs / 3,
    };
    ModelTable {
        name: "slim-mnist".into(),
        kind,
        quality_metric: "top-1".into(),
        subnetworks: vec![
            subnetwork("w25", 0.97, 20_000_000),
            subnetwork("w100", 1.0, 400_000_000),
        ],
    }
}

fn identity() -> Identity {
    Identity {
        pid: Some(Pid(42)),
        uid: 1000,
        exe: Some("/usr/bin/camera".into()),
        unit: Some("camera.service".into()),
        socket: "dynd.sock".into(),
    }
}

fn generation() -> Generation {
    Generation {
        epoch: u64::MAX,
        number: 7,
    }
}

#[test]
fn hello() {
    let point = OperatingPoint {
        subnetwork: 1,
        processor: "big".into(),
        cores: 2,
        clock: Some(Hertz::from_khz(1_400_000)),
        median: Seconds::from_millis(7.0),
        p95: Seconds::from_millis(8.0),
    };
    let hello = Hello {
        name: "camera".into(),
        model: table(ModelKind::Supernet),
        requirement: requirement(),
        max_threads: 2,
        profile: vec![point],
        holding: Some(Holding {
            subnetwork: 1,
            processor: "big".into(),
            cpus: CpuSet::single(5),
        }),
    };
    check::<v1::Hello, _>(hello.clone());
    check::<v1::Hello, _>(Hello {
        model: table(ModelKind::Family),
        requirement: Requirement {
            period: None,
            ..requirement()
        },
        profile: Vec::new(),
        holding: None,
        ..hello
    });
}

#[test]
fn reports() {
    let report = Report {
        subnetwork: 1,
        cores: 2,
        ended: Timestamp::from_nanos(u64::MAX),
        service: Duration::from_nanos(1),
        latency: Duration::from_secs(3),
        after_switch: true,
    };
    check::<v1::ReportBatch, _>(vec![
        report,
        Report {
            after_switch: false,
            ..report
        },
    ]);
    check::<v1::ReportBatch, _>(Vec::<Report>::new());
}

#[test]
fn acknowledgements() {
    check::<v1::Ack, _>(generation());
}

#[test]
fn assignments() {
    let rung = |subnetwork, bound| Rung {
        subnetwork,
        undisturbed: Seconds::from_millis(7.0),
        bound: Seconds::new(bound),
    };
    let met = Assignment {
        generation: generation(),
        standing: Standing::Met,
        reason: "the best that fits".into(),
        processor: "big".into(),
        cpus: "0-1,127".parse().unwrap(),
        ladder: vec![rung(1, 0.010), rung(0, f64::INFINITY)],
        requirement: requirement(),
        contended: true,
    };
    check::<v1::Assignment, _>(met.clone());
    check::<v1::Assignment, _>(Assignment {
        standing: Standing::Degraded,
        ..met.clone()
    });
    check::<v1::Assignment, _>(Assignment {
        standing: Standing::Blocked,
        processor: String::new(),
        cpus: CpuSet::EMPTY,
        ladder: Vec::new(),
        ..met
    });
}

#[test]
fn events() {
    let app = AppId(3);
    let causes = [
        Cause::Arrival,
        Cause::Departure,
        Cause::Violation,
        Cause::Load,
        Cause::Policy,
        Cause::Learning,
        Cause::Pause,
        Cause::Return,
    ];
    for cause in causes {
        check::<v1::Event, _>(Event::Assigned {
            app,
            subnetwork: Some("w25".into()),
            cpus: CpuSet::single(5),
            standing: Standing::Degraded,
            cause,
        });
    }
    check::<v1::Event, _>(Event::Assigned {
        app,
        subnetwork: None,
        cpus: CpuSet::EMPTY,
        standing: Standing::Blocked,
        cause: Cause::Load,
    });
    check::<v1::Event, _>(Event::Arrived {
        app,
        name: "camera".into(),
    });
    check::<v1::Event, _>(Event::Left { app });
    check::<v1::Event, _>(Event::Violated {
        app,
        latency: Seconds::new(0.3),
        target: Seconds::new(0.2),
    });
    check::<v1::Event, _>(Event::LoadChanged { from: 0, to: 2 });
    check::<v1::Event, _>(Event::PolicyChanged);
    check::<v1::Event, _>(Event::BudgetUnenforceable {
        reason: "no power sensor".into(),
    });
    for state in [
        ClockState::Left,
        ClockState::Unchanged,
        ClockState::Held,
        ClockState::Throttled,
        ClockState::Contested,
        ClockState::Refused,
        ClockState::Unknown,
    ] {
        check::<v1::Event, _>(Event::ClocksChanged {
            processor: "big".into(),
            clocks: clocks(state),
        });
    }
}

fn budget(grade: PowerGrade) -> BudgetStatus {
    let known = grade == PowerGrade::Measured;
    BudgetStatus {
        power: Some(PowerBudgetStatus {
            limit_w: 8.0,
            predicted_w: known.then_some(6.25),
            grade,
            unenforceable: (!known).then(|| "no power sensor".into()),
        }),
        temperature: Some(TemperatureLimitStatus {
            limit_c: 80.0,
            zone: Some("cpu-thermal".into()),
            steady_c: Some(71.5),
            sustainable_w: Some(9.5),
            blind: (!known).then(|| "gpu-thermal".into()),
        }),
    }
}

#[test]
fn status() {
    let processor = |name: &str, role| ProcessorStatus {
        name: name.into(),
        kind: ProcessorKind::Cpu,
        role: Some(role),
        cpus: "0-3".parse().unwrap(),
        capacity: 512,
        load: Some(0.25),
        clock_khz: Some(1_800_000),
        opps_khz: vec![600_000, 1_800_000],
        clocks: Some(clocks(ClockState::Contested)),
    };
    let accelerator = |name: &str, kind, role| ProcessorStatus {
        kind,
        cpus: CpuSet::EMPTY,
        capacity: 0,
        ..processor(name, role)
    };
    let trip = |kind| Trip {
        kind,
        temperature: Celsius::new(85.0),
        hysteresis: 2.0,
    };
    let battery = |flow| BatteryStatus {
        name: "BAT0".into(),
        charge: Some(0.5),
        flow,
        watts: Some(7.5),
    };
    let assignment = AssignmentStatus {
        subnetwork: "w25".into(),
        processor: "big".into(),
        cpus: CpuSet::single(1),
        generation: generation(),
        acked: true,
        reason: "the best that fits".into(),
    };
    let app = AppStatus {
        id: AppId(3),
        name: "camera".into(),
        pid: Some(42),
        identity: identity(),
        model: "slim-mnist".into(),
        table: table(ModelKind::Supernet),
        state: Standing::Met,
        target_ms: 12.5,
        percentile: 0.95,
        p95_ms: Some(11.0),
        within_target: Some(0.97),
        miss_rate: Some(0.04),
        miss_bound: Some(0.053),
        quality: 0.97,
        slowdown: 1.1,
        inferences: 1234,
        assignment: Some(assignment),
        enforcement: Some(enforcement(EnforcementState::Held, Some(Fence::Systemd))),
        paused: true,
    };
    let blocked = AppStatus {
        pid: None,
        identity: Identity {
            pid: None,
            exe: None,
            unit: None,
            ..identity()
        },
        state: Standing::Blocked,
        p95_ms: None,
        within_target: None,
        miss_rate: None,
        miss_bound: None,
        assignment: None,
        enforcement: None,
        paused: false,
        ..app.clone()
    };
    check::<v1::Status, _>(Status {
        board: BoardStatus {
            name: "a board".into(),
            processors: vec![
                processor("little", Role::Little),
                processor("mid", Role::Mid),
                ProcessorStatus {
                    load: None,
                    clock_khz: None,
                    opps_khz: Vec::new(),
                    clocks: None,
                    ..processor("big", Role::Big)
                },
                accelerator("gpu", ProcessorKind::Gpu, Role::Gpu),
                accelerator("npu", ProcessorKind::Npu, Role::Npu),
                accelerator("dla", ProcessorKind::Accelerator, Role::Accelerator),
            ],
            memory: vec![MemoryStatus {
                name: "dmc".into(),
                clock_khz: Some(825_000),
                opps_khz: vec![165_000, 825_000],
            }],
            rails: vec![
                RailStatus {
                    name: "VDD_IN".into(),
                    within: None,
                    watts: Some(4.75),
                },
                RailStatus {
                    name: "VDD_SOC".into(),
                    within: Some("VDD_IN".into()),
                    watts: None,
                },
            ],
            zones: vec![
                ZoneStatus {
                    name: "cpu-thermal".into(),
                    celsius: Some(-4.5),
                    trips: [
                        TripKind::Active,
                        TripKind::Passive,
                        TripKind::Hot,
                        TripKind::Critical,
                    ]
                    .map(trip)
                    .into(),
                },
                ZoneStatus {
                    name: "cv0-thermal".into(),
                    celsius: None,
                    trips: Vec::new(),
                },
            ],
            cooling: vec![CoolingStatus {
                name: "pwm-fan".into(),
                state: Some(1),
                max_state: 3,
            }],
            battery: Some(battery(BatteryFlow::Discharging)),
            problems: vec![ProblemStatus {
                path: "/sys/class/thermal/thermal_zone2/temp".into(),
                fault: "cannot be read".into(),
                lost: "a temperature is unknown".into(),
            }],
            unmanaged_tasks_per_core: Some(1),
            budget: budget(PowerGrade::Measured),
        },
        apps: vec![app, blocked],
        policy: PolicyStatus {
            objective: "max-quality".into(),
            file: Some("/etc/dynd/policy.toml".into()),
        },
        daemon: DaemonStatus {
            version: "0.1.0".into(),
            pid: 1,
            uptime_s: 2.5,
            rss_bytes: 9_000_000,
            cpu_share: 0.004,
        },
        events: vec![Event::PolicyChanged],
    });
    for (state, by) in [
        (EnforcementState::Pending, None),
        (EnforcementState::Held, Some(Fence::CgroupV2)),
        (EnforcementState::Contested, Some(Fence::CgroupV1)),
        (EnforcementState::Refused, Some(Fence::Systemd)),
        (EnforcementState::Unknown, None),
    ] {
        check::<v1::Enforcement, _>(enforcement(state, by));
    }
    for flow in [
        BatteryFlow::Unknown,
        BatteryFlow::Charging,
        BatteryFlow::Discharging,
        BatteryFlow::Resting,
    ] {
        check::<v1::BoardStatus, _>(BoardStatus {
            battery: Some(battery(flow)),
            ..BoardStatus::default()
        });
    }
    check::<v1::BoardStatus, _>(BoardStatus {
        budget: budget(PowerGrade::Estimated),
        ..BoardStatus::default()
    });
    check::<v1::Status, _>(Status::default());
}

#[test]
fn explanations() {
    let point = |cores, clock_khz| WhyPoint {
        subnetwork: "w25".into(),
        processor: "big".into(),
        cores,
        clock_khz,
        quality: 0.97,
        late: 0.02,
        power_w: 1.25,
    };
    let why = Why {
        app: AppId(3),
        name: "camera".into(),
        state: Standing::Degraded,
        chosen: Some(point(2, Some(1_400_000))),
        runner_up: Some(point(0, None)),
        better: None,
        binding: "room on big".into(),
        change: "a core to become free".into(),
        held_by: vec!["reader".into()],
    };
    check::<v1::Explanation, _>(why.clone());
    check::<v1::Explanation, _>(Why { chosen: None, ..why });
}
