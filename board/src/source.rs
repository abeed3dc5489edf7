//! The files behind the values of a sample.

use std::path::{Path, PathBuf};

use crate::clock::Clock;
use crate::discovery::Sensors;
use crate::load::LoadMeter;

/// The files that a sample is read from, root included, in the order of the board's description.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// Per processor.
    pub processors: Vec<ProcessorSource>,
    /// Per memory clock.
    pub memory: Vec<PathBuf>,
    /// Per power rail: one file, or the two whose product it is.
    pub rails: Vec<Vec<PathBuf>>,
    /// Per thermal zone.
    pub zones: Vec<PathBuf>,
    /// Per cooling device.
    pub cooling: Vec<PathBuf>,
    /// The battery: its charge, its status, what its power is made of.
    pub battery: Vec<PathBuf>,
}

/// The files behind what is said of a processor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProcessorSource {
    /// The directory where its clock is governed.
    pub governor: Option<PathBuf>,
    /// Its clock.
    pub clock: Option<PathBuf>,
    /// Its load, if that is not the time of its CPUs.
    pub load: Option<PathBuf>,
}

impl Sources {
    pub(crate) fn of(sensors: &Sensors) -> Self {
        let own = Path::to_path_buf;
        let processors = sensors.governors.iter().zip(&sensors.clocks).zip(&sensors.loads);
        let processor =
            |((governor, clock), load): ((&Option<PathBuf>, &Option<Clock>), &Option<LoadMeter>)| {
                ProcessorSource {
                    governor: governor.clone(),
                    clock: clock.as_ref().map(|clock| own(clock.path())),
                    load: load.as_ref().map(|load| own(load.path())),
                }
            };
        let rail = |paths: Vec<&Path>| paths.into_iter().map(own).collect();
        Self {
            processors: processors.map(processor).collect(),
            memory: sensors.memory.iter().map(|clock| own(clock.path())).collect(),
            rails: sensors.rails.iter().map(|meter| rail(meter.paths())).collect(),
            zones: sensors.zones.iter().map(|zone| own(zone.path())).collect(),
            cooling: sensors.cooling.iter().map(|device| own(device.path())).collect(),
            battery: sensors
                .battery
                .as_ref()
                .map_or_else(Vec::new, |battery| rail(battery.paths())),
        }
    }

    /// All the files.
    pub(crate) fn files(self) -> Vec<PathBuf> {
        let processors = self.processors.into_iter();
        let processors = processors.flat_map(|processor| [processor.clock, processor.load]);
        processors
            .flatten()
            .chain(self.memory)
            .chain(self.rails.into_iter().flatten())
            .chain(self.zones)
            .chain(self.cooling)
            .chain(self.battery)
            .collect()
    }
}
