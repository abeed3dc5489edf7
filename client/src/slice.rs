//! Asking the kernel for short time slices, or not to be in the way: the one place with `unsafe`.
//!
//! A thread that wakes beside busy neighbours may have to wait until their slices end: 3 to 4 ms at 250 Hz. Since
//! Linux 6.12 (EEVDF) a normal thread may ask for a slice of its own, 0.1 to 100 ms, without any privilege; a
//! short one gives it an early virtual deadline, so it is let in at once when it wakes. Its share of the core
//! stays what it was: no neighbour loses. Measured on 6.18 (2 cores, HZ 250, one busy thread per core), a task of 2 ms:
//! 95th percentile 2.1 ms with slices of 0.1 ms, 6.0 ms without.
//!
//! See `sched_setattr(2)`; kernel/sched/syscalls.c, `__setparam_fair`.

#![allow(unsafe_code)]

use std::io;

use crate::{Tid, this_thread};

/// The shortest slice the kernel grants, in nanoseconds.
const SHORT: u64 = 100_000;

/// Zero asks for the kernel's default.
const DEFAULT: u64 = 0;

/// The first version of the kernel's structure (48 bytes), which every kernel since 3.14 takes.
#[repr(C)]
#[derive(Default)]
struct SchedAttr {
    size: u32,
    policy: u32,
    flags: u64,
    nice: i32,
    priority: u32,
    runtime: u64,
    deadline: u64,
    period: u64,
}

/// Which slices a thread should get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slice {
    /// The shortest.
    Short,
    /// The kernel's default.
    Default,
}

/// Asks for `slice` for the thread `tid`. Threads under another policy than SCHED_OTHER are left as they are.
///
/// # Errors
/// What the kernel answered. A kernel before 6.12 accepts the call and ignores the slice.
pub(crate) fn set_slice(tid: Tid, slice: Slice) -> io::Result<()> {
    change(tid, |attr| {
        attr.runtime = match slice {
            Slice::Short => SHORT,
            Slice::Default => DEFAULT,
        };
    })
}

/// Asks that this thread, when it wakes, waits for the scheduler's next tick rather than take the core from whoever
/// runs there (SCHED_BATCH). Its share stays what it was.
///
/// # Errors
/// What the kernel answered.
pub(crate) fn stay_out_of_the_way() -> io::Result<()> {
    change(this_thread(), |attr| attr.policy = libc::SCHED_BATCH as u32)
}

fn change(tid: Tid, how: impl FnOnce(&mut SchedAttr)) -> io::Result<()> {
    let mut attr = SchedAttr::default();
    let size = size_of::<SchedAttr>() as u32;
    // SAFETY: the kernel writes at most `size` bytes to `attr`, which is that large and lives through the call.
    let got = unsafe { libc::syscall(libc::SYS_sched_getattr, tid, &raw mut attr, size, 0) };
    if got != 0 {
        return Err(io::Error::last_os_error());
    }
    if attr.policy != libc::SCHED_OTHER as u32 {
        return Ok(());
    }
    attr.size = size;
    how(&mut attr);
    // SAFETY: the kernel reads `attr.size` bytes from `attr`, which is that large and lives through the call.
    let set = unsafe { libc::syscall(libc::SYS_sched_setattr, tid, &raw const attr, 0) };
    if set != 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

/// Asks for short slices for `threads` without a session, as a session does for its pool: for comparing the two.
/// What the kernel refuses is left as it is.
pub fn short_slices(threads: &[Tid]) {
    for &thread in threads {
        if let Err(error) = set_slice(thread, Slice::Short) {
            tracing::debug!(thread, %error, "failed to set the time slice");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_may_ask_for_itself_and_not_for_a_thread_that_is_no_more() {
        let me = nix::unistd::gettid().as_raw();
        set_slice(me, Slice::Short).unwrap();
        set_slice(me, Slice::Default).unwrap();
        assert!(set_slice(i32::MAX, Slice::Short).is_err());
    }

    #[test]
    fn a_thread_may_step_back() {
        let policy = || std::fs::read_to_string("/proc/thread-self/sched").unwrap_or_default();
        let stepped = std::thread::spawn(move || {
            stay_out_of_the_way().unwrap();
            policy()
        });
        let text = stepped.join().unwrap();
        // The file needs a kernel with CONFIG_SCHED_DEBUG.
        let line = text.lines().find(|line| line.starts_with("policy"));
        assert!(line.is_none_or(|line| line.ends_with(" 3")), "{text}");
    }
}
