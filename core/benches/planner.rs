//! How long a plan takes, and how that grows: `cargo bench -p dynd-core --bench planner [-- --json]`.
//!
//! One time per problem, over problems drawn as in the tests: what counts is the hardest of a hundred, which no mean
//! shows. A plan takes the same steps every time, so the quickest of a few repeats is what it takes where nobody
//! interrupts. The time to ask for offers, of a cheap formula here, is in it.

#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a benchmark reads the clock"
)]

use std::hint::black_box;
use std::time::Instant;

use dynd_core::plan::{Effort, solve};

#[path = "../tests/plan/physical.rs"]
mod physical;
#[allow(dead_code, reason = "the tests draw more kinds of numbers")]
#[path = "../tests/plan/random.rs"]
mod random;
mod row;

use physical::{Aim, Physical, Size};
use row::Row;

/// Problems per row.
const PROBLEMS: u64 = 200;

/// Repeats per problem.
const REPEATS: u32 = 5;

fn main() {
    let json = std::env::args().any(|argument| argument == "--json");
    let mut rows = vec![row(8, 15, 20, Some(1.0)), row(64, 15, 20, Some(20.0))];
    for apps in [1, 2, 4, 16, 32] {
        rows.push(row(apps, 15, 20, None));
    }
    for opps in [1, 4, 8, 30] {
        rows.push(row(8, opps, 20, None));
    }
    for subnetworks in [1, 5, 10, 40] {
        rows.push(row(8, 15, subnetworks, None));
    }
    if json {
        let lines: Vec<String> = rows.iter().map(|row| row.json("plan")).collect();
        println!("[{}]", lines.join(","));
    } else {
        Row::print_head("plan");
        rows.iter().for_each(Row::print);
    }
}

fn row(apps: usize, opps: usize, subnetworks: usize, limit: Option<f64>) -> Row {
    let size = Size {
        apps,
        opps,
        subnetworks,
    };
    let time = |seed: u64| {
        let aim = if seed.is_multiple_of(2) {
            Aim::Quality
        } else {
            Aim::Energy
        };
        let physical = Physical::new(seed, size, aim);
        let start: Vec<usize> = physical.problem.sites.iter().map(|site| site.opps - 1).collect();
        let plan = || {
            black_box(solve(
                &physical.problem,
                &physical,
                black_box(&start),
                Effort::default(),
            ))
        };
        let timed = || {
            let begun = Instant::now();
            plan();
            begun.elapsed().as_secs_f64() * 1e3
        };
        (0..REPEATS).map(|_| timed()).fold(f64::INFINITY, f64::min)
    };
    let times: Vec<f64> = (0..PROBLEMS).map(time).collect();
    let what = format!("{apps} apps × 3 processors × {opps} OPPs × {subnetworks} sub-networks");
    Row::new(what, times, limit)
}
