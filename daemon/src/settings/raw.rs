//! Second stage: settings as people write them, typed but not yet believed.

use serde::Deserialize;

/// The keys of `dynd.toml`; each can also be given as an environment variable (`socket-mode` as
/// `DYND_SOCKET_MODE`) or as a flag (`--socket-mode`).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct Raw {
    /// Sockets to serve (a list of `PATH` or `NAME=PATH`; comma-separated in the environment). The name tells
    /// policies through which socket an app came; one socket may go without, and is called `default`.
    /// Default: `/run/dynd/dynd.sock`.
    pub(super) socket: OneOrMany,
    /// Permissions of the sockets (octal, 0 to 0777, with leading 0). Default: `0660`.
    pub(super) socket_mode: String,
    /// Group that the sockets belong to (a name or a number). Default: `dynd` where that group exists and may
    /// be given, else the daemon's own; a group given here must be.
    pub(super) socket_group: String,
    /// Policy file (a path). Default: `policy.toml` beside `dynd.toml`, else the built-in policy.
    pub(super) policy: Option<String>,
    /// The board to manage (`host`: the machine at hand; `sim:NAME`: a virtual one that comes with dynd; `sim:PATH`: that
    /// of a board file). Default: `host`.
    pub(super) board: String,
    /// Directory in which the board's `sys/` and `proc/` are looked up (a path). Default: `/`.
    pub(super) root: String,
    /// Board file: what the power and heat of the board's processors follow from, which no kernel tells (a path).
    /// Default: none; power and heat are guessed until they are measured.
    pub(super) board_file: Option<String>,
    /// Directory for the journal of what was in force before clocks were set (a path). It must outlive the daemon,
    /// and need not outlive the boot. Default: `/run/dynd`.
    pub(super) run_dir: String,
    /// D-Bus to appear on (`system`, `session`, `off` or an address). Default: `system`, and a bus that does
    /// not answer is no error; a bus given here must answer.
    pub(super) dbus: String,
    /// What to log (a level or a filter of `tracing`, such as `dynd=debug`). Default: `info`.
    pub(super) log: String,
}

impl Raw {
    pub(super) const KEYS: [&str; 10] = [
        "socket",
        "socket-mode",
        "socket-group",
        "policy",
        "board",
        "root",
        "board-file",
        "run-dir",
        "dbus",
        "log",
    ];
}

/// A list that may be written without brackets when it has one element.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl Default for OneOrMany {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl OneOrMany {
    pub(super) fn into_vec(self) -> Vec<String> {
        match self {
            Self::One(one) => vec![one],
            Self::Many(many) => many,
        }
    }
}
