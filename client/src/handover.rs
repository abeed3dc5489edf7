//! What the background thread tells the app thread.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use dynd_vocab::Assignment;

use crate::ClientError;

/// Whether a session has a daemon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Link {
    /// There is no daemon. The session keeps its last assignment until its lease ends, then selects for itself.
    #[default]
    Alone,
    /// A daemon welcomed this session and has not gone since.
    Connected,
    /// There is a daemon, and it refuses this session, which selects for itself; [`refusal`](crate::Session::refusal)
    /// says why.
    Refused,
}

/// The place where one thread leaves what the other picks up. The app thread reads one atomic number per
/// inference; it takes the lock only when that moved, and never waits for it.
#[derive(Debug, Default)]
pub(crate) struct Handover {
    /// Counts the changes of `told`; moved under its lock.
    version: AtomicU64,
    /// The latest assignment; none once its lease has ended.
    told: Mutex<Option<Arc<Assignment>>>,
    /// What [`wait`](Self::wait) waits for: an assignment whose pool has been moved, or a refusal.
    answered: Mutex<bool>,
    changed: Condvar,
    /// A [`Link`].
    link: AtomicU8,
    refusal: Mutex<Option<String>>,
}

impl Handover {
    /// Background: a daemon welcomed the session.
    pub(crate) fn welcomed(&self) {
        *lock(&self.refusal) = None;
        self.set_link(Link::Connected);
    }

    /// Background: the daemon assigned something.
    pub(crate) fn assigned(&self, assignment: Assignment) {
        self.tell(Some(Arc::new(assignment)));
    }

    /// Background: the pool has been moved as assigned, if it could be.
    pub(crate) fn settled(&self) {
        self.answer(true);
    }

    /// Background: the daemon is gone, or refuses the session ([`Link::Refused`]).
    pub(crate) fn lost(&self, link: Link) {
        self.set_link(link);
        if link == Link::Refused {
            self.answer(true);
        }
    }

    /// Background: the lease of the last assignment has ended.
    pub(crate) fn expired(&self) {
        self.tell(None);
        self.answer(false);
    }

    /// Background: the assignment whose lease runs.
    pub(crate) fn held(&self) -> Option<Arc<Assignment>> {
        lock(&self.told).clone()
    }

    /// Either thread: something that people should know.
    pub(crate) fn refused(&self, why: &ClientError) {
        let why = why.chain();
        *lock(&self.refusal) = Some(why);
    }

    /// App: what was told last, if that is newer than what was `seen`. None inside when there is no daemon.
    pub(crate) fn news(&self, seen: &mut u64) -> Option<Option<Arc<Assignment>>> {
        if self.version.load(Ordering::Acquire) == *seen {
            return None;
        }
        let told = match self.told.try_lock() {
            Ok(told) => told,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // It is being changed at this moment: the next inference will see it.
            Err(TryLockError::WouldBlock) => return None,
        };
        *seen = self.version.load(Ordering::Acquire);
        Some(told.clone())
    }

    /// App: waits until there is an assignment, a refusal, or the limit has passed; true if there is an assignment.
    pub(crate) fn wait(&self, limit: Duration) -> bool {
        let wait = self
            .changed
            .wait_timeout_while(lock(&self.answered), limit, |answered| !*answered);
        let answered = *wait.unwrap_or_else(PoisonError::into_inner).0;
        answered && self.held().is_some()
    }

    pub(crate) fn link(&self) -> Link {
        let is = |link: Link| self.link.load(Ordering::Acquire) == link as u8;
        let known = [Link::Connected, Link::Refused]
            .into_iter()
            .find(|link| is(*link));
        known.unwrap_or(Link::Alone)
    }

    pub(crate) fn refusal(&self) -> Option<String> {
        lock(&self.refusal).clone()
    }

    fn tell(&self, news: Option<Arc<Assignment>>) {
        let mut told = lock(&self.told);
        let before = std::mem::replace(&mut *told, news);
        self.version.fetch_add(1, Ordering::Release);
        drop(told);
        drop(before);
    }

    fn set_link(&self, link: Link) {
        self.link.store(link as u8, Ordering::Release);
    }

    fn answer(&self, answered: bool) {
        *lock(&self.answered) = answered;
        self.changed.notify_all();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
