//! Hardware counters of CPU clusters.
//!
//! One pair of events per CPU, not per process: the kernel gives each to the PMU that serves that CPU, so that on a
//! board with two kinds of cores each kind is counted by its own (`armpmu_event_init` refuses CPUs of another PMU).
//! Reading a counter interrupts its CPU; one that idled since the last sample is left alone, for its counters stood
//! still.
//!
//! Two events per CPU stay open, and a PMU has few: they are opened for those who ask for them only
//! ([`Host::count`](crate::Host::count)).
//!
//! Most systems let only root, or `CAP_PERFMON`, count (`kernel.perf_event_paranoid` above 0), virtual machines often have
//! no PMU, and on 32-bit Arm the library knows no counters. Then there are none, and a problem says why.

use std::io;
use std::time::Duration;

use dynd_vocab::{Counters, CpuSet, CpuTimes};

/// Where the kernel lists its PMUs.
pub(crate) const PMUS: &str = "sys/bus/event_source/devices";

/// The counters of one cluster.
#[derive(Debug)]
pub(crate) struct Pmu {
    cpus: Vec<CpuPmu>,
}

#[derive(Debug)]
struct CpuPmu {
    cpu: u32,
    events: events::Pair,
    /// The time it had been busy at the last sample.
    busy: Option<Duration>,
    latest: Counters,
}

impl Pmu {
    /// Starts to count what `cpus` do.
    ///
    /// # Errors
    /// If one of them cannot be counted.
    pub(crate) fn open(cpus: CpuSet) -> io::Result<Self> {
        let open = |cpu: u32| {
            Ok(CpuPmu {
                cpu,
                events: events::Pair::open(cpu)?,
                busy: None,
                latest: Counters::default(),
            })
        };
        let cpus: Vec<CpuPmu> = cpus.iter().map(open).collect::<io::Result<_>>()?;
        if cpus.is_empty() {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(Self { cpus })
    }

    /// The sum over its CPUs, of which `times` tell whether they were busy; absent if one does not answer, as a CPU
    /// that went offline.
    pub(crate) fn read(&mut self, times: &[CpuTimes]) -> Option<Counters> {
        let mut sum = Counters::default();
        for pmu in &mut self.cpus {
            let busy = times
                .iter()
                .find(|times| times.cpu == pmu.cpu)
                .map(|times| times.busy);
            if busy.is_none() || busy != pmu.busy {
                pmu.latest = pmu.events.read().ok()?;
            }
            pmu.busy = busy;
            sum.cycles = sum.cycles.saturating_add(pmu.latest.cycles);
            sum.instructions = sum.instructions.saturating_add(pmu.latest.instructions);
        }
        Some(sum)
    }
}

#[cfg(any(target_arch = "aarch64", target_arch = "x86_64"))]
mod events {
    use std::io;

    use dynd_vocab::Counters;
    use perf_event::events::Hardware;
    use perf_event::{Builder, Counter};

    #[derive(Debug)]
    pub(super) struct Pair {
        cycles: Counter,
        instructions: Counter,
    }

    impl Pair {
        pub(super) fn open(cpu: u32) -> io::Result<Self> {
            let open = |event| {
                let mut builder = Builder::new(event);
                builder
                    .any_pid()
                    .one_cpu(cpu as usize)
                    .include_kernel()
                    .enabled(true);
                builder.build()
            };
            Ok(Self {
                cycles: open(Hardware::CPU_CYCLES)?,
                instructions: open(Hardware::INSTRUCTIONS)?,
            })
        }

        pub(super) fn read(&mut self) -> io::Result<Counters> {
            Ok(Counters {
                cycles: self.cycles.read()?,
                instructions: self.instructions.read()?,
            })
        }
    }
}

#[cfg(not(any(target_arch = "aarch64", target_arch = "x86_64")))]
mod events {
    use std::io;

    use dynd_vocab::Counters;

    /// There is none.
    #[derive(Debug)]
    pub(super) enum Pair {}

    impl Pair {
        pub(super) fn open(_cpu: u32) -> io::Result<Self> {
            Err(io::ErrorKind::Unsupported.into())
        }

        pub(super) fn read(&mut self) -> io::Result<Counters> {
            match *self {}
        }
    }
}
