//! Checks of single fields, shared by all messages.

use std::time::Duration;

use dynd_vocab::{CpuSet, Quality, Seconds};

use crate::{Problem, WireError, limits};

/// A message that must be there, converted.
pub(super) fn required<W, T>(value: Option<W>, field: &str) -> Result<T, WireError>
where
    T: TryFrom<W, Error = WireError>,
{
    let value = value.ok_or_else(|| Problem::Missing.of(field))?;
    T::try_from(value).map_err(|error| error.within(field))
}

/// A message that may be absent, converted.
pub(super) fn optional<W, T>(value: Option<W>, field: &str) -> Result<Option<T>, WireError>
where
    T: TryFrom<W, Error = WireError>,
{
    value
        .map(|value| T::try_from(value).map_err(|error| error.within(field)))
        .transpose()
}

/// Each entry of a list of at most `max`, converted.
pub(super) fn each<W, T>(values: Vec<W>, max: usize, field: &str) -> Result<Vec<T>, WireError>
where
    T: TryFrom<W, Error = WireError>,
{
    if values.len() > max {
        return Err(Problem::TooMany(max).of(field));
    }
    let convert = |(index, value)| {
        T::try_from(value).map_err(|error: WireError| error.within(format_args!("{field}[{index}]")))
    };
    values.into_iter().enumerate().map(convert).collect()
}

/// Each entry of a list, converted, but those that hold an enum value that this version does not know: whoever only
/// shows what a newer daemon tells can do without them.
pub(super) fn each_known<W, T>(values: Vec<W>, field: &str) -> Result<Vec<T>, WireError>
where
    T: TryFrom<W, Error = WireError>,
{
    let convert = |(index, value)| match T::try_from(value) {
        Err(error) if matches!(error.problem, Problem::UnknownValue(_)) => None,
        result => Some(result.map_err(|error| error.within(format_args!("{field}[{index}]")))),
    };
    values.into_iter().enumerate().filter_map(convert).collect()
}

/// A name: not empty, not long, nothing in it that would garble a terminal.
pub(super) fn name(value: String, field: &str) -> Result<String, WireError> {
    let problem = match value.as_str() {
        "" => Problem::Empty,
        long if long.len() > limits::NAME_BYTES => Problem::NameTooLong,
        garbled if garbled.chars().any(char::is_control) => Problem::ControlCharacter,
        _ => return Ok(value),
    };
    Err(problem.of(field))
}

pub(super) fn seconds(value: f64, field: &str) -> Result<Seconds, WireError> {
    let seconds = Seconds::new(value);
    if seconds.is_positive() {
        Ok(seconds)
    } else {
        Err(Problem::NotATime.of(field))
    }
}

pub(super) fn quality(value: f64, field: &str) -> Result<Quality, WireError> {
    Quality::new(value).ok_or_else(|| Problem::NotAShare.of(field))
}

pub(super) fn percentile(value: f64, field: &str) -> Result<f64, WireError> {
    if value > 0.0 && value < 1.0 {
        Ok(value)
    } else {
        Err(Problem::NotAPercentile.of(field))
    }
}

pub(super) fn at_least_one<N: Default + PartialEq>(value: N, field: &str) -> Result<N, WireError> {
    if value == N::default() {
        Err(Problem::Zero.of(field))
    } else {
        Ok(value)
    }
}

pub(super) fn cpus(values: Vec<u32>, field: &str) -> Result<CpuSet, WireError> {
    match values.iter().find(|&&cpu| cpu >= CpuSet::CAPACITY) {
        Some(&cpu) => Err(Problem::NoSuchCpu(cpu).of(field)),
        None => Ok(values.into_iter().collect()),
    }
}

/// An index on the wire. It saturates, and is then refused as out of range by whoever has the table.
pub(super) fn wire_index(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// An index from the wire, in range of no table yet.
pub(super) fn index(index: u32) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}

/// Nanoseconds on the wire; 584 years when longer.
pub(super) fn wire_nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
