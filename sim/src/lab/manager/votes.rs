//! Clocks that several controllers of one app each want for the processors that they share: the highest wins.
//!
//! While somebody uses an accelerator, the CPUs that prepare its inferences run at their highest clock: published
//! controllers were measured that way, and none of them plans these.

use dynd_vocab::{BoardDescription, ClockBounds, Hertz, Processor, ProcessorKind, Setting};

/// Who wants which clock of which processor.
#[derive(Clone, Debug)]
pub(crate) struct Votes {
    /// By app: the processor and its clock.
    wanted: Vec<Option<(usize, Hertz)>>,
    processors: Vec<Processor>,
    told: Option<Setting>,
}

impl Votes {
    pub(crate) fn new(apps: usize, board: &BoardDescription) -> Self {
        Self {
            wanted: vec![None; apps],
            processors: board.processors.clone(),
            told: None,
        }
    }

    /// `app` wants this from now on; nothing if it is gone.
    pub(crate) fn want(&mut self, app: usize, clock: Option<(usize, Hertz)>) {
        self.wanted[app] = clock;
    }

    /// The setting that follows, if it is another one than the last. Processors that nobody uses are left to their governors.
    pub(crate) fn setting(&mut self) -> Option<Setting> {
        let is_cpu = |processor: &usize| self.processors[*processor].kind == ProcessorKind::Cpu;
        let prepares = (0..self.processors.len()).rfind(is_cpu);
        let is_accelerated = self.wanted.iter().flatten().any(|(each, _)| !is_cpu(each));
        let highest = |processor: usize| {
            if is_accelerated && prepares == Some(processor) {
                return self.processors[processor].opps.last().copied();
            }
            let wanted = self.wanted.iter().flatten();
            wanted
                .filter(|(each, _)| *each == processor)
                .map(|(_, clock)| *clock)
                .max()
        };
        let bounds = |processor| {
            let clock = highest(processor);
            ClockBounds {
                min: clock,
                max: clock,
            }
        };
        let setting = Setting {
            clocks: (0..self.processors.len()).map(bounds).collect(),
            ..Setting::default()
        };
        (self.told.as_ref() != Some(&setting)).then(|| self.told.insert(setting).clone())
    }
}
