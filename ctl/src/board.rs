//! The machine at hand, without a daemon.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use dynd_board::Host;
use dynd_vocab::{Board, BoardDescription, BoardStatus, Processor, Sample};

/// Discovers the board whose `sys` and `proc` are below `root`.
///
/// # Errors
/// If there is none.
pub(crate) fn discover(root: &Path) -> anyhow::Result<Host> {
    Host::discover(root).with_context(|| format!("failed to discover the board below {}", root.display()))
}

/// The status of `host`, with the load over the next `span`.
pub(crate) async fn observe(host: &mut Host, span: Duration) -> BoardStatus {
    let (before, after) = samples(host, span).await;
    status(host, &before, &after)
}

/// Two samples of `host`, `span` apart.
pub(crate) async fn samples(host: &mut Host, span: Duration) -> (Sample, Sample) {
    let (mut before, mut after) = (Sample::default(), Sample::default());
    host.sample(dynd_client::now(), &[], &mut before);
    tokio::time::sleep(span).await;
    host.sample(dynd_client::now(), &[], &mut after);
    (before, after)
}

/// The status of `host` from two samples of it.
pub(crate) fn status(host: &Host, before: &Sample, after: &Sample) -> BoardStatus {
    BoardStatus {
        problems: host.problems().to_vec(),
        ..between(host.describe(), before, after)
    }
}

/// The load of all processors of `board` together (0 to 1), weighted by their CPUs; absent if none is known.
pub(crate) fn load(board: &BoardStatus) -> Option<f64> {
    let known = board
        .processors
        .iter()
        .filter_map(|processor| Some((processor.load?, f64::from(processor.cpus.len()))));
    let (busy, cpus) = known.fold((0.0, 0.0), |(busy, cpus), (load, count)| {
        (busy + load * count, cpus + count)
    });
    (cpus > 0.0).then(|| busy / cpus)
}

/// The status of `board` from two samples of it, but for its problems.
fn between(board: &BoardDescription, before: &Sample, after: &Sample) -> BoardStatus {
    let loads: Vec<Option<f64>> = board
        .processors
        .iter()
        .map(|processor| busy(processor, before, after))
        .collect();
    BoardStatus::new(board, &loads, Some(after))
}

/// Share of the time between two samples in which the CPUs of `processor` were busy.
fn busy(processor: &Processor, before: &Sample, after: &Sample) -> Option<f64> {
    let (busy, total) = spent(before, after, |cpu| processor.cpus.contains(cpu));
    (!total.is_zero()).then(|| busy.as_secs_f64() / total.as_secs_f64())
}

/// Between two samples, the time in which the CPUs that `of` picks were busy, and that in which they were there.
pub(crate) fn spent(before: &Sample, after: &Sample, of: impl Fn(u32) -> bool) -> (Duration, Duration) {
    let spent = after
        .cpus
        .iter()
        .filter(|times| of(times.cpu))
        .filter_map(|times| {
            let earlier = before.cpus.iter().find(|earlier| earlier.cpu == times.cpu)?;
            let busy = times.busy.saturating_sub(earlier.busy);
            Some((busy, times.total.saturating_sub(earlier.total)))
        });
    spent.fold((Duration::ZERO, Duration::ZERO), |(busy, total), spent| {
        (busy + spent.0, total + spent.1)
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use dynd_vocab::{CpuSet, CpuTimes, ProcessorKind, Role};

    use super::*;

    /// A sample of two CPUs.
    pub(crate) fn sample(busy_ms: [u64; 2], total_ms: u64) -> Sample {
        let times = |(cpu, busy)| CpuTimes {
            cpu,
            busy: Duration::from_millis(busy),
            total: Duration::from_millis(total_ms),
        };
        Sample {
            cpus: (0..).zip(busy_ms).map(times).collect(),
            ..Sample::default()
        }
    }

    #[test]
    fn load_is_what_happened_between_two_samples() {
        let processor = |name: &str, cpu| Processor {
            name: name.into(),
            kind: ProcessorKind::Cpu,
            role: Role::Big,
            cpus: CpuSet::single(cpu),
            capacity: 1024,
            opps: Vec::new(),
        };
        let board = BoardDescription {
            name: "test".into(),
            processors: vec![processor("a", 0), processor("b", 1), processor("offline", 7)],
            ..BoardDescription::default()
        };
        let status = between(&board, &sample([500, 900], 1000), &sample([550, 900], 1100));
        let loads: Vec<_> = status.processors.iter().map(|processor| processor.load).collect();
        assert_eq!(loads, [Some(0.5), Some(0.0), None]);
        assert_eq!(load(&status), Some(0.25));
        assert_eq!(load(&BoardStatus::default()), None);
    }
}
