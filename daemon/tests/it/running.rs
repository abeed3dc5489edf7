//! A daemon in a directory of its own.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

/// How long anything that must happen may take on a busy machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// A daemon's directory: socket, settings, log, policy.
pub(crate) struct Home {
    dir: TempDir,
}

/// A daemon that runs; killed when dropped.
pub(crate) struct Running {
    child: Child,
    log: PathBuf,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self {
            dir: TempDir::new().unwrap(),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.path().join("dynd.sock")
    }

    /// The command that starts a daemon here: its own settings, no bus, nothing from the environment.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dynd"));
        command
            .env_clear()
            .arg("--settings-dir")
            .arg(self.path())
            .arg("--socket")
            .arg(self.socket());
        command
    }

    /// Starts a daemon with more flags and waits until it answers.
    pub(crate) fn start(&self, flags: &[&str]) -> Running {
        let bus = if flags.contains(&"--dbus") {
            &[][..]
        } else {
            &["--dbus", "off"]
        };
        self.spawn(self.command().args(bus).args(flags))
    }

    /// Starts what `command` says and waits until it says that it is ready.
    pub(crate) fn spawn(&self, command: &mut Command) -> Running {
        let log = self.path().join("log");
        let file = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log)
            .unwrap();
        let (notify, heard) = self.service_manager();
        command
            .env("NOTIFY_SOCKET", notify)
            .stdout(Stdio::null())
            .stderr(file);
        let mut running = Running {
            child: command.spawn().unwrap(),
            log,
        };
        let mut message = [0; 256];
        eventually("the daemon is ready", || {
            if let Some(status) = running.child.try_wait().unwrap() {
                panic!("the daemon ended with {status}:\n{}", running.log());
            }
            heard
                .recv(&mut message)
                .is_ok_and(|length| message[..length].starts_with(b"READY=1"))
        });
        running
    }

    /// A socket to which the daemon sends what it would tell systemd.
    fn service_manager(&self) -> (PathBuf, UnixDatagram) {
        let path = self.path().join("notify");
        let _ = fs::remove_file(&path);
        let socket = UnixDatagram::bind(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        socket.set_nonblocking(true).unwrap();
        (path, socket)
    }

    /// Runs a daemon that must not come up: its exit code and what it says.
    pub(crate) fn refused(&self, flags: &[&str]) -> (Option<i32>, String) {
        let output = self
            .command()
            .args(["--dbus", "off"])
            .args(flags)
            .output()
            .unwrap();
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    }
}

impl Running {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.pid()).unwrap()), signal).unwrap();
    }

    /// Waits for the end of a daemon that was told to stop.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        let mut status = None;
        eventually("the daemon ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until `happened`; fails with `what` if it never does.
pub(crate) fn eventually(what: &str, mut happened: impl FnMut() -> bool) {
    let start = Instant::now();
    while !happened() {
        assert!(start.elapsed() < DEADLINE, "never happened: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
