//! A status of a newer daemon, which holds values that this version does not know, is shown without them.

#![allow(clippy::unwrap_used)]

use dynd_proto::v1;
use dynd_proto::v1::event as wire;
use dynd_vocab::{
    BatteryFlow, ClockState, ClockStatus, CpuSet, Event, ProcessorKind, ProcessorStatus, Role, Status, Trip,
    TripKind,
};

/// In no enum of the wire.
const UNKNOWN: i32 = 99;

fn status(board: v1::BoardStatus) -> v1::Status {
    v1::Status {
        board: Some(board),
        ..v1::Status::from(Status::default())
    }
}

fn processor(kind: i32, role: i32, cpus: &[u32]) -> v1::ProcessorStatus {
    let clocks = v1::ClockStatus {
        min_khz: Some(5),
        max_khz: None,
        state: UNKNOWN,
        reason: Some("why".into()),
    };
    v1::ProcessorStatus {
        name: "p".into(),
        kind,
        role,
        cpus: cpus.to_vec(),
        clocks: Some(clocks),
        ..v1::ProcessorStatus::default()
    }
}

#[test]
fn processors_of_unknown_kind_role_and_clock_state_are_shown() {
    let little = v1::Role::Little.into();
    let told = status(v1::BoardStatus {
        processors: vec![
            processor(UNKNOWN, UNKNOWN, &[]),
            processor(UNKNOWN, little, &[1]),
            processor(0, UNKNOWN, &[2]),
        ],
        ..v1::BoardStatus::default()
    });
    let shown = |kind, role, cpus: CpuSet| ProcessorStatus {
        name: "p".into(),
        kind,
        role,
        cpus,
        capacity: 0,
        load: None,
        clock_khz: None,
        opps_khz: Vec::new(),
        clocks: Some(ClockStatus {
            min_khz: Some(5),
            max_khz: None,
            state: ClockState::Unknown,
            reason: Some("why".into()),
        }),
    };
    assert_eq!(
        Status::try_from(told).unwrap().board.processors,
        [
            shown(ProcessorKind::Accelerator, None, CpuSet::EMPTY),
            shown(ProcessorKind::Cpu, Some(Role::Little), CpuSet::single(1)),
            shown(ProcessorKind::Cpu, None, CpuSet::single(2)),
        ]
    );
}

#[test]
fn trips_of_unknown_kind_are_left_out() {
    let trip = |kind: i32, celsius| v1::Trip {
        kind,
        celsius,
        hysteresis: 2.0,
    };
    let told = status(v1::BoardStatus {
        zones: vec![v1::ZoneStatus {
            name: "cpu".into(),
            celsius: Some(40.0),
            trips: vec![trip(UNKNOWN, 60.0), trip(v1::TripKind::Hot.into(), 80.0)],
        }],
        ..v1::BoardStatus::default()
    });
    let board = Status::try_from(told).unwrap().board;
    let kinds: Vec<TripKind> = board.zones[0].trips.iter().map(|trip: &Trip| trip.kind).collect();
    assert_eq!(kinds, [TripKind::Hot]);
}

#[test]
fn a_battery_of_unknown_flow_is_shown() {
    let told = status(v1::BoardStatus {
        battery: Some(v1::BatteryStatus {
            flow: UNKNOWN,
            ..v1::BatteryStatus::default()
        }),
        ..v1::BoardStatus::default()
    });
    let battery = Status::try_from(told).unwrap().board.battery.unwrap();
    assert_eq!(battery.flow, BatteryFlow::Unknown);
}

#[test]
fn events_and_apps_with_unknown_values_are_left_out() {
    let assigned = |cause: i32| v1::Event {
        event: Some(wire::Event::Assigned(wire::Assigned {
            standing: v1::Standing::Met.into(),
            cause,
            ..wire::Assigned::default()
        })),
    };
    let app = v1::AppStatus {
        identity: Some(v1::Identity::default()),
        model: Some(v1::Model {
            name: "slim".into(),
            kind: v1::ModelKind::Supernet.into(),
            quality_metric: "top-1".into(),
            subnetworks: vec![v1::Subnetwork {
                name: "w25".into(),
                quality: 0.9,
                macs: 10,
                memory_bytes: 1,
            }],
        }),
        ..v1::AppStatus::default()
    };
    let of_standing = |state: i32| v1::AppStatus { state, ..app.clone() };
    let told = v1::Status {
        apps: vec![of_standing(UNKNOWN), of_standing(v1::Standing::Met.into())],
        events: vec![assigned(UNKNOWN), assigned(v1::Cause::Load.into())],
        ..status(v1::BoardStatus::default())
    };
    let shown = Status::try_from(told).unwrap();
    assert_eq!(shown.apps.len(), 1);
    assert!(matches!(shown.events.as_slice(), [Event::Assigned { .. }]));
}
