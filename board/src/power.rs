//! What measures power, whatever it writes.
//!
//! | convention | files | where |
//! |---|---|---|
//! | power | `power1_input`, in µW | hwmon (INA231 on Exynos) |
//! | voltage × current | `in1_input` in mV, `curr1_input` in mA | hwmon (INA3221 on JetPack 5 and later) |
//! | power | `in_power0_input`, in mW | IIO (INA3221 on JetPack 4) |
//! | power behind a switch | `sensor_W`, in W with decimals, while `enable` is 1 | Hardkernel's 3.10 (INA231) |
//! | energy | `energy_uj`, in µJ, from 0 again after `max_energy_range_uj` | powercap (RAPL of PCs) |

use std::path::{Path, PathBuf};
use std::time::Duration;

use dynd_vocab::{Timestamp, Watts};

use crate::sensor::{Reader, Sensor};
use crate::{Fault, Loss};

/// Two readings of a counter must lie this far apart to make a power: the counters of RAPL move every millisecond.
const SHORTEST: Duration = Duration::from_millis(5);

/// A counter that was not read for longer than this may have started over unseen: the smallest of RAPL do so after
/// about a minute at full power (`Documentation/power/powercap/powercap.rst`, 32-bit counters of 15 µJ).
const LONGEST: Duration = Duration::from_secs(60);

/// Something that measures power.
#[derive(Debug)]
pub(crate) enum PowerMeter {
    /// One file shows it.
    Power {
        /// The file.
        power: Sensor,
        /// What it shows for a watt.
        per_watt: f64,
    },
    /// It is the product of two.
    Product {
        /// In mV.
        voltage: Sensor,
        /// In mA.
        current: Sensor,
    },
    /// One file shows it in watts, but only while another one reads 1.
    Switched {
        /// 1 while the sensor measures.
        enable: Sensor,
        /// In watts.
        power: Sensor,
    },
    /// A counter of energy in µJ grows by it.
    Energy {
        /// The counter.
        energy: Sensor,
        /// Its state.
        counter: EnergyCounter,
    },
}

/// A counter of energy that starts over.
#[derive(Debug)]
pub(crate) struct EnergyCounter {
    range: u64,
    last: Option<(Timestamp, u64)>,
}

impl PowerMeter {
    /// A file that shows `per_watt` for a watt.
    pub(crate) fn power(path: PathBuf, per_watt: f64) -> Self {
        let power = Sensor::new(path, Loss::Power);
        Self::Power { power, per_watt }
    }

    /// A file of mV and one of mA.
    pub(crate) fn product(voltage: PathBuf, current: PathBuf) -> Self {
        Self::Product {
            voltage: Sensor::new(voltage, Loss::Power),
            current: Sensor::new(current, Loss::Power),
        }
    }

    /// A file of W, behind a switch.
    pub(crate) fn switched(enable: PathBuf, power: PathBuf) -> Self {
        Self::Switched {
            enable: Sensor::new(enable, Loss::Power),
            power: Sensor::new(power, Loss::Power),
        }
    }

    /// A counter of µJ that starts over after `range`.
    pub(crate) fn energy(path: PathBuf, range: u64) -> Self {
        Self::Energy {
            energy: Sensor::new(path, Loss::Power),
            counter: EnergyCounter { range, last: None },
        }
    }

    /// The files that its power is made of.
    pub(crate) fn paths(&self) -> Vec<&Path> {
        match self {
            Self::Power { power, .. } => vec![power.path()],
            Self::Product { voltage, current } => vec![voltage.path(), current.path()],
            Self::Switched { enable, power } => vec![power.path(), enable.path()],
            Self::Energy { energy, .. } => vec![energy.path()],
        }
    }

    /// The power now, or the mean since the last reading of a counter.
    pub(crate) fn read(&mut self, reader: &mut Reader<'_>) -> Option<Watts> {
        match self {
            Self::Power { power, per_watt } => {
                let per_watt = *per_watt;
                power.read(reader, |text| watts(number(text)? / per_watt))
            }
            Self::Product { voltage, current } => {
                let millivolts = voltage.read(reader, number)?;
                current.read(reader, |text| watts(millivolts * number(text)? / 1e6))
            }
            Self::Switched { enable, power } => {
                enable.read(reader, |text| match text.trim() {
                    "0" => Err(Fault::Off),
                    _ => Ok(()),
                })?;
                power.read(reader, |text| watts(number(text)?))
            }
            Self::Energy { energy, counter } => {
                let now = reader.now;
                energy.read(reader, |text| {
                    let micros = text
                        .trim()
                        .parse()
                        .map_err(|_| Fault::malformed(text.as_bytes()))?;
                    counter.advance(now, micros)
                })?
            }
        }
    }
}

impl EnergyCounter {
    /// The mean power since the last reading; absent after too short or too long a time.
    fn advance(&mut self, now: Timestamp, micros: u64) -> Result<Option<Watts>, Fault> {
        let Some((at, before)) = self.last else {
            self.last = Some((now, micros));
            return Ok(None);
        };
        let time = now.since(at);
        if time < SHORTEST {
            return Ok(None);
        }
        self.last = Some((now, micros));
        if time > LONGEST {
            return Ok(None);
        }
        let spent = match micros.checked_sub(before) {
            Some(0) => return Err(Fault::Frozen),
            Some(spent) => spent,
            None => self
                .range
                .checked_sub(before)
                .and_then(|left| left.checked_add(micros))
                .ok_or(Fault::Backwards)?,
        };
        watts(spent as f64 / 1e6 / time.as_secs_f64()).map(Some)
    }
}

fn number(text: &str) -> Result<f64, Fault> {
    text.trim().parse().map_err(|_| Fault::malformed(text.as_bytes()))
}

fn watts(watts: f64) -> Result<Watts, Fault> {
    Watts::new(watts)
        .believed()
        .ok_or_else(|| Fault::Implausible(format!("{watts:.1} W")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_of_energy_becomes_power_also_where_it_starts_over() {
        let mut counter = EnergyCounter {
            range: 262_143_328_850,
            last: None,
        };
        let mut advance = |millis: u64, micros: u64| {
            let now = Timestamp::from_nanos(millis * 1_000_000);
            counter
                .advance(now, micros)
                .map(|power| power.map(|power| (power.get() * 1e3).round()))
        };
        assert_eq!(advance(0, 262_143_000_000), Ok(None));
        assert_eq!(advance(1, 262_143_000_000), Ok(None), "too early to tell");
        assert_eq!(advance(50, 262_143_250_000), Ok(Some(5000.0)));
        assert_eq!(advance(100, 171_150), Ok(Some(5000.0)), "started over");
        assert_eq!(advance(150, 171_150), Err(Fault::Frozen));
        assert_eq!(advance(200, 421_150), Ok(Some(5000.0)));
        assert_eq!(advance(100_000, 99_999_999), Ok(None), "too late to tell");
        assert!(matches!(
            advance(100_050, 200_000_000_000),
            Err(Fault::Implausible(_))
        ));
    }

    #[test]
    fn without_a_range_a_step_back_is_refused() {
        let mut counter = EnergyCounter { range: 0, last: None };
        let at = |millis: u64| Timestamp::from_nanos(millis * 1_000_000);
        assert_eq!(counter.advance(at(0), 900), Ok(None));
        assert_eq!(counter.advance(at(50), 100), Err(Fault::Backwards));
        assert_eq!(counter.advance(at(100), 500_100), Ok(Some(Watts::new(10.0))));
    }
}
