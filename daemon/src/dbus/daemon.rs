//! `org.dynd.Dynd1`: the daemon.

use dynd_vocab::PolicyStatus;
use zbus::{Variant, interface};

use super::Changes;
use crate::control::View;

/// The daemon as the bus shows it.
#[derive(Clone, Debug)]
pub(super) struct Daemon {
    policy: PolicyStatus,
    app_count: u32,
    processors: Vec<String>,
}

impl Daemon {
    pub(super) fn new(policy: PolicyStatus) -> Self {
        Self {
            policy,
            app_count: 0,
            processors: Vec::new(),
        }
    }

    /// Takes over how things are now and tells what that changed.
    pub(super) fn update(&mut self, view: &View, policy: PolicyStatus) -> Changes {
        let mut changes = Changes::new();
        let app_count = u32::try_from(view.apps.len()).unwrap_or(u32::MAX);
        let processors: Vec<String> = view
            .board
            .processors
            .iter()
            .map(|processor| processor.name.clone())
            .collect();
        if app_count != self.app_count {
            changes.insert("AppCount", Variant::from(app_count));
        }
        if processors != self.processors {
            changes.insert("Processors", Variant::from(processors.clone()));
        }
        if policy.objective != self.policy.objective {
            changes.insert("Objective", Variant::from(policy.objective.clone()));
        }
        if policy.file != self.policy.file {
            changes.insert(
                "PolicyFile",
                Variant::from(policy.file.clone().unwrap_or_default()),
            );
        }
        *self = Self {
            policy,
            app_count,
            processors,
        };
        changes
    }
}

#[interface(name = "org.dynd.Dynd1")]
impl Daemon {
    /// The daemon's version.
    #[zbus(property(emits_changed_signal = "const"))]
    fn version(&self) -> &str {
        env!("CARGO_PKG_VERSION")
    }

    /// The objective of the policy in force.
    #[zbus(property)]
    fn objective(&self) -> &str {
        &self.policy.objective
    }

    /// The file of the policy in force; empty for the built-in one.
    #[zbus(property)]
    fn policy_file(&self) -> &str {
        self.policy.file.as_deref().unwrap_or_default()
    }

    /// The number of apps.
    #[zbus(property)]
    fn app_count(&self) -> u32 {
        self.app_count
    }

    /// The names of the board's processors.
    #[zbus(property)]
    fn processors(&self) -> Vec<String> {
        self.processors.clone()
    }
}
