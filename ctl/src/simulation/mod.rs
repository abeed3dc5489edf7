//! What `dynctl simulate` shows of contests: JSON, tables, a page, how far it is.

mod json;
mod page;
mod plants;
mod progress;
mod table;

pub(crate) use json::report;
pub(crate) use page::page;
pub(crate) use plants::{plants_report, plants_text};
pub(crate) use progress::Progress;
pub(crate) use table::text;
