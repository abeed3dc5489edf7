//! The policy file: read at the start, and again at SIGHUP. A file that cannot be used changes nothing.

use dynd_files::FileError;
use dynd_vocab::{BoardDescription, Policy, PolicyStatus};
use tokio::signal::unix::Signal;
use tokio::sync::watch;

use crate::control::{Command, Mailbox};
use crate::notify;
use crate::settings::PolicySource;

/// Reads the policy from `source`, for `board`.
pub(crate) fn load(
    source: &PolicySource,
    board: &BoardDescription,
) -> Result<(Policy, PolicyStatus), FileError> {
    let file = source.file();
    let policy = match file {
        Some(path) => dynd_files::load_policy(path, Some(board))?,
        None => Policy::default(),
    };
    let status = PolicyStatus {
        objective: policy.objective.label().to_owned(),
        file: file.map(|path| path.display().to_string()),
    };
    Ok((policy, status))
}

/// Reads the policy again at each `hangup`.
pub(crate) async fn on_hangup(
    mut hangup: Signal,
    source: PolicySource,
    board: BoardDescription,
    mailbox: Mailbox,
    in_force: watch::Sender<PolicyStatus>,
) {
    while hangup.recv().await.is_some() {
        notify::reloading();
        match load(&source, &board) {
            Ok((policy, status)) => {
                let file = status.file.as_deref().unwrap_or("built-in").to_owned();
                if mailbox.post(Command::Policy(Box::new(policy))).await.is_err() {
                    return;
                }
                in_force.send_replace(status);
                tracing::info!(%file, "policy read again");
            }
            Err(error) => {
                let error = anyhow::Error::from(error);
                tracing::error!("policy unchanged: {error:#}");
            }
        }
        notify::reloaded();
    }
}
