//! Models and their measured operating points.

use std::collections::BTreeSet;

use dynd_vocab::{Hertz, ModelKind, ModelTable, OperatingPoint, Subnetwork};

use super::field;
use crate::{Problem, WireError, limits, v1};

impl From<ModelTable> for v1::Model {
    fn from(table: ModelTable) -> Self {
        Self {
            name: table.name,
            kind: v1::ModelKind::from(table.kind).into(),
            quality_metric: table.quality_metric,
            subnetworks: table.subnetworks.into_iter().map(Into::into).collect(),
        }
    }
}

impl TryFrom<v1::Model> for ModelTable {
    type Error = WireError;

    fn try_from(model: v1::Model) -> Result<Self, WireError> {
        let subnetworks: Vec<Subnetwork> =
            field::each(model.subnetworks, limits::SUBNETWORKS, "subnetworks")?;
        if subnetworks.is_empty() {
            return Err(Problem::Empty.of("subnetworks"));
        }
        let mut names = BTreeSet::new();
        if let Some(twice) = subnetworks
            .iter()
            .find(|subnetwork| !names.insert(&subnetwork.name))
        {
            return Err(Problem::Duplicate(twice.name.clone()).of("subnetworks"));
        }
        if !subnetworks.is_sorted_by_key(|subnetwork| subnetwork.macs) {
            return Err(Problem::NotAscending.of("subnetworks"));
        }
        Ok(Self {
            name: field::name(model.name, "name")?,
            kind: kind(model.kind)?,
            quality_metric: field::name(model.quality_metric, "quality_metric")?,
            subnetworks,
        })
    }
}

impl From<ModelKind> for v1::ModelKind {
    fn from(kind: ModelKind) -> Self {
        match kind {
            ModelKind::Supernet => Self::Supernet,
            ModelKind::Family => Self::Family,
        }
    }
}

fn kind(value: i32) -> Result<ModelKind, WireError> {
    match v1::ModelKind::try_from(value) {
        Ok(v1::ModelKind::Supernet) => Ok(ModelKind::Supernet),
        Ok(v1::ModelKind::Family) => Ok(ModelKind::Family),
        Ok(v1::ModelKind::Unspecified) | Err(_) => Err(Problem::UnknownValue(value).of("kind")),
    }
}

impl From<Subnetwork> for v1::Subnetwork {
    fn from(subnetwork: Subnetwork) -> Self {
        Self {
            name: subnetwork.name,
            quality: subnetwork.quality.get(),
            macs: subnetwork.macs,
            memory_bytes: subnetwork.memory_bytes,
        }
    }
}

impl TryFrom<v1::Subnetwork> for Subnetwork {
    type Error = WireError;

    fn try_from(subnetwork: v1::Subnetwork) -> Result<Self, WireError> {
        Ok(Self {
            name: field::name(subnetwork.name, "name")?,
            quality: field::quality(subnetwork.quality, "quality")?,
            macs: field::at_least_one(subnetwork.macs, "macs")?,
            memory_bytes: subnetwork.memory_bytes,
        })
    }
}

impl From<OperatingPoint> for v1::OperatingPoint {
    fn from(point: OperatingPoint) -> Self {
        Self {
            subnetwork: field::wire_index(point.subnetwork),
            processor: point.processor,
            cores: point.cores,
            clock_hz: point.clock.map(Hertz::as_hz),
            median_s: point.median.get(),
            p95_s: point.p95.get(),
        }
    }
}

impl TryFrom<v1::OperatingPoint> for OperatingPoint {
    type Error = WireError;

    fn try_from(point: v1::OperatingPoint) -> Result<Self, WireError> {
        Ok(Self {
            subnetwork: field::index(point.subnetwork),
            processor: field::name(point.processor, "processor")?,
            cores: field::at_least_one(point.cores, "cores")?,
            clock: point.clock_hz.map(Hertz::from_hz),
            median: field::seconds(point.median_s, "median_s")?,
            p95: field::seconds(point.p95_s, "p95_s")?,
        })
    }
}
