//! Machines made of files, from the listings in `tests/fixtures` ([`Snapshot`]).

use std::fs;
use std::path::Path;

use dynd_board::{Host, Snapshot};
use dynd_vocab::Board as _;
use tempfile::TempDir;

/// A machine made of files.
pub(crate) struct Tree {
    root: TempDir,
}

impl Tree {
    /// The machine that the listing `tests/fixtures/NAME.tree` describes.
    pub(crate) fn fixture(name: &str) -> Self {
        let path = format!("{}/tests/fixtures/{name}.tree", env!("CARGO_MANIFEST_DIR"));
        let listing = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let tree = Self {
            root: TempDir::new().unwrap(),
        };
        tree.write(&listing);
        tree
    }

    /// Adds or replaces the files of `listing`.
    pub(crate) fn write(&self, listing: &str) {
        Snapshot::parse(listing).unwrap().write(self.root()).unwrap();
    }

    /// Removes a file or directory. What is held open is emptied first: real sysfs answers those who hold a
    /// removed attribute open with an error, plain files would go on to be readable.
    pub(crate) fn remove(&self, path: &str) {
        let path = self.path(path);
        if path.is_dir() {
            fs::read_dir(&path)
                .unwrap()
                .for_each(|entry| fs::write(entry.unwrap().path(), "").unwrap());
            fs::remove_dir_all(path).unwrap();
        } else {
            fs::write(&path, "").unwrap();
            fs::remove_file(path).unwrap();
        }
    }

    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    pub(crate) fn host(&self) -> Host {
        Host::discover(self.root()).unwrap()
    }

    fn path(&self, path: &str) -> std::path::PathBuf {
        self.root().join(path.trim_start_matches('/'))
    }

    /// Puts a file in place that answers reads with an error (EIO), as a device does that is gone.
    pub(crate) fn break_file(&self, path: &str) {
        self.remove(path);
        std::os::unix::fs::symlink("/proc/self/mem", self.path(path)).unwrap();
    }

    /// The problems of `host`, without the root.
    pub(crate) fn problems(&self, host: &Host) -> Vec<String> {
        let root = format!("{}/", self.root().display());
        host.problems()
            .iter()
            .map(|problem| problem.to_string().replace(&root, ""))
            .collect()
    }
}
