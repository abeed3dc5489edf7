//! What the machine has to keep an app on CPUs with, found by looking: which control groups are mounted where, in
//! which one a process is, and who else is in there.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use dynd_vocab::{Confinement, Fence};

use crate::fenced::{CPUSET, Place, is_inside};

const MOUNTS: &str = "proc/mounts";
/// Exists while systemd runs the system (`sd_booted(3)`).
pub(crate) const SYSTEMD: &str = "run/systemd/system";
const CONTROLLER: &str = "cpuset";

/// Whether systemd can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bus {
    /// There is a way to it.
    Joined,
    /// There is none.
    None,
}

/// Why an app cannot be confined, by what it would have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unfit {
    pub(crate) by: Option<Fence>,
    pub(crate) reason: String,
}

/// The hierarchy of control groups that knows cpusets.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Hierarchy {
    /// Where it is mounted, relative to the root.
    mount: PathBuf,
    version: Version,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    V1,
    V2,
}

/// Finds where the CPUs of `app` are set on the machine below `root`, if it is alone there.
pub(crate) fn place(root: &Path, app: &Confinement, bus: Bus) -> Result<(Fence, Place), Unfit> {
    let hierarchy = hierarchy(root).ok_or_else(|| Unfit {
        by: None,
        reason: "the machine has no control groups with cpusets".into(),
    })?;
    let has_systemd = hierarchy.version == Version::V2 && bus == Bus::Joined && root.join(SYSTEMD).exists();
    let unit = app.unit.as_deref().filter(|_| has_systemd);
    let by = match (hierarchy.version, unit) {
        (Version::V2, Some(_)) => Fence::Systemd,
        (Version::V2, None) => Fence::CgroupV2,
        (Version::V1, _) => Fence::CgroupV1,
    };
    let unfit = |reason| Unfit { by: Some(by), reason };
    let group = group_of(root, app.pid.0, hierarchy.version).map_err(unfit)?;
    let group = match unit {
        Some(unit) => within(&group, unit).ok_or_else(|| unfit(format!("it is not in {unit} any more")))?,
        None => group,
    };
    if group.as_os_str().is_empty() {
        return Err(unfit(
            "it is in the root control group, with everything else".into(),
        ));
    }
    let dir = hierarchy.mount.join(&group);
    alone(root, &dir, app.pid.0).map_err(unfit)?;
    if let Some(unit) = unit {
        return Ok((by, Place::Unit(unit.into())));
    }
    let file = dir.join(CPUSET);
    if !root.join(&file).exists() {
        return Err(unfit(format!(
            "the cpuset controller is not enabled for {}",
            dir.display()
        )));
    }
    Ok((by, Place::File(file)))
}

/// Version 2 where it has the controller, else the hierarchy of version 1 that has it.
fn hierarchy(root: &Path) -> Option<Hierarchy> {
    let mounts = fs::read_to_string(root.join(MOUNTS)).unwrap_or_default();
    let mounts = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        let (mount, kind, options) = (words.next()?, words.next()?, words.next()?);
        let mount = PathBuf::from(mount.strip_prefix('/')?);
        is_inside(&mount).then_some((mount, kind, options))
    });
    let found = mounts.filter_map(|(mount, kind, options)| {
        let version = match kind {
            "cgroup2" => Version::V2,
            "cgroup" => Version::V1,
            _ => return None,
        };
        let has_cpusets = match version {
            Version::V1 => options.split(',').any(|option| option == CONTROLLER),
            Version::V2 => {
                let known = fs::read_to_string(root.join(&mount).join("cgroup.controllers"));
                known.is_ok_and(|known| known.split_whitespace().any(|one| one == CONTROLLER))
            }
        };
        has_cpusets.then_some(Hierarchy { mount, version })
    });
    // The kernel has the controller in one hierarchy only; a copy of the mount is the same one.
    found.into_iter().next()
}

/// The control group of a process, relative to the mount.
fn group_of(root: &Path, pid: u32, version: Version) -> Result<PathBuf, String> {
    let file = Path::new("proc").join(pid.to_string()).join("cgroup");
    let text =
        fs::read_to_string(root.join(&file)).map_err(|error| format!("/{}: {error}", file.display()))?;
    let path = text.lines().find_map(|line| {
        let (_, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        let is_it = match version {
            Version::V1 => controllers.split(',').any(|one| one == CONTROLLER),
            Version::V2 => controllers.is_empty(),
        };
        is_it.then_some(path)
    });
    let path = path.ok_or_else(|| format!("/{} names no such control group", file.display()))?;
    let relative = PathBuf::from(path.trim_start_matches('/'));
    let is_below = relative
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    if is_below {
        Ok(relative)
    } else {
        Err(format!("its control group {path} is out of the daemon's sight"))
    }
}

/// The control group of the unit above, or at, that of a process.
fn within(group: &Path, unit: &str) -> Option<PathBuf> {
    let mut above = group.ancestors();
    above
        .find(|above| above.file_name().is_some_and(|name| name == unit))
        .map(Path::to_path_buf)
}

/// Whether a process is the only one in a control group and all below it.
fn alone(root: &Path, dir: &Path, pid: u32) -> Result<(), String> {
    let mut members = BTreeSet::new();
    gather(&root.join(dir), &mut members).map_err(|error| format!("/{}: {error}", dir.display()))?;
    members.remove(&pid);
    if members.is_empty() {
        return Ok(());
    }
    let some: Vec<String> = members.iter().take(3).map(u32::to_string).collect();
    let more = if members.len() > some.len() { ", …" } else { "" };
    Err(format!(
        "it is not alone in /{}: so is process {}{more}",
        dir.display(),
        some.join(", ")
    ))
}

/// Adds every process in a control group and below.
fn gather(dir: &Path, members: &mut BTreeSet<u32>) -> io::Result<()> {
    let text = fs::read_to_string(dir.join("cgroup.procs"))?;
    members.extend(
        text.split_whitespace()
            .filter_map(|word| word.parse::<u32>().ok()),
    );
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            match gather(&entry.path(), members) {
                // It ended while we looked.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                gathered => gathered?,
            }
        }
    }
    Ok(())
}
