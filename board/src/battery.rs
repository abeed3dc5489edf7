//! The battery that feeds the board.

use std::path::Path;
use std::time::Duration;

use dynd_vocab::{Battery, BatteryFlow, BatteryState, Timestamp, Watts};

use crate::sensor::{Reader, Sensor};
use crate::survey::Survey;
use crate::{Fault, Loss};

const SUPPLIES: &str = "sys/class/power_supply";

/// A battery changes slowly and may take milliseconds to answer (an embedded controller behind ACPI), so it is asked
/// this often; its last answer holds in between.
const PAUSE: Duration = Duration::from_secs(10);

/// What shows how a battery does.
#[derive(Debug)]
pub(crate) struct BatteryGauge {
    charge: Sensor,
    status: Sensor,
    power: Option<Power>,
    latest: Option<(Timestamp, BatteryState)>,
}

/// How it shows power.
#[derive(Debug)]
enum Power {
    /// In µW.
    Direct(Sensor),
    /// In µV and µA.
    Product(Sensor, Sensor),
}

impl BatteryGauge {
    /// Its files.
    pub(crate) fn paths(&self) -> Vec<&Path> {
        let power = match &self.power {
            None => Vec::new(),
            Some(Power::Direct(power)) => vec![power],
            Some(Power::Product(voltage, current)) => vec![voltage, current],
        };
        let all = [&self.charge, &self.status].into_iter().chain(power);
        all.map(Sensor::path).collect()
    }

    /// How it did at most [`PAUSE`] ago.
    pub(crate) fn read(&mut self, reader: &mut Reader<'_>) -> BatteryState {
        match self.latest {
            Some((at, state)) if reader.now.since(at) < PAUSE => state,
            _ => {
                let state = BatteryState {
                    charge: self.charge.read(reader, charge),
                    flow: self.status.read(reader, flow).unwrap_or_default(),
                    power: self.power.as_mut().and_then(|power| power.read(reader)),
                };
                self.latest = Some((reader.now, state));
                state
            }
        }
    }
}

impl Power {
    /// Some drivers write what is drawn as a negative number.
    fn read(&mut self, reader: &mut Reader<'_>) -> Option<Watts> {
        let watts = match self {
            Self::Direct(power) => power.read(reader, micros)?,
            Self::Product(voltage, current) => {
                voltage.read(reader, micros)? * current.read(reader, micros)?
            }
        };
        Some(Watts::new(watts.abs()))
    }
}

/// The first battery that feeds the board, not a mouse or a pen.
pub(crate) fn battery(survey: &mut Survey<'_>) -> Option<(Battery, BatteryGauge)> {
    let feeds_board = |name: &String, survey: &mut Survey<'_>| {
        let mut word = |file: &str| survey.word(&Path::new(SUPPLIES).join(name).join(file));
        word("type").as_deref() == Some("Battery")
            && word("scope").as_deref() != Some("Device")
            && word("present").as_deref() != Some("0")
    };
    let names = survey.names(Path::new(SUPPLIES), "");
    let name = names.into_iter().find(|name| feeds_board(name, survey))?;
    let dir = Path::new(SUPPLIES).join(&name);
    let sensor = |file: &str| Sensor::new(survey.at(&dir.join(file)), Loss::Battery);
    let has = |file: &str| survey.exists(&dir.join(file));
    let power = if has("power_now") {
        Some(Power::Direct(sensor("power_now")))
    } else if has("current_now") && has("voltage_now") {
        Some(Power::Product(sensor("voltage_now"), sensor("current_now")))
    } else {
        None
    };
    let gauge = BatteryGauge {
        charge: sensor("capacity"),
        status: sensor("status"),
        power,
        latest: None,
    };
    Some((Battery { name }, gauge))
}

fn charge(text: &str) -> Result<f64, Fault> {
    match text.trim().parse::<u32>() {
        // A gauge that was calibrated badly may say a little more than 100 %.
        Ok(percent @ 0..=110) => Ok((f64::from(percent) / 100.0).min(1.0)),
        Ok(percent) => Err(Fault::Implausible(format!("{percent} %"))),
        Err(_) => Err(Fault::malformed(text.as_bytes())),
    }
}

fn flow(text: &str) -> Result<BatteryFlow, Fault> {
    match text.trim() {
        "Charging" => Ok(BatteryFlow::Charging),
        "Discharging" => Ok(BatteryFlow::Discharging),
        "Full" | "Not charging" => Ok(BatteryFlow::Resting),
        "Unknown" => Ok(BatteryFlow::Unknown),
        _ => Err(Fault::malformed(text.as_bytes())),
    }
}

/// Millionths, of no more than a kilo of anything.
fn micros(text: &str) -> Result<f64, Fault> {
    match text.trim().parse::<i64>() {
        Ok(micros) if micros.unsigned_abs() <= 1_000_000_000 => Ok(micros as f64 * 1e-6),
        Ok(micros) => Err(Fault::Implausible(format!("{micros} millionths"))),
        Err(_) => Err(Fault::malformed(text.as_bytes())),
    }
}
