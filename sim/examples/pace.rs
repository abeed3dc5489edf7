//! How many times faster than real time the laboratory plays: `cargo run --release -p dynd-sim --example pace [-- --json]`.
//!
//! Four apps on an Orin NX, under dynd and under a fixed choice; the best of five runs of each counts. Limit: 1,000 times.

use std::path::Path;
use std::time::Instant;

use dynd_files::load_scenario;
use dynd_sim::lab::manager::{Dynd, Fixed};
use dynd_sim::lab::{Brief, Run, Stage, play};

const RUNS: usize = 5;
const LIMIT: f64 = 1000.0;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/orin-four-apps.toml");
    let stage = Stage::new(&load_scenario(&path)?, 1)?;
    let brief = Brief::new(&stage, &stage)?;
    let smallest = |app: &dynd_sim::lab::AppBrief| Run {
        subnetwork: 0,
        place: app.spots[0].widest(app.threads),
    };
    let fixed = Fixed::new(brief.apps.iter().map(smallest).collect(), Vec::new());
    let (mut as_fixed, mut as_dynd) = (0.0_f64, 0.0_f64);
    for _ in 0..RUNS {
        let began = Instant::now();
        let trace = play(&stage, &mut fixed.clone())?;
        as_fixed = as_fixed.max(trace.duration.get() / began.elapsed().as_secs_f64());
        let began = Instant::now();
        let trace = play(&stage, &mut Dynd::new(brief.clone()))?;
        as_dynd = as_dynd.max(trace.duration.get() / began.elapsed().as_secs_f64());
    }
    let rows = [("fixed", as_fixed), ("dynd", as_dynd)];
    if std::env::args().any(|argument| argument == "--json") {
        let json = rows.map(|(name, pace)| {
            let ok = pace >= LIMIT;
            let what = format!("simulator, 4 apps under {name}");
            format!(r#"{{"what":"{what}","value":{pace:.0},"op":">=","limit":{LIMIT},"unit":"x real time","ok":{ok}}}"#)
        });
        println!("[{}]", json.join(","));
        return Ok(());
    }
    for (name, pace) in rows {
        let verdict = if pace >= LIMIT { "ok" } else { "NOT MET" };
        println!("{name}: {pace:.0} times real time, limit {LIMIT:.0}: {verdict}");
    }
    Ok(())
}
