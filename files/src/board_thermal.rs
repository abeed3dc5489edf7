//! Heat flow, cooling devices and firmware limits of a board file.

use dynd_vocab::Watts;
use dynd_vocab::blueprint::{
    CoolerPlan, FirmwareLimit, LimitTrigger, Outside, ThermalLink, ThermalNode, ThermalPlan,
};

use crate::board::{Names, names_of, origin};
use crate::fault::Fault;
use crate::field::Field;
use crate::physical::{clock, heat_capacity, power, resistance, temperature};
use crate::quantity::time;
use crate::section::{Section, index_of};

const COOLER_KEYS: [&str; 5] = ["name", "lowers", "max-state", "grade", "source"];
const THERMAL_KEYS: [&str; 6] = ["ambient", "base-node", "node", "link", "grade", "source"];
const LIMIT_KEYS: [&str; 11] = [
    "name", "node", "at", "release", "above", "below", "slows", "floor", "period", "grade", "source",
];
const AMBIENT: &str = "ambient";

/// All `[[cooler]]`s.
pub(crate) fn coolers(fields: &[Field<'_>], names: &Names<'_>) -> Result<Vec<CoolerPlan>, Fault> {
    names_of(fields.iter())?;
    fields.iter().map(|field| cooler(field, names)).collect()
}

fn cooler(field: &Field<'_>, names: &Names<'_>) -> Result<CoolerPlan, Fault> {
    let section = Section::open(field, &COOLER_KEYS)?;
    Ok(CoolerPlan {
        name: section.need("name", "name = \"pwm-fan\"")?.name()?.into(),
        processor: match section.get("lowers") {
            Some(field) => Some(index_of(field, "processor", &names.processors)?),
            None => None,
        },
        max_state: section
            .need("max-state", "max-state = 3")?
            .integer_within(1, 255)? as u32,
        origin: origin(&section, names)?,
    })
}

/// The `[thermal]` network.
pub(crate) fn network(field: &Field<'_>, names: &Names<'_>) -> Result<ThermalPlan, Fault> {
    let section = Section::open(field, &THERMAL_KEYS)?;
    let base_node = section.need("base-node", "base-node = \"board\"")?;
    let links = section.items("link")?;
    let plan = ThermalPlan {
        ambient: temperature(section.need("ambient", "ambient = \"25 °C\"")?)?,
        nodes: section
            .items("node")?
            .iter()
            .map(node)
            .collect::<Result<_, _>>()?,
        links: links
            .iter()
            .map(|field| link(field, names))
            .collect::<Result<_, _>>()?,
        base_node: index_of(base_node, "node", &names.nodes)?,
        origin: origin(&section, names)?,
    };
    match (0..plan.nodes.len()).find(|&node| !reaches_ambient(&plan, node)) {
        Some(node) => Err(section
            .fault(format!("no heat leaves the node \"{}\"", plan.nodes[node].name))
            .help("link every node to \"ambient\", directly or through others")),
        None => Ok(plan),
    }
}

/// Whether heat of `node` finds a way out.
fn reaches_ambient(plan: &ThermalPlan, node: usize) -> bool {
    let mut reached = vec![false; plan.nodes.len()];
    let mut next = vec![node];
    while let Some(node) = next.pop() {
        if std::mem::replace(&mut reached[node], true) {
            continue;
        }
        for link in &plan.links {
            match link.outside {
                Outside::Ambient if link.node == node => return true,
                Outside::Node(other) if link.node == node => next.push(other),
                Outside::Node(other) if other == node => next.push(link.node),
                _ => {}
            }
        }
    }
    false
}

fn node(field: &Field<'_>) -> Result<ThermalNode, Fault> {
    let section = Section::open(field, &["name", "capacity"])?;
    Ok(ThermalNode {
        name: section.need("name", "name = \"die\"")?.name()?.into(),
        capacity: heat_capacity(section.need("capacity", "capacity = \"0.4 J/K\"")?)?,
    })
}

fn link(field: &Field<'_>, names: &Names<'_>) -> Result<ThermalLink, Fault> {
    let section = Section::open(field, &["from", "to", "resistance"])?;
    let from = section.need("from", "from = \"die\"")?;
    let to = section.need("to", "to = \"ambient\"")?;
    let node = index_of(from, "node", &names.nodes)?;
    let known: Vec<_> = names.nodes.iter().copied().chain([AMBIENT]).collect();
    let outside = match index_of(to, "node", &known)? {
        far if far == names.nodes.len() => Outside::Ambient,
        far if far == node => return Err(to.fault("a link joins two different nodes")),
        far => Outside::Node(far),
    };
    let figure = section.need("resistance", "resistance = \"6.1 K/W\"")?;
    let resistance = if figure.is_text() {
        vec![resistance(figure)?]
    } else {
        figure
            .items()?
            .iter()
            .map(resistance)
            .collect::<Result<Vec<_>, _>>()?
    };
    if resistance.is_empty() {
        return Err(figure.fault("resistance must hold one figure for each state of the fan"));
    }
    Ok(ThermalLink {
        node,
        outside,
        resistance,
    })
}

/// All `[[limit]]`s.
pub(crate) fn limits(fields: &[Field<'_>], names: &Names<'_>) -> Result<Vec<FirmwareLimit>, Fault> {
    fields.iter().map(|field| limit(field, names)).collect()
}

fn limit(field: &Field<'_>, names: &Names<'_>) -> Result<FirmwareLimit, Fault> {
    let section = Section::open(field, &LIMIT_KEYS)?;
    let slowed = section.need("slows", "slows = [\"big\"]")?;
    let mut processors = Vec::new();
    for item in slowed.items()? {
        processors.push(index_of(&item, "processor", &names.processors)?);
    }
    Ok(FirmwareLimit {
        name: section
            .need("name", "name = \"soft temperature limit\"")?
            .name()?
            .into(),
        trigger: trigger(&section, names)?,
        processors,
        floor: clock(section.need("floor", "floor = \"600 MHz\"")?)?,
        period: time(section.need("period", "period = \"100 ms\"")?)?,
        origin: origin(&section, names)?,
    })
}

fn trigger(section: &Section<'_>, names: &Names<'_>) -> Result<LimitTrigger, Fault> {
    if let Some(above) = section.get("above") {
        let below = section.need("below", "below = \"14 W\"")?;
        let (above, release): (Watts, Watts) = (power(above)?, power(below)?);
        if release > above {
            return Err(below.fault("below must not be more than above"));
        }
        return Ok(LimitTrigger::Power { above, release });
    }
    let release_at = section.need("release", "release = \"78 °C\"")?;
    let at = temperature(section.need("at", "at = \"80 °C\"")?)?;
    let release = temperature(release_at)?;
    if release > at {
        return Err(release_at.fault("release must not be hotter than at"));
    }
    Ok(LimitTrigger::Heat {
        node: index_of(section.need("node", "node = \"die\"")?, "node", &names.nodes)?,
        at,
        release,
    })
}
