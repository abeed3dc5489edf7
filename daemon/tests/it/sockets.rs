//! Sockets: one daemon each, taken over from the dead, removed at the end.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use dynd_proto::v1::client_message::Message as Up;
use nix::sys::signal::Signal;

use crate::app::{App, hello, status_when};
use crate::running::Home;

#[test]
fn a_second_daemon_leaves_the_first_alone() {
    let home = Home::new();
    let _first = home.start(&[]);
    let (code, says) = home.refused(&[]);
    assert_eq!(code, Some(2), "{says}");
    assert!(says.contains("another dynd already answers on"), "{says}");
    assert!(says.contains("dynd.sock"), "{says}");
    assert!(std::os::unix::net::UnixStream::connect(home.socket()).is_ok());
}

#[test]
fn a_socket_that_a_dead_daemon_left_is_taken_over() {
    let home = Home::new();
    drop(UnixListener::bind(home.socket()).unwrap());
    assert!(home.socket().exists());
    let mut running = home.start(&[]);
    running.signal(Signal::SIGTERM);
    assert_eq!(running.ended().code(), Some(0), "{}", running.log());
    assert!(!home.socket().exists());
}

#[test]
fn a_file_that_is_no_socket_is_not_removed() {
    let home = Home::new();
    fs::write(home.socket(), "precious").unwrap();
    let (code, says) = home.refused(&[]);
    assert_eq!(code, Some(2), "{says}");
    assert!(says.contains("is no socket"), "{says}");
    assert_eq!(fs::read_to_string(home.socket()).unwrap(), "precious");
}

#[test]
fn what_cannot_be_served_is_said_with_where_and_what_to_do() {
    let home = Home::new();
    let below_a_file = home.path().join("file");
    fs::write(&below_a_file, "").unwrap();
    let below_a_file = format!("other={}", below_a_file.join("dynd.sock").display());
    for (flags, says) in [
        (
            &["--socket", below_a_file.as_str()][..],
            "failed to create the directory",
        ),
        (
            &["--socket-group", "no-such-group"],
            "failed to find the group no-such-group",
        ),
        (
            &["--socket-mode", "660"],
            "socket-mode = \"660\", set by the flag --socket-mode",
        ),
        (&["--root", "/nonexistent/root"], "failed to discover the board"),
        (
            &["--policy", "/nonexistent/policy.toml"],
            "failed to read /nonexistent/policy.toml",
        ),
        (
            &["--dbus", "unix:path=/nonexistent/bus"],
            "bus at unix:path=/nonexistent/bus",
        ),
    ] {
        let output = home.command().args(flags).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{flags:?}: {error}");
        assert!(error.contains(says), "{flags:?}: {error}");
    }
    assert!(!home.socket().exists());
}

#[test]
fn the_socket_has_the_permissions_asked_for_and_its_directory_is_made() {
    let home = Home::new();
    let extra: PathBuf = home.path().join("made/for/it.sock");
    let _running = home.start(&[
        "--socket-mode",
        "0600",
        "--socket",
        &format!("it={}", extra.display()),
    ]);
    for socket in [home.socket(), extra] {
        assert_eq!(fs::metadata(socket).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[tokio::test]
async fn the_socket_tells_apps_apart() {
    let home = Home::new();
    let other = home.path().join("other.sock");
    let _running = home.start(&["--socket", &format!("container={}", other.display())]);
    let _inside = App::open(&other, Up::Hello(hello("inside"))).await.unwrap();
    let status = status_when(&home.socket(), |status| status.apps.len() == 1).await;
    assert_eq!(status.apps[0].identity.as_ref().unwrap().socket, "container");
}

#[tokio::test]
async fn a_stop_ends_the_streams_at_once() {
    let home = Home::new();
    let mut running = home.start(&[]);
    let mut app = App::open(&home.socket(), Up::Hello(hello("camera")))
        .await
        .unwrap();
    running.signal(Signal::SIGTERM);
    assert!(app.end().await.is_ok());
    drop(app);
    assert_eq!(running.ended().code(), Some(0), "{}", running.log());
    assert!(!home.socket().exists());
}
