//! Under what an inference runs, beside the point it runs at.

use crate::load::Level;

/// Under what an inference runs. What nobody knows of is taken for what makes no difference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Conditions {
    /// Unmanaged tasks per core.
    pub(crate) level: Level,
    /// The processor's highest clock over the one it has; nothing if that is unknown.
    pub(crate) slowness: Option<f64>,
    /// The same of the CPUs that feed an accelerator.
    pub(crate) host_slowness: Option<f64>,
    /// How busy other managed apps keep the processor: as a share of it, 0 to 1.
    pub(crate) crowd: f64,
    /// The same of what nobody manages, as an accelerator's driver tells.
    pub(crate) strangers: f64,
}

impl Conditions {
    /// Unmanaged load of `level`, and nothing else known.
    pub(crate) const fn at(level: Level) -> Self {
        Self {
            level,
            slowness: None,
            host_slowness: None,
            crowd: 0.0,
            strangers: 0.0,
        }
    }

    /// Whether clocks or neighbours may make a difference.
    pub(crate) const fn stretches(&self) -> bool {
        self.slowness.is_some() || self.host_slowness.is_some() || self.crowd > 0.0
    }
}
