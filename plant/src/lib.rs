//! The physics of a virtual board, in virtual time and deterministic by seed.
//!
//! A [`Plant`] is built from a [`Blueprint`](dynd_vocab::Blueprint) and nothing else: no measured row is in it, and a
//! processor's power has four coefficients. It has no clock: [`Plant::step`] lets time go by. [`VirtualBoard`] shows it
//! as a [`Board`](dynd_vocab::Board).
//!
//! ```text
//!  submit ─► work ──► units in turns ──┐                    ┌─► sensors ─► read_rail, read_zone, sample
//!                        ▲  pace       │ busy               │
//!            contention ─┘   ▲         ▼                    │
//!  bound ──► domains ── real clock   power ──► heat ────────┤
//!  govern      ▲  ▲                                         │
//!              │  └─ governors ◄── load                     │
//!              └──── cooling, firmware ◄────────────────────┘
//! ```
//!
//! What the plant knows and no board file tells a planner: contention for memory, turns on a shared accelerator, how
//! badly a lone item fills it, leakage that grows with heat, throttling by firmware, clocks that are not
//! what they are said to be.

#![forbid(unsafe_code)]

mod board;
mod contention;
mod cooling;
mod domain;
mod error;
mod firmware;
mod flow;
mod governor;
mod heat;
mod hold;
mod memory;
mod plant;
mod power;
mod random;
mod reading;
mod sensor;
mod trouble;
mod unit;
mod utilization;
mod work;

pub use board::VirtualBoard;
pub use error::PlantError;
pub use plant::Plant;
pub use sensor::Failure;
pub use work::{Batch, Completion, JobId, Place, Work};
