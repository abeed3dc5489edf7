//! What the app thread sends to the daemon: reports in batches, acknowledgements at once.
//!
//! 1. The first report of a batch wakes the background thread, which starts the batch's clock and then stops
//!    listening: further reports cost the app no system call.
//! 2. The batch leaves when the clock says so, or when the bell rings: for an acknowledgement, an urgent
//!    report, or a full batch.

use std::sync::Arc;
use std::time::Duration;

use dynd_vocab::{Generation, Report};
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

/// How long a report may wait for others.
const BATCH_TIME: Duration = Duration::from_millis(200);

/// How many reports make a batch that leaves at once.
const BATCH_LEN: usize = 64;

/// How many messages may wait while the background thread does not get to run. More are dropped.
const CAPACITY: usize = dynd_proto::limits::REPORTS;

/// When a report must leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// With the batch.
    Batch,
    /// At once.
    Now,
}

/// Both ends of a new outbox.
pub(crate) fn outbox() -> (Outbox, Postbag) {
    let (sender, receiver) = mpsc::channel(CAPACITY);
    let bell = Arc::new(Notify::new());
    let postbag = Postbag {
        receiver,
        bell: bell.clone(),
        due: None,
        batch: Vec::new(),
    };
    (
        Outbox {
            sender,
            bell,
            waiting: 0,
        },
        postbag,
    )
}

/// The app's end. Nothing here waits.
#[derive(Debug)]
pub(crate) struct Outbox {
    sender: mpsc::Sender<Letter>,
    bell: Arc<Notify>,
    /// Reports since the bell last rang.
    waiting: usize,
}

impl Outbox {
    /// Sends a report; drops it if too many wait already.
    pub(crate) fn report(&mut self, report: Report, urgency: Urgency) {
        let _ = self.sender.try_send(Letter::Report(report));
        self.waiting += 1;
        if urgency == Urgency::Now || self.waiting >= BATCH_LEN {
            self.ring();
        }
    }

    /// Says at once that an inference begins after a pause.
    pub(crate) fn begins(&mut self) {
        let _ = self.sender.try_send(Letter::Begins);
        self.ring();
    }

    /// Sends an acknowledgement. False if too much waits already: then it must be tried again.
    pub(crate) fn ack(&mut self, generation: Generation) -> bool {
        let sent = self.sender.try_send(Letter::Ack(generation)).is_ok();
        self.ring();
        sent
    }

    fn ring(&mut self) {
        self.waiting = 0;
        self.bell.notify_one();
    }
}

#[derive(Clone, Copy, Debug)]
enum Letter {
    Begins,
    Report(Report),
    Ack(Generation),
}

/// What leaves together, in the order in which it was sent: the daemon relates reports to the acknowledgement
/// before them.
#[derive(Debug)]
pub(crate) enum Parcel {
    /// Reports, oldest first; none where an inference begins after a pause.
    Reports(Vec<Report>),
    /// What the app runs from now on.
    Ack(Generation),
}

/// The background thread's end.
#[derive(Debug)]
pub(crate) struct Postbag {
    receiver: mpsc::Receiver<Letter>,
    bell: Arc<Notify>,
    /// When the batch that has begun must leave.
    due: Option<Instant>,
    batch: Vec<Parcel>,
}

impl Postbag {
    /// Waits until a batch should leave. Nothing is lost when it is cancelled.
    pub(crate) async fn due(&mut self) {
        let due = match self.due {
            Some(due) => due,
            None => {
                tokio::select! {
                    () = self.bell.notified() => return,
                    Some(letter) = self.receiver.recv() => self.add(letter),
                }
                *self.due.insert(Instant::now() + BATCH_TIME)
            }
        };
        tokio::select! {
            () = self.bell.notified() => {}
            () = tokio::time::sleep_until(due) => {}
        }
    }

    /// Everything sent so far.
    pub(crate) fn take(&mut self) -> Vec<Parcel> {
        self.due = None;
        while let Ok(letter) = self.receiver.try_recv() {
            self.add(letter);
        }
        std::mem::take(&mut self.batch)
    }

    /// Puts an acknowledgement that could not leave back for the next batch.
    pub(crate) fn put_back(&mut self, ack: Generation) {
        self.batch.retain(|parcel| !matches!(parcel, Parcel::Ack(_)));
        self.batch.push(Parcel::Ack(ack));
        self.due.get_or_insert_with(|| Instant::now() + BATCH_TIME);
    }

    fn add(&mut self, letter: Letter) {
        match (letter, self.batch.last_mut()) {
            (Letter::Begins, _) => self.batch.push(Parcel::Reports(Vec::new())),
            (Letter::Report(report), Some(Parcel::Reports(reports))) => reports.push(report),
            (Letter::Report(report), _) => self.batch.push(Parcel::Reports(vec![report])),
            (Letter::Ack(generation), _) => self.batch.push(Parcel::Ack(generation)),
        }
    }
}

#[cfg(test)]
mod tests {
    use dynd_vocab::Timestamp;

    use super::*;

    fn report() -> Report {
        Report {
            subnetwork: 0,
            cores: 1,
            ended: Timestamp::default(),
            service: Duration::ZERO,
            latency: Duration::ZERO,
            after_switch: false,
        }
    }

    /// After `send` something is due at once, or not.
    async fn check(send: impl FnOnce(&mut Outbox), expect: bool) {
        let (mut outbox, mut postbag) = outbox();
        send(&mut outbox);
        let due = tokio::time::timeout(Duration::ZERO, postbag.due()).await.is_ok();
        assert_eq!(due, expect);
    }

    #[tokio::test]
    async fn only_what_cannot_wait_is_due_at_once() {
        check(|_| {}, false).await;
        check(|outbox| outbox.report(report(), Urgency::Batch), false).await;
        check(|outbox| outbox.report(report(), Urgency::Now), true).await;
        check(Outbox::begins, true).await;
        check(|outbox| assert!(outbox.ack(Generation::default())), true).await;
        check(
            |outbox| (0..BATCH_LEN).for_each(|_| outbox.report(report(), Urgency::Batch)),
            true,
        )
        .await;
    }

    #[tokio::test]
    async fn reports_do_not_overtake_acknowledgements() {
        let (mut outbox, mut postbag) = outbox();
        outbox.report(report(), Urgency::Batch);
        outbox.report(report(), Urgency::Batch);
        assert!(outbox.ack(Generation::default()));
        outbox.report(report(), Urgency::Batch);
        postbag.due().await;
        let parcels = postbag.take();
        let [Parcel::Reports(before), Parcel::Ack(_), Parcel::Reports(after)] = parcels.as_slice() else {
            panic!("{parcels:?}")
        };
        assert_eq!((before.len(), after.len()), (2, 1));
    }

    #[test]
    fn a_full_outbox_drops_reports_and_keeps_acknowledgements_for_later() {
        let (mut outbox, mut postbag) = outbox();
        (0..=CAPACITY).for_each(|_| outbox.report(report(), Urgency::Batch));
        assert!(!outbox.ack(Generation::default()));
        let parcels = postbag.take();
        assert!(matches!(parcels.as_slice(), [Parcel::Reports(reports)] if reports.len() == CAPACITY));
        assert!(outbox.ack(Generation::default()));
    }
}
