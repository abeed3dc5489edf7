//! The threads that run on a hosted board: on which of its CPUs, and for how long they have run there.
//!
//! A thread that may run on one CPU of the board only is a guest of that one. One that may run on several counts for the one
//! that it ran on last, as far as that can be told every [`super::LOOK`]; one that may run on none of them, for the first.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use dynd_vocab::Pid;
use nix::sched::{CpuSet, sched_getaffinity};

use super::group::Groups;

/// The threads that were there at the last look.
#[derive(Debug)]
pub(crate) struct Guests {
    /// The board's CPUs.
    cpus: Vec<u32>,
    threads: BTreeMap<Pid, Guest>,
}

#[derive(Clone, Copy, Debug)]
struct Guest {
    process: Pid,
    /// Index of its CPU.
    seat: usize,
    ran: Duration,
}

/// What a look found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// CPU time that was spent since the look before, by process and index of the CPU.
    pub(crate) spent: BTreeMap<(Pid, usize), Duration>,
    /// Threads that run or want to.
    pub(crate) runnable: usize,
    /// The processes.
    pub(crate) processes: Vec<Pid>,
}

/// What the kernel tells of a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Told {
    wants_to_run: bool,
    last_cpu: u32,
    ran: Duration,
}

impl Guests {
    /// Nobody on `cpus`, at least one.
    pub(crate) fn new(cpus: Vec<u32>) -> Self {
        Self {
            cpus,
            threads: BTreeMap::new(),
        }
    }

    /// Looks who is in `groups`, and seats everybody.
    pub(crate) fn look(&mut self, groups: &Groups) -> Found {
        let mut found = Found::default();
        let mut threads = BTreeMap::new();
        for thread in groups.threads() {
            let known = self.threads.get(&thread).copied();
            let process = known.map(|guest| guest.process).or_else(|| process(thread));
            // Whoever has ended since is gone.
            let (Some(process), Some(told)) = (process, Told::of(thread)) else {
                continue;
            };
            let before = match known {
                Some(guest) => guest.ran,
                // What is born on the board has run nowhere else.
                None if self.threads.values().any(|guest| guest.process == process) => Duration::ZERO,
                None => told.ran,
            };
            let seat = self.seat(thread, told.last_cpu);
            let was = known.map_or(seat, |guest| guest.seat);
            let spent = told.ran.saturating_sub(before);
            if !spent.is_zero() {
                *found.spent.entry((process, was)).or_default() += spent;
            }
            if known.is_none_or(|guest| guest.seat != seat) && groups.seat(thread, seat).is_err() {
                continue;
            }
            found.runnable += usize::from(told.wants_to_run);
            let ran = told.ran;
            threads.insert(thread, Guest { process, seat, ran });
        }
        found.processes = threads.values().map(|guest| guest.process).collect();
        found.processes.sort_unstable();
        found.processes.dedup();
        self.threads = threads;
        found
    }

    /// The index of the CPU that `thread` counts for.
    fn seat(&self, thread: Pid, last: u32) -> usize {
        let allowed = i32::try_from(thread.0)
            .ok()
            .and_then(|thread| sched_getaffinity(nix::unistd::Pid::from_raw(thread)).ok());
        let allowed = allowed.unwrap_or_else(CpuSet::new);
        let mut may =
            (0..self.cpus.len()).filter(|&seat| allowed.is_set(self.cpus[seat] as usize) == Ok(true));
        let first = may.next();
        match may.next() {
            None => first.unwrap_or(0),
            Some(_) => self
                .cpus
                .iter()
                .position(|&cpu| cpu == last)
                .or(first)
                .unwrap_or(0),
        }
    }
}

impl Told {
    fn of(thread: Pid) -> Option<Self> {
        let (wants_to_run, last_cpu) = running(&read(thread, "stat")?)?;
        let ran = ran(&read(thread, "schedstat")?)?;
        Some(Self {
            wants_to_run,
            last_cpu,
            ran,
        })
    }
}

/// A file that tells of `thread`: its own, though it be not the first of its process.
fn read(thread: Pid, file: &str) -> Option<String> {
    fs::read_to_string(format!("/proc/{}/{file}", thread.0)).ok()
}

/// The process of `thread`.
fn process(thread: Pid) -> Option<Pid> {
    let status = read(thread, "status")?;
    let number = status.lines().find_map(|line| line.strip_prefix("Tgid:"))?;
    Some(Pid(number.trim().parse().ok()?))
}

/// Whether a thread runs or wants to, and the CPU it ran on last, by its `stat`.
fn running(stat: &str) -> Option<(bool, u32)> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace();
    let state = fields.next()?;
    Some((state == "R", fields.nth(35)?.parse().ok()?))
}

/// For how long a thread has run, by its `schedstat`.
fn ran(schedstat: &str) -> Option<Duration> {
    let nanos = schedstat.split_ascii_whitespace().next()?;
    Some(Duration::from_nanos(nanos.parse().ok()?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;

    #[test]
    fn the_kernel_is_understood() {
        let stat = "71 (a ) R b) R 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 \
                    32 33 34 35 1 0 0";
        assert_eq!(running(stat), Some((true, 1)));
        assert_eq!(running("71 (a) S 1 2"), None);
        assert_eq!(ran("216335 138190 2\n"), Some(Duration::from_nanos(216_335)));
        assert_eq!(ran(""), None);
        let thread = Pid(nix::unistd::gettid().as_raw() as u32);
        let own = Told::of(thread).unwrap();
        assert!(own.wants_to_run && !own.ran.is_zero());
        assert_eq!(process(thread), Some(Pid(std::process::id())));
    }

    #[test]
    fn whoever_is_pinned_counts_for_that_cpu() {
        let own = sched_getaffinity(nix::unistd::Pid::from_raw(0)).unwrap();
        let cpus: Vec<u32> = (0..128)
            .filter(|&cpu| own.is_set(cpu as usize) == Ok(true))
            .collect();
        let guests = Guests::new(cpus.clone());
        std::thread::spawn(move || {
            for (seat, &cpu) in cpus.iter().enumerate() {
                let mut only = CpuSet::new();
                only.set(cpu as usize).unwrap();
                nix::sched::sched_setaffinity(nix::unistd::Pid::from_raw(0), &only).unwrap();
                let own = Pid(nix::unistd::gettid().as_raw() as u32);
                assert_eq!(guests.seat(own, 9999), seat);
            }
        })
        .join()
        .unwrap();
    }
}
