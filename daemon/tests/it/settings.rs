//! Settings: which layer wins, and what a fault is blamed on.

use std::error::Error;
use std::fs;

use clap::Parser;
use dynd::cli::Cli;
use dynd::settings::{Bus, Layers, PolicySource, Settings, SettingsError, Wish};
use tempfile::TempDir;

/// Two directories of settings, an environment and a command line.
#[derive(Default)]
struct Given {
    files: &'static [(&'static str, &'static str)],
    vars: &'static [(&'static str, &'static str)],
    flags: &'static [&'static str],
}

/// Settings from `given`; `DIR` in a message stands for the directory of all files.
fn load(given: &Given) -> Result<Settings, String> {
    let root = TempDir::new().unwrap();
    for dir in ["usr/dynd.d", "etc/dynd.d"] {
        fs::create_dir_all(root.path().join(dir)).unwrap();
    }
    for (path, text) in given.files {
        fs::write(root.path().join(path), text).unwrap();
    }
    let layers = Layers {
        dirs: vec![root.path().join("usr"), root.path().join("etc")],
        vars: given
            .vars
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        flags: Cli::parse_from([&["dynd"], given.flags].concat()).layer(),
    };
    Settings::load(&layers).map_err(|error| {
        let source = error
            .source()
            .map(|source| format!(": {source}"))
            .unwrap_or_default();
        format!("{error}{source}").replace(&root.path().display().to_string(), "DIR")
    })
}

#[test]
fn the_later_layer_wins() {
    let log = |given: Given, expect: &str| assert_eq!(load(&given).unwrap().log, expect);
    const USR: (&str, &str) = ("usr/dynd.toml", "log = 'error'");
    const ETC: (&str, &str) = ("etc/dynd.toml", "log = 'warn'");
    const USR_50: (&str, &str) = ("usr/dynd.d/50-log.toml", "log = 'debug'");
    const ETC_10: (&str, &str) = ("etc/dynd.d/10-log.toml", "log = 'trace'");
    const ETC_50: (&str, &str) = ("etc/dynd.d/50-log.toml", "root = '/'");
    log(Given::default(), "info");
    log(
        Given {
            files: &[USR],
            ..Given::default()
        },
        "error",
    );
    log(
        Given {
            files: &[USR, ETC],
            ..Given::default()
        },
        "warn",
    );
    log(
        Given {
            files: &[USR, ETC, ETC_10],
            ..Given::default()
        },
        "trace",
    );
    // By name, wherever they lie…
    log(
        Given {
            files: &[USR, ETC, ETC_10, USR_50],
            ..Given::default()
        },
        "debug",
    );
    // …and the one in /etc hides its namesake.
    log(
        Given {
            files: &[USR, ETC, ETC_10, USR_50, ETC_50],
            ..Given::default()
        },
        "trace",
    );
    let vars = &[("DYND_LOG", "dynd=info")];
    log(
        Given {
            files: &[ETC, USR_50],
            vars,
            ..Given::default()
        },
        "dynd=info",
    );
    log(
        Given {
            files: &[ETC],
            vars,
            flags: &["--log", "off"],
        },
        "off",
    );
}

#[test]
fn every_way_to_name_sockets() {
    let sockets = |given: Given| -> Vec<(String, String)> {
        let sockets = load(&given).unwrap().sockets;
        sockets
            .into_iter()
            .map(|socket| (socket.name, socket.path.display().to_string()))
            .collect()
    };
    let pair = |name: &str, path: &str| (name.to_owned(), path.to_owned());
    assert_eq!(
        sockets(Given::default()),
        [pair("default", "/run/dynd/dynd.sock")]
    );
    let files = &[("etc/dynd.toml", "socket = ['/a', 'camera=/b']")];
    assert_eq!(
        sockets(Given {
            files,
            ..Given::default()
        }),
        [pair("default", "/a"), pair("camera", "/b")]
    );
    let vars = &[("DYND_SOCKET", "/c,x=/d")];
    assert_eq!(
        sockets(Given {
            files,
            vars,
            ..Given::default()
        }),
        [pair("default", "/c"), pair("x", "/d")]
    );
    let flags = &["--socket", "y=/e", "--socket", "/f=g"];
    assert_eq!(
        sockets(Given { files, vars, flags }),
        [pair("y", "/e"), pair("default", "/f=g")]
    );
}

#[test]
fn what_is_asked_for_must_be_had_and_defaults_need_not() {
    let default = load(&Given::default()).unwrap();
    assert_eq!(default.dbus, Wish::Preferred(Bus::System));
    assert_eq!(default.socket_group, Wish::Preferred("dynd".into()));
    assert!(matches!(default.policy, PolicySource::Search(_)));
    let asked = load(&Given {
        files: &[(
            "usr/dynd.toml",
            "dbus = 'system'\nsocket-group = 'dynd'\npolicy = '/p.toml'",
        )],
        ..Given::default()
    });
    let asked = asked.unwrap();
    assert_eq!(asked.dbus, Wish::Required(Bus::System));
    assert_eq!(asked.socket_group, Wish::Required("dynd".into()));
    assert_eq!(asked.policy, PolicySource::File("/p.toml".into()));
}

#[test]
fn a_fault_is_blamed_on_who_set_it() {
    let check = |given: Given, expect: &[&str]| {
        let says = load(&given).unwrap_err();
        for part in expect {
            assert!(says.contains(part), "{says}");
        }
    };
    let files = |files| Given {
        files,
        ..Given::default()
    };
    check(
        files(&[("usr/dynd.toml", "soket = '/a'")]),
        &["DIR/usr/dynd.toml", "unknown field `soket`"],
    );
    // Even where a later layer would hide it.
    check(
        files(&[
            ("usr/dynd.toml", "log = ['a', 'b']"),
            ("etc/dynd.toml", "log = 'warn'"),
        ]),
        &["DIR/usr/dynd.toml", "log"],
    );
    check(
        files(&[("etc/dynd.d/1.toml", "log = \n")]),
        &["DIR/etc/dynd.d/1.toml", "line 1"],
    );
    check(
        files(&[("etc/dynd.toml", "socket-mode = '0999'")]),
        &["socket-mode", "0999", "DIR/etc/dynd.toml"],
    );
    check(
        files(&[("etc/dynd.toml", "socket-mode = 660")]),
        &["socket-mode", "660", "leading 0"],
    );
    check(
        files(&[("etc/dynd.toml", "socket = ['/a', '/b']")]),
        &["two sockets are called default", "NAME=PATH"],
    );
    check(
        files(&[("etc/dynd.toml", "socket = []")]),
        &["at least one socket"],
    );
    check(
        files(&[("etc/dynd.toml", "policy = ''")]),
        &["policy", "it is empty"],
    );
    let vars = &[("DYND_DBUS", "sytem")];
    check(
        Given {
            vars,
            ..Given::default()
        },
        &["dbus", "sytem", "the environment variable DYND_DBUS"],
    );
    let flags = &["--log", "dynd=loud"];
    check(
        Given {
            flags,
            ..Given::default()
        },
        &["log", "dynd=loud", "the flag --log"],
    );
}

#[test]
fn variables_of_clients_are_no_fault_but_are_named() {
    let vars = &[
        ("DYND_MODELS", "/m"),
        ("DYND_SOCKET_MODE", "0600"),
        ("OTHER", "x"),
    ];
    let settings = load(&Given {
        vars,
        ..Given::default()
    })
    .unwrap();
    assert_eq!(settings.ignored, ["DYND_MODELS"]);
    assert_eq!(settings.socket_mode, 0o600);
}

#[test]
fn unreadable_settings_name_their_path() {
    let layers = Layers {
        dirs: vec!["/dev/null".into()],
        ..Layers::default()
    };
    let error = Settings::load(&layers).unwrap_err();
    assert!(matches!(error, SettingsError::Open { .. }), "{error}");
    assert!(error.to_string().contains("/dev/null/dynd.d"), "{error}");
}
