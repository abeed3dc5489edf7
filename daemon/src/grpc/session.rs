//! One app's session, from its hello to the end of its stream.
//!
//! What goes down is only ever the newest assignment: a client that does not read finds it when it does, and
//! nobody waits for it. What comes up is taken at a bounded rate ([`Bucket`]); a client that sends more is
//! slowed by the flow control of its own stream. A message that makes no sense ends the session that sent it.

use std::sync::Arc;
use std::time::Duration;

use dynd_proto::{PROTOCOL, v1};
use dynd_vocab::{AppId, Assignment, Generation, Hello, Identity, Report};
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};
use v1::client_message::Message as Up;
use v1::daemon_message::Message as Down;

use super::Service;
use super::bucket::Bucket;
use crate::control::{Command, Gone, Mailbox, Opening};
use crate::notify;

/// How long a client may take to say hello.
const HELLO_DEADLINE: Duration = Duration::from_secs(5);
/// How long a client keeps its assignment when it hears nothing.
const LEASE: Duration = Duration::from_secs(3);
/// How long a client that does not read is waited for when its session ends with an error.
const FAREWELL: Duration = Duration::from_secs(1);

/// What a session's stream yields.
pub(super) type Answers = ReceiverStream<Result<v1::DaemonMessage, Status>>;

/// Opens a session for the app at the other end of `inbound`.
pub(super) async fn open(
    service: &Service,
    identity: Arc<Identity>,
    mut inbound: Streaming<v1::ClientMessage>,
) -> Result<Answers, Status> {
    let place = Arc::clone(&service.places).try_acquire_owned().map_err(|_| {
        Status::resource_exhausted(format!(
            "all {} sessions of this daemon are taken",
            super::SESSIONS
        ))
    })?;
    let first = timeout(HELLO_DEADLINE, inbound.message())
        .await
        .map_err(|_| Status::deadline_exceeded("no hello came within 5 s"))??;
    let hello = hello_from(first)?;
    let subnetworks = hello.model.subnetworks.len();

    let app = service.number_app();
    let (outbox, assignments) = watch::channel(None);
    let (outgoing, answers) = mpsc::channel(1);
    let welcome = v1::Welcome {
        app: app.0,
        daemon_version: env!("CARGO_PKG_VERSION").into(),
        lease_ms: u32::try_from(LEASE.as_millis()).unwrap_or(u32::MAX),
    };
    // The channel is new and empty.
    let _ = outgoing.try_send(Ok(down(Down::Welcome(welcome))));
    let opening = Opening {
        app,
        identity: identity.as_ref().clone(),
        hello,
        outbox,
    };
    service
        .mailbox
        .post(Command::Open(Box::new(opening)))
        .await
        .map_err(gone)?;

    let session = Session {
        app,
        subnetworks,
        mailbox: service.mailbox.clone(),
        assignments,
        outgoing,
        _place: place,
    };
    notify::apps(service.sessions());
    tokio::spawn(session.run(inbound, service.stopping.clone(), service.clone()));
    Ok(ReceiverStream::new(answers))
}

fn hello_from(first: Option<v1::ClientMessage>) -> Result<Hello, Status> {
    let Some(Up::Hello(hello)) = first.and_then(|message| message.message) else {
        return Err(Status::failed_precondition(
            "the first message of a session must be hello",
        ));
    };
    if hello.protocol != PROTOCOL {
        let (theirs, older) = (
            hello.protocol,
            if hello.protocol < PROTOCOL {
                "client"
            } else {
                "daemon"
            },
        );
        return Err(Status::failed_precondition(format!(
            "the client speaks protocol {theirs}, this daemon speaks {PROTOCOL}: update the {older}"
        )));
    }
    Ok(Hello::try_from(hello)?)
}

struct Session {
    app: AppId,
    subnetworks: usize,
    mailbox: Mailbox,
    assignments: watch::Receiver<Option<Assignment>>,
    outgoing: mpsc::Sender<Result<v1::DaemonMessage, Status>>,
    _place: OwnedSemaphorePermit,
}

impl Session {
    async fn run(
        mut self,
        mut inbound: Streaming<v1::ClientMessage>,
        mut stopping: watch::Receiver<bool>,
        service: Service,
    ) {
        let end = tokio::select! {
            end = self.serve(&mut inbound) => end,
            _ = stopping.wait_for(|stopping| *stopping) => Ok(()),
        };
        // A control thread that is gone has closed every session.
        let _ = self.mailbox.post(Command::Close(self.app)).await;
        if let Err(status) = end {
            tracing::warn!(
                app = self.app.0,
                reason = status.message(),
                "session ended by the daemon"
            );
            let _ = timeout(FAREWELL, self.outgoing.send(Err(status))).await;
        }
        drop(self);
        notify::apps(service.sessions());
    }

    /// Serves until the client is gone (`Ok`) or has sent something that makes no sense.
    async fn serve(&mut self, inbound: &mut Streaming<v1::ClientMessage>) -> Result<(), Status> {
        let outgoing = self.outgoing.clone();
        let mut bucket = Bucket::full(Instant::now());
        let mut resume: Option<Instant> = None;
        let mut slowed = false;
        let mut news = false;
        loop {
            tokio::select! {
                () = outgoing.closed() => return Ok(()),
                changed = self.assignments.changed(), if !news => {
                    if changed.is_err() {
                        return Err(gone(Gone));
                    }
                    news = true;
                }
                permit = outgoing.reserve(), if news => {
                    news = false;
                    let newest = self.assignments.borrow_and_update().clone();
                    if let (Ok(permit), Some(assignment)) = (permit, newest) {
                        permit.send(Ok(down(Down::Assignment(assignment.into()))));
                    }
                }
                () = sleep_until(resume.unwrap_or_else(Instant::now)), if resume.is_some() => resume = None,
                message = inbound.message(), if resume.is_none() => {
                    // An error of the stream is its end: the client has reset it or is gone.
                    let Ok(Some(message)) = message else { return Ok(()) };
                    self.hear(message).await?;
                    let now = Instant::now();
                    let pause = bucket.take(now);
                    if pause > Duration::ZERO {
                        resume = Some(now + pause);
                        if !slowed {
                            slowed = true;
                            tracing::warn!(app = self.app.0, "sends too many messages: it is slowed down");
                        }
                    }
                }
            }
        }
    }

    async fn hear(&self, message: v1::ClientMessage) -> Result<(), Status> {
        let command = match message.message {
            Some(Up::Reports(batch)) => Command::Reports(self.app, self.known(batch.try_into()?)?),
            Some(Up::Ack(ack)) => Command::Ack(self.app, Generation::try_from(ack)?),
            Some(Up::Hello(_)) => return Err(Status::failed_precondition("a session has one hello")),
            // A newer client may say what this daemon does not know.
            None => return Ok(()),
        };
        self.mailbox.post(command).await.map_err(gone)
    }

    fn known(&self, reports: Vec<Report>) -> Result<Vec<Report>, Status> {
        match reports
            .iter()
            .find(|report| report.subnetwork >= self.subnetworks)
        {
            None => Ok(reports),
            Some(report) => Err(Status::invalid_argument(format!(
                "reports: names sub-network {}, but the model has {}",
                report.subnetwork, self.subnetworks
            ))),
        }
    }
}

fn down(message: Down) -> v1::DaemonMessage {
    v1::DaemonMessage {
        message: Some(message),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is handed to map_err")]
fn gone(gone: Gone) -> Status {
    Status::unavailable(gone.to_string())
}
