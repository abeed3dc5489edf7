//! One `[[app]]` of a policy.

use std::ops::Range;

use dynd_vocab::{AppMatch, AppRule, BoardDescription, CoreBounds, CpuSet, ProcessorName, Quality};

use crate::fault::Fault;
use crate::field::Field;
use crate::suggestion::quoted;
use crate::{processor_name, quantity, user};

const KEYS: [&str; 9] = [
    "match",
    "latency",
    "percentile",
    "min-quality",
    "priority",
    "weight",
    "processors",
    "cores",
    "enforce",
];
const MATCH_KEYS: [&str; 5] = ["unit", "exe", "user", "socket", "name"];
const MATCH_EXAMPLE: &str = "match = { unit = \"camera.service\" }";
const UNIT_SUFFIXES: [&str; 3] = [".service", ".scope", ".slice"];
const CORES_HELP: &str = "write, for instance, cores = { min = 1, max = 4 }";

/// The percentiles that can be asked for. Below the median a target says nothing, and beyond 99.9 no one
/// observes enough inferences to hold it.
const PERCENTILES: std::ops::RangeInclusive<f64> = 50.0..=99.9;

/// The weights that can be given. What is to count for nothing belongs in a lower tier.
const WEIGHTS: std::ops::RangeInclusive<f64> = 0.01..=100.0;

/// A rule and where its match stands.
#[derive(Debug)]
pub(crate) struct Placed {
    pub(crate) rule: AppRule,
    pub(crate) match_span: Range<usize>,
}

impl Placed {
    /// True if every app that `later` matches is matched by this rule too.
    pub(crate) fn hides(&self, later: &Self) -> bool {
        fn admits<T: PartialEq>(wide: &Option<T>, narrow: &Option<T>) -> bool {
            wide.is_none() || wide == narrow
        }
        let (wide, narrow) = (&self.rule.matches, &later.rule.matches);
        admits(&wide.unit, &narrow.unit)
            && admits(&wide.exe, &narrow.exe)
            && admits(&wide.uid, &narrow.uid)
            && admits(&wide.socket, &narrow.socket)
            && admits(&wide.name, &narrow.name)
    }
}

/// Reads the rule in `item`.
pub(crate) fn read(item: &Field<'_>, board: Option<&BoardDescription>) -> Result<Placed, Fault> {
    let mut rule = AppRule::default();
    let mut match_span = None;
    for field in item.fields()? {
        match field.key {
            "match" => {
                rule.matches = matches(&field)?;
                match_span = Some(field.span);
            }
            "latency" => rule.latency = Some(quantity::time(&field)?),
            "percentile" => rule.percentile = Some(percentile(&field)?),
            "min-quality" => rule.min_quality = Some(quality(&field)?),
            "priority" => rule.priority = field.integer_within(i32::MIN.into(), i32::MAX.into())? as i32,
            "weight" => rule.weight = Some(weight(&field)?),
            "processors" => rule.processors = processors(&field, board)?,
            "cores" => rule.cores = Some(cores(&field)?),
            "enforce" => rule.enforce = field.flag()?,
            _ => return Err(field.unknown_key(&KEYS)),
        }
    }
    let match_span = match_span.ok_or_else(|| Fault::missing(item.span.clone(), "match", MATCH_EXAMPLE))?;
    Ok(Placed { rule, match_span })
}

fn matches(field: &Field<'_>) -> Result<AppMatch, Fault> {
    let fields = field
        .fields()
        .map_err(|fault| fault.help(format!("write, for instance, {MATCH_EXAMPLE}")))?;
    if fields.is_empty() {
        return Err(field
            .fault("match names nothing to match")
            .help(format!("known keys: {}", MATCH_KEYS.join(", "))));
    }
    let mut matches = AppMatch::default();
    for field in fields {
        match field.key {
            "unit" => matches.unit = Some(unit(&field)?),
            "exe" => matches.exe = Some(exe(&field)?),
            "user" => matches.uid = Some(user::uid(&field)?),
            "socket" => matches.socket = Some(field.name()?.into()),
            "name" => matches.name = Some(field.name()?.into()),
            _ => return Err(field.unknown_key(&MATCH_KEYS)),
        }
    }
    Ok(matches)
}

fn unit(field: &Field<'_>) -> Result<String, Fault> {
    let name = field.name()?;
    if UNIT_SUFFIXES
        .iter()
        .any(|suffix| name.len() > suffix.len() && name.ends_with(suffix))
    {
        return Ok(name.into());
    }
    Err(field
        .fault(format!("{} is no systemd unit that apps run in", quoted(name)))
        .help(format!("its name ends in {}", UNIT_SUFFIXES.join(", "))))
}

fn exe(field: &Field<'_>) -> Result<String, Fault> {
    let path = field.name()?;
    if path.starts_with('/') {
        return Ok(path.into());
    }
    Err(field
        .fault("exe must be an absolute path")
        .help("write, for instance, exe = \"/usr/bin/camera\""))
}

/// Reads a percentile as a share.
pub(crate) fn percentile(field: &Field<'_>) -> Result<f64, Fault> {
    let percentile = field.number()?;
    if PERCENTILES.contains(&percentile) {
        return Ok(percentile / 100.0);
    }
    Err(field
        .fault(format!(
            "percentile must be from {} to {}",
            PERCENTILES.start(),
            PERCENTILES.end()
        ))
        .help("write 95 where 95 of 100 inferences must keep the latency"))
}

fn weight(field: &Field<'_>) -> Result<f64, Fault> {
    let weight = field.number()?;
    if WEIGHTS.contains(&weight) {
        return Ok(weight);
    }
    let (least, most) = (WEIGHTS.start(), WEIGHTS.end());
    Err(field
        .fault(format!("weight must be from {least} to {most}"))
        .help("write 2 for an app that counts twice; one that counts only after the others has a lower priority"))
}

/// Reads a quality, 0 to 1.
pub(crate) fn quality(field: &Field<'_>) -> Result<Quality, Fault> {
    Quality::new(field.number()?).ok_or_else(|| {
        field
            .fault(format!("{} must be from 0 to 1", field.key))
            .help("write 0.76 for 76 %")
    })
}

fn processors(field: &Field<'_>, board: Option<&BoardDescription>) -> Result<Vec<ProcessorName>, Fault> {
    let items = field
        .items()
        .map_err(|fault| fault.help("write, for instance, processors = [\"big\", \"mid\"]"))?;
    if items.is_empty() {
        return Err(field
            .fault("processors must not be empty")
            .help("leave the key out to let the app run everywhere"));
    }
    let mut names = Vec::new();
    for item in items {
        let name = processor_name::find(item.text()?, &|message| item.fault(message), board)?;
        if names.contains(&name) {
            return Err(item.fault("this processor stands in the list twice"));
        }
        names.push(name);
    }
    Ok(names)
}

fn cores(field: &Field<'_>) -> Result<CoreBounds, Fault> {
    let (mut min, mut max) = (None, None);
    for bound in field.fields().map_err(|fault| fault.help(CORES_HELP))? {
        let cores = |bound: &Field<'_>| Ok(bound.integer_within(1, CpuSet::CAPACITY.into())? as u32);
        match bound.key {
            "min" => min = Some(cores(&bound)?),
            "max" => max = Some(cores(&bound)?),
            _ => return Err(bound.unknown_key(&["min", "max"])),
        }
    }
    match (min, max) {
        (Some(min), Some(max)) if min <= max => Ok(CoreBounds { min, max }),
        (Some(_), Some(_)) => Err(field.fault("cores must not have min above max").help(CORES_HELP)),
        _ => Err(field.fault("cores needs both min and max").help(CORES_HELP)),
    }
}
