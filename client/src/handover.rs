//! What the background thread tells the app thread.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use dynd_vocab::Assignment;

use crate::ClientError;

/// Whether a session has a daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// A daemon welcomed this session and has not gone since.
    Connected,
    /// There is no daemon, or it refuses this session, which selects for itself.
    Alone,
}

/// The place where one thread leaves what the other picks up. The app thread reads one atomic number per
/// inference; it takes the lock only when that moved, and never waits for it.
#[derive(Debug, Default)]
pub(crate) struct Handover {
    /// Counts the changes of `told`; moved under its lock.
    version: AtomicU64,
    /// The latest assignment; none while there is no daemon.
    told: Mutex<Option<Arc<Assignment>>>,
    changed: Condvar,
    connected: AtomicBool,
    refusal: Mutex<Option<String>>,
}

impl Handover {
    /// Background: a daemon welcomed the session.
    pub(crate) fn welcomed(&self) {
        *lock(&self.refusal) = None;
        self.connected.store(true, Ordering::Release);
    }

    /// Background: the daemon assigned something.
    pub(crate) fn assigned(&self, assignment: Assignment) {
        self.tell(Some(Arc::new(assignment)));
    }

    /// Background: there is no daemon any more.
    pub(crate) fn lost(&self) {
        if self.connected.swap(false, Ordering::AcqRel) {
            self.tell(None);
        }
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

    /// App: waits until there is an assignment or the limit has passed.
    pub(crate) fn wait(&self, limit: Duration) -> bool {
        let wait = self
            .changed
            .wait_timeout_while(lock(&self.told), limit, |told| told.is_none());
        wait.unwrap_or_else(PoisonError::into_inner).0.is_some()
    }

    pub(crate) fn link(&self) -> Link {
        if self.connected.load(Ordering::Acquire) {
            Link::Connected
        } else {
            Link::Alone
        }
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
        self.changed.notify_all();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
