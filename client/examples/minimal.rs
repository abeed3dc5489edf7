//! The smallest app: three sub-networks, a target of 30 ms in 95 % of its inferences, ten frames a second.
//!
//! Runs with or without a daemon, for five seconds or as many frames as its argument says. Multiply-accumulates stand in
//! for the network.

use std::hint::black_box;
use std::time::Duration;

use dynd_client::{
    ClientError, ModelKind, ModelTable, Quality, Requirement, Seconds, Session, SessionConfig, Subnetwork,
};

fn main() -> Result<(), ClientError> {
    let model = model();
    let macs: Vec<u64> = model
        .subnetworks
        .iter()
        .map(|subnetwork| subnetwork.macs)
        .collect();
    let mut session = Session::open(SessionConfig {
        socket: dynd_client::default_socket(),
        name: "minimal".into(),
        model,
        requirement: Requirement {
            latency: Seconds::from_millis(30.0),
            percentile: 0.95,
            min_quality: Quality::ZERO,
            period: Some(Seconds::from_millis(100.0)),
        },
        max_threads: 1,
        profile: Vec::new(),
    })?;
    session.set_pool(vec![dynd_client::this_thread()]);

    let frames = std::env::args().nth(1).and_then(|frames| frames.parse().ok());
    let mut release = dynd_client::now();
    for _ in 0..frames.unwrap_or(50) {
        let job = session.begin(release);
        let (subnetwork, cpus) = (job.subnetwork, job.cpus);
        infer(macs[subnetwork]);
        let report = session.end(job);

        println!(
            "{:?}: sub-network {subnetwork} on cpus [{cpus}] took {:?}",
            session.link(),
            report.latency
        );
        release = release + Duration::from_millis(100);
        std::thread::sleep(release.since(dynd_client::now()));
    }
    Ok(())
}

fn model() -> ModelTable {
    let subnetwork = |name: &str, quality, macs| Subnetwork {
        name: name.into(),
        quality: Quality::new(quality).unwrap_or_default(),
        macs,
        memory_bytes: 0,
    };
    ModelTable {
        name: "toy".into(),
        kind: ModelKind::Supernet,
        quality_metric: "top-1".into(),
        subnetworks: vec![
            subnetwork("small", 0.90, 250_000),
            subnetwork("medium", 0.95, 1_000_000),
            subnetwork("large", 0.98, 4_000_000),
        ],
    }
}

fn infer(macs: u64) {
    let mut sum = 0.0_f32;
    for step in 0..macs {
        sum = black_box(sum) * 0.5 + step as f32;
    }
    black_box(sum);
}
