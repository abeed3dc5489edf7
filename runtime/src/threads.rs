//! The threads of inference.
//!
//! One thread is the caller itself. Two and more are a pool of that size in which the whole inference runs,
//! the caller asleep: one wake-up per inference instead of one per layer, and as many runnable threads as
//! there are cores. A pool per size, because tract splits a layer over all threads of a pool.

use std::sync::mpsc;

use nix::unistd::gettid;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::sync::Arc;
use tract_linalg::multithread::{self, Executor, multithread_tract_scope};

use crate::RuntimeError;

/// Below this number of kernel panels a matrix product stays on one thread. tract's default, 64, is tuned for
/// many cores.
const PANELS: usize = 8;

/// Below this number of elements any other layer stays on one thread.
const ELEMENTS: usize = 8192;

/// The calling thread of [`Threads::start`] and the pools for every number of threads above one.
#[derive(Debug)]
pub(crate) struct Threads {
    /// The pool of `n + 2` threads is at `n`.
    pools: Vec<Arc<ThreadPool>>,
    teams: Vec<Vec<i32>>,
}

impl Threads {
    /// Starts the pools for up to `max` threads.
    pub(crate) fn start(max: u32) -> Result<Self, RuntimeError> {
        multithread::set_threading_panel_threshold(PANELS);
        multithread::set_threading_element_threshold(ELEMENTS);
        let (sender, started) = mpsc::channel();
        let mut pools = Vec::new();
        let mut teams = vec![vec![gettid().as_raw()]];
        for threads in 2..=max {
            let sender = sender.clone();
            let pool = ThreadPoolBuilder::new()
                .num_threads(threads as usize)
                .thread_name(move |index| format!("infer-{threads}-{index}"))
                .start_handler(move |_| {
                    // The receiver waits for every thread, so it is still there.
                    let _ = sender.send(gettid().as_raw());
                })
                .build()
                .map_err(|source| RuntimeError::Threads { threads, source })?;
            pools.push(Arc::new(pool));
            teams.push(started.iter().take(threads as usize).collect());
        }
        Ok(Self { pools, teams })
    }

    /// The kernel's numbers of the threads, by team: the one that called [`start`](Self::start), then each pool.
    pub(crate) fn teams(&self) -> &[Vec<i32>] {
        &self.teams
    }

    /// Runs `inference` on `threads` threads, or on as many as there are.
    pub(crate) fn run<T: Send>(&self, threads: u32, inference: impl FnOnce() -> T + Send) -> T {
        let wanted = (threads as usize).min(self.pools.len() + 1);
        match wanted.checked_sub(2).and_then(|index| self.pools.get(index)) {
            None => multithread_tract_scope(Executor::SingleThread, inference),
            Some(pool) => {
                pool.install(|| multithread_tract_scope(Executor::MultiThread(Arc::clone(pool)), inference))
            }
        }
    }
}
