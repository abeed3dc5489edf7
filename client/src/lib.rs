//! The client of dynd: sessions for apps that infer, calls for the tools of operators.
//!
//! An app opens a [`Session`] with its model's table and its requirement, names the threads of its inference
//! pool, and puts [`begin`](Session::begin) and [`end`](Session::end) around each inference. `begin` says
//! which sub-network to run on how many cores; it waits for nothing and nobody. Without a daemon, or when the
//! daemon dies, the session selects for itself and keeps looking for one.
//!
//! ```text
//!   app thread                                        background thread (link)
//!   begin ◄── assignment ──── handover, seat ◄─────── assignments ◄──┐
//!     │  makes sure the pool is pinned, then acks                    │ gRPC over the socket
//!   end ──── reports, acks ── outbox ───────────────► batches ───────┘
//! ```

#![deny(unsafe_code)]

mod backoff;
mod channel;
mod clock;
mod error;
mod handover;
mod link;
mod operator;
mod outbox;
mod pool;
mod seat;
mod session;
mod slice;

use std::path::PathBuf;

pub use clock::now;
pub use dynd_vocab::{
    Assignment, CpuSet, Hertz, ModelKind, ModelTable, OperatingPoint, Quality, Report, Requirement, Seconds,
    Standing, Status, Subnetwork, Timestamp,
};
pub use error::{ClientError, Obstacle};
pub use handover::Link;
pub use operator::Operator;
pub use pool::{Pool, Tid, allowed_cpus, this_thread};
pub use session::{Job, Session, SessionConfig};
pub use slice::short_slices;

/// Where dynd listens unless told otherwise.
pub const DEFAULT_SOCKET: &str = "/run/dynd/dynd.sock";

/// `$DYND_SOCKET`, or [`DEFAULT_SOCKET`] if it is unset or empty.
pub fn default_socket() -> PathBuf {
    std::env::var_os("DYND_SOCKET")
        .filter(|path| !path.is_empty())
        .unwrap_or_else(|| DEFAULT_SOCKET.into())
        .into()
}
