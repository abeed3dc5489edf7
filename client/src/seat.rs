//! Where the pool sits: moved between inferences, so that none pays for the move.
//!
//! Moving a running thread to another CPU makes it wait in that CPU's queue: milliseconds beside busy
//! neighbours. So the background thread moves the sleeping pool as soon as an assignment comes, and leaves it
//! to the end of the inference if one is under way. An inference that begins before its pool has moved runs as
//! the one before it did ([`Seat::at`] says so): the assignment is taken up by the next one.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dynd_vocab::CpuSet;

use crate::ClientError;
use crate::pool::Pool;

/// The pool, shared by the app thread and the background thread. The lock is held for the few system calls
/// of a move at most, and the app thread never waits for it while it infers.
#[derive(Debug, Default)]
pub(crate) struct Seat {
    sitting: Mutex<Sitting>,
    inferring: AtomicBool,
}

#[derive(Debug, Default)]
struct Sitting {
    pool: Pool,
    /// Where the pool should sit; anywhere if empty.
    wanted: CpuSet,
    /// Where the latest move should have led, and why it failed.
    failure: Option<(CpuSet, ClientError)>,
}

/// Whether the pool sits where it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// It does.
    There,
    /// It will when the inference that now begins has ended.
    Soon,
}

/// An inference under way; dropped, it has ended.
#[derive(Debug)]
pub(crate) struct Occupied(Arc<Seat>);

impl Drop for Occupied {
    fn drop(&mut self) {
        self.0.vacate();
    }
}

impl Seat {
    /// Background: the pool should sit on `cpus` (anywhere if empty), as soon as no inference is disturbed. What
    /// fails now is reported when the assignment is taken up.
    pub(crate) fn offer(&self, cpus: CpuSet) {
        let mut sitting = self.sitting();
        sitting.wanted = cpus;
        if self.is_idle() {
            return sitting.settle();
        }
        drop(sitting);
        // An inference that ended while the lock was held could not move the pool itself.
        if self.is_idle() {
            self.sitting().settle();
        }
    }

    /// App: an inference begins. Waits for nobody: a pool that is being moved at this moment is moved.
    pub(crate) fn occupy(self: &Arc<Self>) -> Occupied {
        self.inferring.store(true, Ordering::SeqCst);
        Occupied(self.clone())
    }

    /// App: should sit on `cpus` (anywhere if empty). Waits for nobody and moves nothing.
    ///
    /// # Errors
    /// If it was to be moved there and could not be: then it is unpinned.
    pub(crate) fn at(&self, cpus: CpuSet) -> Result<Place, ClientError> {
        let Ok(mut sitting) = self.sitting.try_lock() else {
            return Ok(Place::Soon);
        };
        if let Some((_, why)) = sitting.failure.take_if(|(place, _)| *place == cpus) {
            return Err(why);
        }
        if sitting.pool.pinned() == cpus {
            return Ok(Place::There);
        }
        sitting.wanted = cpus;
        Ok(Place::Soon)
    }

    /// App: another pool, which moves to where the earlier one sat; that is unpinned.
    pub(crate) fn replace(&self, pool: Pool) {
        let mut sitting = self.sitting();
        sitting.pool.unpin();
        sitting.pool = pool;
        if self.is_idle() {
            sitting.settle();
        }
    }

    /// App: the inference has ended. The background thread settles if it holds the lock.
    fn vacate(&self) {
        self.inferring.store(false, Ordering::SeqCst);
        if let Ok(mut sitting) = self.sitting.try_lock() {
            sitting.settle();
        }
    }

    fn is_idle(&self) -> bool {
        !self.inferring.load(Ordering::SeqCst)
    }

    fn sitting(&self) -> MutexGuard<'_, Sitting> {
        self.sitting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sitting {
    fn settle(&mut self) {
        if self.wanted.is_empty() {
            return self.pool.unpin();
        }
        let failure = self.pool.pin(self.wanted).err();
        // Not again at each inference: the next assignment brings the next try.
        self.failure = failure.map(|why| (std::mem::take(&mut self.wanted), why));
    }
}

#[cfg(test)]
mod tests {
    use nix::sched::sched_getaffinity;
    use nix::unistd::Pid;

    use super::*;
    use crate::pool::this_thread;

    /// This thread, on a seat.
    fn seated() -> Arc<Seat> {
        let seat = Arc::new(Seat::default());
        seat.replace(Pool::new(&[vec![this_thread()]]).unwrap());
        seat
    }

    fn allowed() -> Vec<usize> {
        let set = sched_getaffinity(Pid::from_raw(0)).unwrap();
        (0..128).filter(|cpu| set.is_set(*cpu) == Ok(true)).collect()
    }

    #[test]
    fn an_inference_is_not_moved_and_an_idle_pool_is() {
        let home = allowed();
        let one = CpuSet::single(home[0] as u32);
        let seat = seated();
        let inference = seat.occupy();
        seat.offer(one);
        assert_eq!(seat.at(one).unwrap(), Place::Soon);
        assert_eq!(allowed(), home, "moved in mid-inference");
        drop(inference);
        assert_eq!(seat.at(one).unwrap(), Place::There);
        assert_eq!(allowed(), home[..1]);
        seat.offer(CpuSet::EMPTY);
        assert_eq!(allowed(), home);
        seat.offer(CpuSet::single(127));
        assert!(seat.at(CpuSet::single(127)).is_err(), "a CPU that is not there");
        assert_eq!(seat.at(CpuSet::EMPTY).unwrap(), Place::There);
        assert_eq!(allowed(), home);
    }

    #[test]
    fn an_app_that_knows_first_has_its_pool_moved_after_the_inference() {
        let home = allowed();
        let one = CpuSet::single(home[0] as u32);
        let seat = seated();
        let inference = seat.occupy();
        assert_eq!(seat.at(one).unwrap(), Place::Soon);
        drop(inference);
        assert_eq!(allowed(), home[..1]);
    }

    #[test]
    fn a_failure_does_not_outlive_a_move_that_succeeds() {
        let one = CpuSet::single(allowed()[0] as u32);
        let nowhere = CpuSet::single(127);
        let seat = seated();
        seat.offer(nowhere);
        seat.offer(one);
        assert_eq!(seat.at(one).unwrap(), Place::There);
        assert_eq!(seat.at(nowhere).unwrap(), Place::Soon, "an old failure is told");
    }
}
