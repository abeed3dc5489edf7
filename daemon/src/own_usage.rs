//! What the daemon itself costs: resident memory and CPU time.

use std::fs;
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use nix::unistd::{SysconfVar, sysconf};

/// Measures the daemon since it started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwnUsage {
    started: Instant,
}

impl OwnUsage {
    /// The daemon starts now.
    pub(crate) fn start() -> Self {
        Self {
            started: Instant::now(),
        }
    }

    /// Time since the start.
    pub(crate) fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// Resident memory; 0 where /proc is not mounted.
    pub(crate) fn rss_bytes(&self) -> u64 {
        let page = sysconf(SysconfVar::PAGE_SIZE)
            .ok()
            .flatten()
            .and_then(|size| u64::try_from(size).ok());
        let statm = fs::read_to_string("/proc/self/statm").unwrap_or_default();
        resident_pages(&statm)
            .unwrap_or(0)
            .saturating_mul(page.unwrap_or(4096))
    }

    /// CPU time used over time passed, of one core.
    pub(crate) fn cpu_share(&self) -> f64 {
        let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) else {
            return 0.0;
        };
        let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
        micros as f64 * 1e-6 / self.uptime().as_secs_f64().max(1e-3)
    }
}

/// The second field of /proc/PID/statm.
fn resident_pages(statm: &str) -> Option<u64> {
    statm.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resident_pages_are_the_second_field() {
        assert_eq!(resident_pages("2113 1250 980 5 0 400 0\n"), Some(1250));
        assert_eq!(resident_pages("2113"), None);
        assert_eq!(resident_pages(""), None);
    }

    #[test]
    fn this_process_has_memory() {
        assert!(OwnUsage::start().rss_bytes() > 100_000);
    }
}
