//! Why an app got what it got, as operators see it.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::{AppId, Standing};

/// Why an app got what it got.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Why {
    /// The app.
    pub app: AppId,
    /// What it calls itself.
    pub name: String,
    /// Whether it gets what it needs.
    pub state: Standing,
    /// What it was given; absent if it is blocked.
    pub chosen: Option<WhyPoint>,
    /// The best that it could have had instead, with everything else as it is.
    pub runner_up: Option<WhyPoint>,
    /// What the policy's objective would rather have given it: the next step up; absent if there is none.
    pub better: Option<WhyPoint>,
    /// What stands in the way of that.
    pub binding: String,
    /// What would have to change.
    pub change: String,
    /// The other apps that hold what is missing, by name.
    pub held_by: Vec<String>,
}

/// A way to run an app.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WhyPoint {
    /// The sub-network's name.
    pub subnetwork: String,
    /// The processor's name.
    pub processor: String,
    /// Cores for this app alone; 0 if it shares one.
    pub cores: u32,
    /// The processor's clock in kHz, if it is chosen.
    pub clock_khz: Option<u64>,
    /// What the answers are worth.
    pub quality: f64,
    /// Share of inferences that are expected to be late.
    pub late: f64,
    /// What it draws beside the idle processor, in watts.
    pub power_w: f64,
}
