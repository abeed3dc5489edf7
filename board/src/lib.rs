//! The hardware of the machine at hand: discovery, sensors and actuators, through sysfs and procfs.
//!
//! [`Host`] is the real [`Board`](dynd_vocab::Board). It reads below a root directory that its caller names:
//! `/` in production, a directory that holds `sys/` and `proc/` for a captured or simulated machine.
//!
//! ```text
//!              once: discovery, each file read through survey
//!  cpu, cpufreq ─► cpus, cpufreq ─► clusters ─┐
//!  devfreq, mali ─► devfreq ─► purpose        ├─► BoardDescription, and what observes it:
//!  hwmon, iio, i2c, powercap ─► rails         │   clock, load, power, thermal, battery
//!  thermal, power_supply ─► thermal, battery ─┘
//!              every sample: each file held open (attribute, sensor)
//!  proc/stat, proc/PID/stat, proc/pressure ─► stat, process, procfs ─┬─► Sample
//!  clocks, loads, rails, zones, cooling, battery ────────────────────┤
//!  hardware counters, of the machine at hand ─► pmu ─────────────────┤
//!  NVIDIA's library, of the machine at hand ─► nvml ─────────────────┘
//!              what failed ─► problem ─► finding, remedy
//!              what was read ─► snapshot
//! ```
//!
//! What cannot be read, and what cannot be true, is absent from the sample and listed once among the
//! [problems](dynd_vocab::Board::problems); [`findings`] say what to do about it. No privilege is needed to read, though on some
//! kernels root sees more. A [`Snapshot`] holds all that was read, for people without that machine.
//!
//! ```text
//!  Setting ─► actuator ─► journal (first), then kernel: cpufreq, devfreq ─► read back ─► Actuation per processor
//!                            │                                 ▲
//!                            └──────── put back ───────────────┘   at exit, after a crash
//!  apps ─► confiner ─► cgroups (is it alone?) ─► journal, then its cpuset, or systemd through units ─► Confined per app
//! ```
//! Nothing is written unless a setting asks for it and there is a journal to note first what was in force
//! ([`Host::keep_journal`]).

#![forbid(unsafe_code)]

mod actuator;
mod attribute;
mod battery;
mod cgroups;
mod clock;
mod clock_domain;
mod clock_range;
mod clusters;
mod confiner;
mod cooling;
mod counter;
mod cpufreq;
mod cpulist;
mod cpus;
mod devfreq;
mod discovery;
mod error;
mod fenced;
mod finding;
mod host;
mod init_system;
mod journal;
mod kernel;
mod ledger;
mod load;
mod mali;
#[cfg(test)]
mod model_kernel;
#[cfg(feature = "nvml")]
mod nvml;
#[cfg(not(feature = "nvml"))]
#[path = "no_nvml.rs"]
mod nvml;
mod pmu;
mod power;
mod powercap;
mod problem;
mod process;
mod processor;
mod procfs;
mod purpose;
mod put_back;
mod rails;
mod remedy;
mod rival;
mod sensor;
mod snapshot;
mod source;
mod stat;
mod survey;
mod taken;
mod thermal;
mod units;

pub use error::BoardError;
pub use finding::{Finding, Grade, findings};
pub use host::{Host, restore};
pub use journal::JournalError;
pub use problem::{Fault, Loss, SensorProblem};
pub use snapshot::{Snapshot, SnapshotError};
pub use source::{ProcessorSource, Sources};
pub use units::{FenceError, Units};
