//! What a tree consists of: directories, links and attributes, by path below the root.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Component, Path, PathBuf};

use crate::machine::Machine;
use crate::refusal::Refusal;

type Read = Box<dyn Fn(&mut Machine) -> Result<String, Refusal> + Send + Sync>;
type Write = Box<dyn Fn(&mut Machine, &[u8]) -> Result<(), Refusal> + Send + Sync>;

/// Something at a path.
#[derive(Debug)]
pub(crate) enum Node {
    /// Of this mode.
    Directory(u16),
    /// To this path below the root.
    Link(PathBuf),
    /// A file.
    Attribute(Attribute),
}

/// A file that shows or takes something.
pub(crate) struct Attribute {
    mode: u16,
    read: Option<Read>,
    write: Option<Write>,
}

impl Attribute {
    /// One that always says `text`: 0444.
    pub(crate) fn fixed(text: impl Into<String>) -> Self {
        let text = text.into();
        Self::shown(move |_| Ok(text.clone()))
    }

    /// One that `read` makes: 0444.
    pub(crate) fn shown(
        read: impl Fn(&mut Machine) -> Result<String, Refusal> + Send + Sync + 'static,
    ) -> Self {
        Self {
            mode: 0o444,
            read: Some(Box::new(read)),
            write: None,
        }
    }

    /// The same for root only: 0400.
    pub(crate) fn private(self) -> Self {
        Self { mode: 0o400, ..self }
    }

    /// The same, and `write` takes what is written: 0644.
    pub(crate) fn settable(
        self,
        write: impl Fn(&mut Machine, &[u8]) -> Result<(), Refusal> + Send + Sync + 'static,
    ) -> Self {
        Self {
            mode: 0o644,
            write: Some(Box::new(write)),
            ..self
        }
    }

    /// One that can only be written to, by `write`: 0200.
    pub(crate) fn command(
        write: impl Fn(&mut Machine, &[u8]) -> Result<(), Refusal> + Send + Sync + 'static,
    ) -> Self {
        Self {
            mode: 0o200,
            read: None,
            write: Some(Box::new(write)),
        }
    }

    pub(crate) const fn mode(&self) -> u16 {
        self.mode
    }

    pub(crate) const fn is_readable(&self) -> bool {
        self.read.is_some()
    }

    pub(crate) const fn is_writable(&self) -> bool {
        self.write.is_some()
    }

    pub(crate) fn read(&self, machine: &mut Machine) -> Result<String, Refusal> {
        self.read.as_ref().ok_or(Refusal::Denied)?(machine)
    }

    pub(crate) fn write(&self, machine: &mut Machine, text: &[u8]) -> Result<(), Refusal> {
        self.write.as_ref().ok_or(Refusal::Denied)?(machine, text)
    }
}

impl fmt::Debug for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Attribute({:04o})", self.mode)
    }
}

/// Everything in a tree. A path comes after the directory it is in.
#[derive(Debug, Default)]
pub(crate) struct Nodes(BTreeMap<PathBuf, Node>);

impl Nodes {
    pub(crate) fn attribute(&mut self, path: impl AsRef<Path>, attribute: Attribute) {
        self.put(path.as_ref(), Node::Attribute(attribute));
    }

    /// A link from `path` to `to`, both below the root.
    pub(crate) fn link(&mut self, path: impl AsRef<Path>, to: impl Into<PathBuf>) {
        self.put(path.as_ref(), Node::Link(to.into()));
    }

    /// A directory that only root may enter.
    pub(crate) fn private_directory(&mut self, path: impl AsRef<Path>) {
        self.put(path.as_ref(), Node::Directory(0o700));
    }

    pub(crate) fn get(&self, path: &Path) -> Option<&Node> {
        self.0.get(path)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Path, &Node)> {
        self.0.iter().map(|(path, node)| (path.as_path(), node))
    }

    fn put(&mut self, path: &Path, node: Node) {
        for parent in path.ancestors().skip(1) {
            let directory = Node::Directory(0o755);
            self.0.entry(parent.to_path_buf()).or_insert(directory);
        }
        self.0.insert(path.to_path_buf(), node);
    }
}

/// `to` as a link at `path` names it.
pub(crate) fn relative(path: &Path, to: &Path) -> PathBuf {
    let from = path.parent().unwrap_or(Path::new(""));
    let shared = from.components().zip(to.components());
    let shared = shared.take_while(|(one, other)| one == other).count();
    let up = from.components().skip(shared).map(|_| Component::ParentDir);
    let down = to.components().skip(shared);
    up.chain(down).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_relative() {
        for (path, to, expect) in [
            ("sys/class/x/a", "sys/devices/a", "../../devices/a"),
            (
                "sys/cpu/cpu0/cpufreq",
                "sys/cpu/cpufreq/policy0",
                "../cpufreq/policy0",
            ),
            ("proc/tree", "sys/tree", "../sys/tree"),
        ] {
            assert_eq!(relative(Path::new(path), Path::new(to)), Path::new(expect));
        }
    }
}
