//! The power rails of a board.

use std::path::{Path, PathBuf};

use dynd_vocab::PowerRail;

use crate::power::PowerMeter;
use crate::survey::{Survey, unique};
use crate::{Loss, powercap};

const HWMON: &str = "sys/class/hwmon";
const IIO: &str = "sys/bus/iio/devices";
const I2C_DRIVERS: &str = "sys/bus/i2c/drivers";

/// The channels of an INA3221 that are supplies. Its fourth current is the sum of the others, its voltages 4 to 6
/// are those across the shunts and its seventh the sum of those (`drivers/hwmon/ina3221.c`).
const INA3221_CHANNELS: std::ops::RangeInclusive<u32> = 1..=3;

const MICROWATTS: f64 = 1e6;
const MILLIWATTS: f64 = 1e3;

/// A rail as it is found: its name, and what measures it.
type Rail = (String, PowerMeter);

/// The rails, in the order hwmon, IIO, Hardkernel's INA231, powercap.
pub(crate) fn rails(survey: &mut Survey<'_>) -> Vec<(PowerRail, PowerMeter)> {
    let mut found = hwmon(survey);
    found.extend(iio(survey));
    found.extend(hardkernel(survey));
    let input = found.iter().position(|(name, _)| name.ends_with("_IN"));
    // A rail of that name feeds the board or the module, so that all others are behind it.
    let within = |index| input.filter(|input| *input != index);
    let within: Vec<Option<usize>> = (0..found.len()).map(within).collect();
    let (counted, first) = (powercap::domains(survey), found.len());
    let behind = counted.iter().map(|domain| domain.within.map(|at| at + first));
    let within: Vec<_> = within.into_iter().chain(behind).collect();
    found.extend(counted.into_iter().map(|domain| (domain.name, domain.meter)));
    let names = unique(&found.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>());
    let rails = names.into_iter().zip(within).zip(found);
    let rail = |((name, within), (_, meter))| (PowerRail { name, within }, meter);
    rails.map(rail).collect()
}

/// Chips of the class hwmon that show a power, or voltage and current of the same supply.
fn hwmon(survey: &mut Survey<'_>) -> Vec<Rail> {
    let mut rails = Vec::new();
    for name in survey.names(Path::new(HWMON), "hwmon") {
        let dir = Path::new(HWMON).join(name);
        // Before Linux 3.14 the attributes lie in the directory of the device.
        let dir = match survey.word(&dir.join("name")) {
            Some(_) => dir,
            None => dir.join("device"),
        };
        let Some(chip) = survey.word(&dir.join("name")) else {
            continue;
        };
        // Batteries and chargers show themselves here too.
        if survey.exists(&dir.join("device/type")) {
            continue;
        }
        let powers: Vec<u32> = channels(survey, &dir, "power", "_input");
        if powers.is_empty() {
            rails.extend(products(survey, &dir, &chip));
        }
        for channel in &powers {
            let label = label(survey, &dir, &format!("power{channel}_label"));
            let name = label.unwrap_or_else(|| own_name(survey, &dir, &chip, *channel, powers.len()));
            let path = survey.at(&dir.join(format!("power{channel}_input")));
            rails.push((name, PowerMeter::power(path, MICROWATTS)));
        }
    }
    rails
}

/// The supplies of a chip that shows no power. Which voltage belongs to which current is certain only for an INA3221
/// and for channels that are named.
fn products(survey: &mut Survey<'_>, dir: &Path, chip: &str) -> Vec<Rail> {
    let supplies = channels(survey, dir, "curr", "_input");
    let mut rails = Vec::new();
    for channel in supplies {
        let voltage = dir.join(format!("in{channel}_input"));
        let label = label(survey, dir, &format!("in{channel}_label"));
        let certain = match chip {
            "ina3221" => INA3221_CHANNELS.contains(&channel),
            _ => label.is_some(),
        };
        if !certain || !survey.exists(&voltage) {
            continue;
        }
        let name = label.unwrap_or_else(|| format!("{chip}-{channel}"));
        let current = survey.at(&dir.join(format!("curr{channel}_input")));
        rails.push((name, PowerMeter::product(survey.at(&voltage), current)));
    }
    rails
}

/// INA3221 of JetPack 4: `rail_name_0`, `in_power0_input`, in the class of the bus or of the driver.
fn iio(survey: &mut Survey<'_>) -> Vec<Rail> {
    let mut devices = subdirs(survey, Path::new(IIO), "iio:device");
    if devices.is_empty() {
        let driver = Path::new(I2C_DRIVERS).join("ina3221x");
        let chips = subdirs(survey, &driver, "");
        devices = chips
            .iter()
            .flat_map(|chip| subdirs(survey, chip, "iio:device"))
            .collect();
    }
    let mut rails = Vec::new();
    for dir in devices {
        for channel in channels(survey, &dir, "in_power", "_input") {
            if let Some(name) = label(survey, &dir, &format!("rail_name_{channel}")) {
                let path = survey.at(&dir.join(format!("in_power{channel}_input")));
                rails.push((name, PowerMeter::power(path, MILLIWATTS)));
            }
        }
    }
    rails
}

/// INA231 of Hardkernel's 3.10: `sensor_W`, which stays 0 until 1 is written to `enable`.
fn hardkernel(survey: &Survey<'_>) -> Vec<Rail> {
    let chips = subdirs(survey, &Path::new(I2C_DRIVERS).join("INA231"), "");
    let meters = chips.iter().filter(|dir| survey.exists(&dir.join("sensor_W")));
    let rail = |dir: &PathBuf| {
        // The directory is named for bus and address: 3-0040.
        let device = dir.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let address = device
            .rsplit('-')
            .next()
            .unwrap_or_default()
            .trim_start_matches('0');
        let [enable, power] = ["enable", "sensor_W"].map(|name| survey.at(&dir.join(name)));
        (format!("ina231@{address}"), PowerMeter::switched(enable, power))
    };
    meters.map(rail).collect()
}

/// A name for a channel without label: of the chip and its address on the bus, which no kernel changes
/// (`ina231@40`); numbered where the chip has several channels.
fn own_name(survey: &mut Survey<'_>, dir: &Path, chip: &str, channel: u32, channels: usize) -> String {
    if let Some(label) = label(survey, dir, "label") {
        return label;
    }
    let uevent = survey.read(&dir.join("device/uevent")).unwrap_or_default();
    let node = uevent.lines().find_map(|line| line.strip_prefix("OF_FULLNAME="));
    let address = node.and_then(|node| Some(format!("@{}", node.rsplit_once('@')?.1)));
    let number = if channels > 1 {
        format!("-{channel}")
    } else {
        String::new()
    };
    format!("{chip}{}{number}", address.unwrap_or_default())
}

fn label(survey: &mut Survey<'_>, dir: &Path, file: &str) -> Option<String> {
    let path = dir.join(file);
    let text = survey.optional(&path, Loss::Power)?;
    Some(text.trim().to_owned()).filter(|label| !label.is_empty())
}

/// The numbers of the files `PREFIXnSUFFIX` in `dir`.
fn channels(survey: &Survey<'_>, dir: &Path, prefix: &str, suffix: &str) -> Vec<u32> {
    let names = survey.names(dir, prefix).into_iter();
    names
        .filter_map(|name| name.strip_prefix(prefix)?.strip_suffix(suffix)?.parse().ok())
        .collect()
}

fn subdirs(survey: &Survey<'_>, dir: &Path, prefix: &str) -> Vec<PathBuf> {
    let names = survey.names(dir, prefix).into_iter();
    names.map(|name| dir.join(name)).collect()
}
