//! The confiner on control groups made of files, and on a systemd that keeps to what is known of the real one.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use dynd_vocab::Pid;

use super::*;
use crate::journal::Journal;
use crate::units::Units;

const V2: &str = "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n";
const V1: &str = "cgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\n\
                  cgroup /sys/fs/cgroup/cpuset cgroup rw,relatime,cpuset 0 0\n\
                  cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n";

/// A systemd with some units.
#[derive(Clone, Debug, Default)]
struct Manager(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    units: BTreeMap<String, CpuSet>,
    writes: Vec<(String, CpuSet)>,
    refuses: bool,
    /// It does what it is told after whoever told it has stopped waiting.
    is_late: bool,
}

impl Units for Manager {
    fn allowed_cpus(&mut self, unit: &str) -> Result<CpuSet, FenceError> {
        let state = self.0.lock().unwrap();
        state.units.get(unit).copied().ok_or(FenceError::Gone)
    }

    fn allow_cpus(&mut self, unit: &str, cpus: CpuSet) -> Result<(), FenceError> {
        let mut state = self.0.lock().unwrap();
        if state.refuses {
            return Err(FenceError::Failed("systemd: Access denied".into()));
        }
        state.units.insert(unit.into(), cpus);
        state.writes.push((unit.into(), cpus));
        if state.is_late {
            return Err(FenceError::Unanswered("systemd does not answer".into()));
        }
        Ok(())
    }
}

/// A machine, and what confines on it.
struct Bed {
    root: tempfile::TempDir,
    manager: Option<Manager>,
    confiner: Confiner,
    ledger: Ledger,
}

impl Bed {
    fn new(mounts: &str, manager: Option<Manager>) -> Self {
        let root = tempfile::tempdir().unwrap();
        let mut bed = Self {
            confiner: Confiner::new(Fences::new(root.path(), None)),
            ledger: Ledger::default(),
            root,
            manager,
        };
        bed.put("proc/mounts", mounts);
        bed.put("proc/sys/kernel/random/boot_id", "boot");
        bed.put("sys/fs/cgroup/cgroup.controllers", "cpuset cpu io");
        bed.put("sys/fs/cgroup/unified/cgroup.controllers", "hugetlb");
        bed.restart();
        bed
    }

    /// A new daemon comes up after the last one is gone.
    fn restart(&mut self) {
        self.ledger = Ledger::default();
        let (journal, entries) = Journal::open(&self.run_dir(), self.root.path()).unwrap();
        self.ledger.keep(journal, entries);
        let units = self
            .manager
            .clone()
            .map(|manager| Box::new(manager) as Box<dyn Units>);
        self.confiner = Confiner::new(Fences::new(self.root.path(), units));
    }

    fn run_dir(&self) -> PathBuf {
        self.root.path().join("run/dynd")
    }

    fn has_journal(&self) -> bool {
        self.run_dir().join("clocks.journal").exists()
    }

    fn put(&self, path: &str, text: &str) {
        let path = self.root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("{text}\n")).unwrap();
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.root.path().join(path))
            .unwrap()
            .trim()
            .to_owned()
    }

    /// A process in a control group of its own, of either version, with these CPUs.
    fn process(&self, pid: u32, group: &str, cpus: &str) {
        let lines = format!("5:cpu:/\n4:cpuset:/{group}\n0::/{group}");
        self.put(&format!("proc/{pid}/cgroup"), &lines);
        for mount in ["sys/fs/cgroup", "sys/fs/cgroup/cpuset"] {
            self.put(&format!("{mount}/{group}/cgroup.procs"), &pid.to_string());
            self.put(&format!("{mount}/{group}/cpuset.cpus"), cpus);
        }
    }

    fn apply(&mut self, apps: &[Confinement]) -> Vec<Enforcement> {
        let answers = self.confiner.apply(&mut self.ledger, apps);
        answers.into_iter().map(|answer| answer.enforcement).collect()
    }

    /// Puts all back and tells what each place was answered.
    fn restore(&mut self) -> Vec<(String, PutBackOutcome)> {
        let answers = self.confiner.restore(&mut self.ledger);
        answers
            .into_iter()
            .map(|answer| (answer.attribute, answer.outcome))
            .collect()
    }
}

fn app(id: u32, unit: Option<&str>, cpus: &str) -> Confinement {
    Confinement {
        app: AppId(id),
        pid: Pid(100 + id),
        unit: unit.map(Into::into),
        cpus: cpus.parse().unwrap(),
    }
}

fn held(by: Fence, cpus: &str) -> Enforcement {
    Enforcement {
        state: EnforcementState::Held,
        by: Some(by),
        cpus: cpus.parse().unwrap(),
        reason: None,
    }
}

const FILE: &str = "sys/fs/cgroup/camera/cpuset.cpus";

#[test]
fn a_cpuset_is_written_and_held_and_put_back() {
    for (mounts, by, file, before) in [
        (V2, Fence::CgroupV2, FILE, ""),
        (
            V1,
            Fence::CgroupV1,
            "sys/fs/cgroup/cpuset/camera/cpuset.cpus",
            "0-3",
        ),
    ] {
        let mut bed = Bed::new(mounts, None);
        bed.process(101, "camera", before);
        assert_eq!(bed.apply(&[]), []);
        assert!(!bed.run_dir().exists(), "a fresh install leaves no trace");

        assert_eq!(bed.apply(&[app(1, None, "2-3")]), [held(by, "2-3")]);
        assert_eq!((bed.text(file).as_str(), bed.has_journal()), ("2-3", true));
        assert_eq!(bed.apply(&[app(1, None, "3")]), [held(by, "3")]);
        assert_eq!(bed.text(file), "3");
        // It is to be confined no more.
        assert_eq!(bed.apply(&[]), []);
        assert_eq!((bed.text(file).as_str(), bed.has_journal()), (before, false));

        // The daemon is killed, and another one puts back.
        bed.apply(&[app(1, None, "2")]);
        bed.restart();
        assert_eq!(bed.restore(), [(file.to_owned(), PutBackOutcome::Done)]);
        assert_eq!((bed.text(file).as_str(), bed.has_journal()), (before, false));
        assert_eq!(bed.restore(), []);
    }
}

#[test]
fn what_is_there_already_is_not_written() {
    let mut bed = Bed::new(V2, None);
    bed.process(101, "camera", "2-3");
    assert_eq!(bed.apply(&[app(1, None, "2-3")]), [held(Fence::CgroupV2, "2-3")]);
    assert!(!bed.has_journal());
    assert_eq!(bed.restore(), []);
}

#[test]
fn what_somebody_else_wrote_is_left_alone_until_other_cpus_are_asked_for() {
    let mut bed = Bed::new(V2, None);
    bed.process(101, "camera", "");
    bed.apply(&[app(1, None, "2-3")]);
    bed.put(FILE, "0");
    for _ in 0..2 {
        let [answer] = bed.apply(&[app(1, None, "2-3")]).try_into().unwrap();
        assert_eq!(answer.state, EnforcementState::Contested);
        let reason = format!("{FILE} reads cpus 0 where cpus 2-3 was left");
        assert_eq!((answer.reason, answer.cpus), (Some(reason), CpuSet::single(0)));
        assert_eq!((bed.text(FILE).as_str(), bed.has_journal()), ("0", false));
    }
    assert_eq!(bed.apply(&[app(1, None, "3")]), [held(Fence::CgroupV2, "3")]);
    // What it was changed to is the new baseline.
    assert_eq!(bed.restore(), [(FILE.to_owned(), PutBackOutcome::Done)]);
    assert_eq!(bed.text(FILE), "0");

    bed.apply(&[app(1, None, "2")]);
    bed.put(FILE, "1");
    let foreign = PutBackOutcome::Foreign {
        reads: "cpus 1".into(),
    };
    assert_eq!(bed.restore(), [(FILE.to_owned(), foreign)]);
    assert_eq!((bed.text(FILE).as_str(), bed.has_journal()), ("1", false));
}

#[test]
fn an_app_is_confined_only_where_it_is_alone() {
    let mut bed = Bed::new(V2, None);
    bed.process(101, "camera", "");
    assert_eq!(bed.apply(&[app(1, None, "2")]), [held(Fence::CgroupV2, "2")]);
    bed.put("sys/fs/cgroup/camera/helper/cgroup.procs", "77\n78\n79\n80");
    let reason = "it is not alone in /sys/fs/cgroup/camera: so is process 77, 78, 79, …";
    let refused = Enforcement::refused(Some(Fence::CgroupV2), reason.into());
    assert_eq!(bed.apply(&[app(1, None, "2")]), [refused]);
    assert_eq!((bed.text(FILE).as_str(), bed.has_journal()), ("", false));
}

#[test]
fn where_an_app_cannot_be_confined_that_is_said() {
    let check = |mounts: &str, group: &str, by, expect: &str| {
        let mut bed = Bed::new(mounts, None);
        bed.put("proc/101/cgroup", &format!("4:cpuset:{group}\n0::{group}"));
        bed.put("sys/fs/cgroup/bare/cgroup.procs", "101");
        let refused = Enforcement::refused(by, expect.into());
        assert_eq!(bed.apply(&[app(1, None, "2")]), [refused]);
        assert!(!bed.run_dir().exists());
    };
    let (v1, v2) = (Some(Fence::CgroupV1), Some(Fence::CgroupV2));
    check("", "/x", None, "the machine has no control groups with cpusets");
    check(
        "cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0",
        "/x",
        None,
        "the machine has no control groups with cpusets",
    );
    check(
        V1,
        "/",
        v1,
        "it is in the root control group, with everything else",
    );
    check(
        V2,
        "/../x",
        v2,
        "its control group /../x is out of the daemon's sight",
    );
    check(
        V2,
        "/bare",
        v2,
        "the cpuset controller is not enabled for sys/fs/cgroup/bare",
    );
    check(
        V2,
        "/gone",
        v2,
        "/sys/fs/cgroup/gone: No such file or directory (os error 2)",
    );
}

#[test]
fn systemd_is_asked_where_it_runs_the_system() {
    let manager = Manager::default();
    let unit = "camera.service";
    manager.0.lock().unwrap().units.insert(unit.into(), CpuSet::EMPTY);
    let mut bed = Bed::new(V2, Some(manager.clone()));
    bed.process(101, "system.slice/camera.service/sub", "");
    // The files are there, but they are systemd's; without it they are the app's.
    let own = bed.apply(&[app(1, Some(unit), "3")]);
    assert_eq!(own, [held(Fence::CgroupV2, "3")]);
    bed.put("run/systemd/system/x", "");
    bed.put("sys/fs/cgroup/system.slice/camera.service/cgroup.procs", "");

    let ask = |bed: &mut Bed, cpus| bed.apply(&[app(1, Some(unit), cpus)]);
    assert_eq!(ask(&mut bed, "2-3"), [held(Fence::Systemd, "2-3")]);
    assert_eq!(
        bed.text("sys/fs/cgroup/system.slice/camera.service/sub/cpuset.cpus"),
        "",
        "what was confined otherwise is put back"
    );
    ask(&mut bed, "2-3");
    let cpus = |text: &str| text.parse::<CpuSet>().unwrap();
    assert_eq!(
        manager.0.lock().unwrap().writes,
        [(unit.to_owned(), cpus("2-3"))],
        "written once"
    );

    // The daemon is killed; the next one asks systemd to put back.
    bed.restart();
    assert_eq!(
        bed.restore(),
        [("AllowedCPUs of camera.service".into(), PutBackOutcome::Done)]
    );
    assert_eq!(manager.0.lock().unwrap().units[unit], CpuSet::EMPTY);

    // It refuses.
    manager.0.lock().unwrap().refuses = true;
    let refused = Enforcement::refused(Some(Fence::Systemd), "systemd: Access denied".into());
    assert_eq!(ask(&mut bed, "1"), [refused]);
    assert_eq!(bed.restore(), [], "nothing was written");

    // It does as it is told, and says so too late.
    manager.0.lock().unwrap().refuses = false;
    manager.0.lock().unwrap().is_late = true;
    let unknown = Enforcement::refused(Some(Fence::Systemd), "systemd does not answer".into());
    assert_eq!(ask(&mut bed, "1"), std::slice::from_ref(&unknown));
    assert_eq!(
        ask(&mut bed, "1"),
        [held(Fence::Systemd, "1")],
        "it was done, by us"
    );
    assert_eq!(ask(&mut bed, "2"), [unknown]);
    manager.0.lock().unwrap().is_late = false;
    bed.restart();
    assert_eq!(
        bed.restore(),
        [("AllowedCPUs of camera.service".into(), PutBackOutcome::Done)]
    );
    assert_eq!(manager.0.lock().unwrap().units[unit], CpuSet::EMPTY);

    // The unit is gone, and what was to be put back with it.
    manager.0.lock().unwrap().refuses = false;
    assert_eq!(ask(&mut bed, "1"), [held(Fence::Systemd, "1")]);
    manager.0.lock().unwrap().units.clear();
    assert_eq!(bed.restore(), []);
    assert!(!bed.has_journal());
}

#[test]
fn what_takes_cpus_away_is_written_first() {
    let manager = Manager::default();
    let mut bed = Bed::new(V2, Some(manager.clone()));
    bed.put("run/systemd/system/x", "");
    for (pid, unit) in [(101, "a.service"), (102, "b.service")] {
        bed.process(pid, unit, "");
        manager.0.lock().unwrap().units.insert(unit.into(), CpuSet::EMPTY);
    }
    let apps = |a, b| [app(1, Some("a.service"), a), app(2, Some("b.service"), b)];
    bed.apply(&apps("0", "1-3"));
    manager.0.lock().unwrap().writes.clear();
    bed.apply(&apps("0-1", "2-3"));
    let order: Vec<String> = manager
        .0
        .lock()
        .unwrap()
        .writes
        .iter()
        .map(|(unit, _)| unit.clone())
        .collect();
    assert_eq!(order, ["b.service", "a.service"]);
}

#[test]
fn without_a_journal_nothing_is_written() {
    let mut bed = Bed::new(V2, None);
    bed.process(101, "camera", "");
    bed.ledger = Ledger::default();
    let reason = "there is no journal to note in what was in force";
    let refused = Enforcement::refused(Some(Fence::CgroupV2), reason.into());
    assert_eq!(bed.apply(&[app(1, None, "2")]), [refused]);
    assert_eq!(bed.text(FILE), "");
}
