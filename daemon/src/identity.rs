//! Who is at the other end of a socket, as the kernel vouches for it.
//!
//! Process and user are those of the moment of connection (SO_PEERCRED); the executed file and the unit are
//! read from `/proc/PID` right after. The file of another user's process can be read only with
//! CAP_SYS_PTRACE, and is absent without.

use std::fs;

use dynd_vocab::{Identity, Pid};
use tokio::net::UnixStream;

/// The identity of the peer of `stream`, which came through the socket called `socket`. A peer in a PID
/// namespace that the daemon cannot see has no process number.
pub(crate) fn of_peer(stream: &UnixStream, socket: &str) -> std::io::Result<Identity> {
    let credentials = stream.peer_cred()?;
    let pid = credentials
        .pid()
        .and_then(|pid| u32::try_from(pid).ok())
        .filter(|pid| *pid != 0);
    Ok(Identity {
        pid: pid.map(Pid),
        uid: credentials.uid(),
        exe: pid.and_then(exe_of),
        unit: pid
            .and_then(|pid| fs::read_to_string(format!("/proc/{pid}/cgroup")).ok())
            .and_then(|cgroup| unit_of(&cgroup)),
        socket: socket.to_owned(),
    })
}

fn exe_of(pid: u32) -> Option<String> {
    fs::read_link(format!("/proc/{pid}/exe"))
        .ok()?
        .into_os_string()
        .into_string()
        .ok()
}

/// The system unit in a `/proc/PID/cgroup`: of cgroup v2 (`0::PATH`), else of systemd's own v1 hierarchy
/// (`N:name=systemd:PATH`). It is the outermost service or scope of the path, as what lies below may have
/// been made, and named, by whom the unit is delegated to.
fn unit_of(cgroup: &str) -> Option<String> {
    let path_of = |hierarchy: &str| {
        cgroup.lines().find_map(|line| {
            let (_, rest) = line.split_once(':')?;
            let (controllers, path) = rest.split_once(':')?;
            (controllers == hierarchy).then_some(path)
        })
    };
    let unit_in = |path: &str| {
        path.split('/')
            .find(|part| part.ends_with(".service") || part.ends_with(".scope"))
            .map(str::to_owned)
    };
    path_of("")
        .and_then(unit_in)
        .or_else(|| path_of("name=systemd").and_then(unit_in))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(cgroup: &str, expect: Option<&str>) {
        assert_eq!(unit_of(cgroup).as_deref(), expect, "{cgroup}");
    }

    #[test]
    fn the_unit_is_the_outermost_of_the_cgroup_path() {
        check("0::/system.slice/camera.service\n", Some("camera.service"));
        check("0::/system.slice/docker-4f1.scope\n", Some("docker-4f1.scope"));
        check(
            "0::/user.slice/user-1000.slice/session-3.scope\n",
            Some("session-3.scope"),
        );
        // Whoever owns user@1000.service can make a cgroup of any name below it.
        check(
            "0::/user.slice/user-1000.slice/user@1000.service/camera.service\n",
            Some("user@1000.service"),
        );
        check("0::/\n", None);
        check("0::/../..\n", None);
        check("", None);
    }

    #[test]
    fn old_systems_name_the_unit_in_the_v1_hierarchy_of_systemd() {
        check(
            "4:cpu,cpuacct:/\n1:name=systemd:/system.slice/camera.service\n",
            Some("camera.service"),
        );
        check(
            "1:name=systemd:/system.slice/camera.service\n0::/\n",
            Some("camera.service"),
        );
        check("4:cpu,cpuacct:/fake.service\n", None);
    }
}
