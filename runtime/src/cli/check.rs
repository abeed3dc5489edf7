//! `check`: does a model do what its manifest says?

use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use dynd_files::{Manifest, load_manifest};
use dynd_runtime::{DynamicModel, Input, TestImages};
use serde::Serialize;

use super::failure::BadArgument;
use super::measurement::Latencies;

/// How far the quality measured over all test images may be from the manifest's.
const TOLERANCE: f64 = 0.002;

/// Time between two updates of the progress line.
const REDRAW: Duration = Duration::from_millis(100);

/// Loads a model, runs every sub-network over the test images, and compares its quality with the manifest.
///
/// Exit code 1 if a quality differs by more than 0.002, 2 if a file is missing or wrong. With --limit the
/// qualities are shown and not judged.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The manifest, or the directory of its model.toml.
    manifest: PathBuf,
    /// Prints JSON instead of a table.
    #[arg(long)]
    json: bool,
    /// Runs only the first N test images.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

/// What was found about one sub-network.
#[derive(Debug, Serialize)]
struct Finding {
    name: String,
    macs: u64,
    quality: f64,
    expected_quality: f64,
    /// None where too few images were run to tell.
    agrees: Option<bool>,
    median_ms: f64,
}

impl Check {
    pub(crate) fn run(&self) -> anyhow::Result<ExitCode> {
        let manifest = load_manifest(&self.manifest)?;
        let images = test_images(&manifest)?;
        let mut model = DynamicModel::load(&manifest, 1)?;
        let mut input = Input::new(&manifest.input)?;
        let count = self.limit.unwrap_or(usize::MAX).clamp(1, images.len());

        let mut progress = Progress::new(manifest.table.subnetworks.len() * count);
        let mut findings = Vec::new();
        for (index, subnetwork) in manifest.table.subnetworks.iter().enumerate() {
            let mut correct = 0_usize;
            let mut latencies = Latencies::with_capacity(count);
            for image in 0..count {
                progress.advance(&subnetwork.name);
                let (pixels, class) = images.get(image);
                input.fill(pixels)?;
                let answer = latencies.time(|| model.run(index, 1, &input))?;
                correct += usize::from(answer.class == class);
            }
            let quality = correct as f64 / count as f64;
            let expected_quality = subnetwork.quality.get();
            findings.push(Finding {
                name: subnetwork.name.clone(),
                macs: subnetwork.macs,
                quality,
                expected_quality,
                agrees: (count == images.len()).then_some((quality - expected_quality).abs() <= TOLERANCE),
                median_ms: latencies.quantile(0.5).unwrap_or_default() * 1e3,
            });
        }
        progress.clear();

        if self.json {
            println!("{}", serde_json::to_string_pretty(&findings)?);
        } else {
            print_table(&manifest, &findings, count);
        }
        if findings.iter().any(|finding| finding.agrees == Some(false)) {
            eprintln!(
                "error: the qualities marked '!' differ by more than {TOLERANCE} from those in {}\n  \
                 help: correct the manifest, or export the model again",
                manifest.path.display()
            );
            return Ok(ExitCode::FAILURE);
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The test images that `manifest` names.
pub(super) fn test_images(manifest: &Manifest) -> anyhow::Result<TestImages> {
    let set = manifest.test.as_ref().ok_or_else(|| BadArgument {
        argument: "manifest",
        reason: format!(
            "{} names no test images; add [test] with images and labels",
            manifest.path.display()
        ),
    })?;
    Ok(TestImages::load(set, &manifest.input)?)
}

fn print_table(manifest: &Manifest, findings: &[Finding], images: usize) {
    let metric = &manifest.table.quality_metric;
    println!(
        "{} ({}), {images} test images",
        manifest.table.name,
        manifest.table.kind.label()
    );
    println!(
        "{:<16} {:>9} {metric:>10} {:>10} {:>12}",
        "sub-network", "MMAC", "manifest", "1 core"
    );
    for finding in findings {
        let mark = if finding.agrees == Some(false) { " !" } else { "" };
        println!(
            "{:<16} {:>9.1} {:>10.4} {:>10.4} {:>9.2} ms{mark}",
            finding.name,
            finding.macs as f64 / 1e6,
            finding.quality,
            finding.expected_quality,
            finding.median_ms
        );
    }
}

/// A line on stderr that says how far it is; silent where nobody sees it.
#[derive(Debug)]
struct Progress {
    total: usize,
    done: usize,
    drawn: Option<Instant>,
    visible: bool,
}

impl Progress {
    fn new(total: usize) -> Self {
        Self {
            total,
            done: 0,
            drawn: None,
            visible: io::stderr().is_terminal(),
        }
    }

    fn advance(&mut self, what: &str) {
        self.done += 1;
        if self.visible && self.drawn.is_none_or(|drawn| drawn.elapsed() > REDRAW) {
            eprint!("\r\x1b[K{what}: {} %", self.done * 100 / self.total.max(1));
            let _ = io::stderr().flush();
            self.drawn = Some(Instant::now());
        }
    }

    fn clear(&self) {
        if self.visible {
            eprint!("\r\x1b[K");
        }
    }
}
