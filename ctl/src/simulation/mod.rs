//! What `dynctl simulate` shows of contests: JSON, a table, how far it is.

mod json;
mod progress;
mod table;

pub(crate) use json::report;
pub(crate) use progress::Progress;
pub(crate) use table::text;
