//! A daemon that does what the test says: a real gRPC server on a socket of its own, in a thread of its own.

// Each test binary uses its part of this.
#![allow(dead_code, unreachable_pub)]

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use dynd_client::Tid;
use dynd_proto::v1;
use dynd_proto::v1::client_message::Message as Up;
use dynd_proto::v1::daemon_message::Message as Down;
use dynd_proto::v1::dynd_server::{Dynd, DyndServer};
use tokio::net::UnixListener;
use tokio::sync::{mpsc as channel, oneshot};
use tokio_stream::wrappers::{ReceiverStream, UnboundedReceiverStream, UnixListenerStream};
use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Response, Status, Streaming};

/// Long enough for any machine; a test that waits this long has failed.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// What the daemon heard from its client.
#[derive(Debug)]
pub enum Heard {
    Hello(v1::Hello),
    Reports(Vec<v1::Report>),
    /// An acknowledgement, and where the watched thread was allowed to run when it arrived.
    Ack(v1::Generation, String),
    /// The client's stream ended.
    End,
}

/// How the daemon answers a hello.
#[derive(Clone, Debug)]
pub enum Manner {
    Welcome,
    Silence,
    Refusal(Status),
}

type Orders = channel::UnboundedSender<Result<v1::DaemonMessage, Status>>;

/// Killed when dropped.
pub struct ScriptedDaemon {
    heard: mpsc::Receiver<Heard>,
    watched: Arc<AtomicI32>,
    orders: Arc<Mutex<Option<Orders>>>,
    frost: channel::UnboundedSender<mpsc::Receiver<()>>,
    kill: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    socket: PathBuf,
}

impl ScriptedDaemon {
    /// Listens at `socket` when this returns.
    pub fn start(socket: &Path, manner: Manner) -> Self {
        let (told, heard) = mpsc::channel();
        let (kill, killed) = oneshot::channel();
        let (frost, mut frosts) = channel::unbounded_channel::<mpsc::Receiver<()>>();
        let (ready, started) = mpsc::channel();
        let watched = Arc::new(AtomicI32::new(0));
        let orders = Arc::new(Mutex::new(None));
        let script = Script {
            manner,
            told,
            watched: watched.clone(),
            orders: orders.clone(),
        };
        let path = socket.to_owned();
        let serve = move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let listener = UnixListener::bind(&path).unwrap();
                ready.send(()).unwrap();
                let serving = tonic::transport::Server::builder()
                    .serve_with_incoming(DyndServer::new(script), UnixListenerStream::new(listener));
                // Blocks the whole daemon, its connections included, until the test thaws it.
                let freezing = async {
                    while let Some(thawed) = frosts.recv().await {
                        let _ = thawed.recv();
                    }
                };
                tokio::select! {
                    served = serving => served.unwrap(),
                    () = freezing => {}
                    _ = killed => {}
                }
            });
        };
        let thread = std::thread::spawn(serve);
        started.recv().unwrap();
        Self {
            heard,
            watched,
            orders,
            frost,
            kill: Some(kill),
            thread: Some(thread),
            socket: socket.to_owned(),
        }
    }

    /// Acknowledgements tell from now on where this thread may run.
    pub fn watch(&self, thread: Tid) {
        self.watched.store(thread, Ordering::SeqCst);
    }

    /// The next thing that the client says.
    pub fn hear(&self) -> Heard {
        self.heard.recv_timeout(DEADLINE).unwrap()
    }

    /// The next thing that the client says, if it says anything in this time.
    pub fn overhear(&self, limit: Duration) -> Option<Heard> {
        self.heard.recv_timeout(limit).ok()
    }

    /// Sends an assignment to the latest session.
    pub fn assign(&self, assignment: v1::Assignment) {
        let message = v1::DaemonMessage {
            message: Some(Down::Assignment(assignment)),
        };
        self.orders
            .lock()
            .unwrap()
            .as_ref()
            .unwrap()
            .send(Ok(message))
            .unwrap();
    }

    /// Stops the daemon's thread in its tracks, without closing anything, until the answer is dropped.
    pub fn freeze(&self) -> mpsc::Sender<()> {
        let (thaw, thawed) = mpsc::channel();
        self.frost.send(thawed).unwrap();
        thaw
    }
}

impl Drop for ScriptedDaemon {
    fn drop(&mut self) {
        drop(self.kill.take());
        let _ = self.thread.take().unwrap().join();
        let _ = std::fs::remove_file(&self.socket);
    }
}

struct Script {
    manner: Manner,
    told: mpsc::Sender<Heard>,
    watched: Arc<AtomicI32>,
    orders: Arc<Mutex<Option<Orders>>>,
}

#[tonic::async_trait]
impl Dynd for Script {
    type SessionStream = UnboundedReceiverStream<Result<v1::DaemonMessage, Status>>;
    type WatchStatusStream = Pin<Box<dyn Stream<Item = Result<v1::Status, Status>> + Send>>;

    async fn session(
        &self,
        request: Request<Streaming<v1::ClientMessage>>,
    ) -> Result<Response<Self::SessionStream>, Status> {
        let mut stream = request.into_inner();
        let Some(v1::ClientMessage {
            message: Some(Up::Hello(hello)),
        }) = stream.message().await?
        else {
            return Err(Status::invalid_argument("no hello"));
        };
        match &self.manner {
            Manner::Welcome => {}
            Manner::Silence => {
                let _ = self.told.send(Heard::Hello(hello));
                return std::future::pending().await;
            }
            Manner::Refusal(status) => {
                let _ = self.told.send(Heard::Hello(hello));
                return Err(status.clone());
            }
        }
        let (orders, down) = channel::unbounded_channel();
        let welcome = v1::Welcome {
            app: 1,
            daemon_version: "scripted".into(),
            lease_ms: 1000,
        };
        let _ = orders.send(Ok(v1::DaemonMessage {
            message: Some(Down::Welcome(welcome)),
        }));
        *self.orders.lock().unwrap() = Some(orders);
        // Who hears it may give orders at once.
        let _ = self.told.send(Heard::Hello(hello));
        tokio::spawn(listen(
            stream,
            self.told.clone(),
            self.watched.clone(),
            self.orders.clone(),
        ));
        Ok(Response::new(UnboundedReceiverStream::new(down)))
    }

    async fn explain_app(
        &self,
        request: Request<v1::ExplainAppRequest>,
    ) -> Result<Response<v1::Explanation>, Status> {
        let app = request.into_inner().app;
        Err(Status::not_found(format!("no app is called '{app}'")))
    }

    async fn get_status(&self, _: Request<v1::GetStatusRequest>) -> Result<Response<v1::Status>, Status> {
        match &self.manner {
            Manner::Welcome => Ok(Response::new(dynd_client::Status::default().into())),
            Manner::Silence => std::future::pending().await,
            Manner::Refusal(status) => Err(status.clone()),
        }
    }

    async fn release(
        &self,
        request: Request<v1::ReleaseRequest>,
    ) -> Result<Response<v1::ReleaseReply>, Status> {
        match &self.manner {
            Manner::Welcome if request.into_inner().processor == "big" => {
                Ok(Response::new(v1::ReleaseReply {}))
            }
            Manner::Welcome => Err(Status::not_found("no such processor")),
            Manner::Silence => std::future::pending().await,
            Manner::Refusal(status) => Err(status.clone()),
        }
    }

    /// Two statuses, then the end.
    async fn watch_status(
        &self,
        _: Request<v1::WatchStatusRequest>,
    ) -> Result<Response<Self::WatchStatusStream>, Status> {
        let (sender, receiver) = channel::channel(2);
        for pid in [1, 2] {
            let mut status = dynd_client::Status::default();
            status.daemon.pid = pid;
            sender.send(status).await.unwrap();
        }
        Ok(Response::new(Box::pin(
            ReceiverStream::new(receiver).map(|status| Ok(status.into())),
        )))
    }
}

async fn listen(
    mut stream: Streaming<v1::ClientMessage>,
    told: mpsc::Sender<Heard>,
    watched: Arc<AtomicI32>,
    orders: Arc<Mutex<Option<Orders>>>,
) {
    while let Ok(Some(v1::ClientMessage {
        message: Some(message),
    })) = stream.message().await
    {
        let heard = match message {
            Up::Hello(hello) => Heard::Hello(hello),
            Up::Reports(batch) => Heard::Reports(batch.reports),
            Up::Ack(ack) => Heard::Ack(
                ack.generation.unwrap(),
                allowed_cpus(watched.load(Ordering::SeqCst)),
            ),
        };
        let _ = told.send(heard);
    }
    let _ = told.send(Heard::End);
    *orders.lock().unwrap() = None;
}

/// Where the kernel allows a thread of this process to run; empty if there is no such thread.
pub fn allowed_cpus(thread: Tid) -> String {
    let status = std::fs::read_to_string(format!("/proc/self/task/{thread}/status")).unwrap_or_default();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    line.unwrap_or_default().trim().to_owned()
}
