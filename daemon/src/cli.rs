//! The command line. Every flag but `--settings-dir`, `--check` and `--restore` is the topmost layer of a setting of the
//! same name; [`crate::settings`] says what each means.

use std::path::PathBuf;

use clap::Parser;

/// Runtime resource manager for dynamic neural networks: tells each app which sub-network to run on which
/// cores, so that all keep their latency targets.
///
/// Settings come from dynd.toml and dynd.d/*.toml in /usr/lib/dynd and /etc/dynd, then from the environment
/// (DYND_SOCKET, DYND_POLICY, …), then from these flags; the later wins.
#[derive(Clone, Debug, Default, Parser)]
#[command(name = "dynd", version)]
pub struct Cli {
    /// Socket to serve, as PATH or NAME=PATH; may be given several times. The name tells policies through
    /// which socket an app came: give each container a socket of its own.
    #[arg(long, value_name = "[NAME=]PATH")]
    pub socket: Vec<String>,

    /// Who may connect: permissions of the sockets, in octal [default: 0660].
    #[arg(long, value_name = "MODE")]
    pub socket_mode: Option<String>,

    /// Group that the sockets belong to [default: dynd, where that group exists].
    #[arg(long, value_name = "GROUP")]
    pub socket_group: Option<String>,

    /// Policy file [default: /etc/dynd/policy.toml, else the built-in policy].
    #[arg(long, value_name = "FILE")]
    pub policy: Option<String>,

    /// Board to manage: host, or sim:NAME for a virtual one in real time (sim:jetson-nano, or the path of a board
    /// file) [default: host].
    #[arg(long, value_name = "BOARD")]
    pub board: Option<String>,

    /// Directory in which sys/ and proc/ of the board are looked up [default: /].
    #[arg(long, value_name = "DIR")]
    pub root: Option<String>,

    /// Board file: what the power and heat of the board's processors follow from [default: none; they are guessed
    /// until they are measured].
    #[arg(long, value_name = "FILE")]
    pub board_file: Option<String>,

    /// Directory for the journal of what was in force before anything was set [default: /run/dynd].
    #[arg(long, value_name = "DIR")]
    pub run_dir: Option<String>,

    /// D-Bus to appear on: system, session, off, or an address [default: system, if it answers].
    #[arg(long, value_name = "BUS")]
    pub dbus: Option<String>,

    /// What to log: error, warn, info, debug, trace, or a filter such as dynd=debug [default: info].
    #[arg(long, value_name = "FILTER")]
    pub log: Option<String>,

    /// Directory to read settings from, in place of /usr/lib/dynd and /etc/dynd; may be given several times.
    #[arg(long, value_name = "DIR")]
    pub settings_dir: Vec<PathBuf>,

    /// Check settings and policy, say what is wrong, and exit.
    #[arg(long)]
    pub check: bool,

    /// Put back the clocks and CPU sets that a daemon which is gone left changed, say what became of each, and exit: with 0 if
    /// all is as before. The policy may say that they stay.
    #[arg(long, conflicts_with = "check")]
    pub restore: bool,
}

impl Cli {
    /// The settings given by flags, as key and value.
    pub fn layer(&self) -> Vec<(&'static str, Vec<String>)> {
        let one = |key, value: &Option<String>| (key, value.iter().cloned().collect::<Vec<_>>());
        [
            ("socket", self.socket.clone()),
            one("socket-mode", &self.socket_mode),
            one("socket-group", &self.socket_group),
            one("policy", &self.policy),
            one("board", &self.board),
            one("root", &self.root),
            one("board-file", &self.board_file),
            one("run-dir", &self.run_dir),
            one("dbus", &self.dbus),
            one("log", &self.log),
        ]
        .into_iter()
        .filter(|(_, values)| !values.is_empty())
        .collect()
    }
}
