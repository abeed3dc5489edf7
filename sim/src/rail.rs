//! Power sensors, by the convention of their driver.

use std::path::{Path, PathBuf};

use dynd_vocab::Blueprint;
use dynd_vocab::blueprint::{RailConvention, RailPlan};

use crate::devfreq::below_root;
use crate::machine::{Machine, line};
use crate::node::{Attribute, Nodes};
use crate::refusal::Refusal;

const HWMON: &str = "sys/class/hwmon";
const IIO: &str = "sys/bus/iio/devices";
const VIRTUAL: &str = "sys/devices/virtual";

/// How a board file writes a directory whose number differs from boot to boot.
const ANY_HWMON: &str = "hwmonN";

/// The rails, and the links of their chips' classes.
pub(crate) fn list(nodes: &mut Nodes, board: &Blueprint) {
    let mut chips: Vec<(RailConvention, &str)> = Vec::new();
    for (rail, plan) in board.rails.iter().enumerate() {
        let chip = (plan.convention, plan.path.as_str());
        let known = chips.iter().position(|each| *each == chip);
        let number = known.unwrap_or_else(|| {
            chips.push(chip);
            chips.len() - 1
        });
        let dir = directory(plan, number);
        if known.is_none() {
            register(nodes, plan.convention, &dir, number);
        }
        for (name, attribute) in attributes(rail, plan) {
            nodes.attribute(dir.join(name), attribute);
        }
    }
}

/// The directory of the attributes of chip `number`. A board file may name it by its class, where the kernel has but
/// links.
fn directory(plan: &RailPlan, number: usize) -> PathBuf {
    let path = below_root(&plan.path);
    let path = match path.ends_with(ANY_HWMON) {
        true => path.with_file_name(format!("hwmon{number}")),
        false => path.to_path_buf(),
    };
    match path.parent() {
        Some(class) if [HWMON, IIO].map(Path::new).contains(&class) => {
            Path::new(VIRTUAL).join(path.file_name().unwrap_or_default())
        }
        _ => path,
    }
}

/// What tells of the chip whose attributes are in `dir`.
fn register(nodes: &mut Nodes, convention: RailConvention, dir: &Path, number: usize) {
    let (name, class, device) = match convention {
        RailConvention::Ina3221Iio => ("ina3221x", IIO, format!("iio:device{number}")),
        RailConvention::Ina3221Hwmon => ("ina3221", HWMON, format!("hwmon{number}")),
        RailConvention::Ina231Hwmon => ("ina231", HWMON, format!("hwmon{number}")),
        RailConvention::Ina231Vendor => return,
    };
    nodes.attribute(dir.join("name"), Attribute::fixed(line(name)));
    nodes.link(Path::new(class).join(device), dir);
    if class == HWMON && !dir.starts_with(VIRTUAL) {
        chip(nodes, dir);
    }
}

/// The chip of the class device in `dir`, which is `BUS-ADDRESS/hwmon/hwmonN`.
fn chip(nodes: &mut Nodes, dir: &Path) {
    let Some(chip) = dir.ancestors().nth(2) else {
        return;
    };
    nodes.link(dir.join("device"), chip);
    let name = chip.file_name().unwrap_or_default().to_string_lossy();
    if let Some((_, address)) = name.split_once('-') {
        let address = address.trim_start_matches('0');
        let uevent = format!("OF_NAME=power-sensor\nOF_FULLNAME=/power-sensor@{address}\n");
        nodes.attribute(chip.join("uevent"), Attribute::fixed(uevent));
    }
}

/// What shows `rail`.
fn attributes(rail: usize, plan: &RailPlan) -> Vec<(String, Attribute)> {
    let channel = plan.channel;
    let volts = plan.volts;
    let label = || Attribute::fixed(line(&plan.name));
    let constant = |value: f64| Attribute::fixed(line(value.round()));
    match plan.convention {
        RailConvention::Ina3221Iio => vec![
            (format!("rail_name_{channel}"), label()),
            (format!("in_voltage{channel}_input"), constant(volts * 1e3)),
            (format!("in_current{channel}_input"), current(rail, 1e3)),
            (format!("in_power{channel}_input"), power(rail, 1e3)),
        ],
        RailConvention::Ina3221Hwmon => vec![
            (format!("in{channel}_label"), label()),
            (format!("in{channel}_input"), constant(volts * 1e3)),
            (format!("curr{channel}_input"), current(rail, 1e3)),
        ],
        RailConvention::Ina231Hwmon => vec![
            ("in1_input".into(), constant(volts * 1e3)),
            ("curr1_input".into(), current(rail, 1e3)),
            (format!("power{channel}_input"), power(rail, 1e6)),
        ],
        RailConvention::Ina231Vendor => vec![
            ("sensor_V".into(), switched(rail, move |_| Ok(volts))),
            (
                "sensor_A".into(),
                switched(rail, move |machine| Ok(measured(machine, rail)?.0)),
            ),
            (
                "sensor_W".into(),
                switched(rail, move |machine| Ok(measured(machine, rail)?.1)),
            ),
            (
                "enable".into(),
                Attribute::shown(move |machine| Ok(line(u8::from(machine.is_on(rail)))))
                    .settable(move |machine, text| machine.switch(rail, text)),
            ),
        ],
    }
}

/// Amperes and watts.
fn measured(machine: &mut Machine, rail: usize) -> Result<(f64, f64), Refusal> {
    let (amperes, power) = machine.plant.read_rail(rail).ok_or(Refusal::Again)?;
    Ok((amperes, power.get()))
}

fn current(rail: usize, per_ampere: f64) -> Attribute {
    Attribute::shown(move |machine| Ok(line((measured(machine, rail)?.0 * per_ampere).round())))
}

fn power(rail: usize, per_watt: f64) -> Attribute {
    Attribute::shown(move |machine| Ok(line((measured(machine, rail)?.1 * per_watt).round())))
}

/// A value with six decimals, zero until the chip is switched on.
fn switched(
    rail: usize,
    read: impl Fn(&mut Machine) -> Result<f64, Refusal> + Send + Sync + 'static,
) -> Attribute {
    Attribute::shown(move |machine| {
        let value = match machine.is_on(rail) {
            true => read(machine)?,
            false => 0.0,
        };
        Ok(format!("{value:.6}\n"))
    })
}
