//! A daemon without apps sleeps, and a daemon without privileges works.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use dynd_proto::v1::client_message::Message as Up;

use crate::app::{App, hello, status_when};
use crate::running::Home;

/// How often the threads of `pid` have waited for something.
fn waits(pid: u32) -> u64 {
    let field = |status: String| -> u64 {
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        line.unwrap().trim().parse().unwrap()
    };
    fs::read_dir(format!("/proc/{pid}/task"))
        .unwrap()
        .map(|task| field(fs::read_to_string(task.unwrap().path().join("status")).unwrap()))
        .sum()
}

/// The fewest waits of three seconds, each on its own: the start and the test itself cost some.
fn fewest_waits(pid: u32) -> u64 {
    let second = || {
        let before = waits(pid);
        std::thread::sleep(Duration::from_secs(1));
        waits(pid) - before
    };
    (0..3).map(|_| second()).min().unwrap()
}

#[test]
fn a_quiet_daemon_does_not_wake() {
    let home = Home::new();
    let running = home.start(&[]);
    let waits = fewest_waits(running.pid());
    assert!(waits <= 2, "{waits} waits in the quietest second");
}

#[tokio::test]
async fn it_sleeps_again_when_the_last_app_is_gone() {
    let home = Home::new();
    let running = home.start(&[]);
    let mut app = App::open(&home.socket(), Up::Hello(hello("camera")))
        .await
        .unwrap();
    app.assignment().await;
    drop(app);
    status_when(&home.socket(), |status| status.apps.is_empty()).await;
    let waits = tokio::task::spawn_blocking(move || fewest_waits(running.pid()))
        .await
        .unwrap();
    assert!(waits <= 2, "{waits} waits in the quietest second");
}

#[tokio::test]
async fn it_needs_no_privilege() {
    if !nix::unistd::geteuid().is_root() {
        println!("skipped: only root can become nobody; the other tests run without privilege then");
        return;
    }
    let home = Home::new();
    open_to_all(home.path());
    // The binary may lie where nobody may look.
    let copy = home.path().join("dynd");
    fs::copy(env!("CARGO_BIN_EXE_dynd"), &copy).unwrap();
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"])
        .arg(copy);
    command
        .arg("--settings-dir")
        .arg(home.path())
        .arg("--socket")
        .arg(home.socket())
        .args(["--dbus", "off"]);
    let _running = home.spawn(&mut command);

    let mut app = App::open(&home.socket(), Up::Hello(hello("camera")))
        .await
        .unwrap();
    app.assignment().await;
    let status = status_when(&home.socket(), |status| status.apps.len() == 1).await;
    assert_eq!(
        status.apps[0].identity.as_ref().unwrap().pid,
        Some(std::process::id())
    );
}

fn open_to_all(dir: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(dir, fs::Permissions::from_mode(0o777)).unwrap();
}
