//! The boards, measurements and published models that come with dynd, so that they are at hand wherever it is installed.

use std::path::Path;

use dynd_vocab::Blueprint;

use crate::board::{load_board, parse_board};
use crate::error::FileError;
use crate::measurement::{Measurement, parse_measurement};
use crate::published::{PublishedModel, load_published, parse_published};
use crate::suggestion::nearest;

macro_rules! shipped {
    ($folder:literal: $($name:literal),*) => {
        [$(($name, include_str!(concat!("../../", $folder, "/", $name, ".toml")))),*]
    };
}

const BOARDS: [(&str, &str); 11] = shipped!(
    "boards": "jetson-nano", "jetson-orin-nano", "jetson-orin-nx", "jetson-tx2", "jetson-xavier-nx", "odroid-n2plus",
    "odroid-xu3", "odroid-xu4", "rk3588-rock5b", "rpi4", "rpi5"
);

const MEASUREMENTS: [(&str, &str); 3] =
    shipped!("boards/measurements": "jetson-nano", "jetson-xavier-nx", "odroid-xu3");

const PUBLISHED: [(&str, &str); 5] = shipped!(
    "models/published": "alexnet-widths", "dynamic-ofa", "hat-en-de", "ofa-note10", "slimmable-mobilenet-v1"
);

/// The names of the boards that come with dynd, sorted.
pub fn board_names() -> impl Iterator<Item = &'static str> {
    BOARDS.iter().map(|(name, _)| *name)
}

/// The board that comes with dynd under `name`, or the one in the file at the path `name`.
///
/// # Errors
/// If there is no such file, or it says something that does not hold.
pub fn find_board(name: &str) -> Result<Blueprint, FileError> {
    match BOARDS.iter().find(|(each, _)| *each == name) {
        Some((name, text)) => parse_board(&Path::new("boards").join(name).with_extension("toml"), text),
        None if !Path::new(name).exists() => {
            let known: Vec<_> = board_names().collect();
            Err(FileError::UnknownBoard {
                name: name.into(),
                nearest: nearest(name, &known),
                known,
            })
        }
        None => load_board(Path::new(name)),
    }
}

/// The measurements that come with dynd.
///
/// # Errors
/// If one says something that does not hold.
pub fn measurements() -> Result<Vec<Measurement>, FileError> {
    let parse = |(name, text): &(&str, &str)| {
        let path = Path::new("boards/measurements").join(name).with_extension("toml");
        parse_measurement(&path, text)
    };
    MEASUREMENTS.iter().map(parse).collect()
}

/// The names of the published models that come with dynd, sorted.
pub fn published_names() -> impl Iterator<Item = &'static str> {
    PUBLISHED.iter().map(|(name, _)| *name)
}

/// The published model that comes with dynd under `name`, or the one in the file at the path `name`.
///
/// # Errors
/// If there is no such file, or it says something that does not hold.
pub fn find_published(name: &str) -> Result<PublishedModel, FileError> {
    match PUBLISHED.iter().find(|(each, _)| *each == name) {
        Some((name, text)) => parse_published(
            &Path::new("models/published").join(name).with_extension("toml"),
            text,
        ),
        None => load_published(Path::new(name)),
    }
}
