//! The decision log.

use dynd_vocab::{AppId, Cause, Event, Seconds};

use super::{assignment, field};
use crate::v1::event as wire;
use crate::{Problem, WireError, v1};

impl From<Event> for v1::Event {
    fn from(event: Event) -> Self {
        let event = match event {
            Event::Arrived { app, name } => wire::Event::Arrived(wire::Arrived { app: app.0, name }),
            Event::Left { app } => wire::Event::Left(wire::Left { app: app.0 }),
            Event::Assigned {
                app,
                subnetwork,
                cpus,
                standing,
                cause,
            } => wire::Event::Assigned(wire::Assigned {
                app: app.0,
                subnetwork,
                cpus: cpus.iter().collect(),
                standing: v1::Standing::from(standing).into(),
                cause: v1::Cause::from(cause).into(),
            }),
            Event::Violated { app, latency, target } => wire::Event::Violated(wire::Violated {
                app: app.0,
                latency_s: latency.get(),
                target_s: target.get(),
            }),
            Event::LoadChanged { from, to } => wire::Event::LoadChanged(wire::LoadChanged { from, to }),
            Event::PolicyChanged => wire::Event::PolicyChanged(wire::PolicyChanged {}),
            Event::BudgetUnenforceable { reason } => {
                wire::Event::BudgetUnenforceable(wire::BudgetUnenforceable { reason })
            }
            Event::ClocksChanged { processor, clocks } => wire::Event::ClocksChanged(wire::ClocksChanged {
                processor,
                clocks: Some(clocks.into()),
            }),
            Event::EnforcementChanged { app, enforcement } => {
                wire::Event::EnforcementChanged(wire::EnforcementChanged {
                    app: app.0,
                    enforcement: Some(enforcement.into()),
                })
            }
        };
        Self { event: Some(event) }
    }
}

/// An event of a kind that this version does not know is missing.
impl TryFrom<v1::Event> for Event {
    type Error = WireError;

    fn try_from(event: v1::Event) -> Result<Self, WireError> {
        Ok(match event.event.ok_or_else(|| Problem::Missing.of("event"))? {
            wire::Event::Arrived(arrived) => Self::Arrived {
                app: AppId(arrived.app),
                name: arrived.name,
            },
            wire::Event::Left(left) => Self::Left { app: AppId(left.app) },
            wire::Event::Assigned(assigned) => Self::Assigned {
                app: AppId(assigned.app),
                subnetwork: assigned.subnetwork,
                cpus: field::cpus(assigned.cpus, "assigned.cpus")?,
                standing: assignment::standing(assigned.standing, "assigned.standing")?,
                cause: cause(assigned.cause, "assigned.cause")?,
            },
            wire::Event::Violated(violated) => Self::Violated {
                app: AppId(violated.app),
                latency: Seconds::new(violated.latency_s),
                target: Seconds::new(violated.target_s),
            },
            wire::Event::LoadChanged(load) => Self::LoadChanged {
                from: load.from,
                to: load.to,
            },
            wire::Event::PolicyChanged(wire::PolicyChanged {}) => Self::PolicyChanged,
            wire::Event::BudgetUnenforceable(budget) => Self::BudgetUnenforceable {
                reason: budget.reason,
            },
            wire::Event::ClocksChanged(changed) => Self::ClocksChanged {
                processor: changed.processor,
                clocks: changed
                    .clocks
                    .ok_or_else(|| Problem::Missing.of("clocks_changed.clocks"))?
                    .into(),
            },
            wire::Event::EnforcementChanged(changed) => Self::EnforcementChanged {
                app: AppId(changed.app),
                enforcement: field::required(changed.enforcement, "enforcement_changed.enforcement")?,
            },
        })
    }
}

impl From<Cause> for v1::Cause {
    fn from(cause: Cause) -> Self {
        match cause {
            Cause::Arrival => Self::Arrival,
            Cause::Departure => Self::Departure,
            Cause::Violation => Self::Violation,
            Cause::Load => Self::Load,
            Cause::Policy => Self::Policy,
            Cause::Learning => Self::Learning,
            Cause::Pause => Self::Pause,
            Cause::Return => Self::Return,
        }
    }
}

fn cause(value: i32, field: &str) -> Result<Cause, WireError> {
    match v1::Cause::try_from(value) {
        Ok(v1::Cause::Arrival) => Ok(Cause::Arrival),
        Ok(v1::Cause::Departure) => Ok(Cause::Departure),
        Ok(v1::Cause::Violation) => Ok(Cause::Violation),
        Ok(v1::Cause::Load) => Ok(Cause::Load),
        Ok(v1::Cause::Policy) => Ok(Cause::Policy),
        Ok(v1::Cause::Learning) => Ok(Cause::Learning),
        Ok(v1::Cause::Pause) => Ok(Cause::Pause),
        Ok(v1::Cause::Return) => Ok(Cause::Return),
        Ok(v1::Cause::Unspecified) | Err(_) => Err(Problem::UnknownValue(value).of(field)),
    }
}
