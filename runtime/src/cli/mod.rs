//! The commands, one per file.

mod app;
mod check;
mod clock;
mod failure;
mod frame;
mod live;
mod load;
mod measurement;
mod profile;
mod stop;
mod way;

pub(crate) use app::App;
pub(crate) use check::Check;
pub(crate) use failure::report;
pub(crate) use load::Load;
pub(crate) use profile::Profile;
