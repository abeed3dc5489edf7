//! An app is confined by the control groups of the machine at hand. Needs root, and skips without.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use dynd_board::{Host, restore};
use dynd_vocab::{AppId, Board as _, Confinement, CpuSet, Enforcement, EnforcementState, Fence, Pid};

/// Where cpusets of version 1 are by custom.
const MOUNT: &str = "/sys/fs/cgroup/cpuset";

/// A process in a cpuset of its own; both are gone when this is dropped.
struct Cell {
    dir: PathBuf,
    child: Child,
}

impl Cell {
    fn new() -> io::Result<Self> {
        let dir = Path::new(MOUNT).join(format!("dynd-test-{}", std::process::id()));
        fs::create_dir(&dir)?;
        let child = Command::new("sleep").arg("600").spawn()?;
        let cell = Self { dir, child };
        for file in ["cpuset.mems", "cpuset.cpus"] {
            fs::write(cell.dir.join(file), fs::read(Path::new(MOUNT).join(file))?)?;
        }
        fs::write(cell.dir.join("cgroup.procs"), cell.child.id().to_string())?;
        Ok(cell)
    }

    fn cpus(&self) -> CpuSet {
        fs::read_to_string(self.dir.join("cpuset.cpus"))
            .unwrap()
            .parse()
            .unwrap()
    }

    /// The CPUs that the kernel lets the process run on.
    fn allowed(&self) -> CpuSet {
        let text = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let list = text
            .lines()
            .find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
        list.unwrap().parse().unwrap()
    }

    fn asked(&self, cpus: CpuSet) -> [Confinement; 1] {
        [Confinement {
            app: AppId(1),
            pid: Pid(self.child.id()),
            unit: None,
            cpus,
        }]
    }
}

impl Drop for Cell {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir(&self.dir);
    }
}

fn confine(host: &mut Host, apps: &[Confinement]) -> Enforcement {
    let [answer] = host.confine(apps).try_into().unwrap();
    answer.enforcement
}

#[test]
fn the_kernel_keeps_a_process_where_it_is_told() {
    let cell = match Cell::new() {
        Ok(cell) => cell,
        Err(error) => return println!("SKIPPED: no cpuset of version 1 can be made below {MOUNT}: {error}"),
    };
    let all = cell.cpus();
    if all.len() < 2 {
        return println!("SKIPPED: there is one CPU only");
    }
    let first: CpuSet = all.iter().take(1).collect();
    let others = all.difference(first);
    let run_dir = tempfile::tempdir().unwrap();
    let start = || {
        let mut host = Host::discover(Path::new("/")).unwrap();
        host.keep_journal(run_dir.path()).unwrap();
        host
    };
    let mut host = start();
    for cpus in [first, others] {
        let answer = confine(&mut host, &cell.asked(cpus));
        assert_eq!(
            (answer.state, answer.by),
            (EnforcementState::Held, Some(Fence::CgroupV1))
        );
        assert_eq!((cell.cpus(), cell.allowed()), (cpus, cpus));
    }

    // A CPU that the machine does not have: the kernel refuses, and nothing changes.
    let answer = confine(&mut host, &cell.asked(CpuSet::single(CpuSet::CAPACITY - 1)));
    assert_eq!(answer.state, EnforcementState::Refused, "{answer:?}");
    assert_eq!(cell.allowed(), others);

    // Another process comes in: the app is not alone any more, and let go.
    let mut guest = Command::new("sleep").arg("600").spawn().unwrap();
    fs::write(cell.dir.join("cgroup.procs"), guest.id().to_string()).unwrap();
    let answer = confine(&mut host, &cell.asked(first));
    let (is_let_go, reason) = (cell.allowed() == all, answer.reason.clone().unwrap_or_default());
    guest.kill().unwrap();
    guest.wait().unwrap();
    assert_eq!(answer.state, EnforcementState::Refused);
    assert!(is_let_go && reason.contains(&guest.id().to_string()), "{reason}");

    // The daemon is killed.
    assert_eq!(
        confine(&mut host, &cell.asked(first)).state,
        EnforcementState::Held
    );
    drop(host);
    assert_eq!(cell.allowed(), first);
    let answers = restore(Path::new("/"), run_dir.path(), None).unwrap();
    assert_eq!((answers.len(), cell.allowed()), (1, all), "{answers:?}");
}
