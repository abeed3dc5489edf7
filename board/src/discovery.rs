//! What the machine consists of: reads sysfs once, describes the board and finds what observes it.
//!
//! No step asks what board it is; each asks whether there are such files. What is missing costs detail, never the
//! discovery.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use dynd_vocab::BoardDescription;

use crate::battery::{BatteryGauge, battery};
use crate::clock::Clock;
use crate::clock_domain::ClockDomain;
use crate::cpus;
use crate::devfreq::devices;
use crate::load::LoadMeter;
use crate::power::PowerMeter;
use crate::problem::ProblemLog;
use crate::rails::rails;
use crate::survey::Survey;
use crate::thermal::{CoolingState, Thermometer, cooling, zones};
use crate::{BoardError, Fault, Loss};

const MODEL: &str = "sys/firmware/devicetree/base/model";
const DMI: &str = "sys/class/dmi/id";
const PRESSURE: &str = "proc/pressure/cpu";

/// What there is.
#[derive(Debug)]
pub(crate) struct Discovery {
    pub(crate) board: BoardDescription,
    pub(crate) sensors: Sensors,
    /// Per processor, the clocks whose bounds can be set.
    pub(crate) domains: Vec<Vec<ClockDomain>>,
    /// The files that were read for it, below the root.
    pub(crate) seen: BTreeSet<PathBuf>,
}

/// What observes the board, in the order of its description.
#[derive(Debug)]
pub(crate) struct Sensors {
    /// Per processor, where its clock is governed.
    pub(crate) governors: Vec<Option<PathBuf>>,
    /// Per processor.
    pub(crate) clocks: Vec<Option<Clock>>,
    /// Per processor.
    pub(crate) loads: Vec<Option<LoadMeter>>,
    pub(crate) memory: Vec<Clock>,
    pub(crate) rails: Vec<PowerMeter>,
    pub(crate) zones: Vec<Thermometer>,
    pub(crate) cooling: Vec<CoolingState>,
    pub(crate) battery: Option<BatteryGauge>,
    /// Pressure stall information, on kernels that have it.
    pub(crate) pressure: Option<PathBuf>,
}

/// Looks at the machine below `root`.
pub(crate) fn discover(root: &Path, log: &mut ProblemLog) -> Result<Discovery, BoardError> {
    let path = || root.to_path_buf();
    fs::read_dir(root).map_err(|source| BoardError::OpenRoot { path: path(), source })?;
    let mut survey = Survey::new(root, log);
    let mut found = cpus::processors(&mut survey);
    if found.is_empty() {
        return Err(BoardError::FindCpus { path: path() });
    }
    let (accelerators, memory) = devices(&mut survey);
    found.extend(accelerators);
    let (memory, memory_clocks) = memory.into_iter().unzip();
    let (rails, meters) = rails(&mut survey).into_iter().unzip();
    let (zones, thermometers) = zones(&mut survey).into_iter().unzip();
    let (cooling, states) = cooling(&mut survey).into_iter().unzip();
    let (battery, gauge) = battery(&mut survey).unzip();
    let mut board = BoardDescription {
        name: name(&mut survey),
        processors: Vec::new(),
        memory,
        rails,
        zones,
        cooling,
        battery,
    };
    let mut sensors = Sensors {
        governors: Vec::new(),
        clocks: Vec::new(),
        loads: Vec::new(),
        memory: memory_clocks,
        rails: meters,
        zones: thermometers,
        cooling: states,
        battery: gauge,
        pressure: pressure(&mut survey),
    };
    let mut domains = Vec::new();
    for found in found {
        board.processors.push(found.processor);
        sensors.governors.push(found.dir);
        sensors.clocks.push(found.clock);
        sensors.loads.push(found.load);
        domains.push(found.domains);
    }
    Ok(Discovery {
        board,
        sensors,
        domains,
        seen: survey.seen(),
    })
}

/// What the firmware calls the board: device tree, else DMI.
fn name(survey: &mut Survey<'_>) -> String {
    if let Some(model) = survey.word(Path::new(MODEL)) {
        return model;
    }
    let dmi = Path::new(DMI);
    let names = ["sys_vendor", "product_name"].map(|file| survey.word(&dmi.join(file)));
    let names: Vec<String> = names.into_iter().flatten().collect();
    if names.is_empty() {
        "unknown board".into()
    } else {
        names.join(" ")
    }
}

/// Pressure stall information: Linux 4.20, and not disabled.
fn pressure(survey: &mut Survey<'_>) -> Option<PathBuf> {
    let path = Path::new(PRESSURE);
    if survey.exists(path) {
        return Some(survey.at(path));
    }
    survey.note(path, Loss::Stalled, Err(Fault::Absent))
}
