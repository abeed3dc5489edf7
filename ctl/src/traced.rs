//! The board with the file behind each value.

use std::path::{Path, PathBuf};

use dynd_board::{ProcessorSource, Sources};
use dynd_vocab::{
    BatteryStatus, BoardStatus, CoolingStatus, Counters, MemoryStatus, ProblemStatus, ProcessorStatus,
    RailStatus, Sample, ZoneStatus,
};
use serde::Serialize;

/// The board, its values traced to files. The field names are those of `dynctl board --json`.
#[derive(Debug, Serialize)]
pub(crate) struct TracedBoard {
    pub(crate) name: String,
    pub(crate) processors: Vec<TracedProcessor>,
    pub(crate) memory: Vec<Traced<MemoryStatus>>,
    pub(crate) rails: Vec<Traced<RailStatus>>,
    pub(crate) zones: Vec<Traced<ZoneStatus>>,
    pub(crate) cooling: Vec<Traced<CoolingStatus>>,
    pub(crate) battery: Option<Traced<BatteryStatus>>,
    pub(crate) problems: Vec<ProblemStatus>,
    /// Whether any power sensor answers.
    pub(crate) power_is_measured: bool,
}

/// A value and where it is read.
#[derive(Debug, Serialize)]
pub(crate) struct Traced<T> {
    #[serde(flatten)]
    pub(crate) value: T,
    /// The file that it is read from; of several the first.
    pub(crate) path: Option<String>,
    /// All files that it is made of.
    pub(crate) paths: Vec<String>,
}

/// A processor and where its values are read.
#[derive(Debug, Serialize)]
pub(crate) struct TracedProcessor {
    #[serde(flatten)]
    pub(crate) value: ProcessorStatus,
    /// The directory where its clock is governed.
    pub(crate) path: Option<String>,
    /// The file of its clock.
    pub(crate) clock_path: Option<String>,
    /// The file of its load, if that is not the time of its CPUs.
    pub(crate) load_path: Option<String>,
    /// What its hardware counters say, where they may be read.
    pub(crate) counters: Option<Rates>,
}

/// What the CPUs of a cluster do together.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Rates {
    /// Cycles in which they are not idle, per second.
    pub(crate) cycles_per_s: f64,
    /// Instructions, per second.
    pub(crate) instructions_per_s: f64,
}

/// Per processor, what its hardware counters did between two samples.
pub(crate) fn rates(before: &Sample, after: &Sample) -> Vec<Option<Rates>> {
    let seconds = after.at.since(before.at).as_secs_f64();
    let rate = |(before, after): (&Option<Counters>, &Option<Counters>)| {
        let (before, after) = ((*before)?, (*after)?);
        let per_s = |before: u64, after: u64| after.saturating_sub(before) as f64 / seconds;
        (seconds > 0.0).then(|| Rates {
            cycles_per_s: per_s(before.cycles, after.cycles),
            instructions_per_s: per_s(before.instructions, after.instructions),
        })
    };
    before.counters.iter().zip(&after.counters).map(rate).collect()
}

impl TracedBoard {
    /// `board`, read from `sources`, its hardware counters going at `rates`; all go by the same order.
    pub(crate) fn new(board: BoardStatus, sources: Sources, rates: Vec<Option<Rates>>) -> Self {
        let battery = sources.battery;
        Self {
            name: board.name,
            processors: board
                .processors
                .into_iter()
                .zip(sources.processors)
                .zip(rates)
                .map(|((value, source), counters)| TracedProcessor::new(value, source, counters))
                .collect(),
            memory: trace(board.memory, sources.memory.into_iter().map(one)),
            power_is_measured: board.rails.iter().any(|rail| rail.watts.is_some()),
            rails: trace(board.rails, sources.rails),
            zones: trace(board.zones, sources.zones.into_iter().map(one)),
            cooling: trace(board.cooling, sources.cooling.into_iter().map(one)),
            battery: board.battery.map(|value| Traced::new(value, &battery)),
            problems: board.problems,
        }
    }
}

impl TracedProcessor {
    fn new(value: ProcessorStatus, source: ProcessorSource, counters: Option<Rates>) -> Self {
        let text = |path: Option<PathBuf>| path.as_deref().map(shown);
        Self {
            value,
            path: text(source.governor),
            clock_path: text(source.clock),
            load_path: text(source.load),
            counters,
        }
    }
}

impl<T> Traced<T> {
    fn new(value: T, paths: &[PathBuf]) -> Self {
        let paths: Vec<String> = paths.iter().map(|path| shown(path)).collect();
        Self {
            value,
            path: paths.first().cloned(),
            paths,
        }
    }
}

fn trace<T>(values: Vec<T>, paths: impl IntoIterator<Item = Vec<PathBuf>>) -> Vec<Traced<T>> {
    let pairs = values.into_iter().zip(paths);
    pairs.map(|(value, paths)| Traced::new(value, &paths)).collect()
}

fn one(path: PathBuf) -> Vec<PathBuf> {
    vec![path]
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use dynd_vocab::Timestamp;

    use super::*;

    #[test]
    fn counters_become_rates() {
        let sample = |millis: u64, counters| Sample {
            at: Timestamp::from_nanos(millis * 1_000_000),
            counters: vec![counters, None],
            ..Sample::default()
        };
        let count = |cycles, instructions| Some(Counters { cycles, instructions });
        let (before, after) = (sample(1000, count(500, 70)), sample(1200, count(1500, 270)));
        let rate = Rates {
            cycles_per_s: 5000.0,
            instructions_per_s: 1000.0,
        };
        assert_eq!(rates(&before, &after), [Some(rate), None]);
        assert_eq!(rates(&after, &after), [None, None]);
    }
}
