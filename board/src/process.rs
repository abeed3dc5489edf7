//! The CPU time of watched processes.

use std::path::{Path, PathBuf};

use dynd_vocab::{AppCpu, Pid};

use crate::attribute::Attribute;
use crate::counter::{Counter, duration};
use crate::sensor::Reader;
use crate::{Fault, Loss, procfs};

/// The processes that are watched. Each file is held open while its process is wanted: it then belongs to that
/// very process, and dies with it even if the number is given to another.
#[derive(Debug)]
pub(crate) struct Processes {
    procfs: PathBuf,
    watched: Vec<Process>,
}

#[derive(Debug)]
struct Process {
    pid: Pid,
    stat: Attribute,
    time: Counter,
}

impl Processes {
    /// The processes below `procfs`, none of them watched.
    pub(crate) fn new(procfs: PathBuf) -> Self {
        Self {
            procfs,
            watched: Vec::new(),
        }
    }

    /// Puts the CPU time of each of `wanted` that can be told into `times`; those not wanted any more are let go.
    pub(crate) fn sample(&mut self, wanted: &[Pid], reader: &mut Reader<'_>, times: &mut Vec<AppCpu>) {
        let log = &mut *reader.log;
        times.clear();
        self.watched.retain(|process| {
            let keep = wanted.contains(&process.pid);
            if !keep {
                log.forget(process.stat.path());
            }
            keep
        });
        for &pid in wanted {
            let at = self
                .watched
                .iter()
                .position(|process| process.pid == pid)
                .unwrap_or_else(|| {
                    self.watched.push(Process::new(&self.procfs, pid));
                    self.watched.len() - 1
                });
            let process = &mut self.watched[at];
            match process.ticks(reader.buffer) {
                Err(Fault::Absent) => {
                    log.forget(process.stat.path());
                    self.watched.swap_remove(at);
                }
                reading => {
                    let ticks = log.settle(process.stat.path(), Loss::AppTime, reading);
                    times.extend(ticks.map(|ticks| AppCpu {
                        pid,
                        busy: duration(ticks),
                    }));
                }
            }
        }
    }
}

impl Process {
    fn new(procfs: &Path, pid: Pid) -> Self {
        Self {
            pid,
            stat: Attribute::new(procfs.join(format!("{}/stat", pid.0))),
            time: Counter::default(),
        }
    }

    fn ticks(&mut self, buffer: &mut Vec<u8>) -> Result<u64, Fault> {
        let text = self.stat.read(buffer)?;
        let ticks = procfs::process_ticks(text).ok_or_else(|| Fault::malformed(text))?;
        self.time.advance(ticks)
    }
}
