//! The joint planner against every plan there is, against a bound, and under properties that must hold.

#![allow(clippy::unwrap_used)]

mod brute;
mod exact;
mod gap;
mod instance;
mod kept;
mod physical;
mod random;
