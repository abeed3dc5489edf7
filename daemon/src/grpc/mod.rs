//! gRPC over Unix sockets: sessions of apps and calls of operators.

mod bucket;
mod connection;
mod operator;
mod session;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use dynd_proto::v1;
use dynd_proto::v1::dynd_server::{Dynd, DyndServer};
use dynd_vocab::{AppId, Identity};
use tokio::net::UnixListener;
use tokio::sync::{Semaphore, watch};
use tonic::{Request, Response, Status, Streaming};

use crate::control::Mailbox;
use crate::observer::Observer;

/// Sessions at a time.
const SESSIONS: usize = 64;
/// Streams of one connection at a time.
const STREAMS: u32 = 32;
/// How often a connection is asked for a sign of life, and how long that may take: together the lease of 3 s.
const PING_EVERY: Duration = Duration::from_secs(2);
const PONG_WITHIN: Duration = Duration::from_secs(1);
/// The largest message taken from a client, in bytes; a hello with the largest profile fits.
const MESSAGE_BYTES: usize = 1 << 20;

/// The service `dynd.v1.Dynd`; clones are one service on several sockets.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    mailbox: Mailbox,
    observer: Observer,
    /// Becomes true when the daemon stops: all streams end.
    stopping: watch::Receiver<bool>,
    places: Arc<Semaphore>,
    numbers: Arc<AtomicU32>,
}

impl Service {
    /// A service in front of the control thread behind `mailbox`.
    pub(crate) fn new(mailbox: Mailbox, observer: Observer, stopping: watch::Receiver<bool>) -> Self {
        let places = Arc::new(Semaphore::new(SESSIONS));
        Self {
            mailbox,
            observer,
            stopping,
            places,
            numbers: Arc::new(AtomicU32::new(1)),
        }
    }

    /// Serves the socket called `socket` until the daemon stops and every connection is closed.
    pub(crate) async fn serve(
        self,
        listener: UnixListener,
        socket: String,
    ) -> Result<(), tonic::transport::Error> {
        let mut stopping = self.stopping.clone();
        let dynd = DyndServer::new(self).max_decoding_message_size(MESSAGE_BYTES);
        tonic::transport::Server::builder()
            .max_concurrent_streams(STREAMS)
            // A stopped app does not end its stream: it is found by its silence, within the lease.
            .http2_keepalive_interval(Some(PING_EVERY))
            .http2_keepalive_timeout(Some(PONG_WITHIN))
            .serve_with_incoming_shutdown(dynd, connection::incoming(listener, socket), async move {
                let _ = stopping.wait_for(|stopping| *stopping).await;
            })
            .await
    }

    fn number_app(&self) -> AppId {
        AppId(self.numbers.fetch_add(1, Ordering::Relaxed))
    }

    fn sessions(&self) -> usize {
        SESSIONS - self.places.available_permits()
    }
}

#[tonic::async_trait]
impl Dynd for Service {
    type SessionStream = session::Answers;
    type WatchStatusStream = operator::Statuses;

    async fn session(
        &self,
        request: Request<Streaming<v1::ClientMessage>>,
    ) -> Result<Response<Self::SessionStream>, Status> {
        let identity = request.extensions().get::<Arc<Identity>>().cloned();
        let identity = identity.ok_or_else(|| Status::internal("the connection has no identity"))?;
        session::open(self, identity, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn get_status(
        &self,
        _request: Request<v1::GetStatusRequest>,
    ) -> Result<Response<v1::Status>, Status> {
        operator::status(&self.observer).await.map(Response::new)
    }

    async fn watch_status(
        &self,
        _request: Request<v1::WatchStatusRequest>,
    ) -> Result<Response<Self::WatchStatusStream>, Status> {
        Ok(Response::new(operator::watch(
            self.observer.clone(),
            self.stopping.clone(),
        )))
    }

    async fn release(
        &self,
        request: Request<v1::ReleaseRequest>,
    ) -> Result<Response<v1::ReleaseReply>, Status> {
        let processor = request.into_inner().processor;
        operator::release(&self.mailbox, processor)
            .await
            .map(Response::new)
    }

    async fn explain_app(
        &self,
        request: Request<v1::ExplainAppRequest>,
    ) -> Result<Response<v1::Explanation>, Status> {
        operator::explain(&self.mailbox, request.into_inner().app)
            .await
            .map(Response::new)
    }
}
