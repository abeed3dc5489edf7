//! The decisions of dynd.
//!
//! [`Controller::step`] takes the present time and one [`Input`] and answers with what to publish, what
//! happened, and when to call again. It reads no clock, file or environment variable and allocates only in
//! proportion to the apps it knows, so a record of its inputs replays bit for bit. [`Selector`] is the
//! second, faster loop: it runs in the client and picks a rung of the assigned ladder before each inference.
//!
//! ```text
//!  Sample ──► load ──level──┐
//!  Reports ─► app ─► forecast (kalman, spread) ─► risk of lateness per point ─┐
//!                    budget ──► allowed risk ────────────────────────────────►├─► joint ─► plan ─► grant ─► assignments
//!             stretch ◄── clocks, neighbours (surroundings), strangers         │
//!  Hello, Goodbye, Policy ─► who takes part, under which rule ────────────────┘
//!  Policy ─► clocks ─────────────────────────────────────────────────────────────────► setting
//!  assignments, setting ─► transition (acks, what the board applied) ─► what comes into force now
//!  Sample, board file (prior) ─► physics: power, heat (regression) ─► watts per point, sustainable power, status
//! ```

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod activity;
mod app;
mod budget;
mod clocks;
mod conditions;
mod controller;
mod dwell;
mod forecast;
mod grant;
mod heat;
mod joint;
mod kalman;
mod load;
mod physics;
pub mod plan;
mod power;
mod prior;
mod regression;
mod relapse;
mod release;
mod selector;
mod spread;
mod strangers;
mod stretch;
mod surroundings;
mod transition;
mod why;

pub use activity::Activity;
pub use controller::{Controller, Input, Output};
pub use heat::{HeatModel, Proven, ThermalBound};
pub use physics::Physics;
pub use power::{Heating, Power, PowerModel};
pub use release::ReleaseError;
pub use selector::{Choice, Selector};
pub use why::WhyError;
