//! The inference pool: which threads may be pinned, where they ran before, where they run now. Pinned threads
//! also ask the kernel for short time slices, so that they need not wait for busy neighbours when they wake.
//!
//! Threads that run one inference together are a *team*. A team of as many threads as there are CPUs gets one CPU
//! each: left to the scheduler, two threads that sleep between inferences are now and then woken on the same CPU
//! and stay there for the whole inference, which then takes as long as on one core (seen on Linux 6.18).

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

/// The CPUs that the thread that asks may use.
///
/// # Errors
/// If the kernel does not tell.
pub fn allowed_cpus() -> Result<CpuSet, ClientError> {
    allowed(this_thread())
}

fn allowed(tid: Tid) -> Result<CpuSet, ClientError> {
    let set = sched_getaffinity(Pid::from_raw(tid))
        .map_err(|source| ClientError::Thread { thread: tid, source })?;
    Ok((0..CpuSet::CAPACITY)
        .filter(|&cpu| set.is_set(index(cpu)) == Ok(true))
        .collect())
}

/// The threads that infer. Only these are ever pinned.
#[derive(Debug, Default)]
pub struct Pool {
    threads: Vec<Thread>,
    pinned: CpuSet,
}

#[derive(Debug)]
struct Thread {
    tid: Tid,
    /// Its place in its team, and the size of that.
    place: usize,
    team: usize,
    /// Where it was allowed to run when it joined the pool.
    home: sched::CpuSet,
}

impl Pool {
    /// The pool of `teams`, unpinned.
    ///
    /// # Errors
    /// If one of the threads does not exist.
    pub fn new(teams: &[Vec<Tid>]) -> Result<Self, ClientError> {
        let thread = |place, tid: Tid, team| match sched_getaffinity(Pid::from_raw(tid)) {
            Ok(home) => Ok(Thread {
                tid,
                place,
                team,
                home,
            }),
            Err(source) => Err(ClientError::Thread { thread: tid, source }),
        };
        let members = teams.iter().flat_map(|team| {
            let numbered = team.iter().enumerate();
            numbered.map(|(place, tid)| thread(place, *tid, team.len()))
        });
        let threads = members.collect::<Result<_, _>>()?;
        Ok(Self {
            threads,
            pinned: CpuSet::EMPTY,
        })
    }

    /// Where it is pinned; empty if it is not.
    pub(crate) const fn pinned(&self) -> CpuSet {
        self.pinned
    }

    /// Pins every thread to `cpus`, or to one of them if its team has as many threads, and makes sure of it.
    ///
    /// # Errors
    /// If that fails for one thread; then all are unpinned.
    pub fn pin(&mut self, cpus: CpuSet) -> Result<(), ClientError> {
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
    pub fn unpin(&mut self) {
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
    /// What it gets of the pool's CPUs.
    fn share(&self, cpus: CpuSet) -> CpuSet {
        if self.team == cpus.len() as usize {
            cpus.iter().skip(self.place).take(1).collect()
        } else {
            cpus
        }
    }

    /// A wish, not a need: old kernels and containers may refuse it, and the pool works without.
    fn ask_for(&self, slice: Slice) {
        if let Err(error) = set_slice(self.tid, slice) {
            tracing::debug!(thread = self.tid, %error, "failed to set the time slice");
        }
    }

    fn pin(&self, cpus: CpuSet) -> Result<(), ClientError> {
        let thread = self.tid;
        let cpus = self.share(cpus);
        let failed = |source| ClientError::Pin { thread, cpus, source };
        let mut mask = sched::CpuSet::new();
        for cpu in cpus.iter() {
            mask.set(index(cpu)).map_err(failed)?;
        }
        sched_setaffinity(Pid::from_raw(thread), &mask).map_err(failed)?;
        // The kernel silently leaves out what is offline or outside the cgroup's cpuset.
        let allowed = allowed(thread)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn check(place: usize, team: usize, cpus: &str, expect: &str) {
        let home = sched_getaffinity(Pid::from_raw(0)).unwrap();
        let thread = Thread {
            tid: 0,
            place,
            team,
            home,
        };
        let share = thread.share(cpus.parse().unwrap());
        assert_eq!(share.to_string(), expect, "{place} of {team} on {cpus}");
    }

    #[test]
    fn a_team_that_fits_gets_one_cpu_each() {
        check(0, 2, "1,3", "1");
        check(1, 2, "1,3", "3");
        check(0, 1, "2", "2");
        // Too many or too few: the scheduler's choice.
        check(0, 1, "1,3", "1,3");
        check(2, 3, "1,3", "1,3");
    }
}
