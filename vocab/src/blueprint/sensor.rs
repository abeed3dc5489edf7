//! Power and temperature sensors of a blueprint.

use alloc::string::String;
use alloc::vec::Vec;

use super::{CoolingRange, Origin};
use crate::{Celsius, Seconds, TripKind};

/// A power sensor.
#[derive(Clone, Debug, PartialEq)]
pub struct RailPlan {
    /// As its label names it.
    pub name: String,
    /// Indices of the processors it feeds.
    pub processors: Vec<usize>,
    /// Whether it feeds the memory.
    pub memory: bool,
    /// Whether it feeds all that is neither a processor nor the memory.
    pub base: bool,
    /// Index of the rail that counts this one's power in.
    pub within: Option<usize>,
    /// How sysfs shows it.
    pub convention: RailConvention,
    /// The directory of its attributes; `N` stands for a number that differs from boot to boot.
    pub path: String,
    /// Its channel, as the attributes number it.
    pub channel: u32,
    /// The supply's voltage, in volts.
    pub volts: f64,
    /// The smallest step of the current, in amperes.
    pub quantum: f64,
    /// Over how long the chip averages.
    pub interval: Seconds,
    /// Standard deviation of a reading over its mean.
    pub noise: f64,
    /// Where that is known from.
    pub origin: Origin,
}

/// How sysfs shows a power sensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RailConvention {
    /// INA3221 of NVIDIA's 4.x kernels: `in_powerN_input` in milliwatts.
    Ina3221Iio,
    /// INA3221 of hwmon: `inN_input` in millivolts, `currN_input` in milliamperes, no power.
    Ina3221Hwmon,
    /// INA231 of hwmon: `power1_input` in microwatts.
    Ina231Hwmon,
    /// INA231 of Hardkernel's 3.10: `sensor_W` in watts with decimals, zero until `enable` holds 1.
    Ina231Vendor,
}

impl RailConvention {
    /// Every convention.
    pub const ALL: [Self; 4] = [
        Self::Ina3221Iio,
        Self::Ina3221Hwmon,
        Self::Ina231Hwmon,
        Self::Ina231Vendor,
    ];

    /// The name that files use.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Ina3221Iio => "ina3221-iio",
            Self::Ina3221Hwmon => "ina3221-hwmon",
            Self::Ina231Hwmon => "ina231-hwmon",
            Self::Ina231Vendor => "ina231-vendor",
        }
    }
}

/// A thermal zone.
#[derive(Clone, Debug, PartialEq)]
pub struct ZonePlan {
    /// Its type (`cpu-thermal`).
    pub name: String,
    /// What its sensor shows.
    pub reading: Reading,
    /// The smallest step of the temperature, in kelvins.
    pub quantum: f64,
    /// Standard deviation of a reading, in kelvins.
    pub noise: f64,
    /// How often the kernel looks at it while a passive trip holds.
    pub polling: Seconds,
    /// Where the kernel acts, in its order.
    pub trips: Vec<ZoneTrip>,
    /// Where that is known from.
    pub origin: Origin,
}

/// What a temperature sensor shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reading {
    /// The temperature of a thermal node, by index.
    Node(usize),
    /// Always the same.
    Constant(Celsius),
    /// Nothing: reading it fails (EAGAIN).
    Unavailable,
}

/// A trip of a zone.
#[derive(Clone, Debug, PartialEq)]
pub struct ZoneTrip {
    /// What it does.
    pub kind: TripKind,
    /// Where it begins.
    pub temperature: Celsius,
    /// By how many kelvins the temperature must fall below that for it to end.
    pub hysteresis: f64,
    /// What it sets.
    pub cooling: Vec<CoolingRange>,
}
