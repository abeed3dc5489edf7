//! Messages that break a promise of the vocabulary are refused, with the field's name.

#![allow(clippy::unwrap_used)]

use dynd_proto::{PROTOCOL, v1};
use dynd_vocab::{Assignment, Generation, Hello, Report, Status};
use tonic::Code;

fn hello() -> v1::Hello {
    let subnetwork = |name: &str, macs| v1::Subnetwork {
        name: name.into(),
        quality: 0.9,
        macs,
        memory_bytes: 1,
    };
    v1::Hello {
        protocol: PROTOCOL,
        name: "camera".into(),
        model: Some(v1::Model {
            name: "slim".into(),
            kind: v1::ModelKind::Supernet.into(),
            quality_metric: "top-1".into(),
            subnetworks: vec![subnetwork("w25", 10), subnetwork("w100", 20)],
        }),
        requirement: Some(v1::Requirement {
            latency_s: 0.1,
            percentile: 0.95,
            min_quality: 0.5,
            period_s: Some(0.2),
        }),
        max_threads: 1,
        profile: vec![v1::OperatingPoint {
            subnetwork: 1,
            processor: "cpu".into(),
            cores: 1,
            clock_hz: None,
            median_s: 0.01,
            p95_s: 0.02,
        }],
        holding: Some(v1::Holding {
            subnetwork: 1,
            processor: "cpu".into(),
            cpus: vec![0],
        }),
    }
}

fn assignment() -> v1::Assignment {
    v1::Assignment {
        generation: Some(v1::Generation { epoch: 1, number: 1 }),
        standing: v1::Standing::Met.into(),
        reason: String::new(),
        processor: "cpu".into(),
        cpus: vec![0],
        ladder: vec![v1::Rung {
            subnetwork: 0,
            undisturbed_s: 0.01,
            bound_s: 0.02,
        }],
        requirement: hello().requirement,
    }
}

/// A hello spoiled by `spoil` is refused with `expect`.
fn check(spoil: impl FnOnce(&mut v1::Hello), expect: &str) {
    let mut spoiled = hello();
    spoil(&mut spoiled);
    assert_eq!(Hello::try_from(spoiled).unwrap_err().to_string(), expect);
}

fn check_model(spoil: impl FnOnce(&mut v1::Model), expect: &str) {
    check(|hello| spoil(hello.model.as_mut().unwrap()), expect);
}

fn check_requirement(spoil: impl FnOnce(&mut v1::Requirement), expect: &str) {
    check(|hello| spoil(hello.requirement.as_mut().unwrap()), expect);
}

fn check_point(spoil: impl FnOnce(&mut v1::OperatingPoint), expect: &str) {
    check(|hello| spoil(&mut hello.profile[0]), expect);
}

fn check_assignment(spoil: impl FnOnce(&mut v1::Assignment), expect: &str) {
    let mut spoiled = assignment();
    spoil(&mut spoiled);
    assert_eq!(Assignment::try_from(spoiled).unwrap_err().to_string(), expect);
}

#[test]
fn unspoiled_messages_are_taken() {
    assert!(Hello::try_from(hello()).is_ok());
    assert!(Assignment::try_from(assignment()).is_ok());
}

#[test]
fn hello_itself() {
    check(
        |hello| hello.protocol = 2,
        "protocol: version 2 is not spoken here, only version 1",
    );
    check(|hello| hello.name.clear(), "name: must not be empty");
    check(
        |hello| hello.name = "é".repeat(65),
        "name: is longer than 128 bytes",
    );
    check(
        |hello| hello.name = "cam\u{1b}[2J".into(),
        "name: contains a control character",
    );
    check(
        |hello| hello.holding.as_mut().unwrap().subnetwork = 2,
        "holding.subnetwork: names sub-network 2, which the model does not have",
    );
    check(
        |hello| hello.holding.as_mut().unwrap().cpus.push(128),
        "holding.cpus: names cpu 128, beyond the last possible, 127",
    );
    check(|hello| hello.max_threads = 0, "max_threads: must be at least 1");
    check(|hello| hello.model = None, "model: is missing");
    check(|hello| hello.requirement = None, "requirement: is missing");
    check(
        |hello| hello.profile = vec![hello.profile[0].clone(); 4097],
        "profile: has more than 4096 entries",
    );
}

#[test]
fn models() {
    check_model(|model| model.name.clear(), "model.name: must not be empty");
    check_model(
        |model| model.quality_metric = "\n".into(),
        "model.quality_metric: contains a control character",
    );
    check_model(|model| model.kind = 0, "model.kind: has the unknown value 0");
    check_model(|model| model.kind = 9, "model.kind: has the unknown value 9");
    check_model(
        |model| model.subnetworks.clear(),
        "model.subnetworks: must not be empty",
    );
    check_model(
        |model| model.subnetworks = vec![model.subnetworks[0].clone(); 257],
        "model.subnetworks: has more than 256 entries",
    );
    check_model(
        |model| model.subnetworks[1].name = "w25".into(),
        "model.subnetworks: 'w25' is there twice",
    );
    check_model(
        |model| model.subnetworks.reverse(),
        "model.subnetworks: must come in ascending order of MACs",
    );
    check_model(
        |model| model.subnetworks[1].name.clear(),
        "model.subnetworks[1].name: must not be empty",
    );
    check_model(
        |model| model.subnetworks[0].macs = 0,
        "model.subnetworks[0].macs: must be at least 1",
    );
    for quality in [-0.1, 1.1, f64::NAN] {
        check_model(
            |model| model.subnetworks[1].quality = quality,
            "model.subnetworks[1].quality: must lie between 0 and 1",
        );
    }
}

#[test]
fn requirements() {
    for time in [0.0, -1.0, f64::INFINITY, f64::NAN] {
        check_requirement(
            |r| r.latency_s = time,
            "requirement.latency_s: must be a positive, finite time",
        );
        check_requirement(
            |r| r.period_s = Some(time),
            "requirement.period_s: must be a positive, finite time",
        );
    }
    for percentile in [0.0, 1.0, 95.0, f64::NAN] {
        check_requirement(
            |r| r.percentile = percentile,
            "requirement.percentile: must lie between 0 and 1, exclusive",
        );
    }
    check_requirement(
        |r| r.min_quality = 1.5,
        "requirement.min_quality: must lie between 0 and 1",
    );
}

#[test]
fn profiles() {
    check_point(
        |point| point.subnetwork = 2,
        "profile[0].subnetwork: names sub-network 2, which the model does not have",
    );
    check_point(
        |point| point.processor.clear(),
        "profile[0].processor: must not be empty",
    );
    check_point(|point| point.cores = 0, "profile[0].cores: must be at least 1");
    check_point(
        |point| point.median_s = 0.0,
        "profile[0].median_s: must be a positive, finite time",
    );
    check_point(
        |point| point.p95_s = f64::NAN,
        "profile[0].p95_s: must be a positive, finite time",
    );
}

#[test]
fn reports_and_acknowledgements() {
    let report = v1::Report {
        cores: 1,
        ..v1::Report::default()
    };
    let refused = |reports| {
        Vec::<Report>::try_from(v1::ReportBatch { reports })
            .unwrap_err()
            .to_string()
    };
    assert_eq!(refused(vec![report; 1025]), "reports: has more than 1024 entries");
    assert_eq!(
        refused(vec![report, v1::Report::default()]),
        "reports[1].cores: must be at least 1"
    );
    let no_ack = Generation::try_from(v1::Ack { generation: None }).unwrap_err();
    assert_eq!(no_ack.to_string(), "generation: is missing");
}

#[test]
fn assignments() {
    check_assignment(|a| a.generation = None, "generation: is missing");
    check_assignment(|a| a.standing = 0, "standing: has the unknown value 0");
    check_assignment(
        |a| a.cpus = vec![0, 128],
        "cpus: names cpu 128, beyond the last possible, 127",
    );
    check_assignment(|a| a.ladder.clear(), "ladder: must not be empty");
    check_assignment(
        |a| a.standing = v1::Standing::Blocked.into(),
        "ladder: has more than 0 entries",
    );
    check_assignment(
        |a| a.ladder[0].bound_s = f64::NAN,
        "ladder[0].bound_s: must be a positive, finite time",
    );
    check_assignment(
        |a| a.ladder[0].undisturbed_s = f64::INFINITY,
        "ladder[0].undisturbed_s: must be a positive, finite time",
    );
    check_assignment(|a| a.requirement = None, "requirement: is missing");
}

#[test]
fn statuses() {
    let status = v1::Status::from(Status::default());
    let refused = |status: v1::Status| Status::try_from(status).unwrap_err().to_string();
    assert_eq!(
        refused(v1::Status {
            board: None,
            ..status.clone()
        }),
        "board: is missing"
    );
    let app = v1::AppStatus {
        identity: Some(v1::Identity::default()),
        ..v1::AppStatus::default()
    };
    assert_eq!(
        refused(v1::Status {
            apps: vec![app],
            ..status.clone()
        }),
        "apps[0].model: is missing"
    );
    // A newer daemon may tell of events that this version does not know.
    let unknown = v1::Status {
        events: vec![v1::Event { event: None }],
        ..status
    };
    assert_eq!(Status::try_from(unknown), Ok(Status::default()));
}

#[test]
fn a_refusal_becomes_a_status_that_names_the_field() {
    let status = |spoil: fn(&mut v1::Hello)| {
        let mut spoiled = hello();
        spoil(&mut spoiled);
        tonic::Status::from(Hello::try_from(spoiled).unwrap_err())
    };
    let nameless = status(|hello| hello.name.clear());
    assert_eq!(
        (nameless.code(), nameless.message()),
        (Code::InvalidArgument, "name: must not be empty")
    );
    assert_eq!(
        status(|hello| hello.protocol = 2).code(),
        Code::FailedPrecondition
    );
}
