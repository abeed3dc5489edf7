//! The background thread of a session: finds the daemon, speaks with it, finds it again.
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
use dynd_vocab::{Assignment, CpuSet, Hello};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
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
        }
    }

    /// Runs until the other end of `alive` is dropped.
    pub(crate) async fn run(mut self, mut alive: oneshot::Receiver<Infallible>) {
        let mut state = State::Connecting;
        loop {
            let next = match &mut state {
                State::Connecting => until(&mut alive, self.connecting()).await,
                State::Connected(conversation) => until(&mut alive, self.connected(conversation)).await,
                State::Waiting(pause) => until(&mut alive, waiting(*pause)).await,
            };
            state = match next {
                Some(next) => next,
                None => return self.closed(state).await,
            };
        }
    }

    async fn connecting(&mut self) -> State {
        let silent = || ClientError::Silent {
            call: "open a session",
            socket: self.socket.clone(),
        };
        match tokio::time::timeout(WELCOME_WITHIN, self.say_hello())
            .await
            .unwrap_or_else(|_| Err(silent()))
        {
            Ok(conversation) => self.welcomed(conversation),
            Err(why) => self.lost(&why),
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

    async fn say_hello(&self) -> Result<Conversation, ClientError> {
        let refused = |status| ClientError::call("open a session", status);
        let mut client = channel::connect(&self.socket).await?;
        let (up, messages) = mpsc::channel(UNSENT);
        // The channel is empty: it has room.
        let _ = up.try_send(message(Up::Hello(self.hello.clone())));
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
        self.seat.offer(CpuSet::EMPTY);
        self.handover.lost();
        State::Waiting(if is_refusal(why) {
            Backoff::refused()
        } else {
            self.backoff.pause()
        })
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
                let cpus = assignment.cpus;
                // Told first: an inference that begins now must know both or neither.
                self.handover.assigned(assignment);
                self.seat.offer(cpus);
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

/// What `work` comes to, or none if the session is dropped first.
async fn until<T>(alive: &mut oneshot::Receiver<Infallible>, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        _ = alive => None,
        outcome = work => Some(outcome),
    }
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
