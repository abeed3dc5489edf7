//! What the actuators ask of the kernel, and the kernel below a root directory. Paths are relative to the root.

use std::fmt::Display;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

use crate::attribute::Attribute;
use crate::clock_domain::ClockDomain;
use crate::{Fault, cooling, rival};

/// What the actuators ask of the kernel.
pub(crate) trait Kernel {
    /// The number in an attribute.
    fn read(&mut self, attribute: &Path) -> Result<u64, Fault>;

    /// Writes a number to an attribute.
    fn write(&mut self, attribute: &Path, value: u64) -> io::Result<()>;

    /// The cooling device that lowers the clock of `domain` at present, if one does.
    fn cooling(&mut self, domain: &ClockDomain) -> Option<String>;

    /// Who else may have written to `domain`, as far as that can be told.
    fn rival(&mut self, domain: &ClockDomain) -> Option<String>;

    /// Leaves it a moment for what it does later than it is told to.
    fn pause(&mut self);
}

/// How often to look again after a pause.
const PAUSES: u32 = 50;

/// Looks at what was written: once if that is `settled`, else again and again for 50 ms. A bound of cpufreq is a
/// request since Linux 5.4, of which the kernel makes the bound in force in a work item (`cpufreq_notifier_max` of
/// drivers/cpufreq/cpufreq.c): until that has run the attribute reads as before.
pub(crate) fn look_back<K: Kernel, T>(
    kernel: &mut K,
    mut look: impl FnMut(&mut K) -> T,
    settled: impl Fn(&T) -> bool,
) -> T {
    let mut seen = look(kernel);
    for _ in 0..PAUSES {
        if settled(&seen) {
            break;
        }
        kernel.pause();
        seen = look(kernel);
    }
    seen
}

/// The kernel below a root directory.
#[derive(Debug)]
pub(crate) struct Sysfs {
    root: PathBuf,
    written: Option<SystemTime>,
}

impl Sysfs {
    pub(crate) fn new(root: &Path) -> Self {
        Self {
            root: root.to_path_buf(),
            written: None,
        }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }
}

impl Kernel for Sysfs {
    fn read(&mut self, attribute: &Path) -> Result<u64, Fault> {
        number(&self.root.join(attribute))
    }

    fn write(&mut self, attribute: &Path, value: u64) -> io::Result<()> {
        let written = put(&self.root.join(attribute), &value);
        self.written = Some(SystemTime::now());
        written
    }

    fn cooling(&mut self, domain: &ClockDomain) -> Option<String> {
        cooling::active(&self.root, domain)
    }

    fn rival(&mut self, domain: &ClockDomain) -> Option<String> {
        rival::suspect(&self.root, domain, self.written)
    }

    fn pause(&mut self) {
        thread::sleep(Duration::from_millis(1));
    }
}

/// Writes `value` and a line's end to the file at `path`, which is there.
pub(crate) fn put(path: &Path, value: &impl Display) -> io::Result<()> {
    let file = OpenOptions::new().write(true).open(path)?;
    let text = format!("{value}\n");
    // Not truncated at first: where a plain file stands for the attribute it is never seen empty, even by those
    // who come after a crash. The attributes of the kernel have no length that could be set.
    let written = file.write_at(text.as_bytes(), 0)?;
    let _ = file.set_len(text.len() as u64);
    if written == text.len() {
        Ok(())
    } else {
        Err(io::ErrorKind::WriteZero.into())
    }
}

/// The number that the file at `path` begins with.
pub(crate) fn number(path: &Path) -> Result<u64, Fault> {
    let mut buffer = Vec::new();
    let text = Attribute::new(path.to_path_buf())
        .read_text(&mut buffer)?
        .to_owned();
    let word = text.split_ascii_whitespace().next().unwrap_or_default();
    word.parse().map_err(|_| Fault::malformed(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_number_is_written_as_the_kernel_writes_it() {
        let root = tempfile::tempdir().unwrap();
        let (mut kernel, path) = (Sysfs::new(root.path()), Path::new("max_freq"));
        assert_eq!(kernel.read(path), Err(Fault::Absent));
        let missing = kernel.write(path, 7).unwrap_err();
        assert_eq!(
            missing.kind(),
            io::ErrorKind::NotFound,
            "an attribute is never created"
        );

        fs::write(root.path().join(path), "1400000\n").unwrap();
        for value in [1_400_000, 200_000, 1_300_500_000] {
            kernel.write(path, value).unwrap();
            let text = fs::read_to_string(root.path().join(path)).unwrap();
            assert_eq!(text, format!("{value}\n"));
            assert_eq!(kernel.read(path), Ok(value));
        }
        fs::write(root.path().join(path), "<unknown>\n").unwrap();
        assert!(matches!(kernel.read(path), Err(Fault::Malformed(_))));
    }
}
