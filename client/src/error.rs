//! What can go wrong between a client and the daemon, told so that people know what to do.

use std::error::Error;
use std::fmt::{self, Write as _};
use std::io;
use std::path::{Path, PathBuf};

use dynd_proto::WireError;
use dynd_vocab::CpuSet;
use nix::errno::Errno;

use crate::Tid;

/// A failed operation of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The settings of a session break a rule of the protocol.
    #[error("failed to open a session: its settings are invalid")]
    Config(#[source] WireError),
    /// The background thread of a session could not be started.
    #[error("failed to start the session's thread")]
    Start(#[source] io::Error),
    /// No connection to the daemon's socket.
    #[error("failed to reach dynd at {}: {obstacle}", socket.display())]
    Reach {
        /// The socket.
        socket: PathBuf,
        /// Why, and what to do about it.
        obstacle: Obstacle,
    },
    /// What listens at the socket does not speak gRPC.
    #[error("failed to speak gRPC with dynd at {}", socket.display())]
    Handshake {
        /// The socket.
        socket: PathBuf,
        /// Why.
        source: tonic::transport::Error,
    },
    /// The daemon took the connection, and says nothing.
    #[error("failed to {call}: dynd at {} does not answer", socket.display())]
    Silent {
        /// What was attempted.
        call: &'static str,
        /// The socket.
        socket: PathBuf,
    },
    /// The daemon refused a call, or died in it.
    #[error("failed to {call}: {}", answer(status))]
    Call {
        /// What was attempted.
        call: &'static str,
        /// What the daemon or the connection answered.
        status: Box<tonic::Status>,
    },
    /// The daemon ended a session.
    #[error("dynd at {} ended the session", socket.display())]
    Ended {
        /// The socket.
        socket: PathBuf,
    },
    /// A message from the daemon makes no sense.
    #[error("failed to understand dynd's answer")]
    Answer(#[source] WireError),
    /// A session began with something other than a welcome.
    #[error("failed to open a session: dynd at {} did not welcome it", socket.display())]
    NoWelcome {
        /// The socket.
        socket: PathBuf,
    },
    /// An assignment names a sub-network that the app's model does not have.
    #[error("failed to take up an assignment: the model has no sub-network {subnetwork}")]
    NoSuchSubnetwork {
        /// The index named.
        subnetwork: usize,
    },
    /// The kernel refused to pin a thread.
    #[error("failed to pin thread {thread} to cpus {cpus}")]
    Pin {
        /// The thread.
        thread: Tid,
        /// Where it should have run.
        cpus: CpuSet,
        /// Why.
        source: Errno,
    },
    /// The kernel pinned a thread to some of the CPUs only: others are offline, or outside its cgroup's cpuset.
    #[error("failed to pin thread {thread} to cpus {cpus}: the system allows it only cpus {allowed}")]
    Confined {
        /// The thread.
        thread: Tid,
        /// Where it should have run.
        cpus: CpuSet,
        /// Where it may run.
        allowed: CpuSet,
    },
    /// A thread named as part of the pool cannot be found.
    #[error("failed to read the cpus of thread {thread}")]
    Thread {
        /// The thread.
        thread: Tid,
        /// Why.
        source: Errno,
    },
}

impl ClientError {
    pub(crate) fn reach(socket: &Path, error: io::Error) -> Self {
        let obstacle = match error.kind() {
            io::ErrorKind::NotFound => Obstacle::Absent,
            io::ErrorKind::ConnectionRefused => Obstacle::NobodyListens,
            io::ErrorKind::PermissionDenied => Obstacle::Denied,
            _ => Obstacle::Other(error),
        };
        Self::Reach {
            socket: socket.to_owned(),
            obstacle,
        }
    }

    pub(crate) fn call(call: &'static str, status: tonic::Status) -> Self {
        Self::Call {
            call,
            status: Box::new(status),
        }
    }

    /// The message and its causes in one line.
    pub(crate) fn chain(&self) -> String {
        let mut line = self.to_string();
        let mut source = self.source();
        while let Some(error) = source {
            let _ = write!(line, ": {error}");
            source = error.source();
        }
        line
    }
}

/// What stands between a client and the daemon's socket.
#[derive(Debug)]
#[non_exhaustive]
pub enum Obstacle {
    /// There is no such file.
    Absent,
    /// The file is there, but no daemon behind it.
    NobodyListens,
    /// The file's mode forbids it.
    Denied,
    /// Anything else.
    Other(io::Error),
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = "is dynd running? start it with 'systemctl start dynd', or give --socket";
        match self {
            Self::Absent => write!(f, "no such file ({start})"),
            Self::NobodyListens => write!(f, "nobody listens there ({start})"),
            Self::Denied => f.write_str("permission denied (is this user in the group 'dynd'?)"),
            Self::Other(error) => write!(f, "{error} ({start})"),
        }
    }
}

/// What a status says to people; its code where it says nothing.
fn answer(status: &tonic::Status) -> &str {
    match status.message() {
        "" => status.code().description(),
        message => message,
    }
}
