//! Scenarios: what happens on a virtual board while it is watched. `scenarios/*.toml`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use dynd_vocab::{Blueprint, Celsius, Hertz, Objective, Quality, Requirement, Seconds};

use crate::error::FileError;
use crate::fault::Fault;
use crate::field::{Field, fields};
use crate::physical::{clock, temperature};
use crate::published::PublishedModel;
use crate::quantity::time;
use crate::rule::{percentile, quality};
use crate::scenario_event::{self, ScenarioEvent};
use crate::section::{Section, index_of, one_of};
use crate::shipped::{board_names, find_board, find_published, published_names};
use crate::source::{Source, read};
use crate::suggestion::quoted;

const KEYS: [&str; 12] = [
    "title",
    "source",
    "board",
    "duration",
    "objective",
    "warm",
    "governor",
    "clock",
    "board-error",
    "app",
    "load",
    "event",
];
const APP_KEYS: [&str; 14] = [
    "name",
    "model",
    "latency",
    "percentile",
    "min-quality",
    "priority",
    "period",
    "arrivals",
    "processors",
    "noise",
    "scale",
    "largest",
    "threads",
    "profile",
];
const LOAD_KEYS: [&str; 5] = ["name", "processor", "threads", "busy", "idle"];

/// More of anything than a scenario needs; keeps a run within reason.
const MOST: usize = 1000;

/// What happens on a virtual board.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// Its file.
    pub path: PathBuf,
    /// What it is called: its file without the ending.
    pub name: String,
    /// What it shows, in one line.
    pub title: String,
    /// Whose experiment it follows, and what was assumed.
    pub source: String,
    /// The board, as its file is called, and what it is.
    pub board: (String, Blueprint),
    /// How long it lasts.
    pub duration: Seconds,
    /// What the operator aims for.
    pub objective: Objective,
    /// How warm every part of the board is at the start; as its surroundings if absent.
    pub warm: Option<Celsius>,
    /// The governor that is in charge at the start wherever the kernel offers it; those of the board file if absent.
    pub governor: Option<String>,
    /// The bounds that users set before: processor, lowest and highest clock.
    pub clocks: Vec<(usize, Hertz, Hertz)>,
    /// By which share the apps' profiles are wrong: they were measured on a board whose every figure differs by up to this.
    pub board_error: f64,
    /// The apps.
    pub apps: Vec<ScenarioApp>,
    /// Work that nobody manages.
    pub loads: Vec<ScenarioLoad>,
    /// What happens, in order.
    pub events: Vec<ScenarioEvent>,
}

/// An app of a scenario. It is there from the start unless an event lets it arrive.
#[derive(Clone, Debug, PartialEq)]
pub struct ScenarioApp {
    /// Unique among apps and loads.
    pub name: String,
    /// What it runs.
    pub model: PublishedModel,
    /// What it needs. Without a period it infers without a pause.
    pub requirement: Requirement,
    /// How its frames arrive.
    pub arrivals: Arrivals,
    /// Higher tiers come first.
    pub priority: i32,
    /// Processors or roles it may run on; everywhere its latencies are known if empty.
    pub processors: Vec<String>,
    /// What else decides how long an inference takes.
    pub noise: NoiseShape,
    /// Its latencies are the published ones times this.
    pub scale: f64,
    /// The most cores that an inference uses.
    pub threads: u32,
    /// Whether its sub-networks were measured on this board before.
    pub profile: Profile,
}

/// How frames arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrivals {
    /// One each period; without a period, as soon as the last one is done.
    Steady,
    /// In bursts, one per period on average.
    Bursts,
}

impl Arrivals {
    /// All.
    pub const ALL: [Self; 2] = [Self::Steady, Self::Bursts];

    /// The name that files use.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Steady => "steady",
            Self::Bursts => "bursts",
        }
    }
}

/// The shape of what makes one inference longer than the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoiseShape {
    /// All take the same.
    None,
    /// A few per cent, rarely more.
    Light,
    /// As logged beside another app: now and then twice the median.
    Heavy,
    /// Calm and rough times that last for seconds.
    Bursty,
}

impl NoiseShape {
    /// All.
    pub const ALL: [Self; 4] = [Self::None, Self::Light, Self::Heavy, Self::Bursty];

    /// The name that files use.
    pub const fn label(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Light => "light",
            Self::Heavy => "heavy",
            Self::Bursty => "bursty",
        }
    }
}

/// Whether an app knows its latencies when it arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// They were measured on this board.
    Measured,
    /// Nobody measured them.
    None,
}

impl Profile {
    /// All.
    pub const ALL: [Self; 2] = [Self::Measured, Self::None];

    /// The name that files use.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::None => "none",
        }
    }
}

/// Work that nobody manages: it is busy, idles, and is busy again. It is there from the start unless an event lets it arrive.
#[derive(Clone, Debug, PartialEq)]
pub struct ScenarioLoad {
    /// Unique among apps and loads.
    pub name: String,
    /// Index of the processor.
    pub processor: usize,
    /// On how many of its cores; 1 on an accelerator.
    pub threads: u32,
    /// What it does at a time, as time alone at the processor's highest clock.
    pub busy: Seconds,
    /// How long it rests between; none for work without a pause.
    pub idle: Option<Seconds>,
}

/// Reads the scenario at `path`.
///
/// # Errors
/// If the file cannot be read, or says something that does not hold.
pub fn load_scenario(path: &Path) -> Result<Scenario, FileError> {
    parse_scenario(path, &read(path)?)
}

/// Like [`load_scenario`] for a text already read; `path` names it in messages.
///
/// # Errors
/// If the text, or the board or a model that it names, says something that does not hold.
pub fn parse_scenario(path: &Path, text: &str) -> Result<Scenario, FileError> {
    let source = Source { path, text };
    scenario(source).map_err(|fault| source.explain(fault))
}

fn scenario(source: Source<'_>) -> Result<Scenario, Fault> {
    let tree = source.tree()?;
    let section = Section::new(0..0, fields(tree.get_ref()), &KEYS)?;
    let board = board(section.need("board", "board = \"jetson-xavier-nx\"")?)?;
    let duration = time(section.need("duration", "duration = \"60 s\"")?)?;
    let apps: Vec<ScenarioApp> = limited(&section, "app")?
        .iter()
        .map(|item| app(item, &board))
        .collect::<Result<_, _>>()?;
    if apps.is_empty() {
        return Err(section
            .fault("the scenario has no app")
            .help("describe each one below a line [[app]]"));
    }
    let loads: Vec<ScenarioLoad> = limited(&section, "load")?
        .iter()
        .map(|item| load(item, &board.1))
        .collect::<Result<_, _>>()?;
    unique(&section)?;
    let names = scenario_event::Names {
        apps: apps.iter().map(|app| app.name.as_str()).collect(),
        loads: loads.iter().map(|load| load.name.as_str()).collect(),
        board: &board.1,
    };
    let events = scenario_event::read_all(&limited(&section, "event")?, &names, duration)?;
    let objective = section.need("objective", "objective = \"max-quality\"")?;
    let error = section.get("board-error");
    Ok(Scenario {
        path: source.path.into(),
        name: source
            .path
            .file_stem()
            .map_or_else(String::new, |stem| stem.to_string_lossy().into_owned()),
        title: section.need("title", "title = \"…\"")?.name()?.into(),
        source: section.need("source", "source = \"…\"")?.name()?.into(),
        duration,
        objective: one_of(objective, "objective", &Objective::ALL, Objective::label)?,
        warm: section.get("warm").map(temperature).transpose()?,
        governor: section
            .get("governor")
            .map(|field| governor(field, &board.1))
            .transpose()?,
        clocks: limited(&section, "clock")?
            .iter()
            .map(|item| clocks(item, &board.1))
            .collect::<Result<_, _>>()?,
        board_error: error.map_or(Ok(0.0), crate::published::share)?,
        board,
        apps,
        loads,
        events,
    })
}

fn clocks(item: &Field<'_>, board: &Blueprint) -> Result<(usize, Hertz, Hertz), Fault> {
    let part = Section::open(item, &["processor", "min", "max"])?;
    let processor = processor(part.need("processor", "processor = \"big0\"")?, board)?;
    let low = clock(part.need("min", "min = \"1190.4 MHz\"")?)?;
    let high = ceiling(part.need("max", "max = \"1420.8 MHz\"")?, board, processor)?;
    if low > high {
        return Err(part.fault("min must not be above max"));
    }
    Ok((processor, low, high))
}

fn governor(field: &Field<'_>, board: &Blueprint) -> Result<String, Fault> {
    let offered: BTreeSet<&str> = board
        .silicon()
        .flat_map(|silicon| silicon.governors.iter().map(String::as_str))
        .collect();
    let offered: Vec<&str> = offered.into_iter().collect();
    index_of(field, "governor", &offered).map(|index| offered[index].to_owned())
}

fn limited<'t>(section: &Section<'t>, key: &str) -> Result<Vec<Field<'t>>, Fault> {
    let items = section.items(key)?;
    match items.get(MOST) {
        Some(item) => Err(item.fault(format!("more than {MOST} tables [[{key}]]"))),
        None => Ok(items),
    }
}

fn board(field: &Field<'_>) -> Result<(String, Blueprint), Fault> {
    let name = field.name()?;
    if !board_names().any(|known| known == name) && !Path::new(name).exists() {
        let known: Vec<_> = board_names().collect();
        return Err(Fault::unknown(field.span.clone(), "board", name, &known));
    }
    let board = find_board(name).map_err(|error| field.fault(format!("the board is refused: {error}")))?;
    let stem = Path::new(name)
        .file_stem()
        .map_or(name.into(), |stem| stem.to_string_lossy());
    Ok((stem.into_owned(), board))
}

fn app(item: &Field<'_>, (board_name, board): &(String, Blueprint)) -> Result<ScenarioApp, Fault> {
    let part = Section::open(item, &APP_KEYS)?;
    let mut model = model(part.need("model", "model = \"dynamic-ofa\"")?, board_name)?;
    if let Some(field) = part.get("largest") {
        let subnetworks = model.table.subnetworks.iter();
        let names: Vec<_> = subnetworks.map(|each| each.name.as_str()).collect();
        let largest = index_of(field, "sub-network", &names)?;
        model.keep(largest + 1);
    }
    let period = part.get("period").map(time).transpose()?;
    let choose = part.get("arrivals").map_or(Ok(Arrivals::Steady), |field| {
        one_of(field, "kind of arrivals", &Arrivals::ALL, Arrivals::label)
    });
    let arrivals = choose?;
    if let (Arrivals::Bursts, None) = (arrivals, period) {
        return Err(Fault::missing(item.span.clone(), "period", "period = \"100 ms\""));
    }
    let noise = part.get("noise").map_or(Ok(NoiseShape::Light), |field| {
        one_of(field, "noise", &NoiseShape::ALL, NoiseShape::label)
    });
    let profile = part.get("profile").map_or(Ok(Profile::Measured), |field| {
        one_of(field, "profile", &Profile::ALL, Profile::label)
    });
    let priority = part.get("priority").map_or(Ok(0), |field| {
        field
            .integer_within(i32::MIN.into(), i32::MAX.into())
            .map(|tier| tier as i32)
    });
    let threads = part.get("threads").map_or(Ok(128), |field| {
        field.integer_within(1, 128).map(|threads| threads as u32)
    });
    Ok(ScenarioApp {
        name: part.need("name", "name = \"camera\"")?.name()?.into(),
        model,
        requirement: Requirement {
            latency: time(part.need("latency", "latency = \"60 ms\"")?)?,
            percentile: percentile(part.need("percentile", "percentile = 95")?)?,
            min_quality: part.get("min-quality").map_or(Ok(Quality::ZERO), quality)?,
            period,
        },
        arrivals,
        priority: priority?,
        processors: processors(&part, board)?,
        noise: noise?,
        scale: part.get("scale").map_or(Ok(1.0), scale)?,
        threads: threads?,
        profile: profile?,
    })
}

fn model(field: &Field<'_>, board: &str) -> Result<PublishedModel, Fault> {
    let name = field.name()?;
    let known: Vec<_> = published_names().collect();
    if !known.contains(&name) && !Path::new(name).exists() {
        return Err(Fault::unknown(field.span.clone(), "model", name, &known));
    }
    let model =
        find_published(name).map_err(|error| field.fault(format!("the model is refused: {error}")))?;
    if model.places.iter().any(|place| place.board == board) {
        return Ok(model);
    }
    let boards: Vec<_> = model.places.iter().map(|place| place.board.as_str()).collect();
    Err(field
        .fault(format!("no latency of {} is known on {board}", quoted(name)))
        .help(format!("they are known on {}", boards.join(", "))))
}

fn processors(part: &Section<'_>, board: &Blueprint) -> Result<Vec<String>, Fault> {
    let names = processor_names(board);
    let roles = ["little", "mid", "big", "gpu", "npu"];
    let known: Vec<_> = names.iter().map(String::as_str).chain(roles).collect();
    let items = part.items("processors")?;
    let name = |item: &Field<'_>| index_of(item, "processor", &known).map(|index| known[index].to_owned());
    items.iter().map(name).collect()
}

fn load(item: &Field<'_>, board: &Blueprint) -> Result<ScenarioLoad, Fault> {
    let part = Section::open(item, &LOAD_KEYS)?;
    let processor = processor(part.need("processor", "processor = \"gpu\"")?, board)?;
    let cores = board
        .clusters
        .get(processor)
        .map_or(1, |cluster| cluster.cpus.len());
    let threads = part.get("threads").map_or(Ok(cores), |field| {
        field
            .integer_within(1, cores.into())
            .map(|threads| threads as u32)
    });
    Ok(ScenarioLoad {
        name: part
            .need("name", "name = \"plant classification\"")?
            .name()?
            .into(),
        processor,
        threads: threads?,
        busy: time(part.need("busy", "busy = \"15 ms\"")?)?,
        idle: part.get("idle").map(time).transpose()?,
    })
}

/// The index of the processor that `field` names.
pub(crate) fn processor(field: &Field<'_>, board: &Blueprint) -> Result<usize, Fault> {
    let names = processor_names(board);
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    index_of(field, "processor", &names)
}

fn processor_names(board: &Blueprint) -> Vec<String> {
    board.silicon().map(|silicon| silicon.name.clone()).collect()
}

/// Refuses two apps or loads of one name.
fn unique(section: &Section<'_>) -> Result<(), Fault> {
    let mut seen: Vec<(&str, std::ops::Range<usize>)> = Vec::new();
    for item in section.items("app")?.iter().chain(&section.items("load")?) {
        let fields = item.fields()?;
        for field in fields.iter().filter(|field| field.key == "name") {
            let name = field.name()?;
            if let Some((_, first)) = seen.iter().find(|(known, _)| *known == name) {
                let message = format!("{} is defined a second time; the first stands", quoted(name));
                return Err(field.fault(message).first(first));
            }
            seen.push((name, field.span.clone()));
        }
    }
    Ok(())
}

fn scale(field: &Field<'_>) -> Result<f64, Fault> {
    let scale = field.number()?;
    if (0.01..=100.0).contains(&scale) {
        Ok(scale)
    } else {
        Err(field.fault("scale must be from 0.01 to 100"))
    }
}

/// A clock of `processor`, at least its lowest.
pub(crate) fn ceiling(field: &Field<'_>, board: &Blueprint, processor: usize) -> Result<Hertz, Fault> {
    let ceiling = clock(field)?;
    let silicon = board.silicon().nth(processor);
    match silicon.map(|silicon| silicon.opps[0].clock) {
        Some(lowest) if ceiling < lowest => {
            Err(field.fault(format!("{} must be at least {lowest}", field.key)))
        }
        _ => Ok(ceiling),
    }
}
