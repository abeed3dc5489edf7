//! The nouns that every part of dynd shares.
//!
//! Pure data: units, the description of a [board](BoardDescription), a dynamic [model](ModelTable), an app's
//! [requirement](Requirement), the [policy](Policy), the [assignment](Assignment) an app is given and the
//! [events](Event) that explain it. Nothing here decides, reads or writes anything; [`Board`] is the one
//! trait, and it states what a board owes its caller. `no_std` with `alloc`, so that `dynd-core` also runs
//! on a microcontroller.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod app;
mod assignment;
pub mod blueprint;
mod board;
mod budget;
mod confinement;
mod cpuset;
mod event;
mod model;
mod policy;
mod reading;
mod sample;
mod setting;
mod status;
mod units;
mod why;

pub use app::{AppId, Hello, Holding, Identity, Pid, Report, Requirement};
pub use assignment::{Assignment, Generation, Rung, Standing};
pub use blueprint::Blueprint;
pub use board::{
    Battery, Board, BoardDescription, CoolingDevice, MemoryClock, PowerRail, Processor, ProcessorKind, Role,
    ThermalZone, Trip, TripKind,
};
pub use budget::{BudgetStatus, PowerBudgetStatus, TemperatureLimitStatus};
pub use confinement::{Confined, Confinement, Enforcement, EnforcementState, Fence};
pub use cpuset::{CpuSet, CpuSetError};
pub use event::{Cause, Event};
pub use model::{ModelKind, ModelTable, OperatingPoint, Subnetwork};
pub use policy::{AppMatch, AppRule, CoreBounds, Objective, Policy, ProcessorName, ProcessorRule};
pub use sample::{AppCpu, BatteryFlow, BatteryState, Counters, CpuTimes, Sample};
pub use setting::{Actuated, Actuation, ClockBounds, Hold, PutBack, PutBackOutcome, Restore, Setting};
pub use status::{
    AppStatus, AssignmentStatus, BatteryStatus, BoardStatus, ClockState, ClockStatus, CoolingStatus,
    DaemonStatus, MemoryStatus, PolicyStatus, ProblemStatus, ProcessorStatus, RailStatus, Status, ZoneStatus,
};
pub use units::{Celsius, Hertz, PowerGrade, Quality, Seconds, Timestamp, Watts};
pub use why::{Why, WhyPoint};
