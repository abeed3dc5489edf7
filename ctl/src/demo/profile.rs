//! How long a model's sub-networks take on the quiet machine.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use dynd_files::Manifest;
use dynd_vocab::CpuSet;
use serde::Deserialize;

use super::process::Process;

/// A profile that takes longer is taken for hung.
const PATIENCE: Duration = Duration::from_secs(300);

/// One measured operating point, as `dynd-runtime profile --json` prints it.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Point {
    /// Index into the model's table.
    subnetwork: usize,
    cores: u32,
    p95_s: f64,
}

/// Starts the program `runtime`, which measures the model of `manifest` on up to so many threads, on those CPUs.
///
/// # Errors
/// If it cannot be started.
pub(crate) fn start(
    runtime: &Path,
    manifest: &Manifest,
    (threads, cpus): (u32, CpuSet),
    file: &Path,
) -> anyhow::Result<Process> {
    let mut command = Command::new(runtime);
    command.arg("profile").arg(&manifest.path);
    command.args(["--threads", &threads.to_string(), "--json"]);
    command.args(["--cpus", &cpus.to_string()]);
    Process::start("profile", command, &file.with_extension("log"))
}

/// Waits for the end of `profiling` of the model of `manifest`, and writes the profile to `file`. Returns the 95th
/// percentile of the largest sub-network on the most cores.
///
/// # Errors
/// If the program fails, or leaves that one out.
pub(crate) async fn finish(profiling: Process, manifest: &Manifest, file: &Path) -> anyhow::Result<Duration> {
    profiling.output(file, PATIENCE).await?;
    let text = std::fs::read_to_string(file).with_context(|| format!("failed to read {}", file.display()))?;
    slowest(&text, manifest.table.subnetworks.len())
        .with_context(|| format!("failed to use the profile of {}", manifest.table.name))
}

fn slowest(profile: &str, subnetworks: usize) -> anyhow::Result<Duration> {
    let points: Vec<Point> = serde_json::from_str(profile)?;
    let largest = points.iter().filter(|point| point.subnetwork + 1 == subnetworks);
    let point = largest
        .max_by_key(|point| point.cores)
        .ok_or_else(|| anyhow!("the largest sub-network was not measured"))?;
    Duration::try_from_secs_f64(point.p95_s)
        .ok()
        .filter(|p95| !p95.is_zero())
        .ok_or_else(|| anyhow!("{} s is no latency", point.p95_s))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(subnetwork: usize, cores: u32, p95_s: f64) -> String {
        format!(r#"{{"subnetwork":{subnetwork},"cores":{cores},"median_s":0.001,"p95_s":{p95_s}}}"#)
    }

    #[test]
    fn the_target_follows_from_the_largest_on_the_most_cores() {
        let points = [
            point(0, 1, 0.002),
            point(1, 1, 0.02),
            point(1, 2, 0.0125),
            point(0, 2, 0.001),
        ];
        let profile = format!("[{}]", points.join(","));
        assert_eq!(slowest(&profile, 2).unwrap(), Duration::from_micros(12_500));
        assert!(slowest(&profile, 3).is_err());
        assert!(slowest(&format!("[{}]", point(0, 1, -1.0)), 1).is_err());
        assert!(slowest("", 1).is_err());
    }
}
