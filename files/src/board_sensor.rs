//! Power rails and thermal zones of a board file.

use dynd_vocab::TripKind;
use dynd_vocab::blueprint::{
    CoolerPlan, CoolingRange, RailConvention, RailPlan, Reading, ZonePlan, ZoneTrip,
};

use crate::board::{Names, names_of, origin};
use crate::fault::Fault;
use crate::field::Field;
use crate::physical::{current, difference, percentage, temperature, voltage};
use crate::quantity::time;
use crate::section::{Section, index_of, one_of};

const RAIL_KEYS: [&str; 12] = [
    "name",
    "feeds",
    "within",
    "convention",
    "path",
    "channel",
    "voltage",
    "quantum",
    "interval",
    "noise",
    "grade",
    "source",
];
const ZONE_KEYS: [&str; 9] = [
    "name", "reads", "constant", "quantum", "noise", "polling", "trip", "grade", "source",
];
const TRIP_KEYS: [&str; 4] = ["kind", "temperature", "hysteresis", "cooling"];
const TRIP_KINDS: [TripKind; 4] = [
    TripKind::Active,
    TripKind::Passive,
    TripKind::Hot,
    TripKind::Critical,
];

/// What a rail feeds beside processors.
const MEMORY: &str = "memory";
const BASE: &str = "base";

/// What a zone says that never reads.
const NOTHING: &str = "nothing";

/// All `[[rail]]`s.
pub(crate) fn rails(fields: &[Field<'_>], names: &Names<'_>) -> Result<Vec<RailPlan>, Fault> {
    let rails = names_of(fields.iter())?;
    fields.iter().map(|field| rail(field, names, &rails)).collect()
}

fn rail(field: &Field<'_>, names: &Names<'_>, rails: &[&str]) -> Result<RailPlan, Fault> {
    let section = Section::open(field, &RAIL_KEYS)?;
    let convention = section.need("convention", "convention = \"ina3221-iio\"")?;
    let (mut processors, mut memory, mut base) = (Vec::new(), false, false);
    let known: Vec<_> = names.processors.iter().copied().chain([MEMORY, BASE]).collect();
    for fed in section.need("feeds", "feeds = [\"gpu\", \"memory\"]")?.items()? {
        match fed.text()? {
            MEMORY => memory = true,
            BASE => base = true,
            _ => processors.push(index_of(&fed, "consumer", &known)?),
        }
    }
    let name = section.need("name", "name = \"VDD_IN\"")?;
    let within = match section.get("within") {
        Some(outer) if outer.text()? == name.text()? => {
            return Err(outer.fault("a rail is not within itself"));
        }
        Some(outer) => Some(index_of(outer, "rail", rails)?),
        None => None,
    };
    Ok(RailPlan {
        name: name.name()?.into(),
        processors,
        memory,
        base,
        within,
        convention: one_of(
            convention,
            "convention",
            &RailConvention::ALL,
            RailConvention::label,
        )?,
        path: section
            .need("path", "path = \"/sys/class/hwmon/hwmonN\"")?
            .name()?
            .into(),
        channel: section.need("channel", "channel = 0")?.integer_within(0, 15)? as u32,
        volts: voltage(section.need("voltage", "voltage = \"5 V\"")?)?,
        quantum: current(section.need("quantum", "quantum = \"8 mA\"")?)?,
        interval: time(section.need("interval", "interval = \"1 ms\"")?)?,
        noise: percentage(section.need("noise", "noise = \"0.5 %\"")?)?,
        origin: origin(&section, names)?,
    })
}

/// All `[[zone]]`s.
pub(crate) fn zones(
    fields: &[Field<'_>],
    names: &Names<'_>,
    coolers: &[CoolerPlan],
) -> Result<Vec<ZonePlan>, Fault> {
    fields.iter().map(|field| zone(field, names, coolers)).collect()
}

fn zone(field: &Field<'_>, names: &Names<'_>, coolers: &[CoolerPlan]) -> Result<ZonePlan, Fault> {
    let section = Section::open(field, &ZONE_KEYS)?;
    let reading = match section.get("constant") {
        Some(constant) => Reading::Constant(temperature(constant)?),
        None => {
            let node = section.need("reads", "reads = \"die\"")?;
            match node.text()? {
                NOTHING => Reading::Unavailable,
                _ => Reading::Node(index_of(node, "node", &names.nodes)?),
            }
        }
    };
    Ok(ZonePlan {
        name: section.need("name", "name = \"cpu-thermal\"")?.name()?.into(),
        reading,
        quantum: difference(section.need("quantum", "quantum = \"500 mK\"")?)?,
        noise: difference(section.need("noise", "noise = \"100 mK\"")?)?,
        polling: time(section.need("polling", "polling = \"1 s\"")?)?,
        trips: section
            .items("trip")?
            .iter()
            .map(|field| trip(field, coolers))
            .collect::<Result<_, _>>()?,
        origin: origin(&section, names)?,
    })
}

fn trip(field: &Field<'_>, coolers: &[CoolerPlan]) -> Result<ZoneTrip, Fault> {
    let section = Section::open(field, &TRIP_KEYS)?;
    let kind = section.need("kind", "kind = \"passive\"")?;
    Ok(ZoneTrip {
        kind: one_of(kind, "kind", &TRIP_KINDS, TripKind::label)?,
        temperature: temperature(section.need("temperature", "temperature = \"85 °C\"")?)?,
        hysteresis: difference(section.need("hysteresis", "hysteresis = \"2 K\"")?)?,
        cooling: section
            .items("cooling")?
            .iter()
            .map(|field| cooling(field, coolers))
            .collect::<Result<_, _>>()?,
    })
}

fn cooling(field: &Field<'_>, coolers: &[CoolerPlan]) -> Result<CoolingRange, Fault> {
    let section = Section::open(field, &["cooler", "states"])?;
    let names: Vec<_> = coolers.iter().map(|cooler| cooler.name.as_str()).collect();
    let cooler = index_of(section.need("cooler", "cooler = \"pwm-fan\"")?, "cooler", &names)?;
    let states = section.need("states", "states = [0, 3]")?;
    let last = i64::from(coolers[cooler].max_state);
    let bounds = states.items()?;
    let [lowest, highest] = bounds.as_slice() else {
        return Err(states.fault("states must hold the first and the last state"));
    };
    let lowest = lowest.integer_within(0, last)?;
    Ok(CoolingRange {
        cooler,
        lowest: lowest as u32,
        highest: highest.integer_within(lowest, last)? as u32,
    })
}
