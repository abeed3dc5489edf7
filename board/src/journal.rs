//! What is to be put back, on disk: what was in force before, and what was written since.
//!
//! The file is replaced as a whole (write, fsync, rename), so that a crash leaves the old one or the new one:
//!
//! ```text
//! dynd journal 1
//! boot 3f1b2c6e-0d6c-4d43-9a52-5d8f2a3f7c11
//! 2000000 2000000 1400000 sys/devices/system/cpu/cpufreq/policy4/scaling_max_freq
//! 0-7 0-7 4-5 sys/fs/cgroup/camera/cpuset.cpus
//! - - 6-7 unit:reader.service
//! end
//! ```
//! A line holds what was in force before the first write, before the latest write, and what that asked for. Clocks
//! come before CPU sets, and in both the latest written comes last. A journal of another boot is worth nothing, since the kernel forgot what was written.
//! The directory is locked for as long as somebody answers for what is in it.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::fenced::{Fenced, is_inside};
use crate::ledger::Entries;
use crate::taken::Taken;

const NAME: &str = "clocks.journal";
const TITLE: &str = "dynd journal 1";
const END: &str = "end";
const BOOT_ID: &str = "proc/sys/kernel/random/boot_id";

/// Why there is no journal to keep.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// Another process keeps it.
    #[error("failed to lock {}: another dynd answers for what is set", dir.display())]
    Lock {
        /// The directory.
        dir: PathBuf,
        /// What the system said.
        source: fs::TryLockError,
    },
    /// The boot cannot be told from another.
    #[error("failed to read {}", path.display())]
    BootId {
        /// The kernel's file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It cannot be read.
    #[error("failed to read {}", path.display())]
    Read {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something that is no journal stands in its place.
    #[error("failed to understand line {line} of {}: remove the file if nothing needs to be put back", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
    },
    /// It cannot be written.
    #[error("failed to write {}", path.display())]
    Write {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// The journal in a directory.
#[derive(Debug)]
pub(crate) struct Journal {
    dir: PathBuf,
    boot_id: PathBuf,
    kept: Option<Kept>,
}

/// A directory that is locked, for a boot.
#[derive(Debug)]
struct Kept {
    lock: File,
    boot: String,
    /// The text on disk, if it was written here.
    on_disk: Option<String>,
}

impl Drop for Kept {
    /// To close the file would not be enough: a process that is just being started has a copy of it.
    fn drop(&mut self) {
        let _ = self.lock.unlock();
    }
}

impl Journal {
    /// The journal in `dir` for the board below `root`, and what it says. Where there is none, nothing is
    /// locked or created before it is needed.
    pub(crate) fn open(dir: &Path, root: &Path) -> Result<(Self, Entries), JournalError> {
        let mut journal = Self {
            dir: dir.to_path_buf(),
            boot_id: root.join(BOOT_ID),
            kept: None,
        };
        let path = journal.path();
        if !path.try_exists().map_err(|source| read_error(&path, source))? {
            return Ok((journal, Entries::default()));
        }
        let boot = journal.keep()?.boot.clone();
        let text = fs::read_to_string(&path).map_err(|source| read_error(&path, source))?;
        match parse(&text) {
            Ok((of, entries)) if of == boot => Ok((journal, entries)),
            Ok(_) => {
                journal.record(&Entries::default())?;
                Ok((journal, Entries::default()))
            }
            Err(line) => Err(JournalError::Parse { path, line }),
        }
    }

    /// Puts on disk what is to be put back; `entries` may also hold what needs no putting back.
    pub(crate) fn record(&mut self, entries: &Entries) -> Result<(), JournalError> {
        let path = self.path();
        let clocks = entries.clocks.iter().filter(|taken| taken.is_changed());
        let fences = entries.fences.iter().filter(|fenced| fenced.is_changed());
        let changed: Vec<String> = clocks.map(line).chain(fences.map(Fenced::line)).collect();
        if changed.is_empty() && self.kept.is_none() {
            return Ok(());
        }
        let kept = self.keep()?;
        let text = text(&kept.boot, &changed);
        let written = if changed.is_empty() {
            remove(&path)
        } else if kept.on_disk.as_ref() == Some(&text) {
            Ok(())
        } else {
            replace(&path, &text).and_then(|()| kept.lock.sync_all())
        };
        kept.on_disk = (written.is_ok() && !changed.is_empty()).then_some(text);
        written.map_err(|source| JournalError::Write { path, source })
    }

    fn path(&self) -> PathBuf {
        self.dir.join(NAME)
    }

    fn keep(&mut self) -> Result<&mut Kept, JournalError> {
        let kept = match self.kept.take() {
            Some(kept) => kept,
            None => self.lock()?,
        };
        Ok(self.kept.insert(kept))
    }

    fn lock(&self) -> Result<Kept, JournalError> {
        let dir = || self.dir.clone();
        let write_error = |source| JournalError::Write { path: dir(), source };
        let boot = fs::read_to_string(&self.boot_id).map_err(|source| JournalError::BootId {
            path: self.boot_id.clone(),
            source,
        })?;
        fs::create_dir_all(&self.dir).map_err(write_error)?;
        let lock = File::open(&self.dir).map_err(write_error)?;
        lock.try_lock()
            .map_err(|source| JournalError::Lock { dir: dir(), source })?;
        Ok(Kept {
            lock,
            boot: boot.trim().to_owned(),
            on_disk: None,
        })
    }
}

/// Puts `text` in the place of the file at `path`, at once.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let draft = path.with_extension("draft");
    let mut file = File::create(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&draft, path)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

fn read_error(path: &Path, source: io::Error) -> JournalError {
    JournalError::Read {
        path: path.to_path_buf(),
        source,
    }
}

fn text(boot: &str, changed: &[String]) -> String {
    let lines: String = changed.iter().map(|line| format!("{line}\n")).collect();
    format!("{TITLE}\nboot {boot}\n{lines}{END}\n")
}

fn line(taken: &Taken) -> String {
    let Taken {
        attribute,
        before,
        from,
        to,
    } = taken;
    format!("{before} {from} {to} {}", attribute.display())
}

/// The boot that the journal is of, and what it says; else the number of the line that makes no sense.
fn parse(text: &str) -> Result<(String, Entries), usize> {
    let mut lines = (1_usize..).zip(text.lines());
    if lines.next() != Some((1, TITLE)) {
        return Err(1);
    }
    let boot = lines.next().and_then(|(_, line)| line.strip_prefix("boot "));
    let boot = boot.ok_or(2_usize)?.to_owned();
    let mut entries = Entries::default();
    for (number, line) in lines {
        if line == END {
            return Ok((boot, entries));
        }
        match Fenced::of_line(line) {
            Some(fenced) => entries.fences.push(fenced),
            None => entries.clocks.push(taken(line).ok_or(number)?),
        }
    }
    Err(text.lines().count() + 1)
}

fn taken(line: &str) -> Option<Taken> {
    let mut words = line.splitn(4, ' ');
    let mut number = || words.next()?.parse().ok();
    let (before, from, to) = (number()?, number()?, number()?);
    let attribute = PathBuf::from(words.next()?);
    // Whoever could write to the journal must not thereby be able to write elsewhere.
    is_inside(&attribute).then_some(Taken {
        attribute,
        before,
        from,
        to,
    })
}

#[cfg(test)]
mod tests {
    use dynd_vocab::CpuSet;

    use super::*;
    use crate::fenced::Place;

    /// A root whose boot is `boot`.
    fn root(boot: &str) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        boot_again(root.path(), boot);
        root
    }

    fn boot_again(root: &Path, boot: &str) {
        let path = root.join(BOOT_ID);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("{boot}\n")).unwrap();
    }

    fn bound(attribute: &str, before: u64, to: u64) -> Taken {
        Taken {
            attribute: attribute.into(),
            before,
            from: before,
            to,
        }
    }

    fn fenced(place: Place, to: u32) -> Fenced {
        Fenced {
            place,
            before: CpuSet::EMPTY,
            from: (0..4).collect(),
            to: CpuSet::single(to),
        }
    }

    fn clocks(all: &[Taken]) -> Entries {
        Entries {
            clocks: all.to_vec(),
            fences: vec![],
        }
    }

    #[test]
    fn what_is_recorded_is_read_again_in_the_same_boot_only() {
        let root = root("boot-1");
        let dir = root.path().join("run/dynd");
        let open = || Journal::open(&dir, root.path()).unwrap();

        let (mut journal, found) = open();
        assert_eq!((found, dir.exists()), (Entries::default(), false));
        journal.record(&clocks(&[bound("sys/unchanged", 7, 7)])).unwrap();
        assert!(!dir.exists(), "nothing to put back, nothing to write");
        let mut all = clocks(&[
            bound("sys/a/min_freq", 9, 5),
            bound("sys/b c/max_freq", 0, u64::MAX),
        ]);
        let file = Place::File("sys/fs/cgroup/a b/cpuset.cpus".into());
        let unit = Place::Unit("camera@1.service".into());
        all.fences = vec![fenced(file, 2), fenced(unit, 127)];
        journal.record(&all).unwrap();
        drop(journal);
        let (mut journal, found) = open();
        assert_eq!(found, all);
        all.clocks.remove(0);
        all.fences.remove(0);
        journal.record(&all).unwrap();
        drop(journal);
        assert_eq!(open().1, all);

        boot_again(root.path(), "boot-2");
        assert_eq!(open().1, Entries::default());
        assert!(!dir.join(NAME).exists());
    }

    #[test]
    fn one_process_answers_for_it() {
        let root = root("boot");
        let (mut journal, _) = Journal::open(root.path(), root.path()).unwrap();
        journal.record(&clocks(&[bound("sys/a", 1, 2)])).unwrap();
        let second = Journal::open(root.path(), root.path());
        assert!(matches!(second, Err(JournalError::Lock { .. })), "{second:?}");
        drop(journal);
        Journal::open(root.path(), root.path()).unwrap();
    }

    #[test]
    fn what_is_no_journal_is_refused_by_line() {
        let check = |text: &str, expect| assert_eq!(parse(text).map(|_| ()), Err(expect), "{text:?}");
        check("", 1);
        check("dynd journal 2\nboot x\nend\n", 1);
        check("dynd journal 1\nend\n", 2);
        check("dynd journal 1\nboot x\n", 3);
        check("dynd journal 1\nboot x", 3);
        check("dynd journal 1\nboot x\n1 2 3 sys/a\n", 4);
        check("dynd journal 1\nboot x\n1 2 sys/a\nend\n", 3);
        check("dynd journal 1\nboot x\n1 2 3 sys/a\n1 2 3 etc/passwd\nend\n", 4);
        check("dynd journal 1\nboot x\n1 2 3 sys/../etc/passwd\nend\n", 3);
        check("dynd journal 1\nboot x\n1 2 3 /sys/a\nend\n", 3);
        check("dynd journal 1\nboot x\n-1 2 3 sys/a\nend\n", 3);
        check("dynd journal 1\nboot x\n0-3 - 1 sys/a\nend\n", 3);
        check("dynd journal 1\nboot x\n0-3 - 1 etc/cpuset.cpus\nend\n", 3);
        check("dynd journal 1\nboot x\n0-3 - 1 unit:../passwd.service\nend\n", 3);
        check("dynd journal 1\nboot x\n0-3 - 1 unit:passwd\nend\n", 3);
    }

    #[test]
    fn a_directory_that_cannot_be_had_is_an_error() {
        let root = root("boot");
        fs::write(root.path().join("file"), "").unwrap();
        let (mut journal, _) = Journal::open(&root.path().join("dir"), root.path()).unwrap();
        journal.dir = root.path().join("file");
        let refused = journal.record(&clocks(&[bound("sys/a", 1, 2)]));
        assert!(matches!(refused, Err(JournalError::Write { .. })), "{refused:?}");
    }
}
