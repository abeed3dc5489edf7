//! What is behind the attributes: the plant, and what a kernel remembers of those who wrote.

use std::collections::BTreeSet;
use std::fmt::Display;

use dynd_plant::{Failure, Plant};
use dynd_vocab::blueprint::KernelEra;
use dynd_vocab::{Blueprint, Hertz, Pid};

use crate::bounds::{Bounds, End, Subsystem};
use crate::number::word;
use crate::refusal::Refusal;

/// Programs of the machine at hand that run on the board.
#[derive(Clone, Debug, Default)]
pub(crate) struct Visitors {
    /// How many of their threads run or want to.
    pub(crate) runnable: usize,
    /// Their processes.
    pub(crate) processes: Vec<Pid>,
}

/// A plant and its kernel's memory. Processors, rails and zones are numbered as in the blueprint.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) plant: Plant,
    /// Per processor.
    bounds: Vec<Bounds>,
    /// Per processor, as it was written: several names may stand for one governor of the plant.
    governors: Vec<String>,
    /// The rails behind a switch that measure.
    switched_on: BTreeSet<usize>,
    /// Who else is there; the plant runs what they have done already.
    pub(crate) visitors: Option<Visitors>,
}

impl Machine {
    pub(crate) fn new(board: &Blueprint, seed: u64) -> Self {
        let plant = Plant::new(board, seed);
        let clusters = board.clusters.len();
        let bounds = board.silicon().enumerate().map(|(processor, silicon)| {
            let subsystem = if processor < clusters {
                Subsystem::Cpufreq
            } else {
                Subsystem::Devfreq
            };
            Bounds::new(silicon, subsystem, board.kernel.era)
        });
        let governors = board.silicon().enumerate().map(|(processor, silicon)| {
            let default = silicon.governor.as_str();
            let known = plant.clone().govern(processor, default).is_ok();
            if known { default } else { plant.governor(processor) }.to_owned()
        });
        Self {
            bounds: bounds.collect(),
            governors: governors.collect(),
            switched_on: BTreeSet::new(),
            visitors: None,
            plant,
        }
    }

    /// The governors that `processor` can have.
    pub(crate) fn offered(&self, processor: usize) -> Vec<String> {
        let silicon = self.plant.blueprint().silicon().nth(processor);
        let names = silicon.map_or(&[][..], |silicon| &silicon.governors);
        let simulated = |name: &&String| self.plant.clone().govern(processor, name).is_ok();
        names.iter().filter(simulated).cloned().collect()
    }

    pub(crate) fn governor(&self, processor: usize) -> &str {
        &self.governors[processor]
    }

    pub(crate) fn govern(&mut self, processor: usize, text: &[u8]) -> Result<(), Refusal> {
        let name = word(text)?;
        self.plant.govern(processor, name).map_err(|_| Refusal::Invalid)?;
        self.governors[processor] = name.to_owned();
        Ok(())
    }

    /// A user writes `text` to a bound of `processor`.
    pub(crate) fn bound(&mut self, processor: usize, end: End, text: &[u8]) -> Result<(), Refusal> {
        self.bounds[processor].ask(end, text)?;
        let (low, high) = self.bounds[processor].allowed();
        self.plant
            .bound(processor, low, high)
            .map_err(|_| Refusal::Invalid)
    }

    /// What a bound of `processor` reads: what is in force, cooling included. Old devfreq shows the minimum as users set
    /// it, also where cooling goes below (`min_freq_show`, Linux 5.0).
    pub(crate) fn bound_shown(&self, processor: usize, end: End) -> Hertz {
        let bounds = &self.bounds[processor];
        match (end, bounds.subsystem, bounds.era) {
            (End::Min, Subsystem::Devfreq, KernelEra::Legacy) => bounds.allowed().0,
            (End::Min, _, _) => self.plant.bounds(processor).0,
            (End::Max, _, _) => self.plant.bounds(processor).1,
        }
    }

    pub(crate) fn is_on(&self, rail: usize) -> bool {
        self.switched_on.contains(&rail)
    }

    pub(crate) fn switch(&mut self, rail: usize, text: &[u8]) -> Result<(), Refusal> {
        match word(text)? {
            "0" => self.switched_on.remove(&rail),
            "1" => self.switched_on.insert(rail),
            _ => return Err(Refusal::Invalid),
        };
        Ok(())
    }

    /// Makes the sensor of `zone` show `millidegrees` whatever is; 0 ends it.
    pub(crate) fn emulate(&mut self, zone: usize, millidegrees: i32) {
        let shown = (millidegrees != 0).then(|| Failure::Stuck(f64::from(millidegrees) / 1e3));
        self.plant.fail_zone(zone, shown);
    }
}

/// A line of `value`.
pub(crate) fn line(value: impl Display) -> String {
    format!("{value}\n")
}

/// A line of `values` with a blank behind each, as cpufreq lists what there is.
pub(crate) fn list(values: impl IntoIterator<Item = impl Display>) -> String {
    let mut text: String = values.into_iter().map(|value| format!("{value} ")).collect();
    text.push('\n');
    text
}
