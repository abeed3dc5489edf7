//! The hardware of the machine at hand: discovery and sensors, from sysfs and procfs.
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
//! [problems](Host::problems). Nothing is written, and no privilege is needed.

#![forbid(unsafe_code)]

mod attribute;
mod clusters;
mod counter;
mod cpulist;
mod discovery;
mod error;
mod host;
mod problem;
mod process;
mod procfs;

pub use error::BoardError;
pub use host::Host;
pub use problem::{Fault, Loss, SensorProblem};
