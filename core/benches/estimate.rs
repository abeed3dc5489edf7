//! What a decision of the selector costs, and what it costs to learn from an inference: both happen around every
//! inference of every app.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use dynd_core::{Activity, Physics, Selector};
use dynd_vocab::{
    Assignment, BoardDescription, CpuSet, Generation, Hertz, ModelKind, ModelTable, OperatingPoint,
    PowerRail, Processor, ProcessorKind, Quality, Report, Requirement, Role, Rung, Sample, Seconds, Standing,
    Subnetwork, Timestamp, Watts,
};

const TARGET: Seconds = Seconds::from_millis(10.0);

/// A selector for a model of 20 sub-networks that was profiled, with all of them on its ladder.
fn selector() -> Selector {
    let subnetworks = (0..20_u32).map(|index| Subnetwork {
        name: format!("s{index}"),
        quality: Quality::new(0.5 + 0.02 * f64::from(index)).unwrap_or_default(),
        macs: 10_000_000 * (1 + u64::from(index)),
        memory_bytes: 0,
    });
    let requirement = Requirement {
        latency: TARGET,
        percentile: 0.95,
        min_quality: Quality::ZERO,
        period: None,
    };
    let point = |subnetwork: usize| OperatingPoint {
        subnetwork,
        processor: "cpu".into(),
        cores: 1,
        clock: None,
        median: TARGET * (0.04 * (subnetwork + 1) as f64),
        p95: TARGET * (0.045 * (subnetwork + 1) as f64),
    };
    let table = ModelTable {
        name: "m".into(),
        kind: ModelKind::Supernet,
        quality_metric: "top-1".into(),
        subnetworks: subnetworks.collect(),
    };
    let profile: Vec<_> = (0..20).map(point).collect();
    let mut selector = Selector::new(table, requirement, &profile);
    let rung = |subnetwork: usize| Rung {
        subnetwork,
        undisturbed: TARGET * (0.04 * (subnetwork + 1) as f64),
        bound: TARGET * (0.045 * (subnetwork + 1) as f64),
    };
    selector.assign(&Assignment {
        generation: Generation { epoch: 1, number: 1 },
        standing: Standing::Met,
        reason: String::new(),
        processor: "cpu".into(),
        cpus: CpuSet::single(0),
        ladder: (0..20).rev().map(rung).collect(),
        requirement,
        contended: false,
    });
    selector
}

/// The inference of this number: 8 ms, a little more or less.
fn report(number: u64) -> Report {
    let service = Duration::from_micros(7_900 + number % 7 * 30);
    Report {
        subnetwork: 19,
        cores: 1,
        ended: Timestamp::from_nanos(number * 15_000_000),
        service,
        latency: service,
        after_switch: false,
    }
}

/// An 8-core board with a GPU, each processor with 15 clocks, and one rail.
fn board() -> BoardDescription {
    let opps: Vec<Hertz> = (1..=15).map(|step| Hertz::from_khz(step * 120_000)).collect();
    let processor = |kind, capacity, cpus: CpuSet| Processor {
        name: format!("p{capacity}"),
        kind,
        role: Role::Big,
        cpus,
        capacity,
        opps: opps.clone(),
    };
    BoardDescription {
        processors: vec![
            processor(ProcessorKind::Cpu, 400, (0..4).collect()),
            processor(ProcessorKind::Cpu, 1024, (4..8).collect()),
            processor(ProcessorKind::Gpu, 0, CpuSet::EMPTY),
        ],
        rails: vec![PowerRail {
            name: "VDD_IN".into(),
            within: None,
        }],
        ..BoardDescription::default()
    }
}

fn benches(criterion: &mut Criterion) {
    criterion.bench_function("selector decision", |bencher| {
        let mut selector = selector();
        (0..500).for_each(|number| {
            selector.record(&report(number));
        });
        bencher.iter(|| selector.choose(black_box(TARGET), black_box(1)));
    });
    criterion.bench_function("estimator update", |bencher| {
        let mut selector = selector();
        let mut number = 0;
        bencher.iter(|| {
            number += 1;
            selector.record(black_box(&report(number)))
        });
    });
    let board = board();
    let sample = Sample {
        clocks: board.processors.iter().map(|p| p.opps.get(7).copied()).collect(),
        loads: vec![None, None, Some(0.5)],
        rails: vec![Some(Watts::new(6.0))],
        ..Sample::default()
    };
    criterion.bench_function("power and heat of a sample", |bencher| {
        let mut physics = Physics::new(&board, None);
        bencher.iter(|| physics.observe(&board, black_box(&sample), |_| Some(0.5)));
    });
    criterion.bench_function("power prediction", |bencher| {
        let physics = Physics::new(&board, None);
        let activities = [Activity { opp: 7, busy: 0.5 }; 3];
        bencher.iter(|| {
            physics
                .power()
                .predict(black_box(&activities), Timestamp::default())
        });
    });
}

criterion_group!(all, benches);
criterion_main!(all);
