//! The daemon at the other end of the socket.

use std::path::Path;

use dynd_client::{ClientError, Operator};
use dynd_vocab::Status;

/// The status of the daemon that listens on `socket`.
///
/// # Errors
/// If none answers.
pub(crate) async fn status(socket: &Path) -> Result<Status, ClientError> {
    Operator::connect(socket).await?.status().await
}
