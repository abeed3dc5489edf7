//! A board's `sys` and `proc`, alive.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use dynd_plant::Plant;
use dynd_vocab::Blueprint;

use crate::machine::{Machine, Visitors};
use crate::node::{Node, Nodes};
use crate::refusal::Refusal;
use crate::{cpu, cpufreq, devfreq, devicetree, process, procfs, rail, thermal};

/// The files of a virtual board, below a root that is written as nothing: `sys/class/thermal`.
///
/// Deterministic: the same blueprint, seed, writes and times give the same texts.
#[derive(Debug)]
pub struct Tree {
    machine: Machine,
    nodes: Nodes,
    /// Per attribute that was read, how often.
    reads: BTreeMap<PathBuf, u64>,
}

/// A path with more links on it leads nowhere (`MAXSYMLINKS`).
const MOST_LINKS: usize = 40;

impl Tree {
    /// The board of `blueprint`, idle, cold and just switched on. Its sensors' noise and its boot id follow from `seed`.
    pub fn new(blueprint: &Blueprint, seed: u64) -> Self {
        let machine = Machine::new(blueprint, seed);
        let mut nodes = Nodes::default();
        devicetree::list(&mut nodes, blueprint);
        cpu::list(&mut nodes, blueprint);
        cpufreq::list(&mut nodes, &machine);
        devfreq::list(&mut nodes, &machine);
        rail::list(&mut nodes, blueprint);
        thermal::list(&mut nodes, blueprint);
        procfs::list(&mut nodes, blueprint, seed);
        Self {
            machine,
            nodes,
            reads: BTreeMap::new(),
        }
    }

    /// What is behind the files, to read the truth, to work on it and to break its sensors.
    pub const fn plant_mut(&mut self) -> &mut Plant {
        &mut self.machine.plant
    }

    /// Programs of this machine run on it: `visitors`, from now on.
    pub(crate) fn visit(&mut self, visitors: Visitors) {
        self.machine.visitors = Some(visitors);
    }

    /// Lets `time` go by.
    pub fn advance(&mut self, time: Duration) {
        self.machine.plant.step(time);
    }

    /// What the file at `path` says now.
    ///
    /// # Errors
    /// As the kernel's.
    pub fn read(&mut self, path: impl AsRef<Path>) -> Result<String, Refusal> {
        let path = self.resolve(path.as_ref())?;
        match self.nodes.get(&path) {
            Some(Node::Attribute(attribute)) => {
                let text = attribute.read(&mut self.machine);
                *self.reads.entry(path).or_default() += 1;
                text
            }
            Some(_) => Err(Refusal::Directory),
            None => process::read(&self.machine, &path),
        }
    }

    /// How often the file at `path` was read.
    pub fn reads(&self, path: impl AsRef<Path>) -> u64 {
        let path = self.resolve(path.as_ref());
        path.map_or(0, |path| self.reads.get(&path).copied().unwrap_or(0))
    }

    /// Writes `text` to the file at `path`, in one piece.
    ///
    /// # Errors
    /// As the kernel's; nothing is changed then.
    pub fn write(&mut self, path: impl AsRef<Path>, text: impl AsRef<[u8]>) -> Result<(), Refusal> {
        let path = self.resolve(path.as_ref())?;
        match self.nodes.get(&path) {
            Some(Node::Attribute(attribute)) => attribute.write(&mut self.machine, text.as_ref()),
            Some(_) => Err(Refusal::Directory),
            None => Err(Refusal::Absent),
        }
    }

    pub(crate) const fn machine(&self) -> &Machine {
        &self.machine
    }

    pub(crate) const fn nodes(&self) -> &Nodes {
        &self.nodes
    }

    /// `path` with the links on it followed.
    fn resolve(&self, path: &Path) -> Result<PathBuf, Refusal> {
        let mut resolved = PathBuf::new();
        let mut links = 0;
        let mut rest: Vec<_> = path.components().rev().map(Component::as_os_str).collect();
        while let Some(name) = rest.pop() {
            resolved.push(name);
            if let Some(Node::Link(to)) = self.nodes.get(&resolved) {
                links += 1;
                if links > MOST_LINKS {
                    return Err(Refusal::Absent);
                }
                resolved.clear();
                rest.extend(to.components().rev().map(Component::as_os_str));
            }
        }
        Ok(resolved)
    }
}
