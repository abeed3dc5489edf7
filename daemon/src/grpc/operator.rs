//! The calls of operators: the state of everything, once or again and again.

use std::time::Duration;

use dynd_core::{ReleaseError, WhyError};
use dynd_proto::v1;
use futures_util::stream::{self, BoxStream, StreamExt};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tonic::Status;

use crate::control::Mailbox;
use crate::observer::Observer;

/// What a watch yields.
pub(super) type Statuses = BoxStream<'static, Result<v1::Status, Status>>;

/// A watched status comes at least this often…
const SLOWEST: Duration = Duration::from_secs(1);
/// …and at most this often.
const FASTEST: Duration = Duration::from_millis(100);

/// The state of everything, now.
pub(super) async fn status(observer: &Observer) -> Result<v1::Status, Status> {
    match observer.status().await {
        Ok(status) => Ok(status.into()),
        Err(gone) => Err(Status::unavailable(gone.to_string())),
    }
}

/// Releases the contested clock of a processor.
pub(super) async fn release(mailbox: &Mailbox, processor: String) -> Result<v1::ReleaseReply, Status> {
    match mailbox.release(processor).await {
        Ok(Ok(())) => Ok(v1::ReleaseReply {}),
        Ok(Err(error @ ReleaseError::Unknown { .. })) => Err(Status::not_found(error.to_string())),
        Ok(Err(error @ ReleaseError::NotContested { .. })) => {
            Err(Status::failed_precondition(error.to_string()))
        }
        Err(gone) => Err(Status::unavailable(gone.to_string())),
    }
}

/// Why the app called so got what it has.
pub(super) async fn explain(mailbox: &Mailbox, app: String) -> Result<v1::Explanation, Status> {
    match mailbox.explain(app).await {
        Ok(Ok(why)) => Ok(why.into()),
        Ok(Err(error @ WhyError::Unknown { .. })) => Err(Status::not_found(error.to_string())),
        Ok(Err(error)) => Err(Status::failed_precondition(error.to_string())),
        Err(gone) => Err(Status::unavailable(gone.to_string())),
    }
}

/// The state of everything, now and after each change, until the daemon stops.
pub(super) fn watch(observer: Observer, stopping: watch::Receiver<bool>) -> Statuses {
    let revision = observer.revision();
    stream::unfold(
        Watch {
            observer,
            stopping,
            revision,
            last: None,
        },
        |mut watch| async move {
            let status = watch.next().await?;
            Some((status, watch))
        },
    )
    .boxed()
}

struct Watch {
    observer: Observer,
    stopping: watch::Receiver<bool>,
    revision: watch::Receiver<u64>,
    last: Option<Instant>,
}

impl Watch {
    async fn next(&mut self) -> Option<Result<v1::Status, Status>> {
        if let Some(last) = self.last {
            tokio::select! {
                _ = self.stopping.wait_for(|stopping| *stopping) => return None,
                () = change(&mut self.revision, last) => {}
            }
        }
        self.last = Some(Instant::now());
        self.revision.mark_unchanged();
        Some(status(&self.observer).await)
    }
}

/// Waits for a change, neither too short nor too long after `last`.
async fn change(revision: &mut watch::Receiver<u64>, last: Instant) {
    // Neither the time running out nor a control thread that is gone changes what follows: a look.
    let _ = timeout(SLOWEST, revision.changed()).await;
    sleep_until(last + FASTEST).await;
}
