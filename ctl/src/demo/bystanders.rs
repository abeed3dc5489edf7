//! How much of the machine was used by others: neither by the demo nor by what it started.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use dynd_board::Host;
use dynd_vocab::{Board as _, Sample};
use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike as _};

use crate::board;

/// A watch over the machine, since a moment.
#[derive(Debug)]
pub(crate) struct Bystanders {
    machine: Host,
    before: Sample,
    /// CPU time of this process and of the processes that it started and waited for.
    own: Duration,
}

impl Bystanders {
    /// Watches from now on.
    ///
    /// # Errors
    /// If this machine cannot be read.
    pub(crate) fn watch() -> anyhow::Result<Self> {
        let mut machine = board::discover(Path::new("/"))?;
        let mut before = Sample::default();
        machine.sample(dynd_client::now(), &[], &mut before);
        let own = own_time()?;
        Ok(Self { machine, before, own })
    }

    /// The share of all CPUs' time (0 to 1) that others have used since; absent where the kernel does not tell.
    /// Every process that was started since must have been waited for: those that still run are others.
    ///
    /// # Errors
    /// If this process's own CPU time cannot be read.
    pub(crate) fn share(mut self) -> anyhow::Result<Option<f64>> {
        let mut after = Sample::default();
        self.machine.sample(dynd_client::now(), &[], &mut after);
        let own = own_time()?.saturating_sub(self.own);
        Ok(share(&self.before, &after, own))
    }
}

/// The share of the CPU time between two samples that was used, but not as `own`.
fn share(before: &Sample, after: &Sample, own: Duration) -> Option<f64> {
    let (busy, total) = board::spent(before, after, |_| true);
    (!total.is_zero()).then(|| busy.saturating_sub(own).as_secs_f64() / total.as_secs_f64())
}

/// CPU time of this process and of the processes that it started and waited for.
fn own_time() -> anyhow::Result<Duration> {
    let of = |who| getrusage(who).context("failed to read the CPU time of the demo");
    let micros = |time: TimeVal| Duration::from_micros(u64::try_from(time.num_microseconds()).unwrap_or(0));
    let sum = |usage: Usage| micros(usage.user_time()) + micros(usage.system_time());
    Ok(sum(of(UsageWho::RUSAGE_SELF)?) + sum(of(UsageWho::RUSAGE_CHILDREN)?))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::board::tests::sample;

    #[test]
    fn others_are_what_was_busy_and_not_ours() {
        let (before, after) = (sample([500, 900], 1000), sample([1000, 1000], 2000));
        let check = |own, expect| {
            assert_eq!(
                share(&before, &after, Duration::from_millis(own)),
                expect,
                "{own}"
            );
        };
        check(0, Some(0.3));
        check(500, Some(0.05));
        check(700, Some(0.0)); // the kernel counts ticks, we count microseconds
        assert_eq!(share(&after, &after, Duration::ZERO), None);
    }

    #[test]
    fn a_process_that_was_waited_for_is_ours() {
        let before = own_time().unwrap();
        let status = Command::new("sh")
            .args(["-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"])
            .status();
        assert!(status.unwrap().success());
        let spent = own_time().unwrap() - before;
        assert!(spent > Duration::from_millis(20), "{spent:?}");
    }
}
