//! Settings, in three stages: [layers](Layers) → raw keys → validated [`Settings`].

mod layers;
mod raw;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use config::ConfigError;
use thiserror::Error;
use tracing_subscriber::EnvFilter;

pub use layers::Layers;
use layers::Merged;

/// Third stage: what the daemon runs with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The sockets to serve; never empty, names and paths are unique.
    pub sockets: Vec<NamedSocket>,
    /// Their permissions.
    pub socket_mode: u32,
    /// Their group.
    pub socket_group: Wish<String>,
    /// Where the policy comes from.
    pub policy: PolicySource,
    /// The board to manage.
    pub board: BoardSource,
    /// Where the board's `sys/` and `proc/` are.
    pub root: PathBuf,
    /// What describes the board beyond what its kernel tells, if anything does.
    pub board_file: Option<PathBuf>,
    /// Where the journal of what was in force before clocks were set is.
    pub run_dir: PathBuf,
    /// The bus to appear on.
    pub dbus: Wish<Bus>,
    /// What to log: a filter that parses.
    pub log: String,
    /// `DYND_*` variables that are no settings of the daemon: worth a warning, as clients and tools share
    /// the prefix.
    pub ignored: Vec<String>,
}

/// A socket to serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedSocket {
    /// What policies call it.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
}

/// A value, and whether the daemon must go without it or stop when it cannot have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish<T> {
    /// Nobody asked for it: a default that may fail.
    Preferred(T),
    /// Somebody asked for it.
    Required(T),
}

impl<T> Wish<T> {
    /// What is wished for.
    pub fn value(&self) -> &T {
        match self {
            Self::Preferred(value) | Self::Required(value) => value,
        }
    }
}

/// Where the policy comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicySource {
    /// This file, which must exist.
    File(PathBuf),
    /// The last of these that exists, else the built-in policy.
    Search(Vec<PathBuf>),
}

impl PolicySource {
    /// The file to read now; none for the built-in policy.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Search(paths) => paths
                .iter()
                .rev()
                .find(|path| path.exists())
                .map(PathBuf::as_path),
        }
    }
}

/// Which board is managed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BoardSource {
    /// The machine at hand.
    Host,
    /// A virtual one: its name, or the path of its file.
    Virtual(String),
}

/// A message bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bus {
    /// The system's.
    System,
    /// The user's.
    Session,
    /// The one at this address.
    Address(String),
    /// None.
    Off,
}

/// Why settings cannot be used.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// A file or directory of settings cannot be opened.
    #[error("failed to open {}", path.display())]
    Open {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A layer is malformed, has an unknown key or a value of the wrong type.
    #[error("failed to read settings from {origin}")]
    Read {
        /// Which layer.
        origin: String,
        /// Why.
        source: Box<ConfigError>,
    },
    /// A value makes no sense.
    #[error("failed to accept {key} = {value:?}, set by {origin}: {problem}")]
    Value {
        /// The setting.
        key: &'static str,
        /// Its value.
        value: String,
        /// Who set it.
        origin: String,
        /// What is wrong with it and what to write instead.
        problem: String,
    },
}

impl Settings {
    /// The directories of settings on an installed system, lowest first.
    pub fn system_dirs() -> Vec<PathBuf> {
        vec!["/usr/lib/dynd".into(), "/etc/dynd".into()]
    }

    /// Reads all layers and validates what wins.
    pub fn load(layers: &Layers) -> Result<Self, SettingsError> {
        let Merged {
            raw,
            origins,
            ignored,
        } = layers.merge()?;
        let checker = Checker { origins };
        Ok(Self {
            sockets: checker.sockets(&raw.socket.into_vec())?,
            socket_mode: checker.mode(&raw.socket_mode)?,
            socket_group: checker.wish("socket-group", checker.filled("socket-group", raw.socket_group)?),
            policy: match raw.policy {
                Some(path) => PolicySource::File(checker.filled("policy", path)?.into()),
                None => PolicySource::Search(layers.dirs.iter().map(|dir| dir.join("policy.toml")).collect()),
            },
            board: checker.board(&raw.board)?,
            root: checker.filled("root", raw.root)?.into(),
            board_file: raw
                .board_file
                .map(|path| checker.filled("board-file", path).map(PathBuf::from))
                .transpose()?,
            run_dir: checker.filled("run-dir", raw.run_dir)?.into(),
            dbus: checker.wish("dbus", checker.bus(raw.dbus)?),
            log: checker.filter(raw.log)?,
            ignored,
        })
    }
}

/// The values in force when nothing else is said; `policy` has none.
fn defaults() -> impl Iterator<Item = (&'static str, &'static str)> {
    [
        ("socket", "/run/dynd/dynd.sock"),
        ("socket-mode", "0660"),
        ("socket-group", "dynd"),
        ("board", "host"),
        ("root", "/"),
        ("run-dir", "/run/dynd"),
        ("dbus", "system"),
        ("log", "info"),
    ]
    .into_iter()
}

struct Checker {
    origins: BTreeMap<String, String>,
}

impl Checker {
    fn refuse(&self, key: &'static str, value: &str, problem: impl Into<String>) -> SettingsError {
        let origin = self.origins.get(key).cloned().unwrap_or_default();
        SettingsError::Value {
            key,
            value: value.to_owned(),
            origin,
            problem: problem.into(),
        }
    }

    fn wish<T>(&self, key: &str, value: T) -> Wish<T> {
        match self.origins.get(key).map(String::as_str) {
            None | Some("the defaults") => Wish::Preferred(value),
            Some(_) => Wish::Required(value),
        }
    }

    fn filled(&self, key: &'static str, value: String) -> Result<String, SettingsError> {
        if value.is_empty() {
            Err(self.refuse(key, &value, "it is empty"))
        } else {
            Ok(value)
        }
    }

    fn sockets(&self, texts: &[String]) -> Result<Vec<NamedSocket>, SettingsError> {
        let refuse = |text: &str, problem: String| self.refuse("socket", text, problem);
        let (mut names, mut paths) = (BTreeSet::new(), BTreeSet::new());
        let mut sockets = Vec::new();
        for text in texts {
            let (name, path) = match text.split_once('=') {
                Some((name, path)) if !name.contains('/') => (name, path),
                _ => ("default", text.as_str()),
            };
            if name.is_empty() || path.is_empty() {
                return Err(refuse(text, "expected PATH or NAME=PATH".into()));
            }
            if !names.insert(name.to_owned()) {
                return Err(refuse(
                    text,
                    format!("two sockets are called {name}: write NAME=PATH"),
                ));
            }
            if !paths.insert(path.to_owned()) {
                return Err(refuse(text, "two sockets have this path".into()));
            }
            sockets.push(NamedSocket {
                name: name.to_owned(),
                path: path.into(),
            });
        }
        if sockets.is_empty() {
            return Err(refuse("", "at least one socket is needed".into()));
        }
        Ok(sockets)
    }

    fn mode(&self, text: &str) -> Result<u32, SettingsError> {
        text.strip_prefix('0')
            .and_then(|digits| u32::from_str_radix(digits, 8).ok())
            .filter(|mode| *mode <= 0o777)
            .ok_or_else(|| {
                self.refuse(
                    "socket-mode",
                    text,
                    "expected octal permissions with leading 0, such as \"0660\"",
                )
            })
    }

    fn board(&self, text: &str) -> Result<BoardSource, SettingsError> {
        match text.strip_prefix("sim:") {
            Some(name) if !name.is_empty() => Ok(BoardSource::Virtual(name.to_owned())),
            None if text == "host" => Ok(BoardSource::Host),
            _ => {
                let problem = "expected host or sim:NAME, such as sim:jetson-nano";
                Err(self.refuse("board", text, problem))
            }
        }
    }

    fn bus(&self, text: String) -> Result<Bus, SettingsError> {
        match text.as_str() {
            "system" => Ok(Bus::System),
            "session" => Ok(Bus::Session),
            "off" => Ok(Bus::Off),
            address if address.contains(':') => Ok(Bus::Address(text)),
            _ => Err(self.refuse(
                "dbus",
                &text,
                "expected system, session, off or an address such as unix:path=/run/dbus/system_bus_socket",
            )),
        }
    }

    fn filter(&self, text: String) -> Result<String, SettingsError> {
        match EnvFilter::builder().parse(&text) {
            Ok(_) => Ok(text),
            Err(error) => Err(self.refuse("log", &text, error.to_string())),
        }
    }
}
