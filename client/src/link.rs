//! The background thread of a session: finds the daemon, speaks with it, finds it again.
//!
//! When the daemon is gone the last assignment stays in force for its lease, so that a daemon that is restarted
//! disturbs nobody; the next one is told what the app still runs.
//!
//! ```text
//!              welcomed
//!  Connecting ──────────► Connected
//!     ▲    │                  │
//!     │    │ lost             │ lost
//!     │    ▼                  │
//!     └─ Waiting ◄────────────┘        closed, from anywhere: the session was dropped
//! ```

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use dynd_proto::v1;
use dynd_proto::v1::client_message::Message as Up;
use dynd_proto::v1::daemon_message::Message as Down;
use dynd_vocab::{Assignment, CpuSet, Hello, Holding};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Streaming};

use crate::backoff::Backoff;
use crate::handover::Handover;
use crate::outbox::{Parcel, Postbag};
use crate::seat::Seat;
use crate::{ClientError, channel};

/// How long a daemon may take to welcome.
const WELCOME_WITHIN: Duration = Duration::from_secs(3);

/// How long a dropped session waits for the daemon to take its last reports.
const FAREWELL: Duration = Duration::from_millis(100);

/// No daemon's word keeps an app from choosing for itself for longer than this.
const LONGEST_LEASE: Duration = Duration::from_secs(30);

/// Messages on their way up that the daemon has not taken yet.
const UNSENT: usize = 16;

/// What the background thread owns.
#[derive(Debug)]
pub(crate) struct Link {
    socket: PathBuf,
    hello: v1::Hello,
    /// How many sub-networks the app's model has.
    subnetworks: usize,
    handover: Arc<Handover>,
    seat: Arc<Seat>,
    postbag: Postbag,
    backoff: Backoff,
    /// How long an assignment stays in force without a daemon, as the last one said.
    lease: Duration,
    /// When the lease of the present assignment ends; not while there is a daemon to renew it.
    lease_ends: Option<Instant>,
}

enum State {
    /// Reaching for the daemon, saying hello, waiting for its welcome.
    Connecting,
    /// Speaking with the daemon.
    Connected(Box<Conversation>),
    /// Between two tries.
    Waiting(Duration),
}

/// The two directions of a session's stream.
struct Conversation {
    up: mpsc::Sender<v1::ClientMessage>,
    down: Streaming<v1::DaemonMessage>,
}

impl Link {
    pub(crate) fn new(
        socket: PathBuf,
        hello: Hello,
        handover: Arc<Handover>,
        seat: Arc<Seat>,
        postbag: Postbag,
    ) -> Self {
        let subnetworks = hello.model.subnetworks.len();
        Self {
            socket,
            hello: hello.into(),
            subnetworks,
            handover,
            seat,
            postbag,
            backoff: Backoff::new(),
            lease: Duration::ZERO,
            lease_ends: None,
        }
    }

    /// Runs until the other end of `alive` is dropped.
    pub(crate) async fn run(mut self, mut alive: oneshot::Receiver<Infallible>) {
        let mut state = State::Connecting;
        loop {
            let lease_ends = self.lease_ends;
            let next = tokio::select! {
                _ = &mut alive => return self.closed(state).await,
                () = reached(lease_ends) => None,
                next = self.advance(&mut state) => Some(next),
            };
            match next {
                Some(next) => state = next,
                None => self.expired(),
            }
        }
    }

    /// Cancelled, it is begun anew: no step of it may be lost.
    async fn advance(&mut self, state: &mut State) -> State {
        match state {
            State::Connecting => self.connecting().await,
            State::Connected(conversation) => self.connected(conversation).await,
            State::Waiting(pause) => waiting(*pause).await,
        }
    }

    async fn connecting(&mut self) -> State {
        match tokio::time::timeout(WELCOME_WITHIN, self.say_hello()).await {
            Ok(Ok(conversation)) => self.welcomed(conversation),
            Ok(Err(why)) => self.lost(&why),
            Err(_) => self.lost(&ClientError::Silent {
                call: "open a session",
                socket: self.socket.clone(),
            }),
        }
    }

    async fn connected(&mut self, conversation: &mut Conversation) -> State {
        loop {
            tokio::select! {
                message = conversation.down.message() => match message {
                    Ok(Some(message)) => self.heard(message),
                    Ok(None) => return self.lost(&ClientError::Ended { socket: self.socket.clone() }),
                    Err(status) => return self.lost(&ClientError::call("stay in the session", status)),
                },
                () = self.postbag.due() => self.send_batch(&conversation.up),
            }
        }
    }

    async fn say_hello(&mut self) -> Result<Conversation, ClientError> {
        let refused = |status| ClientError::call("open a session", status);
        let mut client = channel::connect(&self.socket).await?;
        let (up, messages) = mpsc::channel(UNSENT);
        // The channel is empty: it has room.
        let hello = v1::Hello {
            holding: self.handover.held().as_deref().and_then(holding),
            ..self.hello.clone()
        };
        let _ = up.try_send(message(Up::Hello(hello)));
        let mut down = client
            .session(ReceiverStream::new(messages))
            .await
            .map_err(refused)?
            .into_inner();
        match down.message().await.map_err(refused)? {
            Some(v1::DaemonMessage {
                message: Some(Down::Welcome(welcome)),
            }) => {
                tracing::info!(
                    app = welcome.app,
                    daemon = welcome.daemon_version,
                    "connected to dynd"
                );
                self.lease = Duration::from_millis(welcome.lease_ms.into()).min(LONGEST_LEASE);
                Ok(Conversation { up, down })
            }
            _ => Err(ClientError::NoWelcome {
                socket: self.socket.clone(),
            }),
        }
    }

    /// Connecting → Connected. What was meant for an earlier daemon is of no use to this one.
    fn welcomed(&mut self, conversation: Conversation) -> State {
        drop(self.postbag.take());
        self.handover.welcomed();
        State::Connected(Box::new(conversation))
    }

    /// Connecting or Connected → Waiting.
    fn lost(&mut self, why: &ClientError) -> State {
        tracing::debug!(why = why.chain(), "no dynd");
        self.handover.refused(why);
        if self.handover.held().is_some() {
            self.lease_ends.get_or_insert(Instant::now() + self.lease);
        }
        let (link, pause) = if is_refusal(why) {
            (crate::Link::Refused, Backoff::refused())
        } else {
            (crate::Link::Alone, self.backoff.pause())
        };
        self.handover.lost(link);
        State::Waiting(pause)
    }

    /// The lease has ended: the session selects for itself, on any CPU.
    fn expired(&mut self) {
        self.lease_ends = None;
        self.seat.offer(CpuSet::EMPTY);
        self.handover.expired();
    }

    /// Any state → the end. The daemon gets the last reports if it takes them soon.
    async fn closed(mut self, state: State) {
        let State::Connected(conversation) = state else {
            return;
        };
        let Conversation { up, mut down } = *conversation;
        self.send_batch(&up);
        drop(up);
        let ended = async { while let Ok(Some(_)) = down.message().await {} };
        let _ = tokio::time::timeout(FAREWELL, ended).await;
    }

    fn heard(&mut self, message: v1::DaemonMessage) {
        // What this version does not know is left to newer clients.
        let Some(Down::Assignment(assignment)) = message.message else {
            return;
        };
        match self.understood(assignment) {
            Ok(assignment) => {
                self.backoff.succeeded();
                self.lease_ends = None;
                let cpus = assignment.cpus;
                // Told first: an inference that begins in between finds its pool not there yet, and goes on as before.
                self.handover.assigned(assignment);
                self.seat.offer(cpus);
                self.handover.settled();
            }
            Err(why) => {
                tracing::warn!(why = why.chain(), "dynd's assignment is ignored");
                self.handover.refused(&why);
            }
        }
    }

    fn understood(&self, assignment: v1::Assignment) -> Result<Assignment, ClientError> {
        let assignment = Assignment::try_from(assignment).map_err(ClientError::Answer)?;
        match assignment
            .ladder
            .iter()
            .find(|rung| rung.subnetwork >= self.subnetworks)
        {
            Some(rung) => Err(ClientError::NoSuchSubnetwork {
                subnetwork: rung.subnetwork,
            }),
            None => Ok(assignment),
        }
    }

    /// Never waits. To a daemon that does not take its messages reports are lost, acknowledgements only late.
    fn send_batch(&mut self, up: &mpsc::Sender<v1::ClientMessage>) {
        for parcel in self.postbag.take() {
            match parcel {
                Parcel::Reports(reports) => {
                    let _ = up.try_send(message(Up::Reports(reports.into())));
                }
                Parcel::Ack(ack) => {
                    if let Err(TrySendError::Full(_)) = up.try_send(message(Up::Ack(ack.into()))) {
                        self.postbag.put_back(ack);
                    }
                }
            }
        }
    }
}

async fn waiting(pause: Duration) -> State {
    tokio::time::sleep(pause).await;
    State::Connecting
}

async fn reached(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}

/// What the app still runs of `assignment`.
fn holding(assignment: &Assignment) -> Option<v1::Holding> {
    let rung = assignment.ladder.first()?;
    let holding = Holding {
        subnetwork: rung.subnetwork,
        processor: assignment.processor.clone(),
        cpus: assignment.cpus,
    };
    Some(holding.into())
}

fn message(message: Up) -> v1::ClientMessage {
    v1::ClientMessage {
        message: Some(message),
    }
}

/// True if the daemon said no for a reason that a next try will hardly change.
fn is_refusal(why: &ClientError) -> bool {
    use Code::{FailedPrecondition, InvalidArgument, PermissionDenied, Unauthenticated, Unimplemented};
    let ClientError::Call { status, .. } = why else {
        return false;
    };
    matches!(
        status.code(),
        FailedPrecondition | InvalidArgument | PermissionDenied | Unauthenticated | Unimplemented
    )
}
