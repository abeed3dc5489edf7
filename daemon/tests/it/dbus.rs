//! The daemon on a message bus.

use dynd_proto::v1;
use dynd_proto::v1::client_message::Message as Up;
use futures_util::StreamExt;
use tokio::time::timeout;
use zbus::fdo::{ObjectManagerProxy, PropertiesProxy};
use zbus::names::InterfaceName;
use zbus::{Connection, OwnedVariant, connection};

use crate::app::{App, hello};
use crate::bus::Bus;
use crate::running::{DEADLINE, Home};

const NAME: &str = "org.dynd.Dynd1";
const ROOT: &str = "/org/dynd/Dynd1";

async fn client(bus: &Bus) -> Connection {
    connection::Builder::address(bus.address.as_str())
        .build()
        .await
        .unwrap()
}

async fn property(connection: &Connection, path: &str, interface: &str, name: &str) -> OwnedVariant {
    let properties = PropertiesProxy::new(connection, NAME, path.to_owned())
        .await
        .unwrap();
    properties
        .get(InterfaceName::try_from(interface).unwrap(), name)
        .await
        .unwrap()
}

#[tokio::test]
async fn apps_come_and_go_as_objects() {
    let (bus, home) = (Bus::start(), Home::new());
    let _running = home.start(&["--dbus", &bus.address]);
    let connection = client(&bus).await;
    let manager = ObjectManagerProxy::new(&connection, NAME, ROOT).await.unwrap();
    let mut added = manager.receive_interfaces_added().await.unwrap();
    let mut removed = manager.receive_interfaces_removed().await.unwrap();
    let text = |value: OwnedVariant| String::try_from(value).unwrap();
    assert_eq!(
        text(property(&connection, ROOT, NAME, "Version").await),
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(
        text(property(&connection, ROOT, NAME, "Objective").await),
        "max-quality"
    );

    let mut app = App::open(&home.socket(), Up::Hello(hello("camera")))
        .await
        .unwrap();
    let signal = timeout(DEADLINE, added.next()).await.unwrap().unwrap();
    let path = format!("{ROOT}/apps/{}", app.number);
    assert_eq!(signal.args().unwrap().object_path.as_str(), path);
    let interface = "org.dynd.Dynd1.App";
    let pid = u32::try_from(property(&connection, &path, interface, "Pid").await).unwrap();
    assert_eq!(pid, std::process::id());
    assert_eq!(
        text(property(&connection, &path, interface, "Model").await),
        "digits"
    );
    assert_eq!(
        u32::try_from(property(&connection, ROOT, NAME, "AppCount").await).unwrap(),
        1
    );

    let properties = PropertiesProxy::new(&connection, NAME, path.clone())
        .await
        .unwrap();
    let mut changes = properties.receive_properties_changed().await.unwrap();
    // Other tests keep this machine busy: when the load changes the app is told anew, and acknowledges that too.
    let acked = async {
        loop {
            tokio::select! {
                assignment = app.assignment() => {
                    let generation = assignment.generation;
                    assert!(app.say(Up::Ack(v1::Ack { generation })).await);
                }
                change = changes.next() => {
                    let change = change.unwrap();
                    let changed = change.args().unwrap().changed_properties.contains_key("Acked");
                    if changed && bool::try_from(property(&connection, &path, interface, "Acked").await).unwrap() {
                        return;
                    }
                }
            }
        }
    };
    timeout(DEADLINE, acked).await.unwrap();

    drop(app);
    let signal = timeout(DEADLINE, removed.next()).await.unwrap().unwrap();
    assert_eq!(signal.args().unwrap().object_path.as_str(), path);
    assert!(manager.get_managed_objects().await.unwrap().is_empty());
}

#[tokio::test]
async fn without_apps_the_bus_is_left_in_peace() {
    let (bus, home) = (Bus::start(), Home::new());
    let _running = home.start(&["--dbus", &bus.address]);
    let connection = client(&bus).await;
    let properties = PropertiesProxy::new(&connection, NAME, ROOT).await.unwrap();
    let mut changes = properties.receive_properties_changed().await.unwrap();
    // The processors are shown once; then nothing moves.
    let quiet = async {
        while timeout(std::time::Duration::from_millis(1500), changes.next())
            .await
            .is_ok()
        {}
    };
    timeout(DEADLINE, quiet).await.expect("the bus was never quiet");
}
