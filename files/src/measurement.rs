//! Published measurements that a virtual board is held against: `boards/measurements/*.toml`.
//!
//! Two kinds. `serving`: one network served by a GPU to several clients, at every clock. `dwells`: a load that stays while the
//! clocks of two clusters are stepped through, with a trace of the hottest sensor.

use std::path::Path;

use dynd_vocab::{Celsius, Hertz, Seconds};

use crate::error::FileError;
use crate::fault::Fault;
use crate::field::{Field, fields};
use crate::physical::{difference, temperature};
use crate::quantity::{bytes, read as quantity, time};
use crate::section::Section;
use crate::source::{Source, read};

const KEYS: [&str; 5] = ["kind", "board", "title", "source", "fit"];
const SERVING_KEYS: [&str; 3] = ["clients", "workload", "clock"];
const DWELLS_KEYS: [&str; 4] = ["dwells", "trace", "gpu-trace", "conditions"];

/// A published measurement.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurement {
    /// The board that was measured.
    pub board: String,
    /// What was measured.
    pub title: String,
    /// Who measured it, where.
    pub source: String,
    /// The figures.
    pub table: Table,
}

/// The figures of a measurement.
#[derive(Clone, Debug, PartialEq)]
pub enum Table {
    /// One network served by a GPU.
    Serving(Serving),
    /// A load that stays while clocks are stepped through.
    Dwells(Dwells),
}

/// One network served by a GPU to several clients.
#[derive(Clone, Debug, PartialEq)]
pub struct Serving {
    /// Time of an image that no clock shortens.
    pub stall: Seconds,
    /// Cycles of an image.
    pub cycles: f64,
    /// The cycles of each further image of a batch over those of the first.
    pub gain: f64,
    /// Bytes that an image moves.
    pub traffic: f64,
    /// Time between an answer and the same client's next question.
    pub host: Seconds,
    /// The numbers of clients that were tried.
    pub clients: Vec<u32>,
    /// What was measured at each clock, ascending.
    pub clocks: Vec<ServingClock>,
    /// The clocks at which the row of one client is one that figures of the board file are fitted on.
    pub fitted: Vec<Hertz>,
}

impl Serving {
    /// Whether something is fitted on the row of `clients` clients at `clock`.
    pub fn is_fitted(&self, clock: Hertz, clients: u32) -> bool {
        clients == 1 && self.fitted.contains(&clock)
    }
}

/// What was measured at one GPU clock.
#[derive(Clone, Debug, PartialEq)]
pub struct ServingClock {
    /// The clock.
    pub clock: Hertz,
    /// Time in the server, for each number of clients.
    pub latency: Vec<Seconds>,
    /// Mean power of the board in watts, for each number of clients.
    pub watts: Vec<f64>,
}

/// A load that stays while clocks are stepped through.
#[derive(Clone, Debug, PartialEq)]
pub struct Dwells {
    /// The state of the fan.
    pub fan: u32,
    /// Where the kernel throttled, and by how many kelvins the temperature had to fall for it to stop.
    pub throttle: (Celsius, f64),
    /// The cooling device it used, and its last state.
    pub cooler: (String, u32),
    /// The temperature of thermal nodes when it began.
    pub start: Vec<(String, Celsius)>,
    /// How many threads were busy on which cluster.
    pub threads: Vec<(String, u32)>,
    /// The dwells, in order.
    pub dwells: Vec<Dwell>,
    /// The hottest sensor over time.
    pub trace: Vec<(Seconds, Celsius)>,
    /// Which of these rows figures of the board file are fitted on.
    pub fitted: FittedDwells,
}

/// The rows of [`Dwells`] that something is fitted on. Besides these, all throughputs at the two highest clocks of the second
/// cluster are: how much was throttled is one residual of the fit.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedDwells {
    /// The power of each dwell with the first cluster at one of these clocks.
    pub first_clocks: Vec<Hertz>,
    /// One in so many readings of the trace, from the first one on.
    pub trace_every: usize,
}

impl FittedDwells {
    /// Whether something is fitted on the power of `dwell`.
    pub fn has_power(&self, dwell: &Dwell) -> bool {
        self.first_clocks.contains(&dwell.clocks[0])
    }

    /// Whether something is fitted on the reading of the trace at `index`.
    pub const fn has_reading(&self, index: usize) -> bool {
        index.is_multiple_of(self.trace_every)
    }
}

/// One pair of clocks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dwell {
    /// When it ended.
    pub until: Seconds,
    /// The clocks of the first and the second cluster.
    pub clocks: [Hertz; 2],
    /// Power of all rails in watts.
    pub watts: f64,
    /// Throughput, in a unit of the benchmark.
    pub throughput: f64,
}

/// Reads the measurement at `path`.
///
/// # Errors
/// If it cannot be read or says something that does not hold.
pub fn load_measurement(path: &Path) -> Result<Measurement, FileError> {
    parse_measurement(path, &read(path)?)
}

/// Like [`load_measurement`] for a text already read; `path` names it in messages.
///
/// # Errors
/// If the text says something that does not hold.
pub fn parse_measurement(path: &Path, text: &str) -> Result<Measurement, FileError> {
    let source = Source { path, text };
    measurement(source).map_err(|fault| source.explain(fault))
}

fn measurement(source: Source<'_>) -> Result<Measurement, Fault> {
    let tree = source.tree()?;
    let all = fields(tree.get_ref());
    let kind = all.iter().find(|field| field.key == "kind");
    let kind = kind.ok_or_else(|| Fault::missing(0..0, "kind", "kind = \"serving\""))?;
    let keys: Vec<_> = match kind.text()? {
        "serving" => KEYS.into_iter().chain(SERVING_KEYS).collect(),
        "dwells" => KEYS.into_iter().chain(DWELLS_KEYS).collect(),
        other => {
            return Err(Fault::unknown(
                kind.span.clone(),
                "kind",
                other,
                &["serving", "dwells"],
            ));
        }
    };
    let root = Section::new(0..0, all.clone(), &keys)?;
    let text = |key, example| root.need(key, example)?.name().map(String::from);
    let fit = root.need("fit", "[fit]")?;
    let table = match kind.text()? {
        "serving" => Table::Serving(serving(&root, fit)?),
        _ => Table::Dwells(dwells(&root, fit)?),
    };
    Ok(Measurement {
        board: text("board", "board = \"jetson-nano\"")?,
        title: text("title", "title = \"Inception v3\"")?,
        source: text("source", "source = \"who, where\"")?,
        table,
    })
}

/// `fit` says which rows are fitted.
fn serving(root: &Section<'_>, fit: &Field<'_>) -> Result<Serving, Fault> {
    let workload = Section::open(
        root.need("workload", "[workload]")?,
        &["stall", "cycles", "gain", "traffic", "host"],
    )?;
    let clients = root.need("clients", "clients = [1, 2, 4]")?.items()?;
    let clients: Vec<u32> = clients
        .iter()
        .map(|item| Ok(item.integer_within(1, 1000)? as u32))
        .collect::<Result<_, Fault>>()?;
    let gain = workload.need("gain", "gain = 0.6")?;
    let share = gain.number()?;
    if !(0.0..=1.0).contains(&share) {
        return Err(gain.fault("gain must be from 0 to 1"));
    }
    let count = quantity(
        workload.need("cycles", "cycles = \"32.3 Mcycle\"")?,
        &[("Mcycle", 1e6), ("Gcycle", 1e9)],
        "write a number of cycles such as \"32.3 Mcycle\"",
    )?;
    let clocks: Vec<_> = root
        .items("clock")?
        .iter()
        .map(|field| serving_clock(field, clients.len()))
        .collect::<Result<_, _>>()?;
    let fit = Section::open(fit, &["mhz"])?;
    let fitted = known_clocks(fit.need("mhz", "mhz = [306, 1109.25]")?, |clock| {
        clocks.iter().any(|row| row.clock == clock)
    })?;
    Ok(Serving {
        stall: time(workload.need("stall", "stall = \"8 ms\"")?)?,
        cycles: count,
        gain: share,
        traffic: bytes(workload.need("traffic", "traffic = \"200 MB\"")?)? as f64,
        host: time(workload.need("host", "host = \"10 ms\"")?)?,
        clocks,
        clients,
        fitted,
    })
}

fn serving_clock(field: &Field<'_>, count: usize) -> Result<ServingClock, Fault> {
    let section = Section::open(field, &["mhz", "per-second", "ms", "w"])?;
    let column = |key| -> Result<Vec<f64>, Fault> {
        let field = section.need(key, "ms = [37.8, 65.6]")?;
        let items = field.items()?;
        if items.len() == count {
            items.iter().map(Field::number).collect()
        } else {
            Err(field.fault(format!("{} figures for {count} numbers of clients", items.len())))
        }
    };
    Ok(ServingClock {
        clock: megahertz(section.need("mhz", "mhz = 1109.25")?)?,
        latency: column("ms")?.into_iter().map(Seconds::from_millis).collect(),
        watts: column("w")?,
    })
}

/// `fit` says which rows are fitted.
fn dwells(root: &Section<'_>, fit: &Field<'_>) -> Result<Dwells, Fault> {
    let keys = [
        "fan",
        "throttle",
        "hysteresis",
        "cooler",
        "states",
        "start",
        "threads",
    ];
    let then = Section::open(root.need("conditions", "[conditions]")?, &keys)?;
    let throttle = temperature(then.need("throttle", "throttle = \"95 °C\"")?)?;
    let hysteresis = difference(then.need("hysteresis", "hysteresis = \"1 K\"")?)?;
    let cooler = then.need("cooler", "cooler = \"cpufreq-cpu4\"")?.name()?.into();
    let states = then.need("states", "states = 6")?.integer_within(1, 255)? as u32;
    let start = then.need("start", "start = { big = \"56 °C\" }")?.fields()?;
    let threads = then.need("threads", "threads = { big = 4 }")?.fields()?;
    let dwells = root.need("dwells", "dwells = [[12, 1400, 2000, 7.1, 3.2]]")?;
    let dwells: Vec<Dwell> = dwells.items()?.iter().map(dwell).collect::<Result<_, _>>()?;
    let trace = root.need("trace", "trace = [[0, 56]]")?;
    Ok(Dwells {
        fan: then.need("fan", "fan = 3")?.integer_within(0, 255)? as u32,
        throttle: (throttle, hysteresis),
        cooler: (cooler, states),
        start: start
            .iter()
            .map(|field| Ok((field.key.into(), temperature(field)?)))
            .collect::<Result<_, Fault>>()?,
        threads: threads
            .iter()
            .map(|field| Ok((field.key.into(), field.integer_within(0, 128)? as u32)))
            .collect::<Result<_, Fault>>()?,
        fitted: fitted_dwells(fit, &dwells)?,
        dwells,
        trace: trace.items()?.iter().map(point).collect::<Result<_, _>>()?,
    })
}

fn fitted_dwells(field: &Field<'_>, dwells: &[Dwell]) -> Result<FittedDwells, Fault> {
    let fit = Section::open(field, &["first-mhz", "trace-every"])?;
    let every = fit.need("trace-every", "trace-every = 2")?;
    Ok(FittedDwells {
        first_clocks: known_clocks(fit.need("first-mhz", "first-mhz = [1400, 200]")?, |clock| {
            dwells.iter().any(|dwell| dwell.clocks[0] == clock)
        })?,
        trace_every: every.integer_within(1, 1_000_000)? as usize,
    })
}

/// The clocks under `field`, in MHz, at each of which something was measured, as `measured` tells.
fn known_clocks(field: &Field<'_>, measured: impl Fn(Hertz) -> bool) -> Result<Vec<Hertz>, Fault> {
    let known = |item: &Field<'_>| match megahertz(item)? {
        clock if measured(clock) => Ok(clock),
        _ => Err(item.fault("nothing was measured at this clock")),
    };
    field.items()?.iter().map(known).collect()
}

fn dwell(field: &Field<'_>) -> Result<Dwell, Fault> {
    let items = field.items()?;
    let [until, first, second, watts, throughput] = items.as_slice() else {
        return Err(field.fault("a dwell holds its end, two clocks, watts and throughput"));
    };
    Ok(Dwell {
        until: Seconds::new(until.number()?),
        clocks: [megahertz(first)?, megahertz(second)?],
        watts: watts.number()?,
        throughput: throughput.number()?,
    })
}

fn point(field: &Field<'_>) -> Result<(Seconds, Celsius), Fault> {
    let items = field.items()?;
    let [at, celsius] = items.as_slice() else {
        return Err(field.fault("a point holds seconds and degrees"));
    };
    Ok((Seconds::new(at.number()?), Celsius::new(celsius.number()?)))
}

fn megahertz(field: &Field<'_>) -> Result<Hertz, Fault> {
    let megahertz = field.number()?;
    if (0.001..=1e5).contains(&megahertz) {
        Ok(Hertz::from_hz((megahertz * 1e6).round() as u64))
    } else {
        Err(field.fault("a clock must be from 0.001 to 100000 MHz"))
    }
}
