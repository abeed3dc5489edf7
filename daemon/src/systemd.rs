//! The way to systemd on D-Bus: allows units CPUs until the next boot.
//!
//! Used by the board thread, which may wait, and by `dynd --restore`. Nothing is connected before something is asked.

use std::io;
use std::time::Duration;

use dynd_board::{FenceError, Units};
use dynd_vocab::CpuSet;
use tokio::runtime::Runtime;
use tokio::time::timeout;
use zbus::connection::Builder;

use zbus::{Connection, Message, OwnedObjectPath, OwnedVariant, Variant};

use crate::settings::Bus;

const NAME: &str = "org.freedesktop.systemd1";
const MANAGER: &str = "/org/freedesktop/systemd1";
const MANAGER_INTERFACE: &str = "org.freedesktop.systemd1.Manager";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
const ALLOWED: &str = "AllowedCPUs";
/// What systemd answers of a unit that it does not know.
const NO_SUCH_UNIT: &str = "org.freedesktop.systemd1.NoSuchUnit";
/// How long systemd may take to answer, and the bus to be joined.
const ANSWER_WITHIN: Duration = Duration::from_millis(500);

/// systemd, on a bus.
#[derive(Debug)]
pub(crate) struct Systemd {
    bus: Bus,
    runtime: Runtime,
    connection: Option<Connection>,
}

impl Systemd {
    /// systemd on `bus`; none where that has no system's systemd.
    pub(crate) fn on(bus: &Bus) -> io::Result<Option<Self>> {
        match bus {
            Bus::Off | Bus::Session => Ok(None),
            Bus::System | Bus::Address(_) => Ok(Some(Self {
                bus: bus.clone(),
                runtime: tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()?,
                connection: None,
            })),
        }
    }

    /// Calls a method; the connection is renewed if it broke since the last call.
    fn call<B>(&mut self, path: &str, interface: &str, method: &str, body: &B) -> Result<Message, FenceError>
    where
        B: serde::Serialize + zbus::zvariant::DynamicType,
    {
        let Self {
            bus,
            runtime,
            connection,
        } = self;
        let called = runtime.block_on(async {
            let connection = match connection.take() {
                Some(connection) => connection,
                None => connect(bus).await?,
            };
            let called = connection
                .call_method(Some(NAME), path, Some(interface), method, body)
                .await;
            Ok::<_, zbus::Error>((connection, called))
        });
        let (kept, called) = called.map_err(|error| failed(&error))?;
        if !matches!(called, Err(zbus::Error::InputOutput(_))) {
            *connection = Some(kept);
        }
        called.map_err(|error| failed(&error))
    }
}

impl Units for Systemd {
    fn allowed_cpus(&mut self, unit: &str) -> Result<CpuSet, FenceError> {
        let reply = self.call(MANAGER, MANAGER_INTERFACE, "GetUnit", &unit)?;
        let path: OwnedObjectPath = reply.body().deserialize().map_err(|error| failed(&error))?;
        let kind = if unit.ends_with(".scope") {
            "Scope"
        } else {
            "Service"
        };
        let interface = format!("{NAME}.{kind}");
        let reply = self.call(path.as_str(), PROPERTIES, "Get", &(interface.as_str(), ALLOWED))?;
        let value: OwnedVariant = reply.body().deserialize().map_err(|error| failed(&error))?;
        let mask = Vec::<u8>::try_from(value).map_err(|error| FenceError::Failed(error.to_string()))?;
        cpus(&mask)
    }

    fn allow_cpus(&mut self, unit: &str, cpus: CpuSet) -> Result<(), FenceError> {
        // For this boot only.
        let runtime = true;
        let properties = vec![(ALLOWED, Variant::from(mask(cpus)))];
        self.call(
            MANAGER,
            MANAGER_INTERFACE,
            "SetUnitProperties",
            &(unit, runtime, properties),
        )?;
        Ok(())
    }
}

async fn connect(bus: &Bus) -> zbus::Result<Connection> {
    let builder = match bus {
        Bus::Address(address) => Builder::address(address.as_str()),
        Bus::System | Bus::Session | Bus::Off => Builder::system(),
    };
    let joining = builder.method_timeout(ANSWER_WITHIN).build();
    let timed_out = |_| zbus::Error::InputOutput(io::Error::from(io::ErrorKind::TimedOut).into());
    timeout(ANSWER_WITHIN, joining).await.map_err(timed_out)?
}

fn failed(error: &zbus::Error) -> FenceError {
    match error {
        zbus::Error::MethodError(name, ..) if name.as_str() == NO_SUCH_UNIT => FenceError::Gone,
        zbus::Error::InputOutput(cause) if cause.kind() == io::ErrorKind::TimedOut => {
            FenceError::Unanswered(format!("systemd: {error}"))
        }
        error => FenceError::Failed(format!("systemd: {error}")),
    }
}

/// A bit per CPU, the lowest first.
fn mask(cpus: CpuSet) -> Vec<u8> {
    let length = cpus.iter().last().map_or(0, |last| last as usize / 8 + 1);
    let mut mask = vec![0; length];
    for cpu in cpus.iter() {
        mask[cpu as usize / 8] |= 1 << (cpu % 8);
    }
    mask
}

fn cpus(mask: &[u8]) -> Result<CpuSet, FenceError> {
    let bits = (0_u32..).zip(
        mask.iter()
            .flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1 == 1)),
    );
    let all: Vec<u32> = bits.filter(|(_, is_set)| *is_set).map(|(cpu, _)| cpu).collect();
    match all.iter().find(|cpu| **cpu >= CpuSet::CAPACITY) {
        Some(cpu) => Err(FenceError::Failed(format!(
            "systemd: cpu {cpu} is beyond what dynd knows"
        ))),
        None => Ok(all.into_iter().collect()),
    }
}

#[cfg(test)]
mod tests;
