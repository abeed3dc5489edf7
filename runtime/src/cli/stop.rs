//! The request to end: SIGTERM or SIGINT.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::Context as _;
use nix::sys::signal::{SigSet, Signal};

/// Whether a signal has asked this process to end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Takes over SIGTERM and SIGINT. To be called before any other thread is started, so that all inherit
    /// the mask and the one thread that waits for signals gets them.
    pub(crate) fn on_signals() -> anyhow::Result<Self> {
        let signals = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT]);
        signals.thread_block().context("failed to block signals")?;
        let stop = Self::default();
        let flag = stop.clone();
        thread::Builder::new()
            .name("signals".into())
            .spawn(move || {
                if signals.wait().is_ok() {
                    flag.request();
                }
            })
            .context("failed to start the thread that waits for signals")?;
        Ok(stop)
    }

    /// Asks to end.
    pub(crate) fn request(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// True once somebody has asked to end.
    pub(crate) fn is_requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
