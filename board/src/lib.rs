//! The hardware of the machine at hand: discovery and sensors, from sysfs and procfs.
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
//!  hardware counters, of the machine at hand ─► pmu ─────────────────┘
//!              what failed ─► problem ─► finding, remedy
//!              what was read ─► snapshot
//! ```
//!
//! What cannot be read, and what cannot be true, is absent from the sample and listed once among the
//! [problems](Host::problems); [`findings`] say what to do about it. Nothing is written, and no privilege is needed,
//! though on some kernels root sees more. A [`Snapshot`] holds all that was read, for people without that machine.

#![forbid(unsafe_code)]

mod attribute;
mod battery;
mod clock;
mod clusters;
mod counter;
mod cpufreq;
mod cpulist;
mod cpus;
mod devfreq;
mod discovery;
mod error;
mod finding;
mod host;
mod load;
mod mali;
mod pmu;
mod power;
mod powercap;
mod problem;
mod process;
mod processor;
mod procfs;
mod purpose;
mod rails;
mod remedy;
mod sensor;
mod snapshot;
mod source;
mod stat;
mod survey;
mod thermal;

pub use error::BoardError;
pub use finding::{Finding, Grade, findings};
pub use host::Host;
pub use problem::{Fault, Loss, SensorProblem};
pub use snapshot::{Snapshot, SnapshotError};
pub use source::{ProcessorSource, Sources};
