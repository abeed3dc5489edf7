//! What the machine consists of: reads sysfs once, groups the CPUs, describes the board.
//!
//! Only CPUs that are online count, for the kernel tells nothing of the others and nothing can be pinned to
//! them. What is missing costs detail, never the discovery: a container without sysfs still has its CPUs from
//! `/proc/stat`.

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use dynd_vocab::{BoardDescription, CpuSet, Hertz, Processor, ProcessorKind};

use crate::attribute::Attribute;
use crate::clock_domain::{ClockDomain, Subsystem};
use crate::clusters::{Cluster, CoreKind, CpuFacts, FULL, clusters};
use crate::problem::ProblemLog;
use crate::{BoardError, Fault, Loss, cpulist, procfs};

const CPUS: &str = "sys/devices/system/cpu";
const MODEL: &str = "sys/firmware/devicetree/base/model";
const DMI: &str = "sys/class/dmi/id";

/// No processor's clock comes near 20 GHz; what claims to is a driver's error value.
const FASTEST_KHZ: u64 = 20_000_000;

/// What there is.
#[derive(Debug)]
pub(crate) struct Discovery {
    pub(crate) board: BoardDescription,
    /// Per processor, the file that shows its clock.
    pub(crate) clocks: Vec<Option<PathBuf>>,
    /// Per processor, the clocks of which it is made; several where each CPU has its own.
    pub(crate) domains: Vec<Vec<ClockDomain>>,
}

/// Looks at the machine below `root`.
pub(crate) fn discover(root: &Path, log: &mut ProblemLog) -> Result<Discovery, BoardError> {
    let path = || root.to_path_buf();
    fs::read_dir(root).map_err(|source| BoardError::OpenRoot { path: path(), source })?;
    let mut survey = Survey { root, log };
    let online = survey.online();
    if online.is_empty() {
        return Err(BoardError::FindCpus { path: path() });
    }
    let policies = survey.policies(online);
    let facts = survey.facts(online, &policies);
    let (mut processors, mut clocks, mut domains) = (Vec::new(), Vec::new(), Vec::new());
    for cluster in clusters(&facts) {
        let policy = policies
            .iter()
            .find(|policy| !policy.cpus.intersection(first(cluster.cpus)).is_empty());
        clocks.push(policy.map(|policy| root.join(&policy.dir).join("scaling_cur_freq")));
        let of_cluster = policies
            .iter()
            .filter(|policy| !policy.cpus.intersection(cluster.cpus).is_empty());
        domains.push(
            of_cluster
                .map(|policy| ClockDomain::new(Subsystem::Cpufreq, policy.dir.clone()))
                .collect(),
        );
        let opps = policy.map(|policy| survey.opps(policy)).unwrap_or_default();
        processors.push(processor(cluster, opps));
    }
    let board = BoardDescription {
        name: survey.name(),
        processors,
        ..BoardDescription::default()
    };
    Ok(Discovery {
        board,
        clocks,
        domains,
    })
}

/// The clock in `text`, in kHz, if it can be one.
pub(crate) fn clock(text: &str) -> Result<Hertz, Fault> {
    match procfs::khz(text) {
        Some(khz @ 1..=FASTEST_KHZ) => Ok(Hertz::from_khz(khz)),
        Some(khz) => Err(Fault::Implausible(format!("{khz} kHz"))),
        None => Err(Fault::malformed(text.as_bytes())),
    }
}

fn first(cpus: CpuSet) -> CpuSet {
    cpus.iter().take(1).collect()
}

fn processor(cluster: Cluster, opps: Vec<Hertz>) -> Processor {
    Processor {
        name: cluster.name,
        kind: ProcessorKind::Cpu,
        role: cluster.role,
        cpus: cluster.cpus,
        capacity: cluster.capacity,
        opps,
    }
}

/// One clock of cpufreq.
struct Policy {
    /// Below the root.
    dir: PathBuf,
    /// The online CPUs it feeds.
    cpus: CpuSet,
    max: Option<Hertz>,
}

/// Reads attributes below a root and takes note of what fails.
struct Survey<'a> {
    root: &'a Path,
    log: &'a mut ProblemLog,
}

impl Survey<'_> {
    /// The online CPUs, from the first source that names any.
    fn online(&mut self) -> CpuSet {
        for list in ["online", "present"] {
            if let Some(cpus) = self.cpu_list(&Path::new(CPUS).join(list), Loss::Cpus)
                && !cpus.is_empty()
            {
                return cpus;
            }
        }
        let stat = self.read(Path::new("proc/stat")).unwrap_or_default();
        let lines = procfs::cpu_lines(&stat).flatten();
        lines.map(|(cpu, _)| cpu).collect()
    }

    fn policies(&mut self, online: CpuSet) -> Vec<Policy> {
        let dirs = self.policy_dirs(online);
        if dirs.is_empty() {
            let _: Option<()> = self.note(
                &Path::new(CPUS).join("cpufreq"),
                Loss::Cpufreq,
                Err(Fault::Absent),
            );
        }
        let mut policies: Vec<Policy> = Vec::new();
        for dir in dirs {
            let related = self.cpu_list(&dir.join("related_cpus"), Loss::Cpufreq);
            let related = related.filter(|cpus| !cpus.is_empty());
            let Some(cpus) = related.or_else(|| self.cpu_list(&dir.join("affected_cpus"), Loss::Cpufreq))
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
            let max = self.read(&path).and_then(|text| clock(&text));
            let max = self.note_unless_absent(&path, Loss::Cpufreq, max);
            policies.push(Policy { dir, cpus, max });
        }
        policies
    }

    /// `cpufreq/policyN`, or before Linux 4.3 `cpuN/cpufreq`, ascending.
    fn policy_dirs(&self, online: CpuSet) -> Vec<PathBuf> {
        let cpufreq = Path::new(CPUS).join("cpufreq");
        let mut numbers: Vec<u32> = fs::read_dir(self.root.join(&cpufreq))
            .into_iter()
            .flatten()
            .filter_map(|entry| {
                entry
                    .ok()?
                    .file_name()
                    .to_str()?
                    .strip_prefix("policy")?
                    .parse()
                    .ok()
            })
            .collect();
        numbers.sort_unstable();
        if numbers.is_empty() {
            let per_cpu = online.iter().map(|cpu| cpu_dir(cpu).join("cpufreq"));
            return per_cpu.filter(|dir| self.root.join(dir).is_dir()).collect();
        }
        let dir = |number| cpufreq.join(format!("policy{number}"));
        numbers.into_iter().map(dir).collect()
    }

    fn facts(&mut self, online: CpuSet, policies: &[Policy]) -> Vec<CpuFacts> {
        let kinds = [
            ("sys/devices/cpu_core/cpus", CoreKind::Performance),
            ("sys/devices/cpu_atom/cpus", CoreKind::Efficiency),
        ]
        .map(|(path, kind)| (self.optional_list(Path::new(path)), kind));
        let cpus = online.iter().map(|cpu| {
            let policy = policies.iter().find(|policy| policy.cpus.contains(cpu));
            let topology = cpu_dir(cpu).join("topology");
            let siblings = self.optional_list(&topology.join("thread_siblings_list"));
            CpuFacts {
                cpu,
                capacity: self.capacity(cpu),
                kind: kinds
                    .iter()
                    .find(|(cpus, _)| cpus.contains(cpu))
                    .map(|(_, kind)| *kind),
                max_clock: policy.and_then(|policy| policy.max),
                clock: policy.map_or(CpuSet::EMPTY, |policy| policy.cpus),
                core: siblings.union(CpuSet::single(cpu)),
                // -1 where the kernel does not know.
                package: self.number(&topology.join("physical_package_id"), Loss::Topology),
            }
        });
        cpus.collect()
    }

    fn capacity(&mut self, cpu: u32) -> Option<u32> {
        let path = cpu_dir(cpu).join("cpu_capacity");
        let reading = self.read(&path).and_then(|text| match text.trim().parse() {
            Ok(capacity @ 1..=FULL) => Ok(capacity),
            Ok(capacity) => Err(Fault::Implausible(format!("capacity {capacity}"))),
            Err(_) => Err(Fault::malformed(text.as_bytes())),
        });
        self.note_unless_absent(&path, Loss::Capacity, reading)
    }

    fn opps(&mut self, policy: &Policy) -> Vec<Hertz> {
        let path = policy.dir.join("scaling_available_frequencies");
        let Some(text) = self.optional(&path, Loss::Opps) else {
            return Vec::new();
        };
        let mut opps = Vec::new();
        for word in text.split_ascii_whitespace() {
            opps.extend(self.note(&path, Loss::Opps, clock(word)));
        }
        opps.sort_unstable();
        opps.dedup();
        opps
    }

    /// What the firmware calls the board: device tree, else DMI. Control characters are no part of a name.
    fn name(&self) -> String {
        let part = |path: PathBuf| {
            let text = self.read(&path).unwrap_or_default();
            let clean: String = text.chars().filter(|c| !c.is_control()).collect();
            clean.trim().to_owned()
        };
        let model = part(MODEL.into());
        if !model.is_empty() {
            return model;
        }
        let dmi = Path::new(DMI);
        let names = [part(dmi.join("sys_vendor")), part(dmi.join("product_name"))];
        match names.join(" ").trim() {
            "" => "unknown board".into(),
            name => name.into(),
        }
    }

    /// The list of CPUs in a file that should be there.
    fn cpu_list(&mut self, path: &Path, lost: Loss) -> Option<CpuSet> {
        let reading = self.read(path).and_then(|text| cpulist::parse(&text));
        let (cpus, beyond) = self.note(path, lost, reading)?;
        if beyond > 0 {
            let _: Option<()> = self.note(path, lost, Err(Fault::TooManyCpus(beyond)));
        }
        Some(cpus)
    }

    /// The list of CPUs in a file that many machines lack; empty then.
    fn optional_list(&mut self, path: &Path) -> CpuSet {
        let Some(text) = self.optional(path, Loss::Topology) else {
            return CpuSet::EMPTY;
        };
        let list = self.note(path, Loss::Topology, cpulist::parse(&text));
        list.map_or(CpuSet::EMPTY, |(cpus, _)| cpus)
    }

    /// The number in a file that many machines lack; absent if negative, which is how the kernel says "unknown".
    fn number(&mut self, path: &Path, lost: Loss) -> Option<u32> {
        let text = self.optional(path, lost)?;
        let number = i64::from_str(text.trim()).map_err(|_| Fault::malformed(text.as_bytes()));
        self.note(path, lost, number)
            .and_then(|number| number.try_into().ok())
    }

    /// The text of a file that many machines lack.
    fn optional(&mut self, path: &Path, lost: Loss) -> Option<String> {
        let reading = self.read(path);
        self.note_unless_absent(path, lost, reading)
    }

    fn note_unless_absent<T>(&mut self, path: &Path, lost: Loss, reading: Result<T, Fault>) -> Option<T> {
        match reading {
            Err(Fault::Absent) => None,
            reading => self.note(path, lost, reading),
        }
    }

    fn note<T>(&mut self, path: &Path, lost: Loss, reading: Result<T, Fault>) -> Option<T> {
        self.log.settle(&self.root.join(path), lost, reading)
    }

    fn read(&self, path: &Path) -> Result<String, Fault> {
        let mut buffer = Vec::new();
        let text = Attribute::new(self.root.join(path))
            .read_text(&mut buffer)?
            .to_owned();
        Ok(text)
    }
}

fn cpu_dir(cpu: u32) -> PathBuf {
    Path::new(CPUS).join(format!("cpu{cpu}"))
}
