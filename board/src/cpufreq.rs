//! The clocks of CPUs: cpufreq policies.

use std::path::{Path, PathBuf};

use dynd_vocab::{CpuSet, Hertz};

use crate::clock::{self, Clock, Reading};
use crate::cpus::{CPUS, cpu_dir};
use crate::survey::Survey;
use crate::{Fault, Loss};

/// Drivers that ask the CPU itself for its clock, which wakes it: `tegra194` queues work that counts cycles there
/// (`drivers/cpufreq/tegra194-cpufreq.c`, which serves tegra234 too), `cppc_cpufreq` interrupts it to read the
/// counters of the architecture (`counters_read_on_cpu`).
const WAKING_DRIVERS: &[&str] = &["tegra194", "cppc_cpufreq"];

/// One clock of cpufreq.
#[derive(Debug)]
pub(crate) struct Policy {
    /// Below the root.
    pub(crate) dir: PathBuf,
    /// The online CPUs it feeds.
    pub(crate) cpus: CpuSet,
    /// The highest clock, if told.
    pub(crate) max: Option<Hertz>,
}

impl Policy {
    /// The clocks it can have, ascending; empty where the kernel tells none.
    pub(crate) fn opps(&self, survey: &mut Survey<'_>) -> Vec<Hertz> {
        let path = self.dir.join("scaling_available_frequencies");
        match survey.optional(&path, Loss::Opps) {
            Some(text) => clock::table(&text, clock::khz, |fault| {
                let _: Option<()> = survey.note(&path, Loss::Opps, Err(fault));
            }),
            None => Vec::new(),
        }
    }

    /// What shows the clock it has.
    pub(crate) fn clock(&self, survey: &mut Survey<'_>) -> Clock {
        let driver = survey.word(&self.dir.join("scaling_driver"));
        let wakes = driver.is_some_and(|driver| WAKING_DRIVERS.contains(&driver.as_str()));
        let path = survey.at(&self.dir.join("scaling_cur_freq"));
        let reading = if wakes {
            Reading::WhileBusy(self.cpus)
        } else {
            Reading::Always
        };
        Clock::new(path, Loss::Clock, clock::khz).when(reading)
    }
}

/// The policies that feed some of `online`.
pub(crate) fn policies(survey: &mut Survey<'_>, online: CpuSet) -> Vec<Policy> {
    let dirs = policy_dirs(survey, online);
    if dirs.is_empty() {
        let _: Option<()> = survey.note(
            &Path::new(CPUS).join("cpufreq"),
            Loss::Cpufreq,
            Err(Fault::Absent),
        );
    }
    let mut policies: Vec<Policy> = Vec::new();
    for dir in dirs {
        let related = survey.cpu_list(&dir.join("related_cpus"), Loss::Cpufreq);
        let related = related.filter(|cpus| !cpus.is_empty());
        let Some(cpus) = related.or_else(|| survey.cpu_list(&dir.join("affected_cpus"), Loss::Cpufreq))
        else {
            continue;
        };
        let known = policies
            .iter()
            .any(|policy| !policy.cpus.intersection(cpus).is_empty());
        let cpus = cpus.intersection(online);
        if known || cpus.is_empty() {
            continue;
        }
        let path = dir.join("cpuinfo_max_freq");
        let max = survey.read(&path).and_then(|text| clock::khz(&text));
        let max = survey.note_unless_absent(&path, Loss::Cpufreq, max);
        policies.push(Policy { dir, cpus, max });
    }
    policies
}

/// `cpufreq/policyN`, or before Linux 4.3 `cpuN/cpufreq`, ascending.
fn policy_dirs(survey: &Survey<'_>, online: CpuSet) -> Vec<PathBuf> {
    let cpufreq = Path::new(CPUS).join("cpufreq");
    let names = survey.names(&cpufreq, "policy");
    if names.is_empty() {
        let per_cpu = online.iter().map(|cpu| cpu_dir(cpu).join("cpufreq"));
        return per_cpu.filter(|dir| survey.exists(dir)).collect();
    }
    names.into_iter().map(|name| cpufreq.join(name)).collect()
}
