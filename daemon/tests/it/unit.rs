//! The files that are installed: the unit, the default settings.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use dynd::settings::{Layers, Settings};

fn installed(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../systemd")
        .join(path)
}

#[test]
fn systemd_finds_no_fault_in_the_unit() {
    let unit = fs::read_to_string(installed("usr/lib/systemd/system/dynd.service")).unwrap();
    assert!(unit.contains("ExecStart=/usr/bin/dynd\n"));
    assert!(unit.contains("ExecStopPost=/usr/bin/dynd --restore\n"));
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("dynd.service");
    fs::write(&path, unit.replace("/usr/bin/dynd", env!("CARGO_BIN_EXE_dynd"))).unwrap();
    let drop_in = dir.path().join("dynd.service.d");
    fs::create_dir(&drop_in).unwrap();
    fs::copy(
        installed("usr/share/dynd/clocks.conf"),
        drop_in.join("clocks.conf"),
    )
    .unwrap();
    match Command::new("systemd-analyze").arg("verify").arg(&path).output() {
        Ok(output) => {
            let says = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && says.is_empty(), "{says}");
        }
        Err(error) if error.kind() == ErrorKind::NotFound => println!("skipped: there is no systemd-analyze"),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn the_default_settings_file_is_valid_and_shows_the_defaults() {
    let text = fs::read_to_string(installed("etc/dynd/dynd.toml")).unwrap();
    let load = |text: &str| {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("dynd.toml"), text).unwrap();
        Settings::load(&Layers {
            dirs: vec![dir.path().into()],
            ..Layers::default()
        })
        .unwrap()
    };
    let defaults = Settings::load(&Layers::default()).unwrap();
    assert_eq!(load(&text).sockets, defaults.sockets);

    // With the # of each setting removed it must still be valid, and say the same.
    let keys = [
        "socket",
        "socket-mode",
        "socket-group",
        "policy",
        "root",
        "board-file",
        "run-dir",
        "dbus",
        "log",
    ];
    let uncommented: Vec<&str> = text
        .lines()
        .filter_map(|line| {
            let line = line.strip_prefix('#')?;
            keys.iter()
                .any(|key| line.starts_with(&format!("{key} = ")))
                .then_some(line)
        })
        .collect();
    assert_eq!(uncommented.len(), keys.len());
    let shown = load(&uncommented.join("\n"));
    assert_eq!(shown.sockets, defaults.sockets);
    assert_eq!(shown.socket_mode, defaults.socket_mode);
    assert_eq!(shown.socket_group.value(), defaults.socket_group.value());
    assert_eq!(shown.root, defaults.root);
    assert_eq!(shown.board_file, Some("/etc/dynd/board.toml".into()));
    assert_eq!(shown.run_dir, defaults.run_dir);
    assert_eq!(shown.dbus.value(), defaults.dbus.value());
    assert_eq!(shown.log, defaults.log);
}
