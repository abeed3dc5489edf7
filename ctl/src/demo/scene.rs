//! One run of the script: starts processes at their times, watches them, reads what the apps logged.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use dynd_vocab::Timestamp;

use super::cast::{Cast, NAMES};
use super::frames::{self, Frame};
use super::live::Live;
use super::play::Player;
use super::process::Process;
use super::stage::{Part, Stage};
use super::way::Way;
use crate::daemon;

/// Share of its frames that an app wants within its target.
const PERCENTILE: &str = "0.95";

/// What the demo's own daemon aims at.
const POLICY: &str = "objective = \"max-timely-quality\"\n";

/// How long before their first frame the apps must have loaded.
const SETTLE: Duration = Duration::from_millis(200);

/// How long the daemon may take to answer.
const DAEMON_START: Duration = Duration::from_secs(10);

/// How long an app may take to end after its last frame.
const APP_END: Duration = Duration::from_secs(10);

/// How often to look after everything.
const LOOK: Duration = Duration::from_millis(100);

/// One run of the script.
pub(crate) struct Scene<'a> {
    player: &'a Player<'a>,
    /// For sockets and logs.
    directory: PathBuf,
    /// When the script starts.
    origin: Timestamp,
    /// With the times at which they end.
    load: Vec<(Process, Duration)>,
    apps: Cast<App>,
    daemon: Option<Process>,
}

/// An app that was started.
struct App {
    name: &'static str,
    process: Process,
    log: PathBuf,
    lines: Receiver<String>,
    ready: bool,
    /// When it may end: its last frame is released up to a period before it leaves.
    until: Duration,
}

impl<'a> Scene<'a> {
    /// Starts the daemon, if the way has one, and then the apps, `lead` before the script.
    ///
    /// # Errors
    /// If a process cannot be started, or the daemon does not answer.
    pub(crate) async fn open(
        player: &'a Player<'a>,
        way: Way,
        directory: &Path,
        lead: Duration,
    ) -> anyhow::Result<Self> {
        fs::create_dir(directory).with_context(|| format!("failed to create {}", directory.display()))?;
        let stage = player.stage;
        let socket = directory.join("dynd.sock");
        let daemon = match way {
            Way::Managed => Some(start_daemon(stage, &socket, directory).await?),
            Way::Fixed(_) => None,
        };
        let choice = match way {
            Way::Managed => NAMES.map(|_| Choice::Managed(socket.as_path())),
            Way::Fixed(pair) => {
                let names = stage.parts.as_ref().zip(pair);
                names.map(|(part, index)| Choice::Fixed(part.subnetwork(index)))
            }
        };
        let origin = dynd_client::now() + lead;
        let (arrives, leaves) = player.script.reader();
        let app = |name, part: &Part, choice, span: (Duration, Duration)| {
            let log = directory.join(format!("{name}.jsonl"));
            let mut command = app_command(stage, name, part, &choice);
            command.args(["--start-ns", &(origin + span.0).as_nanos().to_string()]);
            command.args(["--stop-ns", &(origin + span.1).as_nanos().to_string()]);
            command.arg("--log").arg(&log);
            let mut process = Process::start(name, command, &directory.join(format!("{name}.stderr")))?;
            stage.venue.admit(&process)?;
            let lines = process.lines();
            anyhow::Ok(App {
                name,
                process,
                log,
                lines,
                ready: false,
                until: span.1.saturating_sub(part.terms.period),
            })
        };
        let parts = &stage.parts;
        let apps = Cast {
            camera: app(
                NAMES.camera,
                &parts.camera,
                choice.camera,
                (Duration::ZERO, player.script.end()),
            )?,
            reader: app(NAMES.reader, &parts.reader, choice.reader, (arrives, leaves))?,
        };
        Ok(Self {
            player,
            directory: directory.to_path_buf(),
            origin,
            load: Vec::new(),
            apps,
            daemon,
        })
    }

    /// Waits until both apps have loaded. False if they are not ready in time for the script.
    ///
    /// # Errors
    /// If a process ends.
    pub(crate) async fn ready(&mut self) -> anyhow::Result<bool> {
        loop {
            self.look()?;
            if self.apps.each_mut().iter().all(|app| app.ready) {
                return Ok(true);
            }
            if dynd_client::now() + SETTLE >= self.origin {
                return Ok(false);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Starts each load when its time comes, until the script ends.
    ///
    /// # Errors
    /// If a process ends before its time, or cannot be started.
    pub(crate) async fn run(&mut self) -> anyhow::Result<()> {
        let script = self.player.script;
        let mut arrivals = script.arrivals().into_iter().peekable();
        loop {
            let offset = self.offset();
            while let Some((_, gone, per_core)) = arrivals.next_if(|arrival| arrival.0 <= offset) {
                self.start_load(gone, per_core)?;
            }
            self.look()?;
            self.player.progress.at(offset);
            if offset >= script.end() {
                return Ok(());
            }
            let next = arrivals.peek().map_or(script.end(), |arrival| arrival.0);
            tokio::time::sleep(LOOK.min(next.saturating_sub(offset))).await;
        }
    }

    /// Waits until both apps have ended, and reads what they logged.
    ///
    /// # Errors
    /// If an app fails, or its log makes no sense.
    pub(crate) async fn close(mut self) -> anyhow::Result<Cast<Vec<Frame>>> {
        for app in self.apps.each_mut() {
            app.process.finish(APP_END).await?;
        }
        let origin = self.origin.as_nanos();
        self.apps.as_ref().try_map(|app| frames::read(&app.log, origin))
    }

    /// Time since the start of the script.
    fn offset(&self) -> Duration {
        dynd_client::now().since(self.origin)
    }

    /// Hears what the apps say, and sees that everything that should run does.
    fn look(&mut self) -> anyhow::Result<()> {
        let Player { stage, progress, .. } = self.player;
        let origin = self.origin;
        let due = |until: Duration| move || dynd_client::now().since(origin) >= until;
        if let Some(daemon) = &mut self.daemon {
            daemon.check(|| false)?;
        }
        for (load, until) in &mut self.load {
            load.check(due(*until))?;
        }
        let parts = stage.parts.as_ref().each();
        for (app, part) in self.apps.each_mut().into_iter().zip(parts) {
            for line in app.lines.try_iter() {
                match Live::parse(&line) {
                    Some(Live::Ready) => app.ready = true,
                    Some(Live::Running(now)) => {
                        progress.app(app.name, &now.text(|index| part.subnetwork(index)));
                    }
                    None => {}
                }
            }
            app.process.check(due(app.until))?;
        }
        Ok(())
    }

    fn start_load(&mut self, gone: Duration, per_core: u32) -> anyhow::Result<()> {
        let stage = self.player.stage;
        let mut command = Command::new(&stage.runtime);
        let threads = stage.cpus.saturating_mul(per_core);
        command.args(["load", "--threads", &threads.to_string()]);
        command.args(["--stop-ns", &(self.origin + gone).as_nanos().to_string()]);
        let log = self.directory.join(format!("load-{}.stderr", self.load.len()));
        let load = Process::start("load", command, &log)?;
        stage.venue.admit(&load)?;
        self.load.push((load, gone));
        Ok(())
    }
}

/// Who chooses the sub-networks of an app.
enum Choice<'a> {
    /// The daemon on this socket.
    Managed(&'a Path),
    /// Nobody: it stays with this one.
    Fixed(&'a str),
}

fn app_command(stage: &Stage, name: &str, part: &Part, choice: &Choice<'_>) -> Command {
    let millis = |span: Duration| (span.as_secs_f64() * 1e3).to_string();
    let mut command = Command::new(&stage.runtime);
    command.arg("app").arg("--manifest").arg(&part.manifest);
    command.args(["--name", name, "--threads", &part.terms.threads.to_string()]);
    command.args(["--target-ms", &millis(part.terms.target)]);
    command.args(["--period-ms", &millis(part.terms.period)]);
    command.args([
        "--percentile",
        PERCENTILE,
        "--processor",
        &stage.processor,
        "--live",
    ]);
    command.arg("--profile").arg(&part.profile);
    match choice {
        Choice::Managed(socket) => command.arg("--socket").arg(socket),
        Choice::Fixed(subnetwork) => command.args(["--fixed", subnetwork]),
    };
    command
}

async fn start_daemon(stage: &Stage, socket: &Path, directory: &Path) -> anyhow::Result<Process> {
    let mut command = Command::new(&stage.daemon);
    command.arg("--socket").arg(socket).args(["--dbus", "off"]);
    command.arg("--root").arg(stage.venue.root());
    // Nothing of what this machine's own daemon is told: the figures, and the clocks, are to be the demo's.
    let policy = directory.join("policy.toml");
    std::fs::write(&policy, POLICY).with_context(|| format!("failed to write {}", policy.display()))?;
    command.arg("--policy").arg(&policy);
    command.arg("--settings-dir").arg(directory);
    command.arg("--run-dir").arg(directory);
    let mut process = Process::start("dynd", command, &directory.join("dynd.stderr"))?;
    let deadline = Instant::now() + DAEMON_START;
    loop {
        process.check(|| false)?;
        match daemon::status(socket).await {
            Ok(_) => return Ok(process),
            Err(error) if Instant::now() > deadline => {
                return Err(anyhow::Error::new(error).context("the demo's own daemon does not answer"));
            }
            Err(_) => tokio::time::sleep(LOOK).await,
        }
    }
}
