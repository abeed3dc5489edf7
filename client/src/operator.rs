//! Calls for the tools of operators.

use std::path::{Path, PathBuf};
use std::time::Duration;

use dynd_proto::v1;
use dynd_proto::v1::dynd_client::DyndClient;
use dynd_vocab::{Status, Why};
use tokio_stream::{Stream, StreamExt};
use tonic::transport::Channel;

use crate::{ClientError, channel};

/// How long a daemon may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

const READ: &str = "read the status";
const EXPLAIN: &str = "explain the app";
const WATCH: &str = "watch the status";
const RELEASE: &str = "release the clock";

/// A connection for operators. It is not renewed when it breaks.
#[derive(Debug)]
pub struct Operator {
    client: DyndClient<Channel>,
    socket: PathBuf,
}

impl Operator {
    /// Connects to the daemon at `socket`.
    ///
    /// # Errors
    /// If nothing can be reached there; the message says what to do.
    pub async fn connect(socket: &Path) -> Result<Self, ClientError> {
        Ok(Self {
            client: channel::connect(socket).await?,
            socket: socket.to_owned(),
        })
    }

    /// The state of everything, now.
    ///
    /// # Errors
    /// If the daemon refuses, says nothing for five seconds, or makes no sense.
    pub async fn status(&mut self) -> Result<Status, ClientError> {
        let silent = || ClientError::Silent {
            call: READ,
            socket: self.socket.clone(),
        };
        let call = self.client.get_status(v1::GetStatusRequest {});
        let answer = tokio::time::timeout(ANSWER_WITHIN, call)
            .await
            .map_err(|_| silent())?;
        understood(answer.map(tonic::Response::into_inner), READ)
    }

    /// Has the daemon ask anew for what the policy says of the clock of `processor`, which somebody else has changed.
    ///
    /// # Errors
    /// If there is no such processor, its clock is not contested, or the daemon says nothing for five seconds.
    pub async fn release(&mut self, processor: &str) -> Result<(), ClientError> {
        let silent = || ClientError::Silent {
            call: RELEASE,
            socket: self.socket.clone(),
        };
        let call = self.client.release(v1::ReleaseRequest {
            processor: processor.to_owned(),
        });
        let answer = tokio::time::timeout(ANSWER_WITHIN, call)
            .await
            .map_err(|_| silent())?;
        answer
            .map(|_| ())
            .map_err(|status| ClientError::call(RELEASE, status))
    }

    /// Why an app, given by its number or its name, got what it has.
    ///
    /// # Errors
    /// If no app is called so, or several, or if the daemon says nothing for five seconds or makes no sense.
    pub async fn why(&mut self, app: &str) -> Result<Why, ClientError> {
        let silent = || ClientError::Silent {
            call: EXPLAIN,
            socket: self.socket.clone(),
        };
        let call = self
            .client
            .explain_app(v1::ExplainAppRequest { app: app.to_owned() });
        let answer = tokio::time::timeout(ANSWER_WITHIN, call)
            .await
            .map_err(|_| silent())?;
        answer
            .map_err(|status| ClientError::call(EXPLAIN, status))?
            .into_inner()
            .try_into()
            .map_err(ClientError::Answer)
    }

    /// The state of everything, again after each change and at least once a second.
    ///
    /// # Errors
    /// If the daemon refuses or says nothing for five seconds; in the stream, if the daemon goes or makes no
    /// sense.
    pub async fn watch(
        &mut self,
    ) -> Result<impl Stream<Item = Result<Status, ClientError>> + Send + Unpin + use<>, ClientError> {
        let silent = || ClientError::Silent {
            call: WATCH,
            socket: self.socket.clone(),
        };
        let call = self.client.watch_status(v1::WatchStatusRequest {});
        let answer = tokio::time::timeout(ANSWER_WITHIN, call)
            .await
            .map_err(|_| silent())?;
        let stream = answer
            .map_err(|status| ClientError::call(WATCH, status))?
            .into_inner();
        Ok(stream.map(|status| understood(status, WATCH)))
    }
}

fn understood(answer: Result<v1::Status, tonic::Status>, call: &'static str) -> Result<Status, ClientError> {
    answer
        .map_err(|status| ClientError::call(call, status))?
        .try_into()
        .map_err(ClientError::Answer)
}
