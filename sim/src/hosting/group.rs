//! The cgroups of the processes that run on a hosted board: one for all, and below it one per CPU, which bears its quota.
//!
//! | | v1 (`cpu` controller) | v2 |
//! |---|---|---|
//! | one for all | `dynd-board.PID.START` | the same |
//! | of a CPU | `cpuN` below it | `cpuN`, threaded |
//! | quota | `cpu.cfs_quota_us`, `cpu.cfs_period_us` | `cpu.max` |
//! | a thread | `tasks` | `cgroup.threads` |
//! | a process | `cgroup.procs` | `cgroup.procs` of the one for all |
//!
//! The name says who made it (process, and when that started), so that the next one can tell and remove what a killed one
//! left. The host's other work comes after that of the board: the group for all has the greatest weight there is.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use dynd_vocab::Pid;

use super::HostingError;
use super::quota::Quota;

const PREFIX: &str = "dynd-board.";

/// What the kernel's mounts are told by.
const MOUNTS: &str = "/proc/self/mounts";

/// How often a group is emptied before it is left to the next one: whoever is born in it meanwhile is in the way.
const EMPTYINGS: usize = 100;

/// Which files there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

/// Where cgroups with a quota can be made.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Hierarchy {
    version: Version,
    root: PathBuf,
}

/// The cgroups. They are gone with the value, and who is left in them runs on as before.
#[derive(Debug)]
pub(crate) struct Groups {
    hierarchy: Hierarchy,
    board: PathBuf,
    /// Per CPU of the board, in order.
    cpus: Vec<PathBuf>,
}

impl Groups {
    /// Makes them, one for each of `cpus`, and removes what a process that is gone has left.
    pub(crate) fn new(cpus: impl Iterator<Item = u32>) -> Result<Self, HostingError> {
        let hierarchy = Hierarchy::find()?;
        hierarchy.remove_leftovers();
        let board = hierarchy.root.join(own_name().map_err(HostingError::Identify)?);
        let mut groups = Self {
            cpus: cpus.map(|cpu| board.join(format!("cpu{cpu}"))).collect(),
            hierarchy,
            board,
        };
        groups.make()?;
        Ok(groups)
    }

    /// The one for all.
    pub(crate) fn board(&self) -> &Path {
        &self.board
    }

    fn make(&mut self) -> Result<(), HostingError> {
        let create = |path: &Path| {
            fs::create_dir(path).map_err(|source| HostingError::Group {
                path: path.to_path_buf(),
                source,
            })
        };
        if self.hierarchy.version == Version::Two {
            put(&self.hierarchy.root.join("cgroup.subtree_control"), "+cpu")?;
        }
        create(&self.board)?;
        match self.hierarchy.version {
            Version::One => put(&self.board.join("cpu.shares"), "262144")?,
            Version::Two => put(&self.board.join("cpu.weight"), "10000")?,
        }
        for group in &self.cpus {
            create(group)?;
            if self.hierarchy.version == Version::Two {
                put(&group.join("cgroup.type"), "threaded")?;
            }
        }
        if self.hierarchy.version == Version::Two {
            put(&self.board.join("cgroup.subtree_control"), "+cpu")?;
        }
        Ok(())
    }

    /// Every thread that is in one of them.
    pub(crate) fn threads(&self) -> impl Iterator<Item = Pid> {
        let all = std::iter::once(&self.board).chain(&self.cpus);
        all.flat_map(|group| threads(&self.hierarchy, group))
    }

    /// Puts `thread` into the group of the CPU of this index.
    pub(crate) fn seat(&self, thread: Pid, cpu: usize) -> io::Result<()> {
        fs::write(
            self.cpus[cpu].join(self.hierarchy.thread_list()),
            thread.0.to_string(),
        )
    }

    /// Gives the CPU of this index this quota, or none.
    pub(crate) fn limit(&self, cpu: usize, quota: Option<Quota>) -> Result<(), HostingError> {
        let group = &self.cpus[cpu];
        let micros = |quota: Quota| (quota.time.as_micros(), quota.period.as_micros());
        match (self.hierarchy.version, quota.map(micros)) {
            (Version::One, None) => put(&group.join("cpu.cfs_quota_us"), "-1"),
            (Version::One, Some((time, period))) => {
                put(&group.join("cpu.cfs_period_us"), &period.to_string())?;
                put(&group.join("cpu.cfs_quota_us"), &time.to_string())
            }
            (Version::Two, None) => put(&group.join("cpu.max"), "max"),
            (Version::Two, Some((time, period))) => put(&group.join("cpu.max"), &format!("{time} {period}")),
        }
    }
}

impl Drop for Groups {
    fn drop(&mut self) {
        self.hierarchy.remove(&self.board);
    }
}

impl Hierarchy {
    /// The one of this machine.
    fn find() -> Result<Self, HostingError> {
        let mounts = fs::read_to_string(MOUNTS).map_err(|source| HostingError::Group {
            path: MOUNTS.into(),
            source,
        })?;
        let controls = |root: &Path| fs::read_to_string(root.join("cgroup.controllers")).unwrap_or_default();
        Self::among(&mounts, controls).ok_or(HostingError::NoController)
    }

    /// The one among `mounts`; `controls` reads the controllers of one of version 2.
    fn among(mounts: &str, controls: impl Fn(&Path) -> String) -> Option<Self> {
        mounts.lines().find_map(|line| {
            let mut fields = line.split(' ').skip(1);
            let (root, kind, options) = (fields.next()?, fields.next()?, fields.next()?);
            let root = PathBuf::from(root);
            let version = match kind {
                "cgroup" if options.split(',').any(|option| option == "cpu") => Version::One,
                "cgroup2" if controls(&root).split_whitespace().any(|each| each == "cpu") => Version::Two,
                _ => return None,
            };
            Some(Self { version, root })
        })
    }

    const fn thread_list(&self) -> &'static str {
        match self.version {
            Version::One => "tasks",
            Version::Two => "cgroup.threads",
        }
    }

    /// Removes the groups of processes that are gone.
    fn remove_leftovers(&self) {
        let entries = fs::read_dir(&self.root).into_iter().flatten().flatten();
        for entry in entries {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name
                .strip_prefix(PREFIX)
                .is_some_and(|made_by| !is_alive(made_by))
            {
                self.remove(&entry.path());
            }
        }
    }

    /// Removes `board` and what is below it. Who is there goes to the root; whoever is born meanwhile too.
    fn remove(&self, board: &Path) {
        let below = fs::read_dir(board).into_iter().flatten().flatten();
        let groups = below.map(|entry| entry.path()).filter(|path| path.is_dir());
        for group in groups.chain([board.to_path_buf()]) {
            for _ in 0..EMPTYINGS {
                if fs::remove_dir(&group).is_ok() {
                    break;
                }
                let here: Vec<Pid> = threads(self, &group).collect();
                for thread in here {
                    // One that has ended meanwhile is no trouble.
                    let _ = fs::write(self.root.join("cgroup.procs"), thread.0.to_string());
                }
            }
        }
    }
}

fn threads(hierarchy: &Hierarchy, group: &Path) -> impl Iterator<Item = Pid> + use<> {
    let list = fs::read_to_string(group.join(hierarchy.thread_list())).unwrap_or_default();
    let threads: Vec<Pid> = list
        .lines()
        .filter_map(|line| Some(Pid(line.parse().ok()?)))
        .collect();
    threads.into_iter()
}

fn put(path: &Path, text: &str) -> Result<(), HostingError> {
    fs::write(path, text).map_err(|source| HostingError::Group {
        path: path.to_path_buf(),
        source,
    })
}

/// `dynd-board.PID.START` of this process.
fn own_name() -> io::Result<String> {
    let pid = std::process::id();
    let start = started(pid).ok_or_else(|| io::Error::other("/proc/self/stat does not tell the start"))?;
    Ok(format!("{PREFIX}{pid}.{start}"))
}

/// Whether the process `PID.START` lives.
fn is_alive(made_by: &str) -> bool {
    let parsed = made_by.split_once('.');
    let parsed = parsed.and_then(|(pid, start)| Some((pid.parse().ok()?, start.parse().ok()?)));
    // What is not understood is none of ours.
    parsed.is_none_or(|(pid, start): (u32, u64)| started(pid) == Some(start))
}

/// When the process `pid` started, in ticks since boot.
fn started(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;

    fn check(mounts: &str, controllers: &str, expect: Option<(Version, &str)>) {
        let found = Hierarchy::among(mounts, |_| controllers.into());
        let expect = expect.map(|(version, root)| Hierarchy {
            version,
            root: root.into(),
        });
        assert_eq!(found, expect, "{mounts}");
    }

    #[test]
    fn the_hierarchy_with_quotas_is_found() {
        let first = "tmpfs /sys/fs/cgroup tmpfs rw 0 0\n\
                     cgroup /sys/fs/cgroup/cpuset cgroup rw,cpuset 0 0\n\
                     cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,relatime,cpu,cpuacct 0 0\n\
                     cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n";
        check(
            first,
            "hugetlb",
            Some((Version::One, "/sys/fs/cgroup/cpu,cpuacct")),
        );
        let second = "cgroup2 /sys/fs/cgroup cgroup2 rw,nsdelegate 0 0\n";
        check(
            second,
            "cpuset cpu io memory",
            Some((Version::Two, "/sys/fs/cgroup")),
        );
        check(second, "cpuset memory", None);
        check("proc /proc proc rw 0 0\n", "cpu", None);
    }

    #[test]
    fn only_what_a_process_left_that_is_gone_is_a_leftover() {
        let own = own_name().unwrap();
        let own = own.strip_prefix(PREFIX).unwrap();
        assert!(is_alive(own));
        let (pid, start) = own.split_once('.').unwrap();
        let later = start.parse::<u64>().unwrap() + 1;
        // The number was given to another.
        assert!(!is_alive(&format!("{pid}.{later}")));
        assert!(!is_alive("4194304.5"));
        assert!(is_alive("something-else"));
    }
}
