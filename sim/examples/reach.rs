//! How far widths, mapping and clocks reach on an Odroid XU3 and a Jetson Nano, as their board files have it:
//! `cargo run --release -p dynd-sim --example reach [-- --json]`.
//!
//! The most over the least energy and latency of one inference, alone. To reach: what Xun et al. (arXiv 2105.03600) report of
//! the two boards together, 10.6 times the energy and 41.6 times the time.

use std::path::Path;

use dynd_files::load_scenario;
use dynd_sim::lab::{Brief, Catalogue, Stage};

const SCENARIOS: [&str; 2] = ["xu3-widths", "nano-widths"];
const ENERGY: f64 = 10.6;
const TIME: f64 = 41.6;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut rows = Vec::new();
    for name in SCENARIOS {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../scenarios/{name}.toml"));
        let stage = Stage::new(&load_scenario(&path)?, 1)?;
        let brief = Brief::new(&stage, &stage)?;
        let reach = Catalogue::new(&stage, &brief)?
            .reach(0)
            .ok_or("the app cannot run")?;
        rows.push((format!("{name}: energy, most over least"), reach.energy, ENERGY));
        rows.push((format!("{name}: latency, most over least"), reach.time, TIME));
    }
    if std::env::args().any(|argument| argument == "--json") {
        let json = rows.iter().map(|(what, value, limit)| {
            let ok = value >= limit;
            format!(
                r#"{{"what":"{what}","value":{value:.1},"op":">=","limit":{limit},"unit":"x","ok":{ok}}}"#
            )
        });
        println!("[{}]", json.collect::<Vec<_>>().join(","));
        return Ok(());
    }
    for (what, value, limit) in rows {
        println!("{what}: {value:.1}, to reach {limit}");
    }
    Ok(())
}
