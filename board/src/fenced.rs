//! Where the kernel says on which CPUs processes may run, and what was written there.

use std::fmt;
use std::path::{Component, Path, PathBuf};

use dynd_vocab::CpuSet;

/// The file of a cgroup that says it, in both versions.
pub(crate) const CPUSET: &str = "cpuset.cpus";

/// What a unit's name begins with in the journal.
const UNIT: &str = "unit:";

/// Where the CPUs of some processes are set.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// The [`CPUSET`] file of a cgroup, relative to the board's root.
    File(PathBuf),
    /// The property `AllowedCPUs` of a unit of systemd.
    Unit(String),
}

/// A set of CPUs that dynd looks after; the empty one stands for no limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fenced {
    pub(crate) place: Place,
    /// What was in force before.
    pub(crate) before: CpuSet,
    /// What was in force before the latest write, which may never have happened.
    pub(crate) from: CpuSet,
    /// What the latest write asked for.
    pub(crate) to: CpuSet,
}

impl Fenced {
    /// True if what is read is what we left.
    pub(crate) fn is_ours(&self, reads: CpuSet) -> bool {
        reads == self.to || reads == self.from
    }

    /// True if it may read other than before because of us.
    pub(crate) fn is_changed(&self) -> bool {
        self.before != self.from || self.before != self.to
    }

    /// The line of the journal, without its end.
    pub(crate) fn line(&self) -> String {
        let [before, from, to] = [self.before, self.from, self.to].map(word);
        let place = match &self.place {
            Place::File(path) => path.display().to_string(),
            Place::Unit(unit) => format!("{UNIT}{unit}"),
        };
        format!("{before} {from} {to} {place}")
    }

    /// What a line of the journal says, if it is of a set of CPUs.
    pub(crate) fn of_line(line: &str) -> Option<Self> {
        let mut words = line.splitn(4, ' ');
        let mut cpus = || {
            let word = words.next()?;
            if word == "-" {
                Some(CpuSet::EMPTY)
            } else {
                word.parse().ok()
            }
        };
        let (before, from, to) = (cpus()?, cpus()?, cpus()?);
        let place = place(words.next()?)?;
        Some(Self {
            place,
            before,
            from,
            to,
        })
    }
}

/// Whoever could write to the journal must not thereby be able to write elsewhere.
fn place(text: &str) -> Option<Place> {
    if let Some(unit) = text.strip_prefix(UNIT) {
        let is_unit = unit.ends_with(".service") || unit.ends_with(".scope");
        return (is_unit && !unit.contains('/')).then(|| Place::Unit(unit.into()));
    }
    let path = Path::new(text);
    let is_cpuset = path.file_name().is_some_and(|name| name == CPUSET);
    (is_cpuset && is_inside(path)).then(|| Place::File(path.into()))
}

/// True for a path below `sys`.
pub(crate) fn is_inside(path: &Path) -> bool {
    let mut parts = path.components();
    path.starts_with("sys") && parts.all(|part| matches!(part, Component::Normal(_)))
}

fn word(cpus: CpuSet) -> String {
    if cpus.is_empty() {
        "-".into()
    } else {
        cpus.to_string()
    }
}

/// For people.
pub(crate) fn named(cpus: CpuSet) -> String {
    if cpus.is_empty() {
        "any cpu".into()
    } else {
        format!("cpus {cpus}")
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Unit(unit) => write!(f, "AllowedCPUs of {unit}"),
        }
    }
}
