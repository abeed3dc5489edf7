//! What the service manager is told (`sd_notify`). Without one, nothing happens.

use std::time::Duration;

use sd_notify::NotifyState;

use crate::control::Mailbox;

/// The daemon serves.
pub(crate) fn ready() {
    send(&[NotifyState::Ready, NotifyState::Status("0 apps")]);
}

/// The number of apps changed.
pub(crate) fn apps(count: usize) {
    let plural = if count == 1 { "" } else { "s" };
    send(&[NotifyState::Status(&format!("{count} app{plural}"))]);
}

/// The policy is read again; [`reloaded`] must follow.
pub(crate) fn reloading() {
    if let Ok(now) = NotifyState::monotonic_usec_now() {
        send(&[NotifyState::Reloading, now]);
    }
}

/// The policy was read again, or refused.
pub(crate) fn reloaded() {
    send(&[NotifyState::Ready]);
}

/// The daemon stops.
pub(crate) fn stopping() {
    send(&[NotifyState::Stopping]);
}

/// Feeds the watchdog, if there is one, for as long as the control thread answers. Both threads that serve
/// apps must be alive for that: this runs on one and asks the other.
pub(crate) async fn feed_watchdog(mailbox: Mailbox) {
    let Some(timeout) = sd_notify::watchdog_enabled() else {
        return;
    };
    let mut beat = tokio::time::interval((timeout / 2).max(Duration::from_millis(1)));
    loop {
        beat.tick().await;
        if mailbox.look().await.is_err() {
            return;
        }
        send(&[NotifyState::Watchdog]);
    }
}

fn send(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "failed to notify the service manager");
    }
}
