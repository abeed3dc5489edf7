//! A machine's files as one text, portable: for bug reports and tests.
//!
//! ```text
//! # a comment
//! [sys/devices/system/cpu]            the directory of the paths below
//! online = 0-7                        a file, its text ends with a line feed
//! cpu{0-3}/cpu_capacity = 377         four files
//! cpufreq/policy{0-1}/related_cpus = {}    two files; each holds its number
//! model = Board\0                     \n, \t, \0 and \\ are escapes
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use dynd_vocab::CpuSet;

use crate::problem::ProblemLog;
use crate::survey::Survey;
use crate::{BoardError, Fault, Host, finding};

/// The lines of `/proc/stat` that are of use: not those about each interrupt, of which there are hundreds.
const STAT_LINES: &[&str] = &["cpu", "procs_running"];

/// The lines of a device's `uevent` that say what it is, not which one.
const UEVENT_LINES: &[&str] = &["DRIVER=", "OF_NAME=", "OF_FULLNAME=", "OF_COMPATIBLE_"];

/// The texts of files below a root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    files: BTreeMap<PathBuf, String>,
    unreadable: BTreeMap<PathBuf, Fault>,
}

/// Why a text is no snapshot, or cannot become files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// A line is none of a snapshot.
    #[error("failed to read line {line} of the snapshot: {why}")]
    Parse {
        /// Its number, from 1.
        line: usize,
        /// What is wrong.
        why: &'static str,
    },
    /// A file cannot be written.
    #[error("failed to write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Snapshot {
    /// The files that the discovery, a sample and the diagnosis of the machine below `root` read: nothing that
    /// names its owner, its network or the very device is among them.
    ///
    /// # Errors
    /// If there is no machine.
    pub fn take(root: &Path) -> Result<Self, BoardError> {
        let host = Host::discover(root)?;
        let (_, diagnosed) = finding::examine(root, &host);
        let sampled = host.sources().files();
        let sampled = sampled.iter().filter_map(|path| path.strip_prefix(root).ok());
        let always = ["proc/stat", "proc/pressure/cpu"].map(Path::new);
        let paths: BTreeSet<&Path> = host
            .seen()
            .iter()
            .chain(&diagnosed)
            .map(PathBuf::as_path)
            .chain(sampled)
            .chain(always)
            .collect();
        let mut log = ProblemLog::default();
        let mut survey = Survey::new(root, &mut log);
        let mut snapshot = Self::default();
        for path in paths {
            match survey.read(path) {
                Ok(text) => snapshot.insert(path, &text),
                Err(fault) if fault.is_empty() => snapshot.insert(path, ""),
                Err(Fault::Absent) => {}
                Err(fault) => {
                    snapshot.unreadable.insert(path.to_path_buf(), fault);
                }
            }
        }
        Ok(snapshot)
    }

    /// The snapshot that `text` lists.
    ///
    /// # Errors
    /// If a line makes no sense or names a path outside of the root.
    pub fn parse(text: &str) -> Result<Self, SnapshotError> {
        let mut snapshot = Self::default();
        let mut dir = "";
        for (index, line) in text.lines().map(str::trim).enumerate() {
            let fail = |why| SnapshotError::Parse { line: index + 1, why };
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(name) = line.strip_prefix('[') {
                dir = name
                    .strip_suffix(']')
                    .ok_or_else(|| fail("a directory ends with ]"))?;
                continue;
            }
            let (path, text) = line.split_once('=').ok_or_else(|| fail("a file has a ="))?;
            let path = format!("{dir}/{}", path.trim());
            for (path, text) in
                expand(&path, text.trim()).ok_or_else(|| fail("no numbers between { and }"))?
            {
                let path = Path::new(path.trim_start_matches('/'));
                if !path.components().all(|part| matches!(part, Component::Normal(_))) {
                    return Err(fail("the path leads elsewhere"));
                }
                snapshot.files.insert(path.to_path_buf(), unescape(&text));
            }
        }
        Ok(snapshot)
    }

    /// Writes the files below `root`, replacing what is there.
    ///
    /// # Errors
    /// If one cannot be written.
    pub fn write(&self, root: &Path) -> Result<(), SnapshotError> {
        for (path, text) in &self.files {
            let path = root.join(path);
            let parent = path.parent().unwrap_or(root);
            let text = if text.is_empty() {
                text.clone()
            } else {
                format!("{text}\n")
            };
            fs::create_dir_all(parent)
                .and_then(|()| fs::write(&path, text))
                .map_err(|source| SnapshotError::Write { path, source })?;
        }
        Ok(())
    }

    fn insert(&mut self, path: &Path, text: &str) {
        let kept = match path.file_name().and_then(|name| name.to_str()) {
            Some("stat") => lines(text, STAT_LINES),
            // Lines of other names hold serial numbers on some boards.
            Some("cpuinfo") => text
                .lines()
                .find(|line| line.starts_with("flags"))
                .unwrap_or_default()
                .to_owned(),
            Some("uevent") => lines(text, UEVENT_LINES),
            _ => text.trim_end_matches(['\n', ' ']).to_owned(),
        };
        self.files.insert(path.to_path_buf(), kept);
    }
}

/// Writes the listing that [`Snapshot::parse`] reads.
impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (path, fault) in &self.unreadable {
            writeln!(f, "# {} {fault}", path.display())?;
        }
        let mut dir = None;
        for (path, text) in &self.files {
            let parent = path.parent();
            if dir != parent {
                dir = parent;
                writeln!(f, "[{}]", parent.unwrap_or(Path::new("")).display())?;
            }
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            writeln!(
                f,
                "{}",
                format_args!("{name} = {}", escape(text)).to_string().trim_end()
            )?;
        }
        Ok(())
    }
}

fn lines(text: &str, prefixes: &[&str]) -> String {
    let wanted = |line: &&str| prefixes.iter().any(|prefix| line.starts_with(prefix));
    text.lines().filter(wanted).collect::<Vec<_>>().join("\n")
}

/// The files that a path with a list of numbers in braces stands for.
fn expand(path: &str, text: &str) -> Option<Vec<(String, String)>> {
    let Some((before, rest)) = path.split_once('{') else {
        return Some(vec![(path.to_owned(), text.to_owned())]);
    };
    let (list, after) = rest.split_once('}')?;
    let numbers = list.parse::<CpuSet>().ok()?;
    let one = |n: u32| (format!("{before}{n}{after}"), text.replace("{}", &n.to_string()));
    Some(numbers.iter().map(one).collect())
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('\n', "\\n")
        .replace('\t', "\\t")
        .replace('\0', "\\0")
}

fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        plain.push(match c {
            '\\' => match chars.next() {
                Some('n') => '\n',
                Some('t') => '\t',
                Some('0') => '\0',
                Some(other) => other,
                None => '\\',
            },
            c => c,
        });
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_survives_the_round_trip() {
        let listing =
            "[proc]\nstat = cpu0 1 2 3 4\\nprocs_running 1\n[sys/a]\nempty =\nmodel = A\\tBoard\\\\\\0\n";
        let snapshot = Snapshot::parse(listing).unwrap();
        assert_eq!(snapshot.to_string(), listing);
        assert_eq!(snapshot.files[Path::new("sys/a/model")], "A\tBoard\\\0");
    }

    #[test]
    fn braces_stand_for_several_files() {
        let snapshot = Snapshot::parse("[sys]\ncpu{0-1,4}/id = {}\n").unwrap();
        let show = |(path, text): (&PathBuf, &String)| format!("{}={text}", path.display());
        let files: Vec<_> = snapshot.files.iter().map(show).collect();
        assert_eq!(files.join(" "), "sys/cpu0/id=0 sys/cpu1/id=1 sys/cpu4/id=4");
    }

    #[test]
    fn what_is_no_snapshot_is_refused_with_its_line() {
        for (text, line) in [
            ("# fine\nno equals sign", 2),
            ("[sys\n", 1),
            ("[sys]\ncpu{x}/id = 1", 2),
            ("[sys]\n../../etc/passwd = 1", 2),
        ] {
            match Snapshot::parse(text) {
                Err(SnapshotError::Parse { line: at, .. }) => assert_eq!(at, line, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }
}
