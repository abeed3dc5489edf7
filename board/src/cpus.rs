//! The CPUs of a machine, grouped into processors.
//!
//! Only CPUs that are online count, for the kernel tells nothing of the others and nothing can be pinned to
//! them. What is missing costs detail, never the discovery: a container without sysfs still has its CPUs from
//! `/proc/stat`.

use std::path::{Path, PathBuf};

use dynd_vocab::{CpuSet, Processor, ProcessorKind};

use crate::clock_domain::{ClockDomain, Subsystem};
use crate::clusters::{CoreKind, CpuFacts, FULL, clusters};
use crate::cpufreq::{self, Policy};
use crate::processor::Found;
use crate::survey::Survey;
use crate::{Fault, Loss, procfs};

pub(crate) const CPUS: &str = "sys/devices/system/cpu";

/// The directory of a CPU.
pub(crate) fn cpu_dir(cpu: u32) -> PathBuf {
    Path::new(CPUS).join(format!("cpu{cpu}"))
}

/// The CPU clusters, in order of their first CPU; none if no CPU can be found.
pub(crate) fn processors(survey: &mut Survey<'_>) -> Vec<Found> {
    let online = online(survey);
    if online.is_empty() {
        return Vec::new();
    }
    let policies = cpufreq::policies(survey, online);
    let facts = facts(survey, online, &policies);
    let found = clusters(&facts).into_iter().map(|cluster| {
        let first: CpuSet = cluster.cpus.iter().take(1).collect();
        let policy = policies
            .iter()
            .find(|policy| !policy.cpus.intersection(first).is_empty());
        let own = policies
            .iter()
            .filter(|policy| !policy.cpus.intersection(cluster.cpus).is_empty());
        Found {
            domains: own
                .map(|policy| ClockDomain::new(Subsystem::Cpufreq, policy.dir.clone()))
                .collect(),
            processor: Processor {
                name: cluster.name,
                kind: ProcessorKind::Cpu,
                role: cluster.role,
                cpus: cluster.cpus,
                capacity: cluster.capacity,
                opps: policy.map(|policy| policy.opps(survey)).unwrap_or_default(),
            },
            dir: policy.map(|policy| survey.at(&policy.dir)),
            clock: policy.map(|policy| policy.clock(survey)),
            load: None,
        }
    });
    found.collect()
}

/// The online CPUs, from the first source that names any.
fn online(survey: &mut Survey<'_>) -> CpuSet {
    for list in ["online", "present"] {
        if let Some(cpus) = survey.cpu_list(&Path::new(CPUS).join(list), Loss::Cpus)
            && !cpus.is_empty()
        {
            return cpus;
        }
    }
    let stat = survey.read(Path::new("proc/stat")).unwrap_or_default();
    let lines = procfs::cpu_lines(&stat).flatten();
    lines.map(|(cpu, _)| cpu).collect()
}

fn facts(survey: &mut Survey<'_>, online: CpuSet, policies: &[Policy]) -> Vec<CpuFacts> {
    let kinds = [
        ("sys/devices/cpu_core/cpus", CoreKind::Performance),
        ("sys/devices/cpu_atom/cpus", CoreKind::Efficiency),
    ]
    .map(|(path, kind)| (survey.optional_list(Path::new(path)), kind));
    let cpus = online.iter().map(|cpu| {
        let policy = policies.iter().find(|policy| policy.cpus.contains(cpu));
        let topology = cpu_dir(cpu).join("topology");
        let siblings = survey.optional_list(&topology.join("thread_siblings_list"));
        let package = survey.number::<i64>(&topology.join("physical_package_id"), Loss::Topology);
        CpuFacts {
            cpu,
            capacity: capacity(survey, cpu),
            kind: kinds
                .iter()
                .find(|(cpus, _)| cpus.contains(cpu))
                .map(|(_, kind)| *kind),
            max_clock: policy.and_then(|policy| policy.max),
            clock: policy.map_or(CpuSet::EMPTY, |policy| policy.cpus),
            core: siblings.union(CpuSet::single(cpu)),
            // -1 where the kernel does not know.
            package: package.and_then(|number| number.try_into().ok()),
        }
    });
    cpus.collect()
}

fn capacity(survey: &mut Survey<'_>, cpu: u32) -> Option<u32> {
    let path = cpu_dir(cpu).join("cpu_capacity");
    let reading = survey.read(&path).and_then(|text| match text.trim().parse() {
        Ok(capacity @ 1..=FULL) => Ok(capacity),
        Ok(capacity) => Err(Fault::Implausible(format!("capacity {capacity}"))),
        Err(_) => Err(Fault::malformed(text.as_bytes())),
    });
    survey.note_unless_absent(&path, Loss::Capacity, reading)
}
