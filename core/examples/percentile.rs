//! Long-run miss rates under three shapes of noise: the controller beside one that takes noise to be Gaussian.
//!
//! `cargo run -p dynd-core --release --example percentile`

#[path = "../tests/percentile/world.rs"]
mod world;

use world::{Noise, RUNGS, dynd, fixed, gaussian};

/// 40 minutes at 25 inferences per second.
const FRAMES: usize = 60_000;

fn main() {
    println!(
        "noise     may be late |  dynd   bound  mean rung  plans/min  switches/min | gaussian  mean rung  switches/min"
    );
    for noise in [Noise::Light, Noise::Heavy, Noise::Regimes] {
        let rates: Vec<String> = (0..RUNGS.len())
            .map(|rung| format!("{:.1}", 100.0 * fixed(noise, rung, FRAMES)))
            .collect();
        println!(
            "{noise:?}: always the same sub-network is late in {} %",
            rates.join(", ")
        );
        for percentile in [0.8, 0.9, 0.95, 0.99] {
            let ours = dynd(noise, percentile, 3, FRAMES);
            let theirs = gaussian(noise, percentile, 3, FRAMES);
            println!(
                "{:<9} {:>9.1} % | {:>5.2} {:>7.2} {:>10.2} {:>10.1} {:>13.1} | {:>8.2} {:>10.2} {:>13.1}",
                format!("{noise:?}"),
                100.0 * (1.0 - percentile),
                100.0 * ours.late,
                100.0 * ours.bound.unwrap_or(f64::NAN),
                ours.rung,
                ours.plans,
                ours.switches,
                100.0 * theirs.late,
                theirs.rung,
                theirs.switches,
            );
        }
    }
}
