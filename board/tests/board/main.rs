//! The real board on trees of files that stand for machines, and on the machine at hand.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod actuators;
mod boards;
mod cpuset;
mod kill;
mod machine;
mod readings;
mod sensors;
mod snapshot;
mod tree;
