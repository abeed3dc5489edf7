//! The `[[event]]`s of a scenario.

use dynd_vocab::{Blueprint, Celsius, Hertz, Seconds, Watts};

use crate::fault::Fault;
use crate::field::Field;
use crate::policy::{power_budget, temperature_limit};
use crate::quantity::time;
use crate::scenario::{ceiling, processor};
use crate::section::{Section, index_of, one_of};

const ACTIONS: [&str; 7] = ["arrive", "leave", "crash", "clock", "target", "budget", "sensor"];
const KEYS: [&str; 8] = [
    "at", "arrive", "leave", "crash", "clock", "target", "budget", "sensor",
];
const FAILURES: [SensorFailure; 3] = [
    SensorFailure::Unreadable,
    SensorFailure::Stuck,
    SensorFailure::Mended,
];

/// Something that happens at one moment of a scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct ScenarioEvent {
    /// When, counted from the start.
    pub at: Seconds,
    /// What.
    pub action: ScenarioAction,
}

/// What happens. Apps, loads, processors and sensors go by index.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ScenarioAction {
    /// An app opens its session.
    Arrive(usize),
    /// An app ends its session.
    Leave(usize),
    /// An app dies in mid-inference.
    Crash(usize),
    /// Work that nobody manages begins.
    LoadArrives(usize),
    /// It ends.
    LoadLeaves(usize),
    /// Somebody with more say than any controller lets the clock of a processor go no higher than this.
    Clock {
        /// The processor.
        processor: usize,
        /// The highest clock from now on.
        max: Hertz,
    },
    /// An app needs another latency from now on.
    Target {
        /// The app.
        app: usize,
        /// The new target.
        latency: Seconds,
    },
    /// What the operator allows the board is another from now on.
    Budget(ScenarioBudget),
    /// A sensor fails, or is mended.
    Sensor {
        /// Which one.
        sensor: Sensor,
        /// What becomes of it.
        failure: SensorFailure,
    },
}

/// What an operator allows a board; nothing where it may do as it likes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ScenarioBudget {
    /// What it may draw.
    pub power: Option<Watts>,
    /// How hot it may get anywhere.
    pub temperature: Option<Celsius>,
}

/// A sensor of a board, by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sensor {
    /// Of power.
    Rail(usize),
    /// Of temperature.
    Zone(usize),
}

/// What becomes of a sensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SensorFailure {
    /// Reading it fails.
    Unreadable,
    /// It shows nothing but zero.
    Stuck,
    /// It works again.
    Mended,
}

impl SensorFailure {
    const fn label(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Stuck => "stuck",
            Self::Mended => "mended",
        }
    }
}

/// What the events of a scenario can name.
pub(crate) struct Names<'a> {
    pub(crate) apps: Vec<&'a str>,
    pub(crate) loads: Vec<&'a str>,
    pub(crate) board: &'a Blueprint,
}

/// Reads all of them; they must stand in the order in which they happen, within `duration`.
pub(crate) fn read_all(
    items: &[Field<'_>],
    names: &Names<'_>,
    duration: Seconds,
) -> Result<Vec<ScenarioEvent>, Fault> {
    let mut events: Vec<ScenarioEvent> = Vec::new();
    for item in items {
        let part = Section::open(item, &KEYS)?;
        let at = part.need("at", "at = \"2.5 s\"")?;
        let event = ScenarioEvent {
            at: time(at)?,
            action: action(&part, names)?,
        };
        if event.at >= duration {
            return Err(at.fault(format!(
                "this is after the end of the scenario, which lasts {duration}"
            )));
        }
        if let Some(last) = events.last().filter(|last| last.at > event.at) {
            return Err(at
                .fault(format!(
                    "events must stand in order: the one before is at {}",
                    last.at
                ))
                .help("move this one up"));
        }
        events.push(event);
    }
    Ok(events)
}

fn action(part: &Section<'_>, names: &Names<'_>) -> Result<ScenarioAction, Fault> {
    let given: Vec<_> = ACTIONS.iter().filter_map(|key| part.get(key)).collect();
    let [field] = given.as_slice() else {
        return Err(part
            .fault(format!(
                "an event must say one thing that happens, not {}",
                given.len()
            ))
            .help(format!("it is one of {}", ACTIONS.join(", "))));
    };
    match field.key {
        "arrive" | "leave" => come_and_go(field, names),
        "crash" => index_of(field, "app", &names.apps).map(ScenarioAction::Crash),
        "clock" => {
            let part = Section::open(field, &["processor", "max"])?;
            let processor = processor(part.need("processor", "processor = \"gpu\"")?, names.board)?;
            let max = ceiling(part.need("max", "max = \"803 MHz\"")?, names.board, processor)?;
            Ok(ScenarioAction::Clock { processor, max })
        }
        "target" => {
            let part = Section::open(field, &["app", "latency"])?;
            Ok(ScenarioAction::Target {
                app: index_of(part.need("app", "app = \"camera\"")?, "app", &names.apps)?,
                latency: time(part.need("latency", "latency = \"40 ms\"")?)?,
            })
        }
        "budget" => {
            let part = Section::open(field, &["power", "temperature"])?;
            Ok(ScenarioAction::Budget(ScenarioBudget {
                power: part.get("power").map(power_budget).transpose()?,
                temperature: part.get("temperature").map(temperature_limit).transpose()?,
            }))
        }
        _ => sensor(field, names.board),
    }
}

fn come_and_go(field: &Field<'_>, names: &Names<'_>) -> Result<ScenarioAction, Fault> {
    let all: Vec<_> = names.apps.iter().chain(&names.loads).copied().collect();
    let index = index_of(field, "app or load", &all)?;
    let arrives = field.key == "arrive";
    Ok(match index.checked_sub(names.apps.len()) {
        None if arrives => ScenarioAction::Arrive(index),
        None => ScenarioAction::Leave(index),
        Some(load) if arrives => ScenarioAction::LoadArrives(load),
        Some(load) => ScenarioAction::LoadLeaves(load),
    })
}

fn sensor(field: &Field<'_>, board: &Blueprint) -> Result<ScenarioAction, Fault> {
    let part = Section::open(field, &["name", "becomes"])?;
    let rails = board.rails.iter().map(|rail| rail.name.as_str());
    let zones = board.zones.iter().map(|zone| zone.name.as_str());
    let names: Vec<_> = rails.chain(zones).collect();
    let index = index_of(part.need("name", "name = \"VDD_IN\"")?, "sensor", &names)?;
    let sensor = match index.checked_sub(board.rails.len()) {
        None => Sensor::Rail(index),
        Some(zone) => Sensor::Zone(zone),
    };
    let becomes = part.need("becomes", "becomes = \"unreadable\"")?;
    let failure = one_of(becomes, "failure", &FAILURES, SensorFailure::label)?;
    Ok(ScenarioAction::Sensor { sensor, failure })
}
