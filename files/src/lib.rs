//! Files that people edit: TOML with positions to validated vocabulary.
//!
//! [`load_policy`], [`load_manifest`] and [`load_board`] read a file, [`parse_policy`], [`parse_manifest`] and
//! [`parse_board`] take its text.
//! What they return holds everything its type promises; what they refuse comes with the file, line, column
//! and the offending text ([`FileError`]). The first fault by position is the one reported.
//!
//! The text is read into a tree that keeps the position of each key and value (`toml::de::DeTable`), and the
//! readers walk each table in document order. Serde's derive would lose the position of keys, and has one
//! message for a key that is misspelt and for one that a later version will know.

#![forbid(unsafe_code)]

mod board;
mod board_processor;
mod board_sensor;
mod board_thermal;
mod error;
mod fault;
mod field;
mod manifest;
mod measurement;
mod physical;
mod policy;
mod processor_name;
mod processor_rule;
mod published;
mod quantity;
mod rule;
mod scenario;
mod scenario_event;
mod section;
mod shipped;
mod source;
mod subnetwork;
mod suggestion;
mod user;

pub use board::{load_board, parse_board};
pub use error::{Diagnostic, FileError};
pub use manifest::{InputSpec, Knob, Manifest, SubnetworkArtifacts, TestSet, load_manifest, parse_manifest};
pub use measurement::{
    Dwell, Dwells, FittedDwells, Measurement, Serving, ServingClock, Table, load_measurement,
    parse_measurement,
};
pub use policy::{load_policy, parse_policy};
pub use published::{Evidence, PublishedModel, PublishedPlace, SwitchCost, load_published, parse_published};
pub use scenario::{
    Arrivals, NoiseShape, Profile, Scenario, ScenarioApp, ScenarioLoad, load_scenario, parse_scenario,
};
pub use scenario_event::{ScenarioAction, ScenarioBudget, ScenarioEvent, Sensor, SensorFailure};
pub use shipped::{board_names, find_board, find_published, measurements, published_names};
