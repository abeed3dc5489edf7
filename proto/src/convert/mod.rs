//! Conversions between vocabulary and wire, one file per family of nouns.

mod app;
mod assignment;
mod board;
mod budget;
mod clocks;
mod enforcement;
mod event;
mod field;
mod model;
mod status;
mod why;
