//! Where the pool sits: moved between inferences, so that none pays for the move.
//!
//! Moving a running thread to another CPU makes it wait in that CPU's queue: milliseconds beside busy
//! neighbours. So the background thread moves the sleeping pool as soon as an assignment comes, and leaves it
//! to the end of the inference if one is under way. An inference that begins before its pool has moved runs as
//! the one before it did ([`Seat::at`] says so): the assignment is taken up by the next one.

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
            sitting.settle();
        }
    }

    /// App: an inference begins. Waits for nobody: a pool that is being moved at this moment is moved.
    pub(crate) fn occupy(&self) {
        if let Ok(mut sitting) = self.0.try_lock() {
            sitting.activity = Activity::Inferring;
        }
    }

    /// App: should sit on `cpus` (anywhere if empty). Waits for nobody and moves nothing.
    ///
    /// # Errors
    /// If it was to be moved there and could not be: then it is unpinned.
    pub(crate) fn at(&self, cpus: CpuSet) -> Result<Place, ClientError> {
        let Ok(mut sitting) = self.0.try_lock() else {
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

    /// App: the inference has ended.
    pub(crate) fn vacate(&self) {
        let mut sitting = self.sitting();
        sitting.activity = Activity::Idle;
        sitting.settle();
    }

    /// App: another pool, which moves to where the earlier one sat; that is unpinned.
    pub(crate) fn replace(&self, pool: Pool) {
        let mut sitting = self.sitting();
        sitting.pool.unpin();
        sitting.pool = pool;
        if sitting.activity == Activity::Idle {
            sitting.settle();
        }
    }

    fn sitting(&self) -> MutexGuard<'_, Sitting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sitting {
    fn settle(&mut self) {
        if self.wanted.is_empty() {
            self.pool.unpin();
        } else if let Err(why) = self.pool.pin(self.wanted) {
            // Not again at each inference: the next assignment brings the next try.
            let place = std::mem::take(&mut self.wanted);
            self.failure = Some((place, why));
        }
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
        seat.replace(Pool::new(&[vec![this_thread()]]).unwrap());
        seat.occupy();
        seat.offer(one);
        assert_eq!(seat.at(one).unwrap(), Place::Soon);
        assert_eq!(allowed(), home, "moved in mid-inference");
        seat.vacate();
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
        let seat = Seat::default();
        seat.replace(Pool::new(&[vec![this_thread()]]).unwrap());
        seat.occupy();
        assert_eq!(seat.at(one).unwrap(), Place::Soon);
        seat.vacate();
        assert_eq!(allowed(), home[..1]);
    }
}
