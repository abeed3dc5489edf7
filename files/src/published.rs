//! Published models: dynamic networks whose weights are not here, with the latencies that somebody published for them.
//!
//! What a laboratory runs on a virtual board: `models/published/*.toml`. Each `[[place]]` says where the latencies of the
//! sub-networks were measured, at which clock and on how many cores, or that nobody measured them there and how they
//! were predicted.

use std::path::Path;

use dynd_vocab::{Hertz, ModelKind, ModelTable, Quality, Seconds, Subnetwork};

use crate::error::FileError;
use crate::fault::Fault;
use crate::field::{Field, fields};
use crate::physical::clock;
use crate::quantity::{bytes, time};
use crate::rule::quality;
use crate::section::{Section, one_of};
use crate::source::{Source, read};
use crate::suggestion::quoted;

const KEYS: [&str; 8] = [
    "name",
    "kind",
    "task",
    "quality-metric",
    "source",
    "switch",
    "subnetwork",
    "place",
];
const SUBNETWORK_KEYS: [&str; 4] = ["name", "quality", "macs", "memory"];
const PLACE_KEYS: [&str; 11] = [
    "board",
    "processor",
    "evidence",
    "source",
    "clock",
    "cores",
    "ms",
    "stall",
    "serial",
    "host",
    "traffic",
];
const SWITCH_KEYS: [&str; 3] = ["time", "first", "source"];
const KINDS: [ModelKind; 2] = [ModelKind::Supernet, ModelKind::Family];

/// Cores that share one inference, at most.
const MOST_CORES: i64 = 128;

/// A dynamic model and the latencies published for it.
#[derive(Clone, Debug, PartialEq)]
pub struct PublishedModel {
    /// The sub-networks, in ascending order of MACs.
    pub table: ModelTable,
    /// What it is for, in words.
    pub task: String,
    /// Who published it, where.
    pub source: String,
    /// What it costs to run another sub-network than before.
    pub switch: SwitchCost,
    /// Where its latencies are known; at least one, the first of each board is where it is at home.
    pub places: Vec<PublishedPlace>,
}

/// What a switch of the sub-network costs its first inference.
#[derive(Clone, Debug, PartialEq)]
pub struct SwitchCost {
    /// Time that the switch itself takes.
    pub time: Seconds,
    /// How many times as long as usual the first inference takes; at least 1.
    pub first: f64,
    /// Where that is known from.
    pub source: String,
}

/// The latencies of all sub-networks on one processor of one board, alone on it.
#[derive(Clone, Debug, PartialEq)]
pub struct PublishedPlace {
    /// The board, as its file is called.
    pub board: String,
    /// The processor, or the role that processors of it play.
    pub processor: String,
    /// Whether somebody measured this.
    pub evidence: Evidence,
    /// Who, or how it was predicted.
    pub source: String,
    /// The clock that the processor had.
    pub clock: Hertz,
    /// How many cores shared an inference; 1 for an accelerator.
    pub cores: u32,
    /// The latency of each sub-network, in the order of [`ModelTable::subnetworks`].
    pub latencies: Vec<Seconds>,
    /// The share of the latency that no clock shortens (0 to 1, exclusive).
    pub stall: f64,
    /// The share of an inference that only one core can do (0 to 1).
    pub serial: f64,
    /// Time on one CPU at its highest clock before an accelerator can begin; none on a CPU. It is part of the latency.
    pub host: Option<Seconds>,
    /// Bytes that an inference of the last sub-network moves; those of the others in proportion to their MACs.
    pub traffic: f64,
}

/// Whether a figure was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// Somebody measured it.
    Measured,
    /// Nobody did: it follows from figures measured elsewhere.
    Predicted,
}

impl Evidence {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Measured, Self::Predicted];

    /// The name that files use.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::Predicted => "predicted",
        }
    }
}

/// Reads the published model in the file at `path`.
///
/// # Errors
/// If the file cannot be read, or says something that does not hold.
pub fn load_published(path: &Path) -> Result<PublishedModel, FileError> {
    parse_published(path, &read(path)?)
}

/// Like [`load_published`] for a text already read; `path` only names it in messages.
///
/// # Errors
/// If the text says something that does not hold.
pub fn parse_published(path: &Path, text: &str) -> Result<PublishedModel, FileError> {
    let source = Source { path, text };
    model(source).map_err(|fault| source.explain(fault))
}

fn model(source: Source<'_>) -> Result<PublishedModel, Fault> {
    let tree = source.tree()?;
    let section = Section::new(0..0, fields(tree.get_ref()), &KEYS)?;
    let subnetworks = subnetworks(&section)?;
    let table = ModelTable {
        name: section.need("name", "name = \"dynamic-ofa\"")?.name()?.into(),
        kind: one_of(
            section.need("kind", "kind = \"supernet\"")?,
            "kind",
            &KINDS,
            ModelKind::label,
        )?,
        quality_metric: section
            .need("quality-metric", "quality-metric = \"top-1\"")?
            .name()?
            .into(),
        subnetworks,
    };
    let places = section.items("place")?;
    let places: Result<Vec<_>, Fault> = places.iter().map(|item| place(item, &table)).collect();
    let places = places?;
    if places.is_empty() {
        return Err(section
            .fault("the model has no place where its latencies are known")
            .help("describe each one below a line [[place]]"));
    }
    Ok(PublishedModel {
        task: section
            .need("task", "task = \"image classification\"")?
            .name()?
            .into(),
        source: section
            .need("source", "source = \"Lou et al., CVPRW 2021\"")?
            .name()?
            .into(),
        switch: switch(section.need("switch", "[switch] with time, first and source below it")?)?,
        table,
        places,
    })
}

fn subnetworks(section: &Section<'_>) -> Result<Vec<Subnetwork>, Fault> {
    let mut all: Vec<Subnetwork> = Vec::new();
    for item in section.items("subnetwork")? {
        let part = Section::open(&item, &SUBNETWORK_KEYS)?;
        let name = part.need("name", "name = \"level1\"")?;
        let macs = part.need("macs", "macs = 212_130_000")?;
        let subnetwork = Subnetwork {
            name: name.name()?.into(),
            quality: quality(part.need("quality", "quality = 0.742")?)?,
            macs: macs.integer_within(1, i64::MAX)?.unsigned_abs(),
            memory_bytes: bytes(part.need("memory", "memory = \"20 MB\"")?)?,
        };
        if all.iter().any(|earlier| earlier.name == subnetwork.name) {
            return Err(name.fault(format!(
                "the sub-network {} is defined a second time",
                quoted(&subnetwork.name)
            )));
        }
        if all.last().is_some_and(|last| last.macs > subnetwork.macs) {
            return Err(macs
                .fault("sub-networks must stand in ascending order of macs")
                .help("the latencies of each place are in the same order"));
        }
        all.push(subnetwork);
    }
    if all.is_empty() {
        return Err(section
            .fault("the model has no sub-network")
            .help("describe each one below a line [[subnetwork]]"));
    }
    Ok(all)
}

fn switch(field: &Field<'_>) -> Result<SwitchCost, Fault> {
    let part = Section::open(field, &SWITCH_KEYS)?;
    let first = part.need("first", "first = 1.15")?;
    let factor = first.number()?;
    if !(1.0..=100.0).contains(&factor) {
        return Err(first.fault("first must be from 1 to 100: how many times as long as usual"));
    }
    Ok(SwitchCost {
        time: time(part.need("time", "time = \"1 ms\"")?)?,
        first: factor,
        source: part.need("source", "source = \"…\"")?.name()?.into(),
    })
}

fn place(item: &Field<'_>, table: &ModelTable) -> Result<PublishedPlace, Fault> {
    let part = Section::open(item, &PLACE_KEYS)?;
    let list = part.need("ms", "ms = [41.2, 45.4]")?;
    let latencies: Result<Vec<_>, Fault> = list.items()?.iter().map(milliseconds).collect();
    let latencies = latencies?;
    if latencies.len() != table.subnetworks.len() {
        return Err(list.fault(format!(
            "ms must hold a latency for each of the {} sub-networks, not {}",
            table.subnetworks.len(),
            latencies.len()
        )));
    }
    let share = |key: &str, default| part.get(key).map_or(Ok(default), share);
    let stall = share("stall", 0.0)?;
    let cores = part.get("cores").map_or(Ok(1), |field| {
        field.integer_within(1, MOST_CORES).map(|cores| cores as u32)
    })?;
    let host = part.get("host").map(time).transpose()?;
    if let (Some(host), Some(field)) = (host, part.get("host"))
        && latencies.iter().any(|latency| *latency <= host)
    {
        return Err(field.fault("host is part of every latency and must be shorter than each"));
    }
    Ok(PublishedPlace {
        board: part.need("board", "board = \"jetson-xavier-nx\"")?.name()?.into(),
        processor: part.need("processor", "processor = \"gpu\"")?.name()?.into(),
        evidence: one_of(
            part.need("evidence", "evidence = \"measured\"")?,
            "evidence",
            &Evidence::ALL,
            Evidence::label,
        )?,
        source: part.need("source", "source = \"Fig. 4\"")?.name()?.into(),
        clock: clock(part.need("clock", "clock = \"1109.25 MHz\"")?)?,
        cores,
        latencies,
        stall,
        serial: share("serial", 0.0)?,
        host,
        traffic: part
            .get("traffic")
            .map_or(Ok(0.0), |field| bytes(field).map(|bytes| bytes as f64))?,
    })
}

fn milliseconds(item: &Field<'_>) -> Result<Seconds, Fault> {
    let latency = Seconds::from_millis(item.number()?);
    if latency.is_positive() {
        Ok(latency)
    } else {
        Err(item.fault("a latency must be longer than zero"))
    }
}

/// A share from 0 to 1, 1 excluded.
pub(crate) fn share(field: &Field<'_>) -> Result<f64, Fault> {
    let share = field.number()?;
    if (0.0..1.0).contains(&share) {
        Ok(share)
    } else {
        Err(field.fault(format!("{} must be a share, from 0 to less than 1", field.key)))
    }
}

impl PublishedModel {
    /// Leaves out all but the first `count` sub-networks.
    pub(crate) fn keep(&mut self, count: usize) {
        self.table.subnetworks.truncate(count);
        for place in &mut self.places {
            place.latencies.truncate(count);
        }
    }

    /// The quality of its worst and of its best sub-network.
    pub fn quality_range(&self) -> (Quality, Quality) {
        let qualities = self.table.subnetworks.iter().map(|each| each.quality);
        let worst = qualities
            .clone()
            .fold(self.table.subnetworks[0].quality, |low, each| {
                if each < low { each } else { low }
            });
        let best = qualities.fold(worst, |high, each| if each > high { each } else { high });
        (worst, best)
    }
}
