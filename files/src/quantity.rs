//! Numbers with physical units: `60 ms`, `0.4 MiB`, `1.4 GHz`.
//!
//! A number in decimal notation, without exponent, then a unit with or without a space between.

use dynd_vocab::{Hertz, Seconds};

use crate::fault::Fault;
use crate::field::Field;
use crate::suggestion::quoted;

/// Seconds per unit. The micro sign is U+00B5 on keyboards and U+03BC in Unicode's recommendation.
const TIMES: [(&str, f64); 5] = [("ms", 1e-3), ("s", 1.0), ("us", 1e-6), ("µs", 1e-6), ("μs", 1e-6)];

/// Bytes per unit.
const SIZES: [(&str, f64); 7] = [
    ("B", 1.0),
    ("kB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
    ("KiB", 1024.0),
    ("MiB", 1024.0 * 1024.0),
    ("GiB", 1024.0 * 1024.0 * 1024.0),
];

/// Hertz per unit.
const CLOCKS: [(&str, f64); 4] = [("GHz", 1e9), ("MHz", 1e6), ("kHz", 1e3), ("Hz", 1.0)];

const TIME_HELP: &str = "write a time such as \"60 ms\" or \"1.5 s\"";
const CLOCK_HELP: &str = "write a clock such as \"1.4 GHz\" or \"600 MHz\"";
const SIZE_HELP: &str = "write a size such as \"0.4 MiB\" or \"300 kB\"";

/// The longest time taken, in seconds: a day. More is a slip, and overflows what counts in nanoseconds.
const LONGEST: f64 = 86_400.0;

/// The highest clock taken, in hertz: no processor comes near.
const FASTEST: f64 = 20e9;

/// The largest size taken, in bytes: up to here a double counts every byte.
const LARGEST: f64 = 9_007_199_254_740_992.0;

/// A span of time, longer than zero and at most a day.
pub(crate) fn time(field: &Field<'_>) -> Result<Seconds, Fault> {
    let seconds = read(field, &TIMES, TIME_HELP)?;
    if seconds <= 0.0 {
        return Err(field
            .fault(format!("{} must be longer than zero", field.key))
            .help(TIME_HELP));
    }
    if seconds > LONGEST {
        return Err(field
            .fault(format!("{} must not be longer than a day", field.key))
            .help(TIME_HELP));
    }
    Ok(Seconds::new(seconds))
}

/// A clock, higher than zero and at most 20 GHz; a whole number of kHz, which is what kernels count in.
pub(crate) fn clock(field: &Field<'_>) -> Result<Hertz, Fault> {
    let khz = (read(field, &CLOCKS, CLOCK_HELP)? / 1e3).round();
    if khz < 1.0 {
        return Err(field
            .fault(format!("{} must be at least 1 kHz", field.key))
            .help(CLOCK_HELP));
    }
    if khz > FASTEST / 1e3 {
        return Err(field
            .fault(format!("{} must not be above 20 GHz", field.key))
            .help(CLOCK_HELP));
    }
    Ok(Hertz::from_khz(khz as u64))
}

/// A number of bytes, at least one.
pub(crate) fn bytes(field: &Field<'_>) -> Result<u64, Fault> {
    let bytes = read(field, &SIZES, SIZE_HELP)?.round();
    if bytes < 1.0 {
        return Err(field
            .fault(format!("{} must be at least one byte", field.key))
            .help(SIZE_HELP));
    }
    if bytes > LARGEST {
        return Err(field
            .fault(format!("{} is larger than any memory", field.key))
            .help(SIZE_HELP));
    }
    Ok(bytes as u64)
}

/// A number and one of `units`, multiplied by the figure that stands beside it.
pub(crate) fn read(field: &Field<'_>, units: &[(&str, f64)], help: &str) -> Result<f64, Fault> {
    let text = field.text().map_err(|fault| fault.help(help))?.trim();
    let digits = text
        .find(|c: char| !(c.is_ascii_digit() || "+-.,_".contains(c)))
        .unwrap_or(text.len());
    let (number, unit) = (&text[..digits], text[digits..].trim_start());
    if number.is_empty() {
        return Err(field
            .fault(format!("{} must start with a number", field.key))
            .help(help));
    }
    let Ok(number) = number.parse::<f64>() else {
        return Err(field.fault(format!("{} is no number", quoted(number))).help(help));
    };
    if unit.is_empty() {
        return Err(field.fault(format!("{} needs a unit", field.key)).help(help));
    }
    match units.iter().find(|(name, _)| *name == unit) {
        Some((_, factor)) => Ok(number * factor),
        None => {
            // The two micro signs look the same: one is enough to show.
            let names: Vec<_> = units
                .iter()
                .map(|(name, _)| *name)
                .filter(|name| *name != "μs")
                .collect();
            Err(Fault::unknown(field.span.clone(), "unit", unit, &names))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::field::fields;
    use crate::source::Source;

    /// Reads `text` as the TOML value of a key named `it`.
    fn parse<T>(value: &str, read: impl Fn(&Field<'_>) -> Result<T, Fault>) -> Result<T, String> {
        let text = format!("it = {value}");
        let tree = Source {
            path: Path::new("f"),
            text: &text,
        }
        .tree()
        .expect("the test is TOML");
        read(&fields(tree.get_ref())[0]).map_err(|fault| fault.message)
    }

    #[test]
    fn times() {
        let check = |text, expect: f64| {
            let seconds = parse(text, time).expect(text).get();
            assert!((seconds - expect).abs() <= 1e-12 * expect, "{text}: {seconds}");
        };
        check("'60 ms'", 0.06);
        check("'1.5 s'", 1.5);
        check("' 250us '", 250e-6);
        check("'250 µs'", 250e-6);
        check("'250 μs'", 250e-6);
        check("'+.5 s'", 0.5);
        check("'86400 s'", 86_400.0);
    }

    #[test]
    fn sizes() {
        let check = |text, expect: u64| assert_eq!(parse(text, bytes), Ok(expect), "{text}");
        check("'0.4 MiB'", 419_430);
        check("'12 kB'", 12_000);
        check("'3MB'", 3_000_000);
        check("'1 KiB'", 1024);
        check("'2 GiB'", 2 << 30);
        check("'1 GB'", 1_000_000_000);
        check("'1 B'", 1);
    }

    #[test]
    fn what_is_no_time() {
        let check = |text, expect: &str| assert_eq!(parse(text, time), Err(expect.into()), "{text}");
        check("60", "it must be text in quotes, not a whole number");
        check("''", "it must start with a number");
        check("'ms'", "it must start with a number");
        check("'60'", "it needs a unit");
        check("'0 s'", "it must be longer than zero");
        check("'-0 s'", "it must be longer than zero");
        check("'-1 ms'", "it must be longer than zero");
        check("'1,5 s'", "\"1,5\" is no number");
        check("'1.2.3 s'", "\"1.2.3\" is no number");
        check("'1_000 s'", "\"1_000\" is no number");
        check("'- s'", "\"-\" is no number");
        check("'1e3 s'", "unknown unit \"e3 s\"");
        check("'inf s'", "it must start with a number");
        check("'60 msec'", "unknown unit \"msec\"");
        check("'60 MS'", "unknown unit \"MS\"");
        check("'60 ms ms'", "unknown unit \"ms ms\"");
        check("'1 MiB'", "unknown unit \"MiB\"");
        check("'86401 s'", "it must not be longer than a day");
        check(
            &format!("'{} s'", "9".repeat(400)),
            "it must not be longer than a day",
        );
    }

    #[test]
    fn what_is_no_size() {
        let check = |text, expect: &str| assert_eq!(parse(text, bytes), Err(expect.into()), "{text}");
        check("'0 MiB'", "it must be at least one byte");
        check("'0.4 B'", "it must be at least one byte");
        check("'-3 MB'", "it must be at least one byte");
        check("'3 Mb'", "unknown unit \"Mb\"");
        check("'3 ms'", "unknown unit \"ms\"");
        check("'9999999999 GiB'", "it is larger than any memory");
    }

    #[test]
    fn clocks() {
        let check = |text, khz| assert_eq!(parse(text, clock), Ok(Hertz::from_khz(khz)), "{text}");
        check("'1.4 GHz'", 1_400_000);
        check("'1479MHz'", 1_479_000);
        check("'307200 kHz'", 307_200);
        check("'1300500000 Hz'", 1_300_500);
        check("'20 GHz'", 20_000_000);
        let check = |text, expect: &str| assert_eq!(parse(text, clock), Err(expect.into()), "{text}");
        check("'0 GHz'", "it must be at least 1 kHz");
        check("'-1 GHz'", "it must be at least 1 kHz");
        check("'1400 GHz'", "it must not be above 20 GHz");
        check("'1400'", "it needs a unit");
        check("'1.4 Ghz'", "unknown unit \"Ghz\"");
    }
}
