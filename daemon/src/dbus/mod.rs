//! The first D-Bus objects: the daemon and its apps, read-only, for desktops and scripts.
//!
//! ```text
//! /org/dynd/Dynd1           org.dynd.Dynd1, org.freedesktop.DBus.ObjectManager
//! /org/dynd/Dynd1/apps/N    org.dynd.Dynd1.App
//! ```
//! A rendering of the status: nothing waits for it, and a bus that is gone takes nothing else with it. While
//! there are no apps it sleeps until something changes.

mod app;
mod daemon;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use dynd_vocab::{AppId, PolicyStatus};
use thiserror::Error;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use zbus::connection::Builder;
use zbus::fdo::{ObjectManager, Properties};
use zbus::names::InterfaceName;
use zbus::object_server::SignalEmitter;
use zbus::{Connection, Variant};

use crate::control::{Gone, View};
use crate::observer::Observer;
use crate::settings::Bus;
use app::{App, Measured};
use daemon::Daemon;

/// The name on the bus.
pub(crate) const NAME: &str = "org.dynd.Dynd1";
/// The daemon's object.
pub(crate) const PATH: &str = "/org/dynd/Dynd1";

/// Measured values are renewed this often while there are apps…
const MEASURED: Duration = Duration::from_secs(1);
/// …and everything else at most this often.
const FASTEST: Duration = Duration::from_millis(100);

/// Why the daemon is not on the bus.
#[derive(Debug, Error)]
#[error(
    "failed to appear as {NAME} on the {bus}: is it there, and may dynd own the name? Else use --dbus off"
)]
pub struct BusError {
    bus: String,
    source: zbus::Error,
}

/// Appears on `bus`; none if the daemon shall not.
pub(crate) async fn connect(bus: &Bus, observer: &Observer) -> Result<Option<Connection>, BusError> {
    let (builder, bus) = match bus {
        Bus::Off => return Ok(None),
        Bus::System => (Builder::system(), "system bus".to_owned()),
        Bus::Session => (Builder::session(), "session bus".to_owned()),
        Bus::Address(address) => (Builder::address(address.as_str()), format!("bus at {address}")),
    };
    let daemon = Daemon::new(observer.policy().borrow().clone());
    let connection = builder
        .serve_at(PATH, ObjectManager)
        .serve_at(PATH, daemon)
        .name(NAME)
        .build()
        .await;
    connection.map(Some).map_err(|source| BusError { bus, source })
}

/// Keeps the objects up to date for as long as bus and control thread are there.
pub(crate) async fn publish(connection: Connection, observer: Observer) {
    let mut face = Face {
        connection,
        apps: BTreeMap::new(),
        measured_at: None,
    };
    let mut revision = observer.revision();
    let mut policy = observer.policy();
    loop {
        let started = Instant::now();
        revision.mark_unchanged();
        let in_force = policy.borrow_and_update().clone();
        let Ok(view) = observer.view().await else { return };
        if let Err(error) = face.show(&view, in_force).await {
            tracing::warn!(%error, "left the bus");
            return;
        }
        if change(&mut revision, &mut policy, face.apps.is_empty())
            .await
            .is_err()
        {
            return;
        }
        sleep_until(started + FASTEST).await;
    }
}

/// Waits for something to show; with apps there are measured values to show, in a while.
async fn change(
    revision: &mut watch::Receiver<u64>,
    policy: &mut watch::Receiver<PolicyStatus>,
    quiet: bool,
) -> Result<(), Gone> {
    let changed = async {
        tokio::select! {
            changed = revision.changed() => changed,
            changed = policy.changed() => changed,
        }
    };
    let changed = if quiet {
        Ok(changed.await)
    } else {
        timeout(MEASURED, changed).await
    };
    match changed {
        Ok(Err(_)) => Err(Gone),
        Ok(Ok(())) | Err(_) => Ok(()),
    }
}

/// Properties that changed, by name.
type Changes = HashMap<&'static str, Variant<'static>>;

/// What the bus shows now.
struct Face {
    connection: Connection,
    apps: BTreeMap<AppId, App>,
    measured_at: Option<Instant>,
}

impl Face {
    async fn show(&mut self, view: &View, policy: PolicyStatus) -> zbus::Result<()> {
        let due = self.measured_at.is_none_or(|at| at.elapsed() >= MEASURED);
        if due {
            self.measured_at = Some(Instant::now());
        }
        let gone: Vec<AppId> = self
            .apps
            .keys()
            .filter(|id| view.apps.iter().all(|app| app.id != **id))
            .copied()
            .collect();
        for id in gone {
            self.apps.remove(&id);
            self.connection
                .object_server()
                .remove::<App, _>(path_of(id))
                .await?;
        }
        for status in &view.apps {
            let measured = match self.apps.get(&status.id) {
                Some(shown) if !due => shown.measured(),
                _ => Measured::of(status),
            };
            self.show_app(status.id, App::new(status, measured)).await?;
        }
        self.show_daemon(view, policy).await
    }

    async fn show_app(&mut self, id: AppId, app: App) -> zbus::Result<()> {
        let server = self.connection.object_server();
        let path = path_of(id);
        match self.apps.insert(id, app.clone()) {
            None => {
                server.at(path, app).await?;
            }
            Some(shown) if shown != app => {
                let changes = app.changes_since(&shown);
                let interface = server.interface::<_, App>(path).await?;
                *interface.get_mut().await = app;
                announce(interface.signal_emitter(), "org.dynd.Dynd1.App", changes).await?;
            }
            Some(_) => {}
        }
        Ok(())
    }

    async fn show_daemon(&self, view: &View, policy: PolicyStatus) -> zbus::Result<()> {
        let interface = self
            .connection
            .object_server()
            .interface::<_, Daemon>(PATH)
            .await?;
        let changes = interface.get_mut().await.update(view, policy);
        announce(interface.signal_emitter(), NAME, changes).await
    }
}

async fn announce(emitter: &SignalEmitter<'_>, interface: &str, changes: Changes) -> zbus::Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    let interface = InterfaceName::try_from(interface)?;
    Properties::properties_changed(emitter, interface, changes, Cow::Borrowed(&[])).await
}

fn path_of(app: AppId) -> String {
    format!("{PATH}/apps/{app}")
}
