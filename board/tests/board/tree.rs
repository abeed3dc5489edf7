//! Trees of files, from listings such as those in `tests/fixtures`:
//!
//! ```text
//! # a comment
//! [sys/devices/system/cpu]            the directory of the paths below
//! online = 0-7                        a file, its text ends with a line feed
//! cpu{0-3}/cpu_capacity = 377         four files
//! cpufreq/policy{0-1}/related_cpus = {}    two files; each holds its number
//! model = Board\0                     \n, \t and \0 are escapes
//! ```

use std::fs;
use std::path::Path;

use dynd_board::Host;
use dynd_vocab::CpuSet;
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
        let mut dir = "";
        for line in listing
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
        {
            if let Some(name) = line.strip_prefix('[') {
                dir = name.strip_suffix(']').expect("a directory ends with ]");
                continue;
            }
            let (path, text) = line.split_once('=').unwrap_or_else(|| panic!("no = in '{line}'"));
            for (path, text) in expand(&format!("{dir}/{}", path.trim()), text.trim()) {
                self.put(&path, &text);
            }
        }
    }

    fn put(&self, path: &str, text: &str) {
        let path = self.path(path);
        let text = text
            .replace("\\n", "\n")
            .replace("\\t", "\t")
            .replace("\\0", "\0");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, if text.is_empty() { text } else { text + "\n" }).unwrap();
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

    /// The problems of `host`, without the root.
    pub(crate) fn problems(&self, host: &Host) -> Vec<String> {
        let root = format!("{}/", self.root().display());
        host.problems()
            .iter()
            .map(|problem| problem.to_string().replace(&root, ""))
            .collect()
    }
}

fn expand(path: &str, text: &str) -> Vec<(String, String)> {
    let Some((before, (list, after))) = path
        .split_once('{')
        .map(|(b, rest)| (b, rest.split_once('}').unwrap()))
    else {
        return vec![(path.to_owned(), text.to_owned())];
    };
    let numbers = list.parse::<CpuSet>().unwrap();
    let one = |n: u32| (format!("{before}{n}{after}"), text.replace("{}", &n.to_string()));
    numbers.iter().map(one).collect()
}
