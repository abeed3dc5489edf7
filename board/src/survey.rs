//! Reading a machine's files once, at discovery: what fails is noted, what was read is remembered.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use dynd_vocab::CpuSet;

use crate::attribute::Attribute;
use crate::problem::ProblemLog;
use crate::{Fault, Loss, cpulist};

/// Reads files below a root and takes note of what fails. All paths are relative to the root.
pub(crate) struct Survey<'a> {
    root: &'a Path,
    log: &'a mut ProblemLog,
    seen: BTreeSet<PathBuf>,
    buffer: Vec<u8>,
}

impl<'a> Survey<'a> {
    pub(crate) fn new(root: &'a Path, log: &'a mut ProblemLog) -> Self {
        Self {
            root,
            log,
            seen: BTreeSet::new(),
            buffer: Vec::new(),
        }
    }

    /// `path` with the root before it.
    pub(crate) fn at(&self, path: &Path) -> PathBuf {
        self.root.join(path)
    }

    /// The files that were read so far and are there.
    pub(crate) fn seen(self) -> BTreeSet<PathBuf> {
        self.seen
    }

    /// What a file says.
    pub(crate) fn read(&mut self, path: &Path) -> Result<String, Fault> {
        let text = Attribute::new(self.root.join(path))
            .read_text(&mut self.buffer)
            .map(str::to_owned);
        if text != Err(Fault::Absent) {
            self.seen.insert(path.to_path_buf());
        }
        text
    }

    /// What a file says, trimmed; nothing if it cannot be read, which is no problem.
    pub(crate) fn word(&mut self, path: &Path) -> Option<String> {
        let text = self.read(path).ok()?;
        let clean: String = text.chars().filter(|c| !c.is_control()).collect();
        Some(clean.trim().to_owned()).filter(|text| !text.is_empty())
    }

    /// True if there is such a file or directory.
    pub(crate) fn exists(&self, path: &Path) -> bool {
        self.root.join(path).exists()
    }

    /// Why a file that is there does not let this user write to it, if it does not. Nothing is written.
    pub(crate) fn refuses_writes(&self, path: &Path) -> Option<io::Error> {
        let opened = OpenOptions::new().write(true).open(self.root.join(path));
        opened
            .err()
            .filter(|error| error.kind() != io::ErrorKind::NotFound)
    }

    /// The names in a directory that begin with `prefix`, numbers in them in numeric order; none if it cannot be
    /// listed.
    pub(crate) fn names(&self, dir: &Path, prefix: &str) -> Vec<String> {
        let entries = fs::read_dir(self.root.join(dir)).into_iter().flatten();
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| name.starts_with(prefix))
            .collect();
        names.sort_by_cached_key(|name| natural(name));
        names
    }

    /// The list of CPUs in a file that should be there.
    pub(crate) fn cpu_list(&mut self, path: &Path, lost: Loss) -> Option<CpuSet> {
        let reading = self.read(path).and_then(|text| cpulist::parse(&text));
        let (cpus, beyond) = self.note(path, lost, reading)?;
        if beyond > 0 {
            let _: Option<()> = self.note(path, lost, Err(Fault::TooManyCpus(beyond)));
        }
        Some(cpus)
    }

    /// The list of CPUs in a file that many machines lack; empty then.
    pub(crate) fn optional_list(&mut self, path: &Path) -> CpuSet {
        let Some(text) = self.optional(path, Loss::Topology) else {
            return CpuSet::EMPTY;
        };
        let list = self.note(path, Loss::Topology, cpulist::parse(&text));
        list.map_or(CpuSet::EMPTY, |(cpus, _)| cpus)
    }

    /// The number in a file that many machines lack.
    pub(crate) fn number<N: FromStr>(&mut self, path: &Path, lost: Loss) -> Option<N> {
        let text = self.optional(path, lost)?;
        let number = text.trim().parse().map_err(|_| Fault::malformed(text.as_bytes()));
        self.note(path, lost, number)
    }

    /// The text of a file that many machines lack.
    pub(crate) fn optional(&mut self, path: &Path, lost: Loss) -> Option<String> {
        let reading = self.read(path);
        self.note_unless_absent(path, lost, reading)
    }

    pub(crate) fn note_unless_absent<T>(
        &mut self,
        path: &Path,
        lost: Loss,
        reading: Result<T, Fault>,
    ) -> Option<T> {
        match reading {
            Err(Fault::Absent) => None,
            reading => self.note(path, lost, reading),
        }
    }

    /// The reading, if it is one; a fault is a problem of `path` that costs `lost`.
    pub(crate) fn note<T>(&mut self, path: &Path, lost: Loss, reading: Result<T, Fault>) -> Option<T> {
        self.log.settle(&self.root.join(path), lost, reading)
    }
}

/// `name` in pieces that sort numbers by value: `zone10` after `zone2`.
fn natural(name: &str) -> Vec<(u64, String)> {
    let mut pieces = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let text_end = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let (text, after) = rest.split_at(text_end);
        let number_end = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        let (number, after) = after.split_at(number_end);
        if !text.is_empty() {
            pieces.push((0, text.to_owned()));
        }
        pieces.push((number.parse().unwrap_or(0), String::new()));
        rest = after;
    }
    pieces
}

/// `names` made unique: those that occur more than once are numbered from 0.
pub(crate) fn unique(names: &[String]) -> Vec<String> {
    let number = |index: usize| {
        let same = |others: &[String]| others.iter().filter(|other| **other == names[index]).count();
        match same(names) {
            1 => names[index].clone(),
            _ => format!("{}-{}", names[index], same(&names[..index])),
        }
    };
    (0..names.len()).map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_sort_by_value() {
        let mut names = [
            "zone10",
            "zone2",
            "intel-rapl:1",
            "intel-rapl:0:10",
            "intel-rapl:0:9",
            "intel-rapl:0",
        ];
        names.sort_by_cached_key(|name| natural(name));
        assert_eq!(
            names,
            [
                "intel-rapl:0",
                "intel-rapl:0:9",
                "intel-rapl:0:10",
                "intel-rapl:1",
                "zone2",
                "zone10"
            ]
        );
    }

    #[test]
    fn names_that_occur_twice_are_numbered() {
        let names = ["fan", "Processor", "Processor"].map(str::to_owned);
        assert_eq!(unique(&names), ["fan", "Processor-0", "Processor-1"]);
    }
}
