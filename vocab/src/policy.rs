//! What integrators ask of the daemon.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::{
    Celsius, ClockBounds, CpuSet, Identity, PowerGrade, Processor, Quality, Restore, Role, Seconds, Watts,
};

/// What integrators ask of the daemon, validated. The default asks for the best quality on all CPUs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// What to aim for once every target and minimum quality is met.
    pub objective: Objective,
    /// What the board may draw.
    pub power_budget: Option<Watts>,
    /// How hot it may get anywhere.
    pub temperature_limit: Option<Celsius>,
    /// The worst grade of power figures that the power budget may be kept by.
    pub power_grade: PowerGrade,
    /// CPUs never given to inference.
    pub reserve_cpus: CpuSet,
    /// What becomes of the clocks when the daemon stops.
    pub restore: Restore,
    /// Rules for processors. One that names a processor wins over one that names its role.
    pub processors: Vec<ProcessorRule>,
    /// Rules for apps; the first that matches wins.
    pub apps: Vec<AppRule>,
}

impl Policy {
    /// True if power or heat must be watched whether anybody infers or not.
    pub const fn has_budget(&self) -> bool {
        self.power_budget.is_some() || self.temperature_limit.is_some()
    }
}

/// What to aim for once every target and minimum quality is met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Objective {
    /// The best answers that the targets allow.
    #[default]
    MaxQuality,
    /// The best answers that come in time: a late one is worth nothing, so that a slightly worse one that is never late is
    /// preferred to a better one that is late as often as the percentile allows.
    MaxTimelyQuality,
    /// The least power that targets and minimum qualities allow, by estimates where none is measured.
    MinEnergy,
    /// The shortest latency that the minimum qualities allow.
    MinLatency,
}

impl Objective {
    /// Every objective.
    pub const ALL: [Self; 4] = [
        Self::MaxQuality,
        Self::MaxTimelyQuality,
        Self::MinEnergy,
        Self::MinLatency,
    ];

    /// The name that policies use.
    pub const fn label(self) -> &'static str {
        match self {
            Self::MaxQuality => "max-quality",
            Self::MaxTimelyQuality => "max-timely-quality",
            Self::MinEnergy => "min-energy",
            Self::MinLatency => "min-latency",
        }
    }
}

/// A rule for the apps that match it. What it leaves out stays as the app asked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AppRule {
    /// Whom it is for.
    pub matches: AppMatch,
    /// Replaces the latency target.
    pub latency: Option<Seconds>,
    /// Replaces the percentile (0 to 1, exclusive).
    pub percentile: Option<f64>,
    /// Replaces the minimum quality.
    pub min_quality: Option<Quality>,
    /// Higher tiers are served first; 0 for apps without a rule.
    pub priority: i32,
    /// How much what it gains counts beside other apps of its tier; 1 if absent.
    pub weight: Option<f64>,
    /// Where it may run; everywhere if empty.
    pub processors: Vec<ProcessorName>,
    /// How many cores it may have.
    pub cores: Option<CoreBounds>,
    /// True if the kernel, too, is to keep it on the CPUs it is assigned, where it is alone in its unit; else it pins
    /// itself, and is trusted to.
    pub enforce: bool,
}

/// Whom a rule is for: every given field must match. All but `name` are vouched for by the kernel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppMatch {
    /// The systemd unit.
    pub unit: Option<String>,
    /// The executed file.
    pub exe: Option<String>,
    /// The user's number.
    pub uid: Option<u32>,
    /// The daemon's socket through which the app came.
    pub socket: Option<String>,
    /// What the app calls itself: a hint only.
    pub name: Option<String>,
}

impl AppMatch {
    /// True if an app that calls itself `name` and is vouched for as `identity` matches.
    pub fn admits(&self, name: &str, identity: &Identity) -> bool {
        let same =
            |wanted: &Option<String>, have: Option<&str>| wanted.as_deref().is_none_or(|w| have == Some(w));
        same(&self.unit, identity.unit.as_deref())
            && same(&self.exe, identity.exe.as_deref())
            && self.uid.is_none_or(|uid| uid == identity.uid)
            && same(&self.socket, Some(&identity.socket))
            && same(&self.name, Some(name))
    }
}

/// A rule for the processors of one name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessorRule {
    /// Which processors it is for.
    pub processor: ProcessorName,
    /// Between which clocks theirs may be set; nothing if it is to be left alone.
    pub clocks: Option<ClockBounds>,
}

/// A processor as policies name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProcessorName {
    /// Every processor that plays this role: portable between boards.
    Role(Role),
    /// The processor of this name on the board at hand.
    Named(String),
}

impl ProcessorName {
    /// True if `processor` is meant.
    pub fn means(&self, processor: &Processor) -> bool {
        match self {
            Self::Role(role) => *role == processor.role,
            Self::Named(name) => *name == processor.name,
        }
    }
}

/// How many cores an app may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoreBounds {
    /// At least this many.
    pub min: u32,
    /// At most this many.
    pub max: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_matches_only_on_all_its_fields() {
        let identity = Identity {
            uid: 7,
            unit: Some("camera.service".into()),
            ..Identity::default()
        };
        let rule = AppMatch {
            uid: Some(7),
            unit: Some("camera.service".into()),
            ..AppMatch::default()
        };
        assert!(rule.admits("anything", &identity));
        assert!(!rule.admits(
            "anything",
            &Identity {
                uid: 8,
                ..identity.clone()
            }
        ));
        assert!(!rule.admits(
            "anything",
            &Identity {
                unit: None,
                ..identity
            }
        ));
        assert!(AppMatch::default().admits("x", &Identity::default()));
    }
}
