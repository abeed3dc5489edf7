//! Calls to a stand-in for systemd on a message bus of the test's own.

#[path = "../../tests/it/bus.rs"]
mod bus;

use std::collections::HashMap;
use std::convert::Infallible;
use std::fs;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use dynd_board::Host;
use dynd_vocab::{AppId, Board as _, Confinement, EnforcementState, Fence, Pid, PutBackOutcome};
use tokio::sync::oneshot;
use zbus::fdo;
use zbus::interface;

use super::*;

const UNIT: &str = "camera.service";
const OBJECT: &str = "/org/freedesktop/systemd1/unit/camera_2eservice";

/// What the stand-in was asked to allow.
type Allowed = Arc<Mutex<Vec<u8>>>;

/// The part of the manager that is used.
struct Manager(Allowed);

#[interface(name = "org.freedesktop.systemd1.Manager")]
impl Manager {
    fn get_unit(&self, name: &str) -> Result<OwnedObjectPath, NoSuchUnit> {
        if name == UNIT {
            Ok(OwnedObjectPath::try_from(OBJECT).unwrap())
        } else {
            Err(NoSuchUnit::NoSuchUnit(format!("Unit {name} not loaded.")))
        }
    }

    fn set_unit_properties(
        &self,
        name: &str,
        runtime: bool,
        properties: Vec<(String, OwnedVariant)>,
    ) -> fdo::Result<()> {
        assert_eq!((name, runtime), (UNIT, true));
        for (property, value) in properties {
            assert_eq!(property, ALLOWED);
            *self.0.lock().unwrap() = Vec::try_from(value).unwrap();
        }
        Ok(())
    }
}

#[derive(Debug, zbus::DBusError)]
#[zbus(prefix = "org.freedesktop.systemd1")]
enum NoSuchUnit {
    #[zbus(error)]
    ZBus(zbus::Error),
    NoSuchUnit(String),
}

/// A unit.
struct Service(Allowed);

#[interface(name = "org.freedesktop.systemd1.Service")]
impl Service {
    #[zbus(property, name = "AllowedCPUs")]
    fn allowed_cpus(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }
}

/// A stand-in, and what it was asked to allow; gone when this is dropped.
struct StandIn {
    allowed: Allowed,
    _alive: oneshot::Sender<Infallible>,
}

impl StandIn {
    fn new(address: &str) -> Self {
        let allowed = Allowed::default();
        let (alive, dropped) = oneshot::channel();
        let (ready, is_ready) = mpsc::channel();
        let (manager, service) = (Manager(allowed.clone()), Service(allowed.clone()));
        let builder = Builder::address(address)
            .serve_at(MANAGER, manager)
            .serve_at(OBJECT, service)
            .name(NAME);
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let _connection = builder.build().await.unwrap();
                ready.send(()).unwrap();
                let _ = dropped.await;
            });
        });
        is_ready.recv().unwrap();
        Self {
            allowed,
            _alive: alive,
        }
    }
}

fn systemd(address: &str) -> Systemd {
    Systemd::on(&Bus::Address(address.into())).unwrap().unwrap()
}

#[test]
fn masks_are_read_as_they_are_written() {
    let check = |text: &str, bytes: &[u8]| {
        let set: CpuSet = text.parse().unwrap();
        assert_eq!(mask(set), bytes);
        assert_eq!(cpus(bytes), Ok(set));
    };
    check("", &[]);
    check("0", &[1]);
    check("2-3,9", &[12, 2]);
    check("127", &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 128]);
    assert_eq!(
        cpus(&[0; 40]),
        Ok(CpuSet::EMPTY),
        "it may be longer than it needs to be"
    );
    assert!(cpus(&[255; 17]).is_err());
}

#[test]
fn a_unit_is_allowed_cpus_and_none_that_is_not_there() {
    let bus = bus::Bus::start();
    let stand_in = StandIn::new(&bus.address);
    let mut systemd = systemd(&bus.address);
    assert_eq!(systemd.allowed_cpus(UNIT), Ok(CpuSet::EMPTY));
    for text in ["2-3", "9", ""] {
        let cpus: CpuSet = text.parse().unwrap();
        systemd.allow_cpus(UNIT, cpus).unwrap();
        assert_eq!(*stand_in.allowed.lock().unwrap(), mask(cpus));
        assert_eq!(systemd.allowed_cpus(UNIT), Ok(cpus));
    }
    assert_eq!(systemd.allowed_cpus("gone.service"), Err(FenceError::Gone));
}

#[test]
fn a_bus_without_systemd_and_none_at_all_are_told() {
    let bus = bus::Bus::start();
    for address in [bus.address.as_str(), "unix:path=/nonexistent/bus"] {
        let Err(FenceError::Failed(reason)) = systemd(address).allowed_cpus(UNIT) else {
            panic!("systemd is on {address}")
        };
        assert!(reason.starts_with("systemd: "), "{reason}");
    }
    assert!(Systemd::on(&Bus::Off).unwrap().is_none());
}

#[test]
fn the_board_confines_by_way_of_systemd_and_puts_back() {
    let bus = bus::Bus::start();
    let stand_in = StandIn::new(&bus.address);
    let (root, run_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let put = |path: &str, text: &str| {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("{text}\n")).unwrap();
    };
    put("sys/devices/system/cpu/online", "0-3");
    put("proc/sys/kernel/random/boot_id", "boot");
    put("proc/mounts", "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0");
    put("proc/7/cgroup", "0::/system.slice/camera.service");
    put("sys/fs/cgroup/cgroup.controllers", "cpuset");
    put("sys/fs/cgroup/system.slice/camera.service/cgroup.procs", "7");
    put("run/systemd/system/x", "");
    let mut host = Host::discover(root.path()).unwrap();
    host.join(Box::new(systemd(&bus.address)));
    host.keep_journal(run_dir.path()).unwrap();
    let asked = Confinement {
        app: AppId(1),
        pid: Pid(7),
        unit: Some(UNIT.into()),
        cpus: "1-2".parse().unwrap(),
    };
    let [answer] = host.confine(&[asked]).try_into().unwrap();
    let enforcement = answer.enforcement;
    assert_eq!(
        (enforcement.state, enforcement.by),
        (EnforcementState::Held, Some(Fence::Systemd)),
        "{enforcement:?}"
    );
    assert_eq!(*stand_in.allowed.lock().unwrap(), [6]);

    // The daemon is killed.
    drop(host);
    let units: Box<dyn Units> = Box::new(systemd(&bus.address));
    let answers = dynd_board::restore(root.path(), run_dir.path(), Some(units)).unwrap();
    let answers: HashMap<_, _> = answers
        .into_iter()
        .map(|answer| (answer.attribute, answer.outcome))
        .collect();
    let expect = HashMap::from([("AllowedCPUs of camera.service".into(), PutBackOutcome::Done)]);
    assert_eq!(answers, expect);
    assert!(stand_in.allowed.lock().unwrap().is_empty());
}
