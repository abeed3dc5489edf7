//! A dynamic model as the planner sees it: sub-networks with what they cost and what they are worth.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::{Hertz, Quality, Seconds};

/// A registered dynamic model: the table of its sub-networks. Never empty; names are unique; in ascending
/// order of MACs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelTable {
    /// The model's name.
    pub name: String,
    /// Whether the sub-networks share weights.
    pub kind: ModelKind,
    /// What [`Subnetwork::quality`] measures: `top-1`, `BLEU`, `mAP`. Qualities of different metrics are never added.
    pub quality_metric: String,
    /// The sub-networks.
    pub subnetworks: Vec<Subnetwork>,
}

/// Whether the sub-networks of a model share weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModelKind {
    /// One set of weights; a sub-network uses a part of them.
    #[default]
    Supernet,
    /// Separately trained networks of one task.
    Family,
}

impl ModelKind {
    /// The name that manifests use.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Supernet => "supernet",
            Self::Family => "family",
        }
    }
}

/// One trained way to run a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Subnetwork {
    /// Unique in its model.
    pub name: String,
    /// What its answers are worth.
    pub quality: Quality,
    /// Multiply-accumulate operations of one inference: the prior for its latency.
    pub macs: u64,
    /// Bytes of weights it needs in memory.
    pub memory_bytes: u64,
}

/// A measured operating point: how long one inference of a sub-network takes, alone on idle cores.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OperatingPoint {
    /// Index into [`ModelTable::subnetworks`].
    pub subnetwork: usize,
    /// The processor's name.
    pub processor: String,
    /// Number of cores used.
    pub cores: u32,
    /// The processor's clock when it was measured; absent if unknown, which is taken for the highest.
    pub clock: Option<Hertz>,
    /// Median latency.
    pub median: Seconds,
    /// 95th percentile of the latency.
    pub p95: Seconds,
}
