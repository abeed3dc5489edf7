//! What is missing, unreadable or implausible on a machine, what that costs, and what to do about it.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use dynd_vocab::{Board as _, ProcessorKind};

use crate::Host;
use crate::cgroups::SYSTEMD;
use crate::clock_domain::End;
use crate::cpus::CPUS;
use crate::init_system::systemd_version;
use crate::problem::{ProblemLog, SensorProblem};
use crate::remedy::{Machine, Version, remedy, write_remedy};
use crate::survey::Survey;

/// What lets the daemon write to clocks, once installed.
const DROP_IN: &str = "etc/systemd/system/dynd.service.d/clocks.conf";

/// The version of systemd that brought AllowedCPUs=.
const ALLOWED_CPUS: u32 = 244;

/// Something worth knowing of a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whether something can be done about it.
    pub grade: Grade,
    /// What was found, as a sentence.
    pub what: String,
    /// What dynd must do without, as a sentence.
    pub cost: String,
    /// What to do about it, as a sentence.
    pub remedy: String,
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// Somebody should do something.
    Attention,
    /// That is how the machine is.
    Note,
}

impl Grade {
    /// The name shown to people.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Attention => "attention",
            Self::Note => "note",
        }
    }
}

/// What is to be said of the machine below `root`, which `host` has discovered and sampled; what needs attention
/// first.
pub fn findings(root: &Path, host: &Host) -> Vec<Finding> {
    examine(root, host).0
}

/// The findings, and the files that were read for them.
pub(crate) fn examine(root: &Path, host: &Host) -> (Vec<Finding>, BTreeSet<PathBuf>) {
    // What fails here fails again in what is asked of the host, or is of no interest.
    let mut log = ProblemLog::default();
    let mut exam = Exam::new(root, &mut log);
    for problem in host.faults() {
        exam.problem(problem);
    }
    exam.clocks(host);
    exam.bounds(host);
    exam.sensors(host);
    exam.cgroups();
    exam.systemd();
    exam.kernel();
    exam.firmware();
    exam.findings.sort_by_key(|finding| finding.grade);
    (exam.findings, exam.survey.seen())
}

struct Exam<'a> {
    survey: Survey<'a>,
    findings: Vec<Finding>,
    machine: Machine,
    /// Version of the kernel, if it can be told.
    kernel: Option<Version>,
}

impl<'a> Exam<'a> {
    fn new(root: &'a Path, log: &'a mut ProblemLog) -> Self {
        let mut survey = Survey::new(root, log);
        let flags = survey.read(Path::new("proc/cpuinfo")).unwrap_or_default();
        let virtual_cpu = flags.split_ascii_whitespace().any(|word| word == "hypervisor");
        let release = survey
            .word(Path::new("proc/sys/kernel/osrelease"))
            .unwrap_or_default();
        let mut numbers = release.split(['.', '-']).map(str::parse);
        Self {
            machine: if virtual_cpu || survey.exists(Path::new("sys/hypervisor/type")) {
                Machine::Virtual
            } else {
                Machine::Real
            },
            kernel: match (numbers.next(), numbers.next()) {
                (Some(Ok(major)), Some(Ok(minor))) => Some((major, minor)),
                _ => None,
            },
            survey,
            findings: Vec::new(),
        }
    }

    fn say(&mut self, grade: Grade, what: String, cost: &str, remedy: String) {
        self.findings.push(Finding {
            grade,
            what,
            cost: cost.into(),
            remedy,
        });
    }

    /// What the host complains of.
    fn problem(&mut self, problem: &SensorProblem) {
        let (grade, remedy) = remedy(problem, self.machine, self.kernel);
        let path = problem.path.display();
        let what = format!("{path} {}", problem.fault);
        self.say(grade, what, &problem.lost.to_string(), remedy);
    }

    fn clocks(&mut self, host: &Host) {
        let sources = host.sources();
        for (processor, source) in host.describe().processors.iter().zip(sources.processors) {
            let Some(dir) = source.governor else { continue };
            let Ok(dir) = dir
                .strip_prefix(self.survey.at(Path::new("")))
                .map(Path::to_path_buf)
            else {
                continue;
            };
            if processor.kind == ProcessorKind::Cpu {
                self.governor(&processor.name, &dir);
            } else if source.load.is_none() {
                self.say(
                    Grade::Note,
                    format!("the driver of {} does not tell how busy it is", processor.name),
                    "load on it that dynd does not manage goes unseen",
                    "run as root, if it does not yet: some drivers tell it below /sys/kernel/debug only"
                        .into(),
                );
            }
        }
        let offline = self.survey.word(&Path::new(CPUS).join("offline"));
        if let Some(cpus) = offline {
            self.say(
                Grade::Note,
                format!("CPUs {cpus} are offline"),
                "they are not used",
                "echo 1 > /sys/devices/system/cpu/cpuN/online, then restart dynd, if they are wanted".into(),
            );
        }
    }

    /// Whether `clocks = "bound"` in a policy can be obeyed by the user who asks.
    fn bounds(&mut self, host: &Host) {
        let mut refused = Vec::new();
        let mut first = None;
        for (processor, domains) in host.describe().processors.iter().zip(host.domains()) {
            let failure = domains.iter().find_map(|domain| {
                let attribute = domain.attribute(End::Max);
                self.survey
                    .refuses_writes(&attribute)
                    .map(|error| (attribute, error))
            });
            if let Some(failure) = failure {
                refused.push(processor.name.as_str());
                first.get_or_insert(failure);
            }
        }
        let Some((attribute, error)) = first else { return };
        let is_granted = self.survey.exists(Path::new(DROP_IN));
        if error.kind() == io::ErrorKind::PermissionDenied && is_granted {
            return;
        }
        self.say(
            Grade::Note,
            format!(
                "this user may not bound the clocks of {}: /{}: {error}",
                refused.join(", "),
                attribute.display()
            ),
            "a policy with clocks = \"bound\" is answered as refused",
            write_remedy(error.kind()).into(),
        );
    }

    fn governor(&mut self, processor: &str, dir: &Path) {
        let mut word = |file: &str| self.survey.word(&dir.join(file));
        // These drivers choose clocks themselves; `powersave` is their everyday mode.
        let own_mind = matches!(
            word("scaling_driver").as_deref(),
            Some("intel_pstate" | "amd-pstate-epp")
        );
        let governor = word("scaling_governor").unwrap_or_default();
        let limits = ["scaling_max_freq", "cpuinfo_max_freq"].map(|file| word(file)?.parse::<u64>().ok());
        let choice = word("scaling_available_governors").unwrap_or_default();
        let better = ["schedutil", "ondemand"]
            .into_iter()
            .find(|better| choice.contains(better));
        match governor.as_str() {
            "powersave" if !own_mind => self.say(
                Grade::Attention,
                format!("the governor of {processor} is powersave"),
                "its clock stays at the lowest operating performance point, and targets are missed",
                format!(
                    "echo {} > /{}",
                    better.unwrap_or("performance"),
                    dir.join("scaling_governor").display()
                ),
            ),
            "performance" if !own_mind => self.say(
                Grade::Note,
                format!("the governor of {processor} is performance"),
                "it draws more power than the load needs",
                format!(
                    "echo {} > /{}",
                    better.unwrap_or("ondemand"),
                    dir.join("scaling_governor").display()
                ),
            ),
            "userspace" => self.say(
                Grade::Note,
                format!("the governor of {processor} is userspace"),
                "its clock stays where somebody has set it",
                "nothing, if that is meant".into(),
            ),
            _ => {}
        }
        if let [Some(limit), Some(most)] = limits
            && limit < most
        {
            self.say(
                Grade::Note,
                format!(
                    "the clock of {processor} is limited to {} of {} MHz",
                    limit / 1000,
                    most / 1000
                ),
                "it is slower than it could be",
                "look for a power mode (nvpmodel), a power profile or heat, if that is not meant".into(),
            );
        }
    }

    fn sensors(&mut self, host: &Host) {
        let board = host.describe();
        if board.rails.is_empty() {
            let pc = self.survey.exists(Path::new("sys/class/dmi/id"));
            let (grade, remedy) = match self.machine {
                Machine::Real if pc => (Grade::Attention, "modprobe intel_rapl_msr (CONFIG_INTEL_RAPL)"),
                _ => (
                    Grade::Note,
                    "nothing, unless the board has a sensor without a driver (INA231, INA3221)",
                ),
            };
            let cost = "a power budget can only be kept by a model, and is an estimate";
            self.say(grade, "no power is measured".into(), cost, remedy.into());
        }
        if board.zones.is_empty() {
            let (grade, remedy) = match self.machine {
                Machine::Real => (
                    Grade::Attention,
                    "load the driver of the SoC's temperature sensors (CONFIG_THERMAL)",
                ),
                Machine::Virtual => (Grade::Note, "nothing: a virtual machine has none"),
            };
            let cost = "a temperature limit cannot be kept";
            self.say(grade, "no temperature is measured".into(), cost, remedy.into());
        }
    }

    /// Whether `enforce = true` in a policy can be obeyed.
    fn cgroups(&mut self) {
        let root = Path::new("sys/fs/cgroup");
        let known = self.survey.word(&root.join("cgroup.controllers"));
        let given = self.survey.word(&root.join("cgroup.subtree_control"));
        let cpuset = |controllers: Option<&str>| {
            controllers.is_some_and(|all| all.split(' ').any(|one| one == "cpuset"))
        };
        let refused = "enforce = true in a policy is answered as refused; apps still pin themselves";
        let own =
            "enforce = true confines only apps with a cpuset of their own; the others still pin themselves";
        let (grade, what, cost, remedy) = if known.is_none() && self.survey.exists(&root.join("cpuset")) {
            (
                Grade::Note,
                "cgroups are of version 1",
                own,
                "boot with systemd.unified_cgroup_hierarchy=1, if the system's systemd knows it",
            )
        } else if known.is_none() {
            (
                Grade::Note,
                "no control groups are mounted",
                refused,
                "mount cgroup2 on /sys/fs/cgroup, if apps are to be confined",
            )
        } else if !cpuset(known.as_deref()) {
            (
                Grade::Attention,
                "the kernel's cgroups have no cpuset controller",
                refused,
                "build the kernel with CONFIG_CPUSETS, or take cgroup_disable=cpuset off its command line",
            )
        } else if !cpuset(given.as_deref()) && !self.survey.exists(Path::new(SYSTEMD)) {
            (
                Grade::Note,
                "the cpuset controller is not delegated, and there is no systemd to ask for it",
                refused,
                "echo +cpuset > /sys/fs/cgroup/cgroup.subtree_control, and start apps in control groups of their own",
            )
        } else {
            return;
        };
        self.say(grade, what.into(), cost, remedy.into());
    }

    /// Whether systemd can confine units, and knows all of dynd's own.
    fn systemd(&mut self) {
        if let Some(version) = systemd_version(&self.survey)
            && version < ALLOWED_CPUS
        {
            self.say(
                Grade::Note,
                format!("systemd is {version}, which knows no AllowedCPUs="),
                "it cannot confine an app's unit to CPUs, and ignores parts of dynd's sandbox; apps still pin \
                 themselves",
                format!("nothing: {ALLOWED_CPUS} brought it"),
            );
        }
    }

    fn kernel(&mut self) {
        if let Some((major, minor)) = self.kernel
            && (major, minor) < (5, 3)
        {
            self.say(
                Grade::Note,
                format!("the kernel is {major}.{minor}, which has no pidfd"),
                "an app is known by its process number, which may be given to another after it ends",
                "nothing: 5.3 brought it".into(),
            );
        }
    }

    /// What the firmware of a Raspberry Pi does behind the kernel's back: a bit mask, of which bits 0 to 3 tell what
    /// holds now, 16 to 19 what did since boot (`drivers/cpufreq/raspberrypi-cpufreq.c`).
    fn firmware(&mut self) {
        let path = Path::new("sys/devices/platform/soc/soc:firmware/get_throttled");
        let Some(text) = self.survey.word(path) else {
            return;
        };
        let Ok(mask) = u32::from_str_radix(text.trim_start_matches("0x"), 16) else {
            return;
        };
        let causes = [
            ("under-voltage", "a stronger power supply or a shorter cable"),
            ("a cap of its own", "better cooling"),
            ("heat", "better cooling"),
            ("its soft temperature limit", "better cooling"),
        ];
        for (bit, (cause, remedy)) in causes.into_iter().enumerate() {
            let (grade, when) = match (mask >> bit & 1, mask >> (bit + 16) & 1) {
                (1, _) => (Grade::Attention, "lowers"),
                (0, 1) => (Grade::Note, "has lowered since boot"),
                _ => continue,
            };
            self.say(
                grade,
                format!("the firmware {when} the clock because of {cause}"),
                "the CPUs are slower than their clock says",
                remedy.into(),
            );
        }
    }
}
