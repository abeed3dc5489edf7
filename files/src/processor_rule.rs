//! One `[processor.NAME]` of a policy.

use dynd_vocab::{BoardDescription, ClockBounds, Hertz, Processor, ProcessorRule};

use crate::fault::Fault;
use crate::field::Field;
use crate::{processor_name, quantity};

const KEYS: [&str; 3] = ["clocks", "min-clock", "max-clock"];

/// Part of the format, but not of what this version does.
const UNSUPPORTED: [&str; 1] = ["sharing"];

const CLOCKS: [&str; 2] = ["leave", "bound"];

/// Reads the rule in `table`, whose key is the name of the processor.
pub(crate) fn read(table: &Field<'_>, board: Option<&BoardDescription>) -> Result<ProcessorRule, Fault> {
    let at_name = |message| Fault::new(table.key_span.clone(), message);
    let processor = processor_name::find(table.key, &at_name, board)?;
    let (mut clocks, mut min, mut max) = (None, None, None);
    for field in table.fields()? {
        match field.key {
            "clocks" => clocks = Some(field),
            "min-clock" => min = Some((quantity::clock(&field)?, field)),
            "max-clock" => max = Some((quantity::clock(&field)?, field)),
            key if UNSUPPORTED.contains(&key) => return Err(field.unsupported_key()),
            _ => return Err(field.unknown_key(&KEYS)),
        }
    }
    let may_bound = clocks.as_ref().map(may_bound).transpose()?.unwrap_or(false);
    let first = min.as_ref().or(max.as_ref());
    if let (false, Some((_, field))) = (may_bound, first) {
        return Err(Fault::new(
            field.key_span.clone(),
            format!("{} is given, but the clocks are to be left alone", field.key),
        )
        .help("add a line clocks = \"bound\", or remove this one"));
    }
    if let (Some((low, _)), Some((high, field))) = (&min, &max)
        && low > high
    {
        return Err(field.fault("max-clock must not be below min-clock"));
    }
    let processors = board.into_iter().flat_map(|board| &board.processors);
    for one in processors.filter(|one| processor.means(one)) {
        let (lowest, highest) = (one.opps.first().copied(), one.opps.last().copied());
        let too_high = min
            .as_ref()
            .filter(|(clock, _)| highest.is_some_and(|highest| *clock > highest));
        let too_low = max
            .as_ref()
            .filter(|(clock, _)| lowest.is_some_and(|lowest| *clock < lowest));
        if let Some((clock, field)) = too_high.or(too_low) {
            return Err(out_of_reach(*clock, field, one));
        }
    }
    Ok(ProcessorRule {
        processor,
        clocks: may_bound.then(|| ClockBounds {
            min: min.map(|(clock, _)| clock),
            max: max.map(|(clock, _)| clock),
        }),
    })
}

fn may_bound(field: &Field<'_>) -> Result<bool, Fault> {
    match field.text()? {
        "leave" => Ok(false),
        "bound" => Ok(true),
        name => Err(Fault::unknown(field.span.clone(), "value", name, &CLOCKS)),
    }
}

fn out_of_reach(clock: Hertz, field: &Field<'_>, processor: &Processor) -> Fault {
    let fault = field.fault(format!("{} cannot keep to {clock}", processor.name));
    match (processor.opps.first(), processor.opps.last()) {
        (Some(lowest), Some(highest)) => fault.help(format!("its clock goes from {lowest} to {highest}")),
        _ => fault,
    }
}
