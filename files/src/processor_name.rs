//! The name of a processor, in a list or as a table's.

use dynd_vocab::{BoardDescription, ProcessorName, Role};

use crate::fault::Fault;
use crate::suggestion::quoted;

/// The processor or role called `name`; `fault` makes a fault where that stands.
pub(crate) fn find(
    name: &str,
    fault: &dyn Fn(String) -> Fault,
    board: Option<&BoardDescription>,
) -> Result<ProcessorName, Fault> {
    if let Some(role) = Role::ALL.into_iter().find(|role| role.label() == name) {
        return Ok(ProcessorName::Role(role));
    }
    let roles = Role::ALL.map(Role::label).join(", ");
    match board {
        Some(board) if !board.processors.iter().any(|processor| processor.name == name) => {
            let names: Vec<_> = board
                .processors
                .iter()
                .map(|processor| processor.name.as_str())
                .collect();
            Err(
                fault(format!("this board has no processor {}", quoted(name))).help(format!(
                    "it has {}; on any board you can name a role: {roles}",
                    names.join(", ")
                )),
            )
        }
        None if !plausible(name) => Err(
            fault(format!("{} cannot be the name of a processor", quoted(name))).help(format!(
                "name a role ({roles}) or a processor that \"dynctl board\" lists"
            )),
        ),
        _ => Ok(ProcessorName::Named(name.into())),
    }
}

/// True if a processor of some board could have this name: a letter, then letters, digits and dashes.
fn plausible(name: &str) -> bool {
    name.len() <= 32
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_')
}
