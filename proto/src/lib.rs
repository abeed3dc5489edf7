//! The wire: `dynd.v1` over gRPC, and its conversions to and from the vocabulary.
//!
//! Towards the wire a conversion is `From` and cannot fail. From the wire it is `TryFrom`, and what comes out
//! keeps every promise that the vocabulary's docs make: a table is sorted and never empty, a quality lies
//! between 0 and 1, a latency is positive and finite. What breaks one is a [`WireError`] that names the field,
//! and becomes a gRPC status in one place.
//!
//! Left to the receiver is what needs more than the message: whether a reported or assigned sub-network is in
//! the app's table.

#![forbid(unsafe_code)]

mod convert;
mod error;
pub mod limits;

pub use error::{Problem, WireError};

/// The generated messages, client and server of `dynd.v1`.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::needless_pass_by_value)]
pub mod v1 {
    tonic::include_proto!("dynd.v1");
}

/// The version of the protocol that this crate speaks.
pub const PROTOCOL: u32 = 1;
