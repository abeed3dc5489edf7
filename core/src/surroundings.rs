//! What surrounds the apps: unmanaged load, clocks, and each other.
//!
//! Steps:
//! 1. A clock lower than was asked for tells a ceiling: the kernel cools the board, or somebody has more say.
//!    The clock of a processor is known while the bounds in force leave it no choice ([`TIGHT`]): a reading in between
//!    says what an idle governor did, not how fast an inference ran.
//! 2. Unmanaged load of an accelerator is what its driver says less what managed apps explain, averaged.
//! 3. [`Conditions`] of an app on a processor: level, slowness, and how busy all others keep it.

use alloc::vec;
use alloc::vec::Vec;

use dynd_vocab::{Actuation, AppId, BoardDescription, Hertz, Processor, ProcessorKind, Sample, Setting};

use crate::conditions::Conditions;
use crate::load::Level;

/// Bounds no further apart than this, as a ratio, tell the clock.
const TIGHT: f64 = 1.1;

/// Weight of the newest sample in the running averages.
const GAIN: f64 = 0.1;

/// How busy one app keeps its processor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Occupancy {
    pub(crate) app: AppId,
    pub(crate) processor: usize,
    /// Units busy at a random moment.
    pub(crate) units: f64,
    /// Whether that was seen; not yet of an app that has just come.
    pub(crate) is_seen: bool,
}

/// What surrounds the apps.
#[derive(Clone, Debug, Default)]
pub(crate) struct Surroundings {
    /// Per processor, the highest clock over the one it has, where that is known.
    slowness: Vec<Option<f64>>,
    host: Option<f64>,
    /// Per processor, the highest clock that it is let have, where that is less than was asked for.
    ceilings: Vec<Option<Hertz>>,
    /// Per processor, load of an accelerator beyond what managed apps explain.
    unmanaged: Vec<f64>,
    units: Vec<f64>,
    occupancies: Vec<Occupancy>,
}

impl Surroundings {
    /// Nothing is known of `board` yet.
    pub(crate) fn new(board: &BoardDescription) -> Self {
        let units = |processor: &Processor| f64::from(processor.cpus.len().max(1));
        Self {
            slowness: vec![None; board.processors.len()],
            host: None,
            ceilings: vec![None; board.processors.len()],
            unmanaged: vec![0.0; board.processors.len()],
            units: board.processors.iter().map(units).collect(),
            occupancies: Vec::new(),
        }
    }

    /// These bounds are in force, of those that were asked for.
    /// `host` is the processor that feeds accelerators.
    pub(crate) fn actuated(
        &mut self,
        (board, host): (&BoardDescription, Option<usize>),
        asked: &Setting,
        actuations: &[Actuation],
    ) {
        for (index, (ceiling, told)) in self.ceilings.iter_mut().zip(actuations).enumerate() {
            *ceiling = told.bounds.max.filter(|max| asked.of(index).max > Some(*max));
        }
        let known = |(processor, actuation): (&Processor, &Actuation)| {
            let (low, high) = (actuation.bounds.min?.as_hz(), actuation.bounds.max?.as_hz());
            let highest = processor.opps.last()?.as_hz();
            let tight = low > 0 && high as f64 <= TIGHT * low as f64;
            tight.then(|| highest as f64 / high as f64)
        };
        for (slowness, told) in self
            .slowness
            .iter_mut()
            .zip(board.processors.iter().zip(actuations))
        {
            *slowness = known(told);
        }
        self.host = host.and_then(|host| self.slowness.get(host).copied().flatten());
    }

    /// Managed apps keep processors this busy.
    pub(crate) fn occupied(&mut self, occupancies: impl Iterator<Item = Occupancy>) {
        self.occupancies.clear();
        self.occupancies.extend(occupancies);
    }

    /// Threads of managed apps that run or wait for a CPU at a random moment. An app on an accelerator counts with what it
    /// keeps of its host busy, which nobody tells yet: nothing.
    pub(crate) fn on_cpus(&self, board: &BoardDescription) -> f64 {
        let on_cpu = |one: &&Occupancy| {
            let processor = board.processors.get(one.processor);
            processor.is_none_or(|processor| processor.kind == ProcessorKind::Cpu)
        };
        self.occupancies.iter().filter(on_cpu).map(|one| one.units).sum()
    }

    /// Learns the unmanaged load of accelerators from `sample`.
    pub(crate) fn sampled(&mut self, sample: &Sample) {
        for (processor, unmanaged) in self.unmanaged.iter_mut().enumerate() {
            if let Some(load) = sample.loads.get(processor).copied().flatten() {
                let here = || self.occupancies.iter().filter(|one| one.processor == processor);
                // As long as nobody knows what an app takes, its own load is no stranger's.
                if here().any(|one| !one.is_seen) {
                    continue;
                }
                let managed: f64 = here().map(|one| one.units).sum();
                // Of a moment it says little, and below 0 as much as above: only the mean counts.
                *unmanaged += GAIN * (load - managed - *unmanaged);
            }
        }
    }

    /// The highest clock that the processor of this index is let have, if that is less than was asked for last.
    pub(crate) fn ceiling(&self, processor: usize) -> Option<Hertz> {
        self.ceilings.get(processor).copied().flatten()
    }

    /// How busy the accelerator of this index is with what nobody manages (0 to 1).
    pub(crate) fn strangers(&self, processor: usize) -> f64 {
        at(&self.unmanaged, processor).clamp(0.0, 1.0)
    }

    /// Units of the processor of this index that managed apps keep busy.
    pub(crate) fn managed(&self, processor: usize) -> f64 {
        let here = self.occupancies.iter().filter(|one| one.processor == processor);
        here.map(|one| one.units).sum()
    }

    /// Under what `app` would run on `processor` while the CPUs have unmanaged load of `level`.
    pub(crate) fn conditions(
        &self,
        board: &BoardDescription,
        app: AppId,
        processor: usize,
        level: Level,
    ) -> Conditions {
        let others = self.occupancies.iter();
        let others = others.filter(|one| one.processor == processor && one.app != app);
        let busy: f64 = others.map(|one| one.units).sum::<f64>() / at(&self.units, processor).max(1.0);
        let is_cpu = board
            .processors
            .get(processor)
            .is_none_or(|processor| processor.kind == ProcessorKind::Cpu);
        Conditions {
            // What competes for CPUs does not compete for an accelerator, whose driver tells its load.
            level: if is_cpu { level } else { 0 },
            slowness: self.slowness.get(processor).copied().flatten(),
            host_slowness: self.host.filter(|_| !is_cpu),
            crowd: busy.clamp(0.0, 1.0),
            strangers: self.strangers(processor),
        }
    }
}

fn at(figures: &[f64], index: usize) -> f64 {
    figures.get(index).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use dynd_vocab::{ClockBounds, CpuSet, Hertz, Hold, Role};

    use super::*;

    fn board() -> BoardDescription {
        let processor = |kind, cpus| Processor {
            name: "p".into(),
            kind,
            role: Role::Big,
            cpus,
            capacity: 1024,
            opps: [500_000, 1_000_000].map(Hertz::from_khz).to_vec(),
        };
        BoardDescription {
            processors: vec![
                processor(ProcessorKind::Cpu, (0..4).collect()),
                processor(ProcessorKind::Gpu, CpuSet::EMPTY),
            ],
            ..BoardDescription::default()
        }
    }

    fn actuation(min: u64, max: u64) -> Actuation {
        Actuation {
            bounds: ClockBounds {
                min: Some(Hertz::from_khz(min)),
                max: Some(Hertz::from_khz(max)),
            },
            hold: Hold::Held,
        }
    }

    #[test]
    fn a_clock_counts_only_while_nothing_can_move_it() {
        let board = board();
        let mut around = Surroundings::new(&board);
        let slowness = |around: &Surroundings, processor| {
            let conditions = around.conditions(&board, AppId(1), processor, 2);
            (conditions.level, conditions.slowness, conditions.host_slowness)
        };
        assert_eq!(slowness(&around, 1), (0, None, None));
        around.actuated(
            (&board, Some(0)),
            &Setting::default(),
            &[actuation(500_000, 500_000), actuation(500_000, 1_000_000)],
        );
        assert_eq!(slowness(&around, 0), (2, Some(2.0), None));
        assert_eq!(slowness(&around, 1), (0, None, Some(2.0)));
    }

    #[test]
    fn others_and_what_nobody_manages_keep_an_accelerator_busy() {
        let board = board();
        let mut around = Surroundings::new(&board);
        let occupancy = |app, processor, units| Occupancy {
            app: AppId(app),
            processor,
            units,
            is_seen: true,
        };
        let all = [occupancy(1, 1, 0.3), occupancy(2, 1, 0.2), occupancy(3, 0, 2.0)];
        around.occupied(all.into_iter());
        let sample = Sample {
            loads: vec![None, Some(0.9)],
            ..Sample::default()
        };
        (0..80).for_each(|_| around.sampled(&sample));
        let conditions = |app, processor| around.conditions(&board, AppId(app), processor, 0);
        let crowd = |app, processor| conditions(app, processor).crowd;
        assert_eq!((crowd(1, 1), crowd(9, 1)), (0.2, 0.5));
        assert_eq!((crowd(1, 0), crowd(3, 0)), (0.5, 0.0));
        let strangers = conditions(1, 1).strangers;
        assert!((strangers - 0.4).abs() < 1e-3, "{strangers}");
        // What somebody new takes is no stranger's, as long as nobody has seen it.
        let new = Occupancy {
            is_seen: false,
            ..occupancy(4, 1, 0.0)
        };
        around.occupied(all.into_iter().chain([new]));
        let full = Sample {
            loads: vec![None, Some(1.0)],
            ..sample
        };
        (0..40).for_each(|_| around.sampled(&full));
        assert_eq!(around.conditions(&board, AppId(1), 1, 0).strangers, strangers);
    }
}
