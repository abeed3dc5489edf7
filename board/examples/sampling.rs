//! What a sample costs: `cargo run --release -p dynd-board --example sampling`.
//!
//! Samples a machine made of plain files (eight cores, a GPU, six rails, eight zones, two watched processes), or the one
//! below the directory given as an argument, and prints CPU time and allocations per sample.

#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on has failed")]

use std::alloc::System;
use std::path::PathBuf;
use std::time::Duration;

use dynd_board::{Host, Snapshot};
use dynd_vocab::{Board, Pid, Sample, Timestamp};
use nix::time::{ClockId, clock_gettime};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const BATCHES: u32 = 40;
const SAMPLES: u32 = 250;

fn main() {
    let made_up = tempfile::tempdir().unwrap();
    let listing = include_str!("../tests/fixtures/eight-cores.tree");
    Snapshot::parse(listing).unwrap().write(made_up.path()).unwrap();
    let root = std::env::args()
        .nth(1)
        .map_or_else(|| made_up.path().to_path_buf(), PathBuf::from);
    let mut host = Host::discover(&root).unwrap();
    let (mut sample, apps) = (Sample::default(), [Pid(42), Pid(43)]);
    let mut now = Timestamp::default();
    let mut batch = || {
        let (region, start) = (Region::new(ALLOCATOR), cpu_time());
        for _ in 0..SAMPLES {
            now = now + Duration::from_millis(50);
            host.sample(now, &apps, &mut sample);
        }
        (cpu_time() - start, region.change().allocations)
    };
    batch();
    let mut batches: Vec<(Duration, usize)> = (0..BATCHES).map(|_| batch()).collect();
    batches.sort_unstable();
    let micros = |(time, _): &(Duration, usize)| time.as_secs_f64() * 1e6 / f64::from(SAMPLES);
    let allocations: usize = batches.iter().map(|(_, count)| count).sum();
    println!(
        "CPU time per sample: median {:.1} µs, best {:.1} µs, worst {:.1} µs ({BATCHES} batches of {SAMPLES})",
        micros(&batches[batches.len() / 2]),
        micros(&batches[0]),
        micros(&batches[batches.len() - 1]),
    );
    println!("allocations in all of them: {allocations}");
}

/// CPU time that this process has used.
fn cpu_time() -> Duration {
    clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).unwrap().into()
}
