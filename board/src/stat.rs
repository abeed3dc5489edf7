//! The times of the CPUs and the number of runnable tasks.

use std::path::PathBuf;

use dynd_vocab::{CpuSet, CpuTimes, Sample};

use crate::attribute::Attribute;
use crate::counter::CpuCounter;
use crate::sensor::Reader;
use crate::{Fault, Loss, procfs};

/// `/proc/stat`: one text for both, since the kernel walks all interrupts to make it.
#[derive(Debug)]
pub(crate) struct Stat {
    attribute: Attribute,
    /// By number of the CPU.
    cpus: Vec<CpuCounter>,
}

impl Stat {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            attribute: Attribute::new(path),
            cpus: vec![CpuCounter::default(); CpuSet::CAPACITY as usize],
        }
    }

    /// Fills in the times of the CPUs and the number of runnable tasks.
    pub(crate) fn read(&mut self, reader: &mut Reader<'_>, into: &mut Sample) {
        into.cpus.clear();
        into.runnable = None;
        let text = match self.attribute.read_text(reader.buffer) {
            Ok(text) => text,
            Err(fault) => {
                let _: Option<()> =
                    reader
                        .log
                        .settle(self.attribute.path(), Loss::CpuTimes, Err(fault.clone()));
                let _: Option<()> = reader
                    .log
                    .settle(self.attribute.path(), Loss::Runnable, Err(fault));
                return;
            }
        };
        let mut verdict = Ok(());
        for line in procfs::cpu_lines(text) {
            let reading = line.and_then(|(cpu, ticks)| {
                // CPUs beyond the capacity of a set were complained of at discovery.
                let counter = self.cpus.get_mut(cpu as usize);
                let times = counter.map(|counter| counter.advance(ticks)).transpose()?;
                Ok(times.map(|(busy, total)| CpuTimes { cpu, busy, total }))
            });
            match reading {
                Ok(cpu) => into.cpus.extend(cpu),
                Err(fault) => verdict = Err(fault),
            }
        }
        if into.cpus.is_empty() && verdict.is_ok() {
            verdict = Err(Fault::malformed(text.as_bytes()));
        }
        let runnable = procfs::runnable(text);
        reader.log.settle(self.attribute.path(), Loss::CpuTimes, verdict);
        into.runnable = reader.log.settle(self.attribute.path(), Loss::Runnable, runnable);
    }
}
