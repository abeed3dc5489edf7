//! How large a message may be before it is refused.

/// The longest name (of an app, a model, a sub-network, a processor), in bytes.
pub const NAME_BYTES: usize = 128;

/// The most sub-networks of one model, and so the most rungs of one ladder.
pub const SUBNETWORKS: usize = 256;

/// The most points of one profile.
pub const PROFILE_POINTS: usize = 4096;

/// The most reports in one batch.
pub const REPORTS: usize = 1024;
