//! The board with the file behind each value.

use std::path::{Path, PathBuf};

use dynd_board::{ProcessorSource, Sources};
use dynd_vocab::{
    BatteryStatus, BoardStatus, CoolingStatus, MemoryStatus, ProblemStatus, ProcessorStatus, RailStatus,
    ZoneStatus,
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
}

impl TracedBoard {
    /// `board`, read from `sources`, which go by the same order.
    pub(crate) fn new(board: BoardStatus, sources: Sources) -> Self {
        let battery = sources.battery;
        Self {
            name: board.name,
            processors: board
                .processors
                .into_iter()
                .zip(sources.processors)
                .map(|(value, source)| TracedProcessor::new(value, source))
                .collect(),
            memory: trace(board.memory, sources.memory.into_iter().map(one)),
            rails: trace(board.rails, sources.rails),
            zones: trace(board.zones, sources.zones.into_iter().map(one)),
            cooling: trace(board.cooling, sources.cooling.into_iter().map(one)),
            battery: board.battery.map(|value| Traced::new(value, &battery)),
            problems: board.problems,
        }
    }
}

impl TracedProcessor {
    fn new(value: ProcessorStatus, source: ProcessorSource) -> Self {
        let text = |path: Option<PathBuf>| path.as_deref().map(shown);
        Self {
            value,
            path: text(source.governor),
            clock_path: text(source.clock),
            load_path: text(source.load),
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
