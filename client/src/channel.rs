//! One gRPC connection over a Unix socket.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dynd_proto::v1::dynd_client::DyndClient;
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tonic::transport::{Channel, Endpoint};

use crate::ClientError;

/// A daemon that hangs without dying is found out by HTTP/2 pings, within three seconds: the lease. Client and
/// daemon are suspended and resumed together, so that the monotonic clock is the right one.
const PING_EVERY: Duration = Duration::from_secs(1);
const PONG_WITHIN: Duration = Duration::from_secs(2);

/// Connects to the daemon at `socket`. The connection is not renewed when it breaks: calls fail from then on.
pub(crate) async fn connect(socket: &Path) -> Result<DyndClient<Channel>, ClientError> {
    let stream = UnixStream::connect(socket)
        .await
        .map_err(|error| ClientError::reach(socket, error))?;
    let stream = Arc::new(Mutex::new(Some(TokioIo::new(stream))));
    let connector = tower::service_fn(move |_: tonic::transport::Uri| {
        let stream = stream.lock().unwrap_or_else(PoisonError::into_inner).take();
        std::future::ready(stream.ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected)))
    });
    // The authority means nothing on a Unix socket, but HTTP wants one.
    let endpoint = Endpoint::from_static("http://dynd")
        .http2_keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PONG_WITHIN);
    let handshake = |source| ClientError::Handshake {
        socket: socket.to_owned(),
        source,
    };
    Ok(DyndClient::new(
        endpoint
            .connect_with_connector(connector)
            .await
            .map_err(handshake)?,
    ))
}
