//! A mounted board on which programs really run: its CPUs are CPUs of this machine, slowed to their clocks.
//!
//! ```text
//!   a write to a clock ─► plant ─ speed of each cluster ─► quota ─► cgroup of each CPU ─► programs (slower)
//!                           ▲                                                                │
//!                           └── work ◄── CPU time that they spent (guests) ◄─────────────────┘
//! ```
//!
//! Every [`LOOK`]:
//! 1. Each thread of the board's cgroups is put into the group of the CPU that it counts for ([`guests`]).
//! 2. The CPU time that it has spent since the last look becomes work on that CPU of the plant: as many cycles as the
//!    fastest core of the board does in that time at its highest clock, since that is what a CPU of the machine stands
//!    for. So loads, power, heat and what the kernel makes of them follow from what really runs, one look later.
//! 3. Each group gets the quota that makes its CPU as fast as the plant's is now ([`quota`]): what users allow, the
//!    governor, cooling, firmware and the cluster's capacity are all in that.
//!
//! What a thread spends in the look in which it ends is not seen. Accelerators are not played: they idle.

mod claim;
mod deal;
mod group;
mod guests;
mod metronome;
mod quota;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use dynd_plant::{Place, Plant, Work};
use dynd_vocab::{CpuSet, Seconds};

use crate::filesystem::{Live, lock};
use crate::machine::Visitors;
use crate::mount::Mounted;

use self::claim::Claim;
use self::group::Groups;
use self::guests::{Found, Guests};
use self::metronome::Metronome;
use self::quota::Quota;

pub use self::deal::deal;

/// From one look to the next.
const LOOK: Duration = Duration::from_millis(20);

/// Programs that run on a mounted board. It ends with the value: whoever still runs, runs as fast as before.
#[derive(Debug)]
pub struct Hosting {
    board: PathBuf,
    /// Never used: whoever hears that it is gone ends.
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
    /// Given up once the thread has ended.
    _claim: Claim,
}

/// Why no program can run on a board.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HostingError {
    /// There is nowhere to set quotas.
    #[error("failed to find a cgroup hierarchy with the controller cpu")]
    NoController,
    /// Programs run on another board.
    #[error("failed to have this machine's CPUs for a live board: there is one already, of {by}")]
    Claimed {
        /// Whose it is.
        by: String,
    },
    /// The CPUs cannot be claimed.
    #[error("failed to claim this machine's CPUs by the file {}", path.display())]
    Claim {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// This process cannot tell itself from others.
    #[error("failed to name the cgroups of the board")]
    Identify(#[source] io::Error),
    /// A cgroup cannot be made or set.
    #[error("failed to set up the cgroup {}", path.display())]
    Group {
        /// Its directory, or the file in it.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A thread that makes the kernel enforce quotas cannot be had.
    #[error("failed to start a real-time thread on CPU {cpu} (by chrt, of util-linux)")]
    Metronome {
        /// On which CPU.
        cpu: u32,
        /// Why.
        source: io::Error,
    },
    /// The thread that keeps the board going cannot be had.
    #[error("failed to start a thread")]
    Thread(#[source] io::Error),
}

/// A CPU of the board, and of this machine.
#[derive(Debug)]
struct Seat {
    cpu: u32,
    /// Index of its cluster.
    processor: usize,
    quota: Option<Quota>,
    metronome: Metronome,
}

impl Hosting {
    /// Lets programs run on `mounted`, whose board was [dealt](deal) CPUs that this process may use.
    ///
    /// # Errors
    /// If programs run on another board already, or this process may not make cgroups with a quota, or real-time threads.
    pub fn start(mounted: &Mounted) -> Result<Self, HostingError> {
        let claim = Claim::new()?;
        let live = mounted.live();
        let seats = seats(lock(&live).now().plant_mut())?;
        let groups = Groups::new(seats.iter().map(|seat| seat.cpu))?;
        let board = groups.board().to_path_buf();
        let mut host = Host {
            guests: Guests::new(seats.iter().map(|seat| seat.cpu).collect()),
            live,
            groups,
            seats,
        };
        // Before anybody runs.
        host.slow()?;
        let (end, ended) = channel();
        let thread = thread::Builder::new().name("hosting".into());
        let thread = thread
            .spawn(move || host.run(&ended))
            .map_err(HostingError::Thread)?;
        Ok(Self {
            board,
            end: Some(end),
            thread: Some(thread),
            _claim: claim,
        })
    }

    /// The cgroup of what runs on the board. Whoever is put into its `cgroup.procs` does.
    pub fn group(&self) -> &Path {
        &self.board
    }
}

impl Drop for Hosting {
    fn drop(&mut self) {
        self.end = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// One seat for each CPU of `plant`.
fn seats(plant: &Plant) -> Result<Vec<Seat>, HostingError> {
    let clusters = plant.blueprint().clusters.iter().enumerate();
    let cpus = clusters.flat_map(|(processor, cluster)| cluster.cpus.iter().map(move |cpu| (processor, cpu)));
    cpus.map(|(processor, cpu)| {
        let metronome = Metronome::new(cpu).map_err(|source| HostingError::Metronome { cpu, source })?;
        Ok(Seat {
            cpu,
            processor,
            quota: None,
            metronome,
        })
    })
    .collect()
}

/// What keeps the board going.
#[derive(Debug)]
struct Host {
    live: Arc<Mutex<Live>>,
    groups: Groups,
    guests: Guests,
    seats: Vec<Seat>,
}

impl Host {
    fn run(mut self, ended: &Receiver<()>) {
        while ended.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
            let found = self.guests.look(&self.groups);
            self.work(&found);
            // A group that takes no quota takes the next one.
            let _: Result<(), HostingError> = self.slow();
        }
    }

    /// Makes work of what was spent.
    fn work(&mut self, found: &Found) {
        let mut live = lock(&self.live);
        let tree = live.now();
        tree.visit(Visitors {
            runnable: found.runnable,
            processes: found.processes.clone(),
        });
        let plant = tree.plant_mut();
        let fastest = fastest(plant);
        for (&(process, seat), spent) in &found.spent {
            let work = Work::new(Seconds::ZERO, spent.as_secs_f64() * fastest);
            let place = Place::Cpus(CpuSet::single(self.seats[seat].cpu));
            // Every seat is a CPU of the plant, and what was spent is some time.
            let _ = plant.submit(process, work, place);
        }
        // Nobody asks when it is done.
        let _ = plant.completed();
    }

    /// Makes each CPU as fast as the plant's is.
    fn slow(&mut self) -> Result<(), HostingError> {
        let mut live = lock(&self.live);
        let plant = live.now().plant_mut();
        let fastest = fastest(plant);
        let quotas: Vec<_> = self
            .seats
            .iter()
            .map(|seat| Quota::of(plant.speed(seat.processor) / fastest))
            .collect();
        drop(live);
        for (index, (seat, quota)) in self.seats.iter_mut().zip(quotas).enumerate() {
            if seat.quota != quota {
                self.groups.limit(index, quota)?;
                seat.quota = quota;
                seat.metronome.beat(quota.is_some());
            }
        }
        Ok(())
    }
}

/// How fast the fastest core of `plant` is at its highest clock.
fn fastest(plant: &Plant) -> f64 {
    let clusters = 0..plant.blueprint().clusters.len();
    clusters
        .map(|processor| plant.highest_speed(processor))
        .fold(0.0, f64::max)
}
