//! Thermal zones, their trips, and what cools.

use std::path::{Path, PathBuf};

use dynd_vocab::{Celsius, CoolingDevice, ThermalZone, Trip, TripKind};

use crate::sensor::{Reader, Sensor};
use crate::survey::{Survey, unique};
use crate::{Fault, Loss};

const THERMAL: &str = "sys/class/thermal";

/// Trips that were never set: the kernel's "no temperature", and what `x86_pkg_temp` shows.
const UNSET: [i32; 2] = [-274_000, 0];

/// No kernel lists more trips (`THERMAL_MAX_TRIPS` was 12 until Linux 6.0).
const MOST_TRIPS: u32 = 64;

/// No cooling device has more states.
const MOST_STATES: i64 = 1 << 20;

/// What measures a zone.
#[derive(Debug)]
pub(crate) struct Thermometer {
    sensor: Sensor,
    parse: fn(&str) -> Result<i32, Fault>,
    /// The last reading that was believed.
    last: Option<Celsius>,
}

impl Thermometer {
    fn new(path: PathBuf, parse: fn(&str) -> Result<i32, Fault>) -> Self {
        Self {
            sensor: Sensor::new(path, Loss::Temperature),
            parse,
            last: None,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.sensor.path()
    }

    pub(crate) fn read(&mut self, reader: &mut Reader<'_>) -> Option<Celsius> {
        let (parse, last) = (self.parse, self.last);
        let celsius = self.sensor.read(reader, |text| {
            let shown = Celsius::from_millis(parse(text)?);
            shown.believed(last).ok_or_else(|| impossible(shown))
        })?;
        self.last = Some(celsius);
        Some(celsius)
    }
}

/// What shows the state of a cooling device.
#[derive(Debug)]
pub(crate) struct CoolingState(Sensor);

impl CoolingState {
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn read(&mut self, reader: &mut Reader<'_>) -> Option<u32> {
        self.0.read(reader, state)
    }
}

/// The thermal zones; where there are none, the sensors of Exynos on Hardkernel's 3.10.
pub(crate) fn zones(survey: &mut Survey<'_>) -> Vec<(ThermalZone, Thermometer)> {
    let dirs = entries(survey, "thermal_zone");
    if dirs.is_empty() {
        return exynos_tmu(survey).into_iter().collect();
    }
    let names = unique(&dirs.iter().map(|dir| type_of(survey, dir)).collect::<Vec<_>>());
    let zone = |(name, dir): (String, &PathBuf)| {
        let trips = trips(survey, dir);
        let thermometer = Thermometer::new(survey.at(&dir.join("temp")), millidegrees);
        (ThermalZone { name, trips }, thermometer)
    };
    names.into_iter().zip(&dirs).map(zone).collect()
}

/// What cools.
pub(crate) fn cooling(survey: &mut Survey<'_>) -> Vec<(CoolingDevice, CoolingState)> {
    let dirs = entries(survey, "cooling_device");
    let names = unique(&dirs.iter().map(|dir| type_of(survey, dir)).collect::<Vec<_>>());
    let device = |(name, dir): (String, &PathBuf)| {
        let max_state = survey.number(&dir.join("max_state"), Loss::Cooling).unwrap_or(0);
        let sensor = Sensor::new(survey.at(&dir.join("cur_state")), Loss::Cooling);
        (CoolingDevice { name, max_state }, CoolingState(sensor))
    };
    names.into_iter().zip(&dirs).map(device).collect()
}

fn entries(survey: &Survey<'_>, prefix: &str) -> Vec<PathBuf> {
    let names = survey.names(Path::new(THERMAL), prefix).into_iter();
    names.map(|name| Path::new(THERMAL).join(name)).collect()
}

fn type_of(survey: &mut Survey<'_>, dir: &Path) -> String {
    let name = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
    survey.word(&dir.join("type")).unwrap_or(name)
}

fn trips(survey: &mut Survey<'_>, dir: &Path) -> Vec<Trip> {
    let mut trips = Vec::new();
    for number in 0..MOST_TRIPS {
        let file = |part: &str| dir.join(format!("trip_point_{number}_{part}"));
        let Some(kind) = survey.word(&file("type")) else {
            break;
        };
        let Some(kind) = trip_kind(&kind) else { continue };
        let path = file("temp");
        let temperature = survey.read(&path).and_then(|text| millidegrees(&text));
        if temperature.as_ref().is_ok_and(|millis| UNSET.contains(millis)) {
            continue;
        }
        let temperature = temperature.map(Celsius::from_millis).and_then(|celsius| {
            let possible = celsius.is_possible().then_some(celsius);
            possible.ok_or_else(|| impossible(celsius))
        });
        let Some(temperature) = survey.note(&path, Loss::Trip, temperature) else {
            continue;
        };
        let hysteresis: Option<i32> = survey.number(&file("hyst"), Loss::Trip);
        trips.push(Trip {
            kind,
            temperature,
            hysteresis: f64::from(hysteresis.unwrap_or(0).max(0)) / 1e3,
        });
    }
    trips
}

fn trip_kind(name: &str) -> Option<TripKind> {
    let kinds = [
        TripKind::Active,
        TripKind::Passive,
        TripKind::Hot,
        TripKind::Critical,
    ];
    kinds.into_iter().find(|kind| kind.label() == name)
}

/// `/sys/devices/10060000.tmu/temp` of Hardkernel's 3.10: a line per sensor, `sensor0 : 52000`. One zone, as hot as
/// the hottest.
fn exynos_tmu(survey: &Survey<'_>) -> Option<(ThermalZone, Thermometer)> {
    let parent = Path::new("sys/devices");
    let names = survey.names(parent, "").into_iter();
    let path = names
        .filter(|name| name.ends_with(".tmu"))
        .map(|name| parent.join(name).join("temp"))
        .find(|path| survey.exists(path))?;
    let zone = ThermalZone {
        name: "tmu".into(),
        trips: Vec::new(),
    };
    Some((zone, Thermometer::new(survey.at(&path), hottest)))
}

fn millidegrees(text: &str) -> Result<i32, Fault> {
    text.trim().parse().map_err(|_| Fault::malformed(text.as_bytes()))
}

fn hottest(text: &str) -> Result<i32, Fault> {
    let values = text
        .lines()
        .map(|line| millidegrees(line.rsplit(':').next().unwrap_or(line)));
    let values = values.collect::<Result<Vec<_>, _>>()?;
    values
        .into_iter()
        .max()
        .ok_or_else(|| Fault::malformed(text.as_bytes()))
}

fn impossible(shown: Celsius) -> Fault {
    Fault::Implausible(format!("{} °C", shown.get()))
}

/// A cooling device's state; `intel_powerclamp` shows -1 while it does nothing.
fn state(text: &str) -> Result<u32, Fault> {
    match text.trim().parse::<i64>() {
        Ok(-1) => Ok(0),
        Ok(state) if (0..=MOST_STATES).contains(&state) => Ok(state as u32),
        Ok(state) => Err(Fault::Implausible(format!("state {state}"))),
        Err(_) => Err(Fault::malformed(text.as_bytes())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hottest_of_several_lines_counts() {
        assert_eq!(
            hottest("sensor0 : 52000\nsensor1 : 61000\nsensor2 : 48000\n"),
            Ok(61_000)
        );
        assert!(hottest("sensor0 : hot\nsensor1 : 61000\n").is_err());
        assert!(hottest("").is_err());
    }

    #[test]
    fn states_count_from_zero() {
        assert_eq!(state("3\n"), Ok(3));
        assert_eq!(state("-1\n"), Ok(0));
        assert!(state("-2\n").is_err());
        assert!(state("on\n").is_err());
    }
}
