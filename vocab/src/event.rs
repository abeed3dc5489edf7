//! One thing that happened, with its cause: the decision log. Log lines, the event stream and tests are
//! renderings of it.

use alloc::string::String;
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    AppId, ClockBounds, ClockState, ClockStatus, CpuSet, Enforcement, EnforcementState, Fence, Hertz,
    Seconds, Standing,
};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub enum Event {
    /// An app opened a session.
    Arrived {
        /// The app.
        app: AppId,
        /// What it calls itself.
        name: String,
    },
    /// An app's session ended; its share is free.
    Left {
        /// The app.
        app: AppId,
    },
    /// An app was told something new.
    Assigned {
        /// The app.
        app: AppId,
        /// The sub-network's name; absent when blocked.
        subnetwork: Option<String>,
        /// The CPUs it may use.
        cpus: CpuSet,
        /// Whether it gets what it needs.
        standing: Standing,
        /// What made the planner think again.
        cause: Cause,
    },
    /// An app began to miss its target more often than its percentile allows: one event per regime, not
    /// one per late inference.
    Violated {
        /// The app.
        app: AppId,
        /// The latency of the inference that tipped the scale.
        latency: Seconds,
        /// The target.
        target: Seconds,
    },
    /// The load of work that dynd does not manage changed.
    LoadChanged {
        /// Unmanaged tasks per core, before.
        from: u32,
        /// Unmanaged tasks per core, now.
        to: u32,
    },
    /// A new policy is in force.
    PolicyChanged,
    /// The bounds of a processor's clock became what was asked for, or ceased to be.
    ClocksChanged {
        /// The processor's name.
        processor: String,
        /// How they stand, and why.
        clocks: ClockStatus,
    },
    /// The kernel began, or ceased, to keep an app on its CPUs.
    EnforcementChanged {
        /// The app.
        app: AppId,
        /// How it stands, and why.
        enforcement: Enforcement,
    },
    /// The power budget of the policy cannot be kept.
    BudgetUnenforceable {
        /// Why, in words.
        reason: String,
    },
}

/// What made the planner think again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// An app arrived.
    Arrival,
    /// An app left.
    Departure,
    /// An app missed its target.
    Violation,
    /// Unmanaged load came or went.
    Load,
    /// The policy changed.
    Policy,
    /// What was learned since the last plan.
    Learning,
    /// An app has not inferred for a while, and lends its share.
    Pause,
    /// An app that lent its share infers again.
    Return,
}

impl Cause {
    /// The name shown to people.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Arrival => "arrival",
            Self::Departure => "departure",
            Self::Violation => "violation",
            Self::Load => "load",
            Self::Policy => "policy",
            Self::Learning => "learning",
            Self::Pause => "pause",
            Self::Return => "return",
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arrived { app, name } => write!(f, "app {app} ({name}) arrived"),
            Self::Left { app } => write!(f, "app {app} left"),
            Self::Assigned {
                app,
                subnetwork,
                cpus,
                standing,
                cause,
            } => {
                let subnetwork = subnetwork.as_deref().unwrap_or("nothing");
                let (standing, cause) = (standing.label(), cause.label());
                write!(
                    f,
                    "app {app} runs {subnetwork} on cpus {cpus} ({standing}; cause: {cause})"
                )
            }
            Self::Violated { app, latency, target } => {
                write!(f, "app {app} misses its target: {latency} against {target}")
            }
            Self::LoadChanged { from, to } => {
                write!(f, "unmanaged load went from {from} to {to} tasks per core")
            }
            Self::PolicyChanged => f.write_str("a new policy is in force"),
            Self::BudgetUnenforceable { reason } => {
                write!(f, "the power budget is not kept: {reason}")
            }
            Self::ClocksChanged { processor, clocks } => clocks_changed(f, processor, clocks),
            Self::EnforcementChanged { app, enforcement } => enforcement_changed(f, *app, enforcement),
        }
    }
}

fn clocks_changed(f: &mut fmt::Formatter<'_>, processor: &str, clocks: &ClockStatus) -> fmt::Result {
    let bounds = ClockBounds {
        min: clocks.min_khz.map(Hertz::from_khz),
        max: clocks.max_khz.map(Hertz::from_khz),
    };
    match (clocks.state, &clocks.reason) {
        (ClockState::Left, _) => write!(f, "the clock of {processor} is left alone"),
        (ClockState::Held, _) => write!(f, "the clock of {processor} is held at {bounds} (cause: policy)"),
        (ClockState::Unchanged, _) => write!(
            f,
            "the clock of {processor} was at {bounds} already, as the policy asks"
        ),
        (state, reason) => {
            let (state, reason) = (state.label(), reason.as_deref().unwrap_or("unknown"));
            write!(
                f,
                "the clock of {processor} is {state} at {bounds} (cause: {reason})"
            )
        }
    }
}

fn enforcement_changed(f: &mut fmt::Formatter<'_>, app: AppId, enforcement: &Enforcement) -> fmt::Result {
    let by = enforcement.by.map_or("the kernel", Fence::label);
    let reason = enforcement.reason.as_deref().unwrap_or("unknown");
    match enforcement.state {
        EnforcementState::Held => write!(f, "app {app} is kept on cpus {} by {by}", enforcement.cpus),
        state => write!(
            f,
            "app {app} is not kept on its cpus by {by}: {} (cause: {reason})",
            state.label()
        ),
    }
}
