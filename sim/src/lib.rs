//! A virtual board as the files that its kernel would show, and a laboratory ([`lab`]) where controllers play on virtual boards.
//!
//! A [`Tree`] is made from a board file ([`Blueprint`](dynd_vocab::Blueprint)) and nothing else, and is alive: a
//! [`Plant`](dynd_plant::Plant) is behind every attribute that moves. It has no clock; [`Tree::advance`] lets time go by.
//!
//! ```text
//!  board file ─► Blueprint ─┬─► Plant, bounds as asked ─► machine ◄─┐ read, write
//!                           └─► devicetree, cpu, cpufreq, devfreq,  │
//!                               rail, thermal, procfs ─► nodes ─────┴─► Tree ─┬─► export: plain files, as they are now
//!                                                                            └─► mount: FUSE, in real time
//!                                                                                     ▲ work   │ clocks
//!                                                                 programs that run ──┴ hosting ┘
//! ```
//!
//! Paths are those of the board file and of the kernel, so that the real backend finds on it what it finds on the real
//! board. Writes are taken as the kernel of the board's era takes them ([`KernelEra`](dynd_vocab::blueprint::KernelEra)):
//!
//! | write | legacy (cpufreq to 5.2, devfreq to 5.5) | qos (later) |
//! |---|---|---|
//! | minimum above maximum | `EINVAL` | taken; the minimum in force is lowered |
//! | outside of the table | taken, clamped | taken, clamped |
//! | `0` to devfreq | end of the table | no bound |
//! | number with a tail (`5x`) | its head is taken | cpufreq `EINVAL`, devfreq takes the head |
//! | no number, unknown governor | `EINVAL` | `EINVAL` |
//! | `scaling_setspeed` without the governor `userspace` | `EINVAL` | `EINVAL` |
//! | what is read back | clamped, lowered while the kernel cools | the same |
//!
//! Source: drivers/cpufreq/cpufreq.c and drivers/devfreq/devfreq.c of both eras. What a board file does not tell and what the
//! plant does not simulate is left out (`scaling_driver`, `time_in_state`) or cannot be written (`cur_state` of cooling
//! devices).

#![forbid(unsafe_code)]

mod bounds;
mod cpu;
mod cpufreq;
mod devfreq;
mod devicetree;
mod export;
mod filesystem;
mod hosting;
pub mod lab;
mod machine;
mod mount;
mod node;
mod number;
mod process;
mod procfs;
mod rail;
mod refusal;
mod thermal;
mod tree;

pub use export::{ExportError, export};
pub use hosting::{Hosting, HostingError, deal};
pub use mount::{Ending, MountError, Mounted};
pub use refusal::Refusal;
pub use tree::Tree;
