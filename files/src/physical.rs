//! Figures of physics with their units: `6.5 W`, `85 °C`, `1.75 nF`.

use dynd_vocab::{Celsius, Hertz, Watts};

use crate::fault::Fault;
use crate::field::Field;
use crate::quantity::read;

const TEMPERATURES: [(&str, f64); 2] = [("°C", 1.0), ("C", 1.0)];
const DIFFERENCES: [(&str, f64); 2] = [("K", 1.0), ("mK", 1e-3)];
const CLOCKS: [(&str, f64); 4] = [("Hz", 1.0), ("kHz", 1e3), ("MHz", 1e6), ("GHz", 1e9)];

/// Coldest and hottest that anything of a board is, in degrees.
const PLAUSIBLE: std::ops::RangeInclusive<f64> = -60.0..=200.0;

/// A temperature from -60 to 200 °C.
pub(crate) fn temperature(field: &Field<'_>) -> Result<Celsius, Fault> {
    let degrees = read(field, &TEMPERATURES, "write a temperature such as \"85 °C\"")?;
    if PLAUSIBLE.contains(&degrees) {
        Ok(Celsius::new(degrees))
    } else {
        Err(field.fault(format!("{} must be from -60 °C to 200 °C", field.key)))
    }
}

/// A difference of temperatures in kelvins, at least 0.
pub(crate) fn difference(field: &Field<'_>) -> Result<f64, Fault> {
    amount(
        field,
        &DIFFERENCES,
        "write a difference of temperatures such as \"2 K\"",
    )
}

/// A power, at least 0.
pub(crate) fn power(field: &Field<'_>) -> Result<Watts, Fault> {
    let units = [("W", 1.0), ("mW", 1e-3)];
    amount(field, &units, "write a power such as \"6.5 W\" or \"250 mW\"").map(Watts::new)
}

/// A clock of at least 1 Hz.
pub(crate) fn clock(field: &Field<'_>) -> Result<Hertz, Fault> {
    let hertz = amount(field, &CLOCKS, "write a clock such as \"600 MHz\"")?;
    if hertz >= 1.0 {
        Ok(Hertz::from_hz(hertz.round() as u64))
    } else {
        Err(field.fault(format!("{} must be more than zero", field.key)))
    }
}

/// A capacitance in farads, at least 0.
pub(crate) fn capacitance(field: &Field<'_>) -> Result<f64, Fault> {
    let units = [("nF", 1e-9), ("pF", 1e-12)];
    amount(field, &units, "write a capacitance such as \"0.44 nF\"")
}

/// A growth as a share per kelvin, at least 0.
pub(crate) fn growth(field: &Field<'_>) -> Result<f64, Fault> {
    amount(field, &[("%/K", 1e-2)], "write a growth such as \"1.8 %/K\"")
}

/// A bandwidth in bytes per second; more than 0.
pub(crate) fn bandwidth(field: &Field<'_>) -> Result<f64, Fault> {
    let units = [("GB/s", 1e9), ("MB/s", 1e6)];
    positive(field, &units, "write a bandwidth such as \"9.2 GB/s\"")
}

/// An energy per byte in joules, at least 0.
pub(crate) fn energy_per_byte(field: &Field<'_>) -> Result<f64, Fault> {
    let units = [("mJ/GB", 1e-12), ("J/GB", 1e-9)];
    amount(field, &units, "write an energy such as \"90 mJ/GB\"")
}

/// A heat capacity in joules per kelvin; more than 0.
pub(crate) fn heat_capacity(field: &Field<'_>) -> Result<f64, Fault> {
    positive(
        field,
        &[("J/K", 1.0)],
        "write a heat capacity such as \"0.4 J/K\"",
    )
}

/// A thermal resistance in kelvins per watt; more than 0.
pub(crate) fn resistance(field: &Field<'_>) -> Result<f64, Fault> {
    positive(
        field,
        &[("K/W", 1.0)],
        "write a thermal resistance such as \"6.1 K/W\"",
    )
}

/// A voltage in volts; more than 0.
pub(crate) fn voltage(field: &Field<'_>) -> Result<f64, Fault> {
    let units = [("V", 1.0), ("mV", 1e-3)];
    positive(field, &units, "write a voltage such as \"5 V\"")
}

/// A current in amperes, at least 0.
pub(crate) fn current(field: &Field<'_>) -> Result<f64, Fault> {
    let units = [("mA", 1e-3), ("A", 1.0)];
    amount(field, &units, "write a current such as \"8 mA\"")
}

/// A share as a percentage, at least 0.
pub(crate) fn percentage(field: &Field<'_>) -> Result<f64, Fault> {
    amount(field, &[("%", 1e-2)], "write a share such as \"1.5 %\"")
}

fn amount(field: &Field<'_>, units: &[(&str, f64)], help: &str) -> Result<f64, Fault> {
    let amount = read(field, units, help)?;
    if amount.is_finite() && amount >= 0.0 {
        Ok(amount)
    } else {
        Err(field
            .fault(format!("{} must not be less than zero", field.key))
            .help(help))
    }
}

fn positive(field: &Field<'_>, units: &[(&str, f64)], help: &str) -> Result<f64, Fault> {
    let amount = read(field, units, help)?;
    if amount.is_finite() && amount > 0.0 {
        Ok(amount)
    } else {
        Err(field
            .fault(format!("{} must be more than zero", field.key))
            .help(help))
    }
}
