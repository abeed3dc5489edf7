//! An app that speaks the wire itself, so that it can also misbehave.

use std::path::Path;
use std::time::Instant;

use dynd_client::{ModelKind, ModelTable, Quality, Requirement, Seconds, Session, SessionConfig, Subnetwork};
use dynd_proto::v1;
use dynd_proto::v1::dynd_client::DyndClient;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Channel, Endpoint};
use tonic::{Status, Streaming};
use v1::client_message::Message as Up;
use v1::daemon_message::Message as Down;

use crate::running::DEADLINE;

/// A session without a client library.
pub(crate) struct App {
    pub(crate) number: u32,
    up: mpsc::Sender<v1::ClientMessage>,
    down: Streaming<v1::DaemonMessage>,
}

pub(crate) async fn connect(socket: &Path) -> DyndClient<Channel> {
    let endpoint = Endpoint::try_from(format!("unix://{}", socket.display())).unwrap();
    DyndClient::new(endpoint.connect().await.unwrap())
}

impl App {
    /// Opens a session with `first` as its first message.
    pub(crate) async fn open(socket: &Path, first: Up) -> Result<Self, Status> {
        Self::open_on(connect(socket).await, first).await
    }

    /// Opens a session on a connection that exists.
    pub(crate) async fn open_on(mut client: DyndClient<Channel>, first: Up) -> Result<Self, Status> {
        let (up, stream) = mpsc::channel(16);
        up.try_send(v1::ClientMessage { message: Some(first) }).unwrap();
        let mut down = client.session(ReceiverStream::new(stream)).await?.into_inner();
        match timeout(DEADLINE, down.message())
            .await
            .unwrap()?
            .and_then(|message| message.message)
        {
            Some(Down::Welcome(welcome)) => Ok(Self {
                number: welcome.app,
                up,
                down,
            }),
            other => panic!("expected a welcome, got {other:?}"),
        }
    }

    pub(crate) async fn say(&self, message: Up) -> bool {
        self.up
            .send(v1::ClientMessage {
                message: Some(message),
            })
            .await
            .is_ok()
    }

    /// The next assignment.
    pub(crate) async fn assignment(&mut self) -> v1::Assignment {
        match self.heard().await {
            Ok(Some(Down::Assignment(assignment))) => assignment,
            other => panic!("expected an assignment, got {other:?}"),
        }
    }

    /// What comes next, whatever it is: a message, the end or an error.
    pub(crate) async fn heard(&mut self) -> Result<Option<Down>, Status> {
        let message = timeout(DEADLINE, self.down.message())
            .await
            .expect("nothing came")?;
        Ok(message.and_then(|message| message.message))
    }

    /// How the session ends, past any assignments on the way.
    pub(crate) async fn end(&mut self) -> Result<(), Status> {
        while self.heard().await?.is_some() {}
        Ok(())
    }
}

/// A hello that the daemon takes.
pub(crate) fn hello(name: &str) -> v1::Hello {
    let subnetwork = |name: &str, quality, mmacs: u64| v1::Subnetwork {
        name: name.into(),
        quality,
        macs: mmacs * 1_000_000,
        memory_bytes: 1 << 20,
    };
    v1::Hello {
        protocol: dynd_proto::PROTOCOL,
        name: name.into(),
        model: Some(v1::Model {
            name: "digits".into(),
            kind: v1::ModelKind::Supernet.into(),
            quality_metric: "top-1".into(),
            subnetworks: vec![
                subnetwork("quarter", 0.91, 20),
                subnetwork("half", 0.95, 80),
                subnetwork("full", 0.98, 300),
            ],
        }),
        requirement: Some(v1::Requirement {
            latency_s: 0.05,
            percentile: 0.95,
            min_quality: 0.5,
            period_s: Some(0.1),
        }),
        max_threads: 1,
        profile: Vec::new(),
        holding: None,
    }
}

/// Inferences that took `latency_ms`, the last of which ended now.
pub(crate) fn reports(count: u64, latency_ms: u64) -> Up {
    let now = dynd_client::now().as_nanos();
    let nanos = latency_ms * 1_000_000;
    let report = |age| v1::Report {
        subnetwork: 0,
        cores: 1,
        ended_ns: now - age * nanos,
        service_ns: nanos,
        latency_ns: nanos,
        after_switch: false,
    };
    Up::Reports(v1::ReportBatch {
        reports: (0..count).rev().map(report).collect(),
    })
}

/// The status, once `holds` of it.
pub(crate) async fn status_when(socket: &Path, holds: impl Fn(&v1::Status) -> bool) -> v1::Status {
    let mut client = connect(socket).await;
    let start = Instant::now();
    loop {
        let status = client
            .get_status(v1::GetStatusRequest {})
            .await
            .unwrap()
            .into_inner();
        if holds(&status) {
            return status;
        }
        assert!(start.elapsed() < DEADLINE, "never came to hold: {status:#?}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// A session of the client library.
pub(crate) fn session(socket: &Path, name: &str) -> Session {
    let subnetwork = |name: &str, quality, macs| Subnetwork {
        name: name.into(),
        quality: Quality::new(quality).unwrap(),
        macs,
        memory_bytes: 1 << 20,
    };
    Session::open(SessionConfig {
        socket: socket.to_owned(),
        name: name.into(),
        model: ModelTable {
            name: "digits".into(),
            kind: ModelKind::Supernet,
            quality_metric: "top-1".into(),
            subnetworks: vec![
                subnetwork("half", 0.95, 80_000_000),
                subnetwork("full", 0.98, 300_000_000),
            ],
        },
        requirement: Requirement {
            latency: Seconds::from_millis(50.0),
            percentile: 0.95,
            min_quality: Quality::ZERO,
            period: None,
        },
        max_threads: 1,
        profile: Vec::new(),
    })
    .unwrap()
}
