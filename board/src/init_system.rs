//! Which systemd a machine has, from the name of the library that its parts share: no file tells it, and no process is
//! started to ask.

use std::path::{Path, PathBuf};

use crate::survey::Survey;

const LIBRARY: &str = "libsystemd-shared-";

/// The version of systemd below the root; absent if there is none, or it does not show.
pub(crate) fn systemd_version(survey: &Survey<'_>) -> Option<u32> {
    directories(survey)
        .iter()
        .flat_map(|dir| survey.names(dir, LIBRARY))
        .find_map(|name| version(&name))
}

/// Where distributions put it: in systemd's own directory, which newer Debians have per architecture.
fn directories(survey: &Survey<'_>) -> Vec<PathBuf> {
    let plain = ["usr/lib/systemd", "lib/systemd"].map(PathBuf::from);
    let libraries = Path::new("usr/lib");
    let each = survey
        .names(libraries, "")
        .into_iter()
        .map(|name| libraries.join(name).join("systemd"));
    plain.into_iter().chain(each).collect()
}

/// The number in `libsystemd-shared-252.so` or `libsystemd-shared-252.39-1.so`.
fn version(name: &str) -> Option<u32> {
    let rest = name.strip_prefix(LIBRARY)?;
    let end = rest.find(|c: char| !c.is_ascii_digit())?;
    rest[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::ProblemLog;

    #[test]
    fn the_version_is_in_the_name_of_a_library() {
        let check = |file: &str, expect: Option<u32>| {
            let root = tempfile::tempdir().unwrap();
            let path = root.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
            let mut log = ProblemLog::default();
            let survey = Survey::new(root.path(), &mut log);
            assert_eq!(systemd_version(&survey), expect, "{file}");
        };
        check("lib/systemd/libsystemd-shared-237.so", Some(237));
        check("usr/lib/systemd/libsystemd-shared-249.so", Some(249));
        check(
            "usr/lib/aarch64-linux-gnu/systemd/libsystemd-shared-252.so",
            Some(252),
        );
        check("usr/lib/systemd/libsystemd-shared-255.4-1.so", Some(255));
        check("usr/lib/systemd/libsystemd-core-255.so", None);
        check("usr/lib/systemd/libsystemd-shared-new.so", None);
    }
}
