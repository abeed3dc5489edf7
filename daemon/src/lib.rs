//! The daemon: settings, wiring, the loop that drives the controller, gRPC and D-Bus.
//!
//! ```text
//!  board thread            control thread                    io thread (tokio, one)
//!  sampler ── Sample ────► Driver: Controller::step ◄─Command── grpc sessions ◄── apps
//!  clock keeper ─Actuated─►  │  │       │    └─ assignments ──► outbox of each session
//!     ▲                      │  │       └─ revision, View ────► observer ► grpc operators, dbus
//!     └───── Orders ─────────┘  └─ events ────────────────────► log
//! ```
//! Decisions are made in `dynd-core`; this crate feeds it and obeys it. Nothing on the way from a report to
//! an assignment reads a file, and nothing waits for a client that does not read. With no apps nothing runs.

#![forbid(unsafe_code)]

pub mod cli;
mod clock;
mod clock_keeper;
mod control;
mod dbus;
mod grpc;
mod identity;
pub mod log;
mod managed;
mod notify;
mod observer;
mod own_usage;
mod reload;
mod sampler;
pub mod settings;
mod socket;
mod systemd;
mod wiring;

pub use dbus::BusError;
pub use socket::SocketError;
pub use wiring::{StartError, check, restore, run};
