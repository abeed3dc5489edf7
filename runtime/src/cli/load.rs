//! `load`: other work on the machine.

use std::hint::black_box;
use std::process::ExitCode;
use std::thread;

use clap::Args;
use dynd_client::Timestamp;

use super::clock::wait_until;
use super::stop::Stop;

/// Keeps threads busy, unpinned and at normal priority, as other programs would.
#[derive(Debug, Args)]
pub(crate) struct Load {
    /// How many threads.
    #[arg(long, value_name = "N")]
    threads: usize,
    /// When to end, in nanoseconds of CLOCK_MONOTONIC. SIGTERM ends it too.
    #[arg(long, value_name = "NS")]
    stop_ns: u64,
}

impl Load {
    pub(crate) fn run(&self) -> anyhow::Result<ExitCode> {
        let stop = Stop::on_signals()?;
        thread::scope(|scope| {
            for _ in 0..self.threads {
                scope.spawn(|| keep_busy(&stop));
            }
            wait_until(Timestamp::from_nanos(self.stop_ns), &stop);
            stop.request();
        });
        Ok(ExitCode::SUCCESS)
    }
}

fn keep_busy(stop: &Stop) {
    let mut state = 1_u64;
    while !stop.is_requested() {
        for _ in 0..10_000 {
            state = black_box(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
        }
    }
}
