//! `org.dynd.Dynd1.App`: one app.

use dynd_vocab::AppStatus;
use zbus::{Variant, interface};

use super::Changes;

/// An app as the bus shows it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct App {
    name: String,
    pid: u32,
    model: String,
    state: &'static str,
    target_ms: f64,
    quality: f64,
    subnetwork: String,
    processor: String,
    cpus: String,
    generation: u64,
    acked: bool,
    measured: Measured,
}

/// The values that move with every inference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Measured {
    p95_ms: f64,
    slowdown: f64,
}

impl Measured {
    pub(super) fn of(status: &AppStatus) -> Self {
        Self {
            p95_ms: status.p95_ms.unwrap_or(0.0),
            slowdown: status.slowdown,
        }
    }
}

impl App {
    pub(super) fn new(status: &AppStatus, measured: Measured) -> Self {
        let assignment = status.assignment.as_ref();
        Self {
            name: status.name.clone(),
            pid: status.pid.unwrap_or(0),
            model: status.model.clone(),
            state: status.state.label(),
            target_ms: status.target_ms,
            quality: status.quality,
            subnetwork: assignment.map(|told| told.subnetwork.clone()).unwrap_or_default(),
            processor: assignment.map(|told| told.processor.clone()).unwrap_or_default(),
            cpus: assignment.map(|told| told.cpus.to_string()).unwrap_or_default(),
            generation: assignment.map_or(0, |told| told.generation.number),
            acked: assignment.is_some_and(|told| told.acked),
            measured,
        }
    }

    pub(super) fn measured(&self) -> Measured {
        self.measured
    }

    /// The properties that differ from `before`. Name, process and model stay for the life of a session.
    pub(super) fn changes_since(&self, before: &Self) -> Changes {
        let mut changes = Changes::new();
        let mut compare = |name, same: bool, value: Variant<'static>| {
            if !same {
                changes.insert(name, value);
            }
        };
        let (m, n) = (self.measured, before.measured);
        compare("State", self.state == before.state, self.state.into());
        compare(
            "TargetMs",
            self.target_ms == before.target_ms,
            self.target_ms.into(),
        );
        compare("P95Ms", m.p95_ms == n.p95_ms, m.p95_ms.into());
        compare("Quality", self.quality == before.quality, self.quality.into());
        compare("Slowdown", m.slowdown == n.slowdown, m.slowdown.into());
        compare(
            "Subnetwork",
            self.subnetwork == before.subnetwork,
            self.subnetwork.clone().into(),
        );
        compare(
            "Processor",
            self.processor == before.processor,
            self.processor.clone().into(),
        );
        compare("Cpus", self.cpus == before.cpus, self.cpus.clone().into());
        compare(
            "Generation",
            self.generation == before.generation,
            self.generation.into(),
        );
        compare("Acked", self.acked == before.acked, self.acked.into());
        changes
    }
}

#[interface(name = "org.dynd.Dynd1.App")]
impl App {
    /// What the app calls itself.
    #[zbus(property(emits_changed_signal = "const"))]
    fn name(&self) -> &str {
        &self.name
    }

    /// Its process; 0 where the daemon cannot see it.
    #[zbus(property(emits_changed_signal = "const"))]
    fn pid(&self) -> u32 {
        self.pid
    }

    /// Its model.
    #[zbus(property(emits_changed_signal = "const"))]
    fn model(&self) -> &str {
        &self.model
    }

    /// met, degraded or blocked.
    #[zbus(property)]
    fn state(&self) -> &str {
        self.state
    }

    /// The latency target in force, in ms.
    #[zbus(property)]
    fn target_ms(&self) -> f64 {
        self.target_ms
    }

    /// 95th percentile of its recent latencies, in ms; 0 until measured.
    #[zbus(property, name = "P95Ms")]
    fn p95_ms(&self) -> f64 {
        self.measured.p95_ms
    }

    /// Quality of the assigned sub-network, 0 to 1.
    #[zbus(property)]
    fn quality(&self) -> f64 {
        self.quality
    }

    /// Measured latency over undisturbed latency.
    #[zbus(property)]
    fn slowdown(&self) -> f64 {
        self.measured.slowdown
    }

    /// The assigned sub-network; empty when blocked.
    #[zbus(property)]
    fn subnetwork(&self) -> &str {
        &self.subnetwork
    }

    /// The processor it runs on; empty when blocked.
    #[zbus(property)]
    fn processor(&self) -> &str {
        &self.processor
    }

    /// The CPUs it runs on, such as 0-3,6.
    #[zbus(property)]
    fn cpus(&self) -> &str {
        &self.cpus
    }

    /// Counts assignments to this app, from 1.
    #[zbus(property)]
    fn generation(&self) -> u64 {
        self.generation
    }

    /// True once the app runs what it was told.
    #[zbus(property)]
    fn acked(&self) -> bool {
        self.acked
    }
}
