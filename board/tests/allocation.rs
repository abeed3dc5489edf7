//! A sample allocates nothing once its buffers have grown. Alone in its program, whose allocations it counts.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::alloc::System;

use dynd_board::{Host, Snapshot};
use dynd_vocab::{Board, Pid, Sample, Timestamp};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[test]
fn steady_sampling_allocates_nothing() {
    let root = tempfile::tempdir().unwrap();
    let listing = include_str!("fixtures/eight-cores.tree");
    Snapshot::parse(listing).unwrap().write(root.path()).unwrap();
    let mut host = Host::discover(root.path()).unwrap();
    let (mut sample, apps) = (Sample::default(), [Pid(42), Pid(43)]);
    let mut allocations = |millis: u64| {
        let region = Region::new(ALLOCATOR);
        host.sample(Timestamp::from_nanos(millis * 1_000_000), &apps, &mut sample);
        region.change().allocations
    };
    assert!(allocations(50) > 0, "the counter counts");
    // The test's harness shares the allocator: what it does in between is no sample's.
    let least = (2..50).map(|number| allocations(number * 50)).min();
    assert_eq!(least, Some(0));
    assert!(sample.zones.iter().all(Option::is_some) && sample.zones.len() == 8);
    assert!(sample.rails.iter().all(Option::is_some) && sample.rails.len() == 6);
    assert_eq!((sample.cpus.len(), sample.apps.len()), (8, 2));
    assert_eq!(host.problems().len(), 0);
}
