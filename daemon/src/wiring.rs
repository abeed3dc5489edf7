//! Puts the daemon together, in order of dependency, and takes it apart.

use std::hash::{BuildHasher, Hasher};
use std::io;
use std::process::ExitCode;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use dynd_board::{BoardError, JournalError, Units};
use dynd_core::Controller;
use dynd_files::FileError;
use dynd_vocab::{Blueprint, Board, Event, Restore};
use thiserror::Error;
use tokio::net::UnixListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::control::{Command, Driver, Mailbox, Outlets};
use crate::dbus::{self, BusError};
use crate::grpc::Service;
use crate::managed::Managed;
use crate::observer::{Observer, Sources};
use crate::own_usage::OwnUsage;
use crate::sampler::{self, ORDER_QUEUE};
use crate::settings::{BoardSource, Bus, Settings, SettingsError, Wish};
use crate::socket::{self, SocketError};
use crate::systemd::Systemd;
use crate::{clock_keeper, notify, reload};

/// Events that may wait to be logged.
const LOG_QUEUE: usize = 256;
/// How long clients are given to close when the daemon stops.
const FAREWELL: Duration = Duration::from_secs(1);
/// How long the board thread is given to put the clocks back; what it does not manage is in the journal. It takes
/// milliseconds, but seconds where the machine is busy; systemd gives the whole end 90 s.
const PUT_BACK: Duration = Duration::from_secs(15);

/// Why the daemon does not run, or does not run on.
#[derive(Debug, Error)]
pub enum StartError {
    /// The settings cannot be used.
    #[error("failed to load the settings")]
    Settings(#[from] SettingsError),
    /// The policy cannot be used.
    #[error("failed to load the policy")]
    Policy(#[from] FileError),
    /// The board file cannot be used.
    #[error("failed to load the board file")]
    BoardFile(#[source] FileError),
    /// A socket cannot be served.
    #[error("failed to open the socket")]
    Socket(#[from] SocketError),
    /// The bus that was asked for is not there.
    #[error("failed to join D-Bus")]
    Bus(#[from] BusError),
    /// The board cannot be described.
    #[error("failed to discover the board")]
    Board(#[from] BoardError),
    /// There is no such virtual board.
    #[error("failed to simulate the board")]
    VirtualBoard(#[source] FileError),
    /// What was changed cannot be put back for want of a journal.
    #[error("failed to put back what was set")]
    Journal(#[from] JournalError),
    /// Not all that was changed could be put back.
    #[error("failed to put back {0} of what was set")]
    NotAsBefore(usize),
    /// A thread, a signal or the runtime cannot be had.
    #[error("failed to start {what}")]
    Start {
        /// What.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
    /// A socket is served no more.
    #[error("failed to go on serving")]
    Serve(#[from] tonic::transport::Error),
    /// A thread that must live has ended.
    #[error("failed to go on: the {0} thread has ended")]
    Died(&'static str),
}

impl StartError {
    /// 2 for what whoever starts the daemon can put right, else 1.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Settings(_)
            | Self::Policy(_)
            | Self::BoardFile(_)
            | Self::Socket(_)
            | Self::Bus(_)
            | Self::Board(_)
            | Self::VirtualBoard(_) => ExitCode::from(2),
            Self::Journal(_) | Self::NotAsBefore(_) | Self::Start { .. } | Self::Serve(_) | Self::Died(_) => {
                ExitCode::from(1)
            }
        }
    }
}

/// Checks what can be checked of `settings` without serving: board and policy.
pub fn check(settings: &Settings) -> Result<(), StartError> {
    let (board, _) = Managed::open(settings)?;
    reload::load(&settings.policy, board.describe())?;
    board_file(settings)?;
    Ok(())
}

/// What describes the board beyond what its kernel tells.
fn board_file(settings: &Settings) -> Result<Option<Blueprint>, StartError> {
    let file = settings.board_file.as_deref();
    file.map(|path| dynd_files::load_board(path).map_err(StartError::BoardFile))
        .transpose()
}

/// Puts back what a daemon that is gone changed, and prints what became of each attribute; does nothing where the
/// policy says that it stays. A policy that cannot be read says nothing.
pub fn restore(settings: &Settings) -> Result<(), StartError> {
    let policy = settings
        .policy
        .file()
        .and_then(|file| dynd_files::load_policy(file, None).ok());
    if policy.is_some_and(|policy| policy.restore == Restore::Never) {
        println!("the policy says that all stays as it is");
        return Ok(());
    }
    if let BoardSource::Virtual(name) = &settings.board {
        println!("the virtual board {name} ended with its daemon");
        return Ok(());
    }
    let answers = dynd_board::restore(&settings.root, &settings.run_dir, units(settings)?)?;
    for answer in &answers {
        println!("{answer}");
    }
    match answers.iter().filter(|answer| !answer.is_as_before()).count() {
        0 => Ok(()),
        left => Err(StartError::NotAsBefore(left)),
    }
}

/// Runs the daemon until it is told to stop.
pub fn run(settings: &Settings) -> Result<(), StartError> {
    let usage = OwnUsage::start();
    let (mut board, occupied) = Managed::open(settings)?;
    let description = board.describe().clone();
    let (policy, in_force) = reload::load(&settings.policy, &description)?;
    if let Some(units) = units(settings)? {
        board.join(units);
    }
    let file = board_file(settings)?;
    take_over(&mut board, settings, policy.restore);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| StartError::Start {
            what: "the io thread",
            source,
        })?;
    let _entered = runtime.enter();
    // From here on a signal means what it says, and not the end.
    let hangup = on(SignalKind::hangup())?;
    let (mut terminate, mut interrupt) = (on(SignalKind::terminate())?, on(SignalKind::interrupt())?);
    let sockets = settings
        .sockets
        .iter()
        .map(|named| Ok((named.name.clone(), socket::bind(&named.path, settings)?)))
        .collect::<Result<Vec<_>, SocketError>>()?;

    let (mailbox, commands) = Mailbox::new();
    let (orders, ordered) = sync_channel(ORDER_QUEUE);
    let (revision, revisions) = watch::channel(0);
    let (events, log) = mpsc::channel(LOG_QUEUE);
    let mut controller = Controller::new(description.clone(), policy, epoch());
    if let Some(file) = &file {
        controller = controller.with_board_file(file);
    }
    let driver = Driver::new(
        controller,
        Outlets {
            orders,
            revision,
            events,
            occupied,
        },
    );
    let control = spawn("control", move || driver.run(&commands))?;
    let sampling = mailbox.clone();
    let (trouble, problems) = watch::channel(Vec::new());
    let mut sampler = spawn("board", move || {
        sampler::run(&mut board, &ordered, &sampling, &trouble);
    })?;

    let (policy, policies) = watch::channel(in_force);
    let (stop, stopping) = watch::channel(false);
    let observer = Observer::new(Sources {
        mailbox: mailbox.clone(),
        revision: revisions,
        policy: policies,
        problems,
        usage,
    });

    let outcome = runtime.block_on(async {
        let service = Service::new(mailbox.clone(), observer.clone(), stopping);
        let mut servers = JoinSet::new();
        let mut files = Vec::new();
        for (name, (listener, file)) in sockets {
            let listener = UnixListener::from_std(listener).map_err(|source| StartError::Start {
                what: "the server",
                source,
            })?;
            servers.spawn(service.clone().serve(listener, name));
            files.push(file);
        }
        tokio::spawn(log_events(log));
        tokio::spawn(notify::feed_watchdog(mailbox.clone()));
        let (source, mailbox) = (settings.policy.clone(), mailbox.clone());
        tokio::spawn(reload::on_hangup(hangup, source, description, mailbox, policy));
        join_bus(&settings.dbus, &observer).await?;

        notify::ready();
        for socket in &settings.sockets {
            tracing::info!(name = socket.name, path = %socket.path.display(), "serving");
        }
        let outcome = tokio::select! {
            _ = terminate.recv() => Ok(()),
            _ = interrupt.recv() => Ok(()),
            _ = control.ended => Err(StartError::Died("control")),
            _ = &mut sampler.ended => Err(StartError::Died("board")),
            Some(Ok(Err(error))) = servers.join_next() => Err(error.into()),
        };
        notify::stopping();
        // Nobody finds a socket that leads nowhere.
        drop(files);
        stop.send_replace(true);
        let closed = async { while servers.join_next().await.is_some() {} };
        if timeout(FAREWELL, closed).await.is_err() {
            tracing::debug!("some clients did not close in time");
        }
        outcome
    });
    let _ = mailbox.post_blocking(Command::Stop);
    let _ = control.handle.join();
    // With the control thread gone the board thread puts the clocks back, unless a slow sensor holds it up.
    if !sampler.ended.is_terminated() && runtime.block_on(timeout(PUT_BACK, sampler.ended)).is_err() {
        tracing::warn!("a slow sensor keeps what was set from being put back: dynd --restore does it");
    }
    outcome
}

/// Takes over what an earlier daemon changed and did not put back: it is put back, or stays.
fn take_over(board: &mut Managed, settings: &Settings, restore: Restore) {
    match board.keep_journal(&settings.run_dir) {
        Ok(true) if restore == Restore::OnExit => clock_keeper::log(&board.restore()),
        Ok(_) => {}
        Err(error) => tracing::warn!(
            "neither clocks nor CPU sets can be set: {:#}",
            anyhow::Error::from(error)
        ),
    }
}

/// The way to the systemd of the machine at hand.
fn units(settings: &Settings) -> Result<Option<Box<dyn Units>>, StartError> {
    let systemd = Systemd::on(settings.dbus.value()).map_err(|source| StartError::Start {
        what: "the way to systemd",
        source,
    })?;
    Ok(systemd.map(|systemd| Box::new(systemd) as Box<dyn Units>))
}

async fn join_bus(bus: &Wish<Bus>, observer: &Observer) -> Result<(), StartError> {
    match (dbus::connect(bus.value(), observer).await, bus) {
        (Ok(connection), _) => {
            if let Some(connection) = connection {
                tokio::spawn(dbus::publish(connection, observer.clone()));
            }
            Ok(())
        }
        (Err(error), Wish::Required(_)) => Err(error.into()),
        (Err(error), Wish::Preferred(_)) => {
            tracing::warn!("{:#}", anyhow::Error::from(error));
            Ok(())
        }
    }
}

async fn log_events(mut events: mpsc::Receiver<Event>) {
    while let Some(event) = events.recv().await {
        tracing::info!("{event}");
    }
}

fn on(kind: SignalKind) -> Result<tokio::signal::unix::Signal, StartError> {
    signal(kind).map_err(|source| StartError::Start {
        what: "the signal handlers",
        source,
    })
}

/// A thread, and a way to notice that it ended, be it by a panic.
struct Thread {
    handle: thread::JoinHandle<()>,
    ended: oneshot::Receiver<()>,
}

fn spawn(what: &'static str, work: impl FnOnce() + Send + 'static) -> Result<Thread, StartError> {
    let (alive, ended) = oneshot::channel::<()>();
    let handle = thread::Builder::new()
        .name(what.to_owned())
        .spawn(move || {
            let _alive = alive;
            work();
        })
        .map_err(|source| StartError::Start {
            what: "a thread",
            source,
        })?;
    Ok(Thread { handle, ended })
}

/// Tells the generations of this start from those of earlier ones. The standard library keys its hashers
/// from the system's randomness.
fn epoch() -> u64 {
    std::hash::RandomState::new().build_hasher().finish()
}
