//! A tree as plain files.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use crate::node::{Node, relative};
use crate::tree::Tree;

/// Why a tree cannot become files.
#[derive(Debug, thiserror::Error)]
#[error("failed to write {}", path.display())]
pub struct ExportError {
    /// What cannot be written.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

/// Writes what `tree` says now below `root`, with the modes it has there. What cannot be read is left out.
///
/// # Errors
/// If a file cannot be written.
pub fn export(tree: &mut Tree, root: &Path) -> Result<(), ExportError> {
    let texts: Vec<_> = tree
        .nodes()
        .iter()
        .filter(|(_, node)| matches!(node, Node::Attribute(_)))
        .map(|(path, _)| path.to_path_buf())
        .collect();
    let texts: Vec<_> = texts
        .into_iter()
        .filter_map(|path| Some((tree.read(&path).ok()?, path)))
        .collect();
    let mut texts = texts.into_iter().peekable();
    for (path, node) in tree.nodes().iter() {
        let at = root.join(path);
        let done = match node {
            Node::Directory(mode) => fs::create_dir_all(&at)
                .and_then(|()| fs::set_permissions(&at, Permissions::from_mode((*mode).into()))),
            Node::Link(to) => symlink(relative(path, to), &at),
            Node::Attribute(attribute) => match texts.next_if(|(_, of)| of == path) {
                Some((text, _)) => fs::write(&at, text)
                    .and_then(|()| fs::set_permissions(&at, Permissions::from_mode(attribute.mode().into()))),
                None => Ok(()),
            },
        };
        done.map_err(|source| ExportError { path: at, source })?;
    }
    Ok(())
}
