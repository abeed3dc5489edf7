//! dynctl as users see it. One program, so that what mostly waits waits side by side.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod cli;
mod demo;
mod figures;
mod live;
mod mount;

use std::process::{Command, Stdio};
use std::sync::RwLock;
use std::time::{Duration, Instant};

/// This machine's CPUs: held alone by what measures speed, shared by what loads them for long.
static MACHINE: RwLock<()> = RwLock::new(());

fn dynctl(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dynctl"));
    command.args(arguments).stdin(Stdio::null());
    command
}

/// Waits until `condition` holds: boards live in real time.
fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(30), "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
