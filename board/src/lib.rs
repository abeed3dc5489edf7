//! The hardware of the machine at hand: discovery, sensors and actuators, through sysfs and procfs.
//!
//! [`Host`] is the real [`Board`](dynd_vocab::Board). It reads below a root directory that its caller names:
//! `/` in production, a directory that holds `sys/` and `proc/` for a captured or simulated machine.
//!
//! ```text
//!  sys/devices/system/cpu ─► discovery ─► facts per CPU ─► clusters ─► description     (once)
//!  proc/stat, proc/pressure, proc/PID/stat, cpufreq ─► attribute ─► procfs ─► Sample   (every sample)
//!                                  what failed ─► problems
//! ```
//!
//! What cannot be read, and what cannot be true, is absent from the sample and listed once among the
//! [problems](Host::problems). No privilege is needed to read.
//!
//! ```text
//!  Setting ─► actuator ─► journal (first), then kernel: cpufreq, devfreq ─► read back ─► Actuation per processor
//!                            │                                 ▲
//!                            └──────── put back ───────────────┘   at exit, after a crash
//! ```
//! Nothing is written unless a setting asks for it and there is a journal to note first what was in force
//! ([`Host::keep_journal`]).

#![forbid(unsafe_code)]

mod actuator;
mod attribute;
mod clock_domain;
mod clock_range;
mod clusters;
mod cooling;
mod counter;
mod cpulist;
mod discovery;
mod error;
mod host;
mod journal;
mod kernel;
#[cfg(test)]
mod model_kernel;
mod problem;
mod process;
mod procfs;
mod put_back;
mod rival;
mod taken;

pub use error::BoardError;
pub use host::{Host, restore};
pub use journal::JournalError;
pub use problem::{Fault, Loss, SensorProblem};
