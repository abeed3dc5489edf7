//! Apps are kept on their CPUs by the kernel where the policy says so, and let go whatever becomes of the daemon.

use std::fs;

use dynd_proto::v1;
use dynd_proto::v1::client_message::Message as Up;
use dynd_proto::v1::{Enforcement, EnforcementState, Fence};
use nix::sys::signal::Signal;

use crate::app::{App, hello, status_when};
use crate::machine::Machine;
use crate::running::eventually;

const ENFORCED: &str = "[[app]]\nmatch = { name = \"camera\" }\nenforce = true\n";
const GROUP: &str = "sys/fs/cgroup/camera";

/// A machine on which this process is alone in a control group.
fn machine() -> Machine {
    let machine = Machine::new(ENFORCED);
    machine.put("proc/mounts", "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0");
    machine.put("sys/fs/cgroup/cgroup.controllers", "cpuset cpu");
    let pid = std::process::id();
    machine.put(&format!("proc/{pid}/cgroup"), "0::/camera");
    machine.put(&format!("{GROUP}/cgroup.procs"), &pid.to_string());
    machine.put(&format!("{GROUP}/cpuset.cpus"), "");
    machine
}

fn cpus(machine: &Machine) -> String {
    let text = fs::read_to_string(machine.root().join(GROUP).join("cpuset.cpus"));
    text.unwrap().trim().to_owned()
}

/// How the first app stands once it is in `state`.
async fn when(machine: &Machine, state: EnforcementState) -> Enforcement {
    let of = |status: &v1::Status| status.apps[0].enforcement.clone();
    let is = |status: &v1::Status| of(status).is_some_and(|enforcement| enforcement.state() == state);
    of(&status_when(&machine.home.socket(), is).await).unwrap()
}

async fn open(machine: &Machine) -> (App, v1::Assignment) {
    let mut app = App::open(&machine.home.socket(), Up::Hello(hello("camera")))
        .await
        .unwrap();
    let assignment = app.assignment().await;
    (app, assignment)
}

#[tokio::test]
async fn an_app_is_kept_on_its_cpus_once_it_runs_there_and_let_go_at_the_end() {
    let machine = machine();
    let mut running = machine.start();
    let (app, assignment) = open(&machine).await;
    assert_eq!(cpus(&machine), "", "not before it says that it has moved");
    let generation = assignment.generation;
    assert!(app.say(Up::Ack(v1::Ack { generation })).await);
    let held = when(&machine, EnforcementState::Held).await;
    assert_eq!((held.by(), &held.cpus), (Fence::CgroupV2, &assignment.cpus));
    let [cpu] = assignment.cpus.as_slice() else {
        panic!("{assignment:?}")
    };
    assert_eq!(cpus(&machine), cpu.to_string());
    let said = format!("app {} is kept on cpus {cpu} by cgroup-v2", app.number);
    eventually("it is logged", || running.log().contains(&said));

    running.signal(Signal::SIGTERM);
    running.ended();
    assert_eq!(cpus(&machine), "");
}

#[tokio::test]
async fn an_app_that_says_nothing_is_kept_where_it_was_told_all_the_same() {
    let machine = machine();
    let mut running = machine.start();
    let (app, _) = open(&machine).await;
    when(&machine, EnforcementState::Held).await;
    assert_ne!(cpus(&machine), "");

    running.signal(Signal::SIGKILL);
    running.ended();
    assert_ne!(cpus(&machine), "");
    let restored = machine.restore();
    let says = String::from_utf8_lossy(&restored.stdout).into_owned();
    assert!(restored.status.success(), "{restored:?}");
    assert_eq!(says.trim(), format!("{GROUP}/cpuset.cpus is any cpu again"));
    assert_eq!(cpus(&machine), "");
    drop(app);
}

#[tokio::test]
async fn an_app_that_leaves_is_let_go() {
    let machine = machine();
    let _running = machine.start();
    let (app, _) = open(&machine).await;
    when(&machine, EnforcementState::Held).await;
    drop(app);
    eventually("it is let go", || cpus(&machine).is_empty());
}

#[tokio::test]
async fn what_another_sets_is_left_alone_and_told() {
    let machine = machine();
    let _running = machine.start();
    let (_app, _) = open(&machine).await;
    when(&machine, EnforcementState::Held).await;
    machine.put(&format!("{GROUP}/cpuset.cpus"), "0-3");
    let contested = when(&machine, EnforcementState::Contested).await;
    assert!(
        contested.reason().contains("reads cpus 0-3 where"),
        "{contested:?}"
    );
    assert_eq!(cpus(&machine), "0-3");
}

#[tokio::test]
async fn a_process_with_two_sessions_is_not_confined() {
    let machine = machine();
    let _running = machine.start();
    let (_app, _) = open(&machine).await;
    when(&machine, EnforcementState::Held).await;
    let _other = App::open(&machine.home.socket(), Up::Hello(hello("reader")))
        .await
        .unwrap();
    let refused = when(&machine, EnforcementState::Refused).await;
    assert_eq!(
        refused.reason(),
        "its process has another session, which it would confine, too"
    );
    eventually("it is let go", || cpus(&machine).is_empty());
    let status = status_when(&machine.home.socket(), |status| status.apps.len() == 2).await;
    assert_eq!(status.apps[1].enforcement, None, "no rule asks for it");
}
