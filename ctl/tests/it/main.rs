//! dynctl as users see it. One program, so that what mostly waits waits side by side.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod cli;
mod demo;
mod figures;
mod live;
mod mount;

use std::sync::RwLock;

/// This machine's CPUs: held alone by what measures speed, shared by what loads them for long.
static MACHINE: RwLock<()> = RwLock::new(());
