//! Long-run miss rates under three shapes of noise: the controller beside one that takes noise to be Gaussian.
//!
//! `cargo run -p dynd-core --release --example percentile [-- --json]`

#[path = "../tests/percentile/world.rs"]
mod world;

use world::{Noise, RUNGS, dynd, fixed, gaussian};

/// 40 minutes at 25 inferences per second.
const FRAMES: usize = 60_000;

const NOISES: [Noise; 3] = [Noise::Light, Noise::Heavy, Noise::Regimes];
const PERCENTILES: [f64; 4] = [0.8, 0.9, 0.95, 0.99];

fn main() {
    if std::env::args().any(|argument| argument == "--json") {
        json();
    } else {
        text();
    }
}

fn always_late(noise: Noise) -> Vec<f64> {
    (0..RUNGS.len()).map(|rung| fixed(noise, rung, FRAMES)).collect()
}

fn json() {
    let mut rows = Vec::new();
    for noise in NOISES {
        let fixed = always_late(noise);
        for percentile in PERCENTILES {
            let late = dynd(noise, percentile, 3, FRAMES).late;
            let gaussian = gaussian(noise, percentile, 3, FRAMES).late;
            rows.push(format!(
                r#"{{"noise":"{noise:?}","allowed":{:.2},"fixed":{fixed:?},"late":{late},"gaussian":{gaussian}}}"#,
                1.0 - percentile
            ));
        }
    }
    println!("[{}]", rows.join(","));
}

fn text() {
    println!(
        "noise     may be late |  dynd   bound  mean rung  plans/min  switches/min | gaussian  mean rung  switches/min"
    );
    for noise in NOISES {
        let rates = always_late(noise);
        let rates: Vec<String> = rates.iter().map(|late| format!("{:.1}", 100.0 * late)).collect();
        println!(
            "{noise:?}: always the same sub-network is late in {} %",
            rates.join(", ")
        );
        for percentile in PERCENTILES {
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
