//! The daemon's sockets: bound, given to their group, and removed at the end.

use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, socket};
use nix::unistd::{Gid, Group, chown};
use std::os::fd::AsRawFd;
use thiserror::Error;

use crate::settings::{Settings, Wish};

/// A socket's file; removed when dropped, unless another process has replaced it.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    /// Device and inode.
    node: (u64, u64),
}

/// Why a socket cannot be served.
#[derive(Debug, Error)]
pub enum SocketError {
    /// The socket is taken.
    #[error("another dynd already answers on {}: stop it first, or choose another socket with --socket", path.display())]
    Taken {
        /// The socket.
        path: PathBuf,
    },
    /// The path belongs to something else.
    #[error("{} exists and is no socket: remove it, or choose another path with --socket", path.display())]
    NoSocket {
        /// The path.
        path: PathBuf,
    },
    /// The path cannot be probed.
    #[error("failed to find out whether somebody answers on {}", path.display())]
    Probe {
        /// The socket.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The socket's directory cannot be made.
    #[error("failed to create the directory {}: make it, or choose another socket with --socket", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The socket cannot be bound.
    #[error("failed to bind {}: is its directory writable for dynd? Choose another socket with --socket", path.display())]
    Bind {
        /// The socket.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The group does not exist.
    #[error("failed to find the group {group}: create it, or choose another with --socket-group")]
    UnknownGroup {
        /// The group.
        group: String,
    },
    /// The socket cannot be given its group or permissions.
    #[error("failed to give {} to the group {group} with permissions {mode:04o}", path.display())]
    Access {
        /// The socket.
        path: PathBuf,
        /// The group.
        group: String,
        /// The permissions.
        mode: u32,
        /// Why.
        source: io::Error,
    },
}

/// Binds a socket at `path`. One that a dead daemon left behind is taken over; one on which somebody answers
/// is left alone.
pub(crate) fn bind(path: &Path, settings: &Settings) -> Result<(UnixListener, SocketFile), SocketError> {
    if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
        DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create(dir)
            .map_err(|source| SocketError::Directory {
                path: dir.to_owned(),
                source,
            })?;
    }
    remove_stale(path)?;
    let failed = |source| SocketError::Bind {
        path: path.to_owned(),
        source,
    };
    let listener = UnixListener::bind(path).map_err(failed)?;
    let metadata = fs::symlink_metadata(path).map_err(failed)?;
    let file = SocketFile {
        path: path.to_owned(),
        node: (metadata.dev(), metadata.ino()),
    };
    give_access(path, settings)?;
    listener.set_nonblocking(true).map_err(failed)?;
    Ok((listener, file))
}

fn remove_stale(path: &Path) -> Result<(), SocketError> {
    let probe = |source| SocketError::Probe {
        path: path.to_owned(),
        source,
    };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(probe(error)),
        Ok(metadata) if !metadata.file_type().is_socket() => {
            return Err(SocketError::NoSocket {
                path: path.to_owned(),
            });
        }
        Ok(_) => {}
    }
    match answers(path) {
        Ok(true) => Err(SocketError::Taken {
            path: path.to_owned(),
        }),
        Ok(false) => fs::remove_file(path).map_err(|source| SocketError::Bind {
            path: path.to_owned(),
            source,
        }),
        Err(error) => Err(probe(error.into())),
    }
}

/// True if somebody listens. Never blocks: a daemon that hangs with a full queue is there all the same.
fn answers(path: &Path) -> Result<bool, Errno> {
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let probe = socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
    match connect(probe.as_raw_fd(), &UnixAddr::new(path)?) {
        Ok(()) | Err(Errno::EAGAIN) => Ok(true),
        Err(Errno::ECONNREFUSED | Errno::ENOENT) => Ok(false),
        Err(error) => Err(error),
    }
}

fn give_access(path: &Path, settings: &Settings) -> Result<(), SocketError> {
    let group = settings.socket_group.value();
    let mode = settings.socket_mode;
    let failed = |source| SocketError::Access {
        path: path.to_owned(),
        group: group.clone(),
        mode,
        source,
    };
    let required = matches!(settings.socket_group, Wish::Required(_));
    match group_of(group) {
        Some(gid) => match chown(path, None, Some(gid)) {
            Err(error) if required => return Err(failed(error.into())),
            Err(error) => tracing::debug!(%group, %error, "the socket keeps the daemon's own group"),
            Ok(()) => {}
        },
        None if required => return Err(SocketError::UnknownGroup { group: group.clone() }),
        None => tracing::debug!(%group, "no such group: the socket keeps the daemon's own"),
    }
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(failed)
}

fn group_of(group: &str) -> Option<Gid> {
    match group.parse() {
        Ok(number) => Some(Gid::from_raw(number)),
        Err(_) => Group::from_name(group).ok().flatten().map(|group| group.gid),
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let ours = fs::symlink_metadata(&self.path).is_ok_and(|now| (now.dev(), now.ino()) == self.node);
        if ours && let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "failed to remove the socket");
        }
    }
}
