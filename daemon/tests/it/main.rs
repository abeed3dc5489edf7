//! The daemon as a process: the real binary on temporary sockets, with real clients.

#![allow(clippy::unwrap_used, reason = "the tests' helpers are tests, too")]

mod app;
mod board;
mod budget;
mod bus;
mod clocks;
mod dbus;
mod enforce;
mod machine;
mod mounted;
mod quiet;
mod reload;
mod running;
mod sessions;
mod settings;
mod sockets;
mod survival;
mod unit;
mod virtual_board;
