//! What a world tells whoever plays in it.

use dynd_files::ScenarioBudget;
use dynd_vocab::Report;

/// Something that a controller has to know or to decide. Apps go by index.
#[derive(Clone, Debug, PartialEq)]
pub enum Happening {
    /// An app opened its session.
    Arrived(usize),
    /// It ended, however.
    Left(usize),
    /// Its requirement is another one.
    Changed(usize),
    /// The operator allows the board something else.
    Budget(ScenarioBudget),
    /// It waits to be told what to run.
    Due(usize),
    /// An inference ended.
    Ended(usize, Report),
}
