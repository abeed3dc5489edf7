//! The inference pool: which threads may be pinned, where they ran before, where they run now. Pinned threads
//! also ask the kernel for short time slices, so that they need not wait for busy neighbours when they wake.

use dynd_vocab::CpuSet;
use nix::errno::Errno;
use nix::sched::{self, sched_getaffinity, sched_setaffinity};
use nix::unistd::{Pid, gettid};

use crate::ClientError;
use crate::slice::{Slice, set_slice};

/// A thread, as the kernel numbers it.
pub type Tid = i32;

/// The number of the thread that asks.
pub fn this_thread() -> Tid {
    gettid().as_raw()
}

/// The threads that infer. Only these are ever pinned, all of them to the same CPUs.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    threads: Vec<Thread>,
    pinned: CpuSet,
}

#[derive(Debug)]
struct Thread {
    tid: Tid,
    /// Where it was allowed to run when it joined the pool.
    home: sched::CpuSet,
}

impl Pool {
    /// The pool of `tids`, unpinned.
    ///
    /// # Errors
    /// If one of them does not exist.
    pub(crate) fn new(tids: Vec<Tid>) -> Result<Self, ClientError> {
        let thread = |tid: Tid| match sched_getaffinity(Pid::from_raw(tid)) {
            Ok(home) => Ok(Thread { tid, home }),
            Err(source) => Err(ClientError::Thread { thread: tid, source }),
        };
        let threads = tids.into_iter().map(thread).collect::<Result<_, _>>()?;
        Ok(Self {
            threads,
            pinned: CpuSet::EMPTY,
        })
    }

    /// Pins every thread to `cpus`, and makes sure of it.
    ///
    /// # Errors
    /// If that fails for one thread; then all are unpinned.
    pub(crate) fn pin(&mut self, cpus: CpuSet) -> Result<(), ClientError> {
        if cpus == self.pinned {
            return Ok(());
        }
        // Set first: a failure half-way must bring all threads home.
        self.pinned = cpus;
        let pinned = self.threads.iter().try_for_each(|thread| thread.pin(cpus));
        if pinned.is_err() {
            self.unpin();
        }
        pinned
    }

    /// Lets every thread run where it ran before it joined the pool.
    pub(crate) fn unpin(&mut self) {
        if self.pinned.is_empty() {
            return;
        }
        self.pinned = CpuSet::EMPTY;
        for thread in &self.threads {
            thread.ask_for(Slice::Default);
            match sched_setaffinity(Pid::from_raw(thread.tid), &thread.home) {
                Ok(()) | Err(Errno::ESRCH) => {}
                Err(errno) => tracing::warn!(thread = thread.tid, %errno, "failed to unpin a thread"),
            }
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.unpin();
    }
}

impl Thread {
    /// A wish, not a need: old kernels and containers may refuse it, and the pool works without.
    fn ask_for(&self, slice: Slice) {
        if let Err(error) = set_slice(self.tid, slice) {
            tracing::debug!(thread = self.tid, %error, "failed to set the time slice");
        }
    }

    fn pin(&self, cpus: CpuSet) -> Result<(), ClientError> {
        let thread = self.tid;
        let failed = |source| ClientError::Pin { thread, cpus, source };
        let mut mask = sched::CpuSet::new();
        for cpu in cpus.iter() {
            mask.set(index(cpu)).map_err(failed)?;
        }
        sched_setaffinity(Pid::from_raw(thread), &mask).map_err(failed)?;
        // The kernel silently leaves out what is offline or outside the cgroup's cpuset.
        let allowed = sched_getaffinity(Pid::from_raw(thread)).map_err(failed)?;
        let allowed = (0..CpuSet::CAPACITY)
            .filter(|&cpu| allowed.is_set(index(cpu)) == Ok(true))
            .collect();
        if allowed == cpus {
            self.ask_for(Slice::Short);
            Ok(())
        } else {
            Err(ClientError::Confined {
                thread,
                cpus,
                allowed,
            })
        }
    }
}

fn index(cpu: u32) -> usize {
    usize::try_from(cpu).unwrap_or(usize::MAX)
}
