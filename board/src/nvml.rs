//! GPUs of NVIDIA's driver for PCs, which shows their clocks, load, power and temperature only through a library of its
//! own (NVML), loaded at run time if it is there.
//!
//! Of the machine at hand only, and only where the kernel shows no GPU itself: on Jetsons devfreq tells more. Their clocks are
//! observed, not set. Whoever has the library open keeps a laptop's GPU from being switched off.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use dynd_vocab::{BoardDescription, Celsius, Hertz, PowerRail, ProcessorKind, Sample, ThermalZone, Watts};
use nvml_wrapper::enum_wrappers::device::{Clock, TemperatureSensor};
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::{Device, Nvml};

use crate::devfreq;
use crate::problem::ProblemLog;
use crate::sensor::Reader;
use crate::source::{ProcessorSource, Sources};
use crate::{Fault, Loss};

/// What the driver installs beside itself.
pub(crate) const LIBRARY: &str = "libnvidia-ml.so.1";

/// No GPU is faster, in MHz…
const FASTEST: u32 = 20_000;
/// …draws more, in milliwatts…
const STRONGEST: u32 = 10_000_000;
/// …or works when it is hotter, in °C.
const HOTTEST: u32 = 150;

/// The GPUs that the library knows.
#[derive(Debug)]
pub(crate) struct Cards {
    nvml: Nvml,
    cards: Vec<Card>,
}

/// One GPU: what of it can be asked for, by the name under which a problem of it is told.
#[derive(Debug)]
struct Card {
    index: u32,
    /// As its maker calls it.
    name: String,
    opps: Vec<Hertz>,
    clock: PathBuf,
    load: PathBuf,
    /// Absent on cards that do not measure it.
    power: Option<PathBuf>,
    /// The same.
    temperature: Option<PathBuf>,
}

impl Cards {
    /// The GPUs that `library` knows; none without library or GPU. A library that does not work is a problem.
    pub(crate) fn open(library: &str, log: &mut ProblemLog) -> Option<Self> {
        let nvml = match Nvml::builder().lib_path(OsStr::new(library)).init() {
            Err(NvmlError::LibloadingError(_)) => return None,
            nvml => log.settle(Path::new(library), Loss::Load, nvml.map_err(fault))?,
        };
        let count = log.settle(Path::new(library), Loss::Load, nvml.device_count().map_err(fault))?;
        let card = |index| {
            nvml.device_by_index(index)
                .ok()
                .map(|device| Card::new(index, &device))
        };
        let cards: Vec<Card> = (0..count).filter_map(card).collect();
        (!cards.is_empty()).then_some(Self { nvml, cards })
    }

    /// Adds them to `board`: processors, rails and zones, behind those that it has.
    pub(crate) fn describe(&self, board: &mut BoardDescription) {
        for (number, card) in self.cards.iter().enumerate() {
            let mut processor = devfreq::processor(ProcessorKind::Gpu, card.opps.clone());
            let numbered = |name: &str| match self.cards.len() {
                1 => name.to_owned(),
                _ => format!("{name}{number}"),
            };
            processor.name = numbered("gpu");
            board.processors.push(processor);
            board.rails.extend(card.power.iter().map(|_| PowerRail {
                name: numbered(&card.name),
                within: None,
            }));
            board.zones.extend(card.temperature.iter().map(|_| ThermalZone {
                name: numbered(&card.name),
                trips: Vec::new(),
            }));
        }
    }

    /// Adds what stands behind their values to `sources`.
    pub(crate) fn trace(&self, sources: &mut Sources) {
        for card in &self.cards {
            sources.processors.push(ProcessorSource {
                governor: None,
                clock: Some(card.clock.clone()),
                load: Some(card.load.clone()),
            });
            sources
                .rails
                .extend(card.power.iter().map(|path| vec![path.clone()]));
            sources.zones.extend(card.temperature.clone());
        }
    }

    /// Adds what they show to `into`, in the order of the description.
    pub(crate) fn sample(&self, reader: &mut Reader<'_>, into: &mut Sample) {
        for card in &self.cards {
            let device = self.nvml.device_by_index(card.index);
            let device = reader.log.settle(&card.load, Loss::Load, device.map_err(fault));
            let mut ask = |path, lost, question: Question| {
                let answer = question.of(device.as_ref()?);
                reader.log.settle(path, lost, answer)
            };
            let clock = ask(&card.clock, Loss::Clock, Question::Clock);
            into.clocks
                .push(clock.map(|mhz| Hertz::from_khz(u64::from(mhz) * 1000)));
            let load = ask(&card.load, Loss::Load, Question::Load);
            into.loads.push(load.map(|percent| f64::from(percent) / 100.0));
            into.counters.push(None);
            into.rails.extend(card.power.iter().map(|path| {
                let milliwatts = ask(path, Loss::Power, Question::Power)?;
                Some(Watts::new(f64::from(milliwatts) / 1e3))
            }));
            into.zones.extend(card.temperature.iter().map(|path| {
                let degrees = ask(path, Loss::Temperature, Question::Temperature)?;
                Some(Celsius::new(f64::from(degrees)))
            }));
        }
    }
}

impl Card {
    fn new(index: u32, device: &Device<'_>) -> Self {
        let path = |what: &str| PathBuf::from(format!("nvml:{index}/{what}"));
        let there = |question: Question, what| match question.of(device) {
            Err(Fault::Absent) => None,
            _ => Some(path(what)),
        };
        Self {
            index,
            name: device.name().unwrap_or_else(|_| "GPU".into()),
            opps: opps(device),
            clock: path("clock"),
            load: path("load"),
            power: there(Question::Power, "power"),
            temperature: there(Question::Temperature, "temperature"),
        }
    }
}

/// The clocks that it can have while its memory runs at its highest, ascending; empty where the driver does not tell.
fn opps(device: &Device<'_>) -> Vec<Hertz> {
    let memory = device.supported_memory_clocks().unwrap_or_default();
    let memory = memory.into_iter().max();
    let clocks = memory.and_then(|memory| device.supported_graphics_clocks(memory).ok());
    let mut clocks: Vec<Hertz> = clocks
        .unwrap_or_default()
        .into_iter()
        .filter(|mhz| (1..=FASTEST).contains(mhz))
        .map(|mhz| Hertz::from_khz(u64::from(mhz) * 1000))
        .collect();
    clocks.sort_unstable();
    clocks.dedup();
    clocks
}

/// What a card is asked.
#[derive(Clone, Copy, Debug)]
enum Question {
    /// In MHz.
    Clock,
    /// In percent of the time.
    Load,
    /// In milliwatts.
    Power,
    /// In °C.
    Temperature,
}

impl Question {
    /// The answer, if it can be true.
    fn of(self, device: &Device<'_>) -> Result<u32, Fault> {
        let (answer, most, unit) = match self {
            Self::Clock => (device.clock_info(Clock::Graphics), FASTEST, "MHz"),
            Self::Load => (
                device.utilization_rates().map(|rates| rates.gpu),
                100,
                "% of the time",
            ),
            Self::Power => (device.power_usage(), STRONGEST, "mW"),
            Self::Temperature => (device.temperature(TemperatureSensor::Gpu), HOTTEST, "°C"),
        };
        match answer.map_err(fault)? {
            value if value <= most => Ok(value),
            value => Err(Fault::Implausible(format!("{value} {unit}"))),
        }
    }
}

fn fault(error: NvmlError) -> Fault {
    match error {
        NvmlError::NotSupported | NvmlError::FailedToLoadSymbol(_) => Fault::Absent,
        error => Fault::Unreadable(error.to_string()),
    }
}

#[cfg(test)]
mod tests;
