//! Processors and memory of a board file.

use std::ops::Range;

use dynd_vocab::blueprint::{
    AcceleratorPlan, ClusterPlan, Grade, LoadUnit, MemoryPlan, Opp, Origin, PowerCoefficients, Silicon,
};
use dynd_vocab::{CpuSet, Hertz, ProcessorKind, Seconds};

use crate::board::{Names, origin};
use crate::fault::Fault;
use crate::field::Field;
use crate::physical::{bandwidth, capacitance, energy_per_byte, growth, power};
use crate::quantity::time;
use crate::section::{Section, index_of, one_of};

const SILICON_KEYS: [&str; 11] = [
    "name",
    "opps",
    "voltages",
    "real-clock",
    "power",
    "node",
    "governor",
    "governors",
    "transition-latency",
    "grade",
    "source",
];
const CLUSTER_KEYS: [&str; 7] = [
    "core",
    "cpus",
    "policy",
    "capacity",
    "shown-capacity",
    "driver",
    "pmu",
];
const ACCELERATOR_KEYS: [&str; 7] = ["kind", "part", "devfreq", "load", "load-unit", "polling", "turn"];
const MEMORY_KEYS: [&str; 8] = [
    "name",
    "hz",
    "path",
    "node",
    "grade",
    "source",
    "bandwidth",
    "power",
];

/// The lowest and the highest that a voltage is, in millivolts.
const MILLIVOLTS: std::ops::RangeInclusive<f64> = 300.0..=2000.0;

/// A cluster, and where in the file it says what no other may say.
pub(crate) struct PlacedCluster {
    pub(crate) cluster: ClusterPlan,
    pub(crate) cpus: Range<usize>,
    pub(crate) policy: Range<usize>,
}

/// A `[[cpu]]`.
pub(crate) fn cluster(field: &Field<'_>, names: &Names<'_>) -> Result<PlacedCluster, Fault> {
    let known: Vec<_> = SILICON_KEYS.into_iter().chain(CLUSTER_KEYS).collect();
    let section = Section::open(field, &known)?;
    let capacity = |field: &Field<'_>| Ok::<_, Fault>(field.integer_within(1, 1024)? as u32);
    let cpus = section.need("cpus", "cpus = \"4-7\"")?;
    let policy = section.need("policy", "policy = 4")?;
    let told = capacity(section.need("capacity", "capacity = 1024")?)?;
    let cluster = ClusterPlan {
        silicon: silicon(&section, names, "khz")?,
        core: section.need("core", "core = \"Cortex-A15\"")?.name()?.into(),
        cpus: cpu_list(cpus)?,
        policy: policy.integer_within(0, i64::from(CpuSet::CAPACITY))? as u32,
        capacity: told,
        shown_capacity: section.get("shown-capacity").map_or(Ok(told), capacity)?,
        driver: optional_name(&section, "driver")?,
        pmu: optional_name(&section, "pmu")?,
    };
    Ok(PlacedCluster {
        cluster,
        cpus: cpus.span.clone(),
        policy: policy.span.clone(),
    })
}

fn optional_name(section: &Section<'_>, key: &str) -> Result<Option<String>, Fault> {
    let field = section.get(key);
    field.map(|field| Ok(field.name()?.into())).transpose()
}

fn cpu_list(field: &Field<'_>) -> Result<CpuSet, Fault> {
    let cpus: CpuSet = field
        .text()?
        .parse()
        .map_err(|error| field.fault(format!("{error}")))?;
    if cpus.is_empty() {
        Err(field.fault("a cluster needs at least one CPU"))
    } else {
        Ok(cpus)
    }
}

/// An `[[accelerator]]`.
pub(crate) fn accelerator(field: &Field<'_>, names: &Names<'_>) -> Result<AcceleratorPlan, Fault> {
    let known: Vec<_> = SILICON_KEYS.into_iter().chain(ACCELERATOR_KEYS).collect();
    let section = Section::open(field, &known)?;
    let kinds = [ProcessorKind::Gpu, ProcessorKind::Npu, ProcessorKind::Accelerator];
    let kind = section.need("kind", "kind = \"gpu\"")?;
    let load = match section.get("load") {
        Some(path) => {
            let unit = section.need("load-unit", "load-unit = \"permille\"")?;
            Some((
                path.name()?.into(),
                one_of(unit, "unit", &LoadUnit::ALL, LoadUnit::label)?,
            ))
        }
        None => None,
    };
    let kind = one_of(kind, "kind", &kinds, ProcessorKind::label)?;
    Ok(AcceleratorPlan {
        silicon: silicon(&section, names, "hz")?,
        kind,
        part: section.need("part", "part = \"GV11B\"")?.name()?.into(),
        devfreq: section
            .need("devfreq", "devfreq = \"/sys/class/devfreq/57000000.gpu\"")?
            .name()?
            .into(),
        load,
        polling: time(section.need("polling", "polling = \"50 ms\"")?)?,
        turn: time(section.need("turn", "turn = \"2 ms\"")?)?,
    })
}

/// What all processors have; `unit` is the key of their clocks.
fn silicon(section: &Section<'_>, names: &Names<'_>, unit: &str) -> Result<Silicon, Fault> {
    let name = section.need("name", "name = \"big\"")?.name()?;
    let opps = Section::open(section.need("opps", "[cpu.opps]")?, &[unit, "grade", "source"])?;
    let voltages = Section::open(
        section.need("voltages", "[cpu.voltages]")?,
        &["mv", "grade", "source"],
    )?;
    let clocks = clocks(opps.need(unit, "khz = [600000, 1500000]")?, unit)?;
    let volts = volts(voltages.need("mv", "mv = [900, 1100]")?, clocks.len())?;
    let opp = |(clock, volts)| Opp { clock, volts };
    let (real_clock, real_clock_origin) = real_clock(section, names)?;
    let governor = section.need("governor", "governor = \"schedutil\"")?;
    let governors = section.need("governors", "governors = [\"performance\", \"schedutil\"]")?;
    let offered: Vec<_> = governors
        .items()?
        .iter()
        .map(Field::name)
        .collect::<Result<_, _>>()?;
    let governor = offered[index_of(governor, "governor", &offered)?];
    Ok(Silicon {
        name: name.into(),
        opps: clocks.into_iter().zip(volts).map(opp).collect(),
        clocks_origin: origin(&opps, names)?,
        voltages_origin: origin(&voltages, names)?,
        real_clock,
        real_clock_origin,
        power: coefficients(section.need("power", "[cpu.power]")?, names)?,
        node: index_of(section.need("node", "node = \"die\"")?, "node", &names.nodes)?,
        governor: governor.into(),
        governors: offered.into_iter().map(String::from).collect(),
        transition_latency: section
            .get("transition-latency")
            .map_or(Ok(Seconds::ZERO), time)?,
        origin: origin(section, names)?,
    })
}

/// The clocks under `field`, ascending, in hertz or kilohertz as its key says.
fn clocks(field: &Field<'_>, unit: &str) -> Result<Vec<Hertz>, Fault> {
    let mut clocks: Vec<Hertz> = Vec::new();
    for item in field.items()? {
        let number = item.integer_within(1, 100_000_000_000)? as u64;
        let clock = match unit {
            "khz" => Hertz::from_khz(number),
            _ => Hertz::from_hz(number),
        };
        if clocks.last().is_some_and(|&last| last >= clock) {
            return Err(item
                .fault(format!("the clocks must ascend, and {number} does not"))
                .help("sort them from low to high, each once"));
        }
        clocks.push(clock);
    }
    if clocks.is_empty() {
        return Err(field.fault("a processor needs at least one clock"));
    }
    Ok(clocks)
}

/// The voltages under `field`, one for each of `count` clocks, in volts.
fn volts(field: &Field<'_>, count: usize) -> Result<Vec<f64>, Fault> {
    let items = field.items()?;
    if items.len() != count {
        let message = format!("{} voltages for {count} clocks", items.len());
        return Err(field
            .fault(message)
            .help("write one voltage for each clock, in the same order"));
    }
    let volt = |item: &Field<'_>| match item.number()? {
        millivolts if MILLIVOLTS.contains(&millivolts) => Ok(millivolts / 1e3),
        _ => Err(item.fault("a voltage must be from 300 to 2000 millivolts")),
    };
    items.iter().map(volt).collect()
}

/// The real clock over the reported one. Where the file is silent they are taken for the same.
fn real_clock(section: &Section<'_>, names: &Names<'_>) -> Result<([f64; 2], Origin), Fault> {
    let Some(field) = section.get("real-clock") else {
        let silent = Origin {
            grade: Grade::Assumed,
            source: "no measurement known".into(),
        };
        return Ok(([1.0, 1.0], silent));
    };
    let section = Section::open(field, &["at-lowest", "at-highest", "grade", "source"])?;
    let share = |field: &Field<'_>| match field.number()? {
        share if (0.1..=2.0).contains(&share) => Ok(share),
        _ => Err(field.fault(format!("{} must be from 0.1 to 2", field.key))),
    };
    let lowest = share(section.need("at-lowest", "at-lowest = 1.05")?)?;
    let highest = share(section.need("at-highest", "at-highest = 0.97")?)?;
    Ok(([lowest, highest], origin(&section, names)?))
}

fn coefficients(field: &Field<'_>, names: &Names<'_>) -> Result<PowerCoefficients, Fault> {
    let keys = ["capacitance", "uncore", "leakage", "growth", "grade", "source"];
    let section = Section::open(field, &keys)?;
    Ok(PowerCoefficients {
        capacitance: capacitance(section.need("capacitance", "capacitance = \"0.44 nF\"")?)?,
        uncore: capacitance(section.need("uncore", "uncore = \"0.1 nF\"")?)?,
        leakage: power(section.need("leakage", "leakage = \"0.1 W\"")?)?,
        leakage_growth: growth(section.need("growth", "growth = \"1.8 %/K\"")?)?,
        origin: origin(&section, names)?,
    })
}

/// The `[memory]`.
pub(crate) fn memory(field: &Field<'_>, names: &Names<'_>) -> Result<MemoryPlan, Fault> {
    let section = Section::open(field, &MEMORY_KEYS)?;
    let rate = Section::open(
        section.need("bandwidth", "[memory.bandwidth]")?,
        &["copy", "grade", "source"],
    )?;
    let drawn = Section::open(
        section.need("power", "[memory.power]")?,
        &["standby", "traffic", "grade", "source"],
    )?;
    Ok(MemoryPlan {
        name: section.need("name", "name = \"emc\"")?.name()?.into(),
        clocks: clocks(section.need("hz", "hz = [204000000, 1600000000]")?, "hz")?,
        path: optional_name(&section, "path")?,
        origin: origin(&section, names)?,
        bandwidth: bandwidth(rate.need("copy", "copy = \"9.2 GB/s\"")?)?,
        bandwidth_origin: origin(&rate, names)?,
        standby: power(drawn.need("standby", "standby = \"0.5 W\"")?)?,
        energy_per_byte: energy_per_byte(drawn.need("traffic", "traffic = \"90 mJ/GB\"")?)?,
        power_origin: origin(&drawn, names)?,
        node: index_of(section.need("node", "node = \"board\"")?, "node", &names.nodes)?,
    })
}
