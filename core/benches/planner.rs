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
#[allow(dead_code, reason = "the tests need more of it")]
mod random;

use physical::{Aim, Physical, Size};

/// Problems per row.
const PROBLEMS: u64 = 200;

/// Repeats per problem.
const REPEATS: u32 = 5;

struct Row {
    what: String,
    /// In ms: median, 99th percentile.
    times: (f64, f64),
    /// The most that the 99th percentile may be.
    limit: Option<f64>,
}

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
        let lines: Vec<String> = rows.iter().map(Row::json).collect();
        println!("[{}]", lines.join(","));
    } else {
        println!(
            "{:<50} {:>9} {:>9} {:>7}",
            "ms per plan", "median", "p99", "limit"
        );
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
    let mut times: Vec<f64> = (0..PROBLEMS).map(time).collect();
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() as f64 * share).ceil() as usize).clamp(1, times.len()) - 1];
    Row {
        what: format!("{apps} apps × 3 processors × {opps} OPPs × {subnetworks} sub-networks"),
        times: (at(0.5), at(0.99)),
        limit,
    }
}

impl Row {
    fn print(&self) {
        let (median, p99) = self.times;
        let limit = self.limit.map_or(String::new(), |limit| limit.to_string());
        println!("{:<50} {median:>9.3} {p99:>9.3} {limit:>7}", self.what);
    }

    fn json(&self) -> String {
        let p99 = self.times.1;
        let limit = self.limit.map_or("null".to_owned(), |limit| limit.to_string());
        let ok = self.limit.is_none_or(|limit| p99 <= limit);
        format!(
            r#"{{"what":"plan, p99: {}","value":{p99:.3},"op":"<=","limit":{limit},"unit":"ms","ok":{ok}}}"#,
            self.what
        )
    }
}
