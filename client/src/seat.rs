//! Where the pool sits: moved between inferences, so that none pays for the move.
//!
//! Moving a running thread to another CPU makes it wait in that CPU's queue: milliseconds beside busy
//! neighbours. So the background thread moves the sleeping pool as soon as an assignment comes, and leaves it
//! to the end of the inference if one is under way. [`Seat::take`] then finds nothing left to do.

use std::sync::{Mutex, MutexGuard, PoisonError};

use dynd_vocab::CpuSet;

use crate::ClientError;
use crate::pool::Pool;

/// The pool, shared by the app thread and the background thread. The lock is held for the few system calls
/// of a move at most.
#[derive(Debug, Default)]
pub(crate) struct Seat(Mutex<Sitting>);

#[derive(Debug, Default)]
struct Sitting {
    pool: Pool,
    /// Where the pool should sit; anywhere if empty.
    wanted: CpuSet,
    activity: Activity,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Activity {
    #[default]
    Idle,
    Inferring,
}

impl Seat {
    /// Background: the pool should sit on `cpus` (anywhere if empty), as soon as no inference is disturbed. What
    /// fails now is tried, and reported, when the assignment is taken up.
    pub(crate) fn offer(&self, cpus: CpuSet) {
        let mut sitting = self.sitting();
        sitting.wanted = cpus;
        if sitting.activity == Activity::Idle {
            let _ = sitting.settle();
        }
    }

    /// App: an inference begins. Waits for nobody: a pool that is being moved at this moment is moved.
    pub(crate) fn occupy(&self) {
        if let Ok(mut sitting) = self.0.try_lock() {
            sitting.activity = Activity::Inferring;
        }
    }

    /// App: the pool must sit on `cpus` now.
    ///
    /// # Errors
    /// If it cannot; then it is unpinned.
    pub(crate) fn take(&self, cpus: CpuSet) -> Result<(), ClientError> {
        let mut sitting = self.sitting();
        sitting.wanted = cpus;
        sitting.settle()
    }

    /// App: the inference has ended.
    pub(crate) fn vacate(&self) {
        let mut sitting = self.sitting();
        sitting.activity = Activity::Idle;
        let _ = sitting.settle();
    }

    /// App: another pool; the earlier one is unpinned.
    pub(crate) fn replace(&self, pool: Pool) {
        let mut sitting = self.sitting();
        sitting.pool.unpin();
        sitting.pool = pool;
    }

    fn sitting(&self) -> MutexGuard<'_, Sitting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sitting {
    fn settle(&mut self) -> Result<(), ClientError> {
        if self.wanted.is_empty() {
            self.pool.unpin();
            return Ok(());
        }
        let pinned = self.pool.pin(self.wanted);
        if pinned.is_err() {
            // Not again at each inference: the next assignment brings the next try.
            self.wanted = CpuSet::EMPTY;
        }
        pinned
    }
}

#[cfg(test)]
mod tests {
    use nix::sched::sched_getaffinity;
    use nix::unistd::Pid;

    use super::*;
    use crate::pool::this_thread;

    fn allowed() -> Vec<usize> {
        let set = sched_getaffinity(Pid::from_raw(0)).unwrap();
        (0..128).filter(|cpu| set.is_set(*cpu) == Ok(true)).collect()
    }

    #[test]
    fn an_inference_is_not_moved_and_an_idle_pool_is() {
        let home = allowed();
        let one = CpuSet::single(home[0] as u32);
        let seat = Seat::default();
        seat.replace(Pool::new(vec![this_thread()]).unwrap());
        seat.occupy();
        seat.offer(one);
        assert_eq!(allowed(), home, "moved in mid-inference");
        seat.vacate();
        assert_eq!(allowed(), home[..1]);
        seat.offer(CpuSet::EMPTY);
        assert_eq!(allowed(), home);
        assert!(seat.take(CpuSet::single(127)).is_err(), "a CPU that is not there");
        assert_eq!(allowed(), home);
    }
}
