//! A session: what an inference app holds.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use dynd_core::Selector;
use dynd_proto::v1;
use dynd_vocab::{
    Assignment, CpuSet, Generation, Hello, ModelTable, OperatingPoint, Report, Requirement, Seconds,
    Standing, Timestamp,
};
use tokio::sync::oneshot;

use crate::handover::{Handover, Link};
use crate::outbox::{Outbox, Urgency, outbox};
use crate::pool::Pool;
use crate::seat::{Occupied, Place, Seat};
use crate::slice::stay_out_of_the_way;
use crate::tick::await_tick;
use crate::{ClientError, Tid, link, now};

/// What a session is opened with.
#[derive(Clone, Debug)]
pub struct SessionConfig {
    /// The daemon's socket; [`default_socket`](crate::default_socket) for the usual one.
    pub socket: PathBuf,
    /// What the app calls itself: a hint for people and policies.
    pub name: String,
    /// Its model.
    pub model: ModelTable,
    /// What it needs.
    pub requirement: Requirement,
    /// The most threads its inference can use.
    pub max_threads: u32,
    /// What its sub-networks were measured to take; may be empty.
    pub profile: Vec<OperatingPoint>,
}

/// An app that has not inferred for so many of its periods has paused, and the daemon may have lent its share.
const PAUSE: f64 = 3.0;

/// An app's session with the daemon, and its selector when there is none. Dropping it ends the session, frees
/// the app's share and unpins its pool.
#[derive(Debug)]
pub struct Session {
    selector: Selector,
    /// What the app asked for itself.
    requirement: Requirement,
    max_threads: u32,
    /// As many threads as the last assignment had CPUs; all of them before the first.
    cores: u32,
    seat: Arc<Seat>,
    handover: Arc<Handover>,
    /// The version of the hand-over that was taken up last.
    seen: u64,
    mode: Mode,
    unacked: Option<Generation>,
    previous: Option<(usize, u32, CpuSet)>,
    outbox: Outbox,
    /// When an inference last ended; before that, when the session was opened.
    ended: Timestamp,
    /// Held to be dropped last: it then sends what is left.
    _background: Background,
}

/// By whose choice inferences run.
#[derive(Clone, Debug)]
enum Mode {
    /// By the session's own.
    Alone,
    /// By the daemon's.
    Assigned(Arc<Assignment>),
}

/// One inference, from [`Session::begin`] to [`Session::end`].
#[derive(Debug)]
#[must_use = "an inference that has begun is to be ended with Session::end"]
pub struct Job {
    /// Index of the sub-network to run.
    pub subnetwork: usize,
    /// How many threads to run it on.
    pub cores: u32,
    /// Where the pool is pinned; empty when it is not.
    pub cpus: CpuSet,
    /// True if sub-network or cores differ from those of the previous job, and for the first.
    pub switched: bool,
    /// How long [`Session::begin`] waited for the scheduler's tick; zero unless others compete for the CPU.
    pub waited: Duration,
    release: Timestamp,
    began: Timestamp,
    /// Whether the daemon is to hear of it.
    audience: Audience,
    /// The pool is moved when this is dropped.
    occupied: Occupied,
}

/// Who learns from an inference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Audience {
    /// The selector: unpinned latencies would mislead the daemon.
    Selector,
    /// The daemon too.
    Daemon,
}

impl Session {
    /// Opens a session. It looks for the daemon in the background, for as long as it lives, and does not wait
    /// for it here: until the first assignment comes it selects for itself.
    ///
    /// # Errors
    /// If the settings are invalid, or no thread can be started. That no daemon is there is no error.
    pub fn open(config: SessionConfig) -> Result<Self, ClientError> {
        let SessionConfig {
            socket,
            name,
            model,
            requirement,
            max_threads,
            profile,
        } = config;
        let hello = Hello {
            name,
            model,
            requirement,
            max_threads,
            profile,
            holding: None,
        };
        // What the daemon would refuse is refused here.
        let hello = Hello::try_from(v1::Hello::from(hello)).map_err(ClientError::Config)?;
        let selector = Selector::new(hello.model.clone(), requirement, &hello.profile);
        let handover = Arc::new(Handover::default());
        let (outbox, postbag) = outbox();
        let seat = Arc::new(Seat::default());
        let link = link::Link::new(socket, hello, handover.clone(), seat.clone(), postbag);
        Ok(Self {
            selector,
            requirement,
            max_threads,
            cores: max_threads,
            seat,
            handover,
            seen: 0,
            mode: Mode::Alone,
            unacked: None,
            previous: None,
            outbox,
            ended: now(),
            _background: Background::start(link).map_err(ClientError::Start)?,
        })
    }

    /// Waits until an assignment has come, a daemon has refused the session or the limit has passed; true if there
    /// is an assignment. For apps that would rather start late than by their own choice.
    pub fn wait_assigned(&mut self, limit: Duration) -> bool {
        self.handover.wait(limit)
    }

    /// Names the kernel threads of the inference pool: these are pinned, and no others. Where they may run now
    /// is where they return to without a daemon. An earlier pool is unpinned; the new one is pinned at once. If a
    /// thread cannot be found, the pool is empty and [`refusal`](Self::refusal) says why.
    pub fn set_pool(&mut self, threads: Vec<Tid>) {
        self.set_teams(&[threads]);
    }

    /// As [`set_pool`](Self::set_pool), for a pool of several teams: threads that run one inference together. A
    /// team of as many threads as there are CPUs gets one CPU each.
    pub fn set_teams(&mut self, teams: &[Vec<Tid>]) {
        // First, so that a thread that stays is not taken to be at home where it was pinned.
        self.seat.replace(Pool::default());
        match Pool::new(teams) {
            Ok(pool) => self.seat.replace(pool),
            Err(why) => self.handover.refused(&why),
        }
        // Whether the new pool sits where it should is seen when the assignment is taken up anew.
        self.seen = 0;
    }

    /// Before an inference that was, or should have been, released at `release` ([`now`] for one that runs on
    /// demand): says what to run. A newer assignment is taken up here if its pool has been moved, between two
    /// inferences; else by the next one. [`end`](Self::end) acknowledges it. Waits for no daemon; where others
    /// compete for the CPU it waits for the scheduler's next tick if that would cut the inference and time allows.
    ///
    /// When the daemon can give the app nothing ([`Standing::Blocked`]) this is the smallest sub-network,
    /// unpinned; whether to run it is the app's decision (see [`assignment`](Self::assignment)).
    pub fn begin(&mut self, release: Timestamp) -> Job {
        let occupied = self.seat.occupy();
        self.take_up();
        let decided = now();
        if self.has_paused(decided) {
            self.outbox.begins();
        }
        let (cpus, requirement, audience) = match &self.mode {
            Mode::Assigned(assignment) => (assignment.cpus, assignment.requirement, Audience::Daemon),
            Mode::Alone => (CpuSet::EMPTY, self.requirement, Audience::Selector),
        };
        // Alone, an app stays as wide as it was told last: others may still be there.
        if !cpus.is_empty() {
            self.cores = cpus.len().min(self.max_threads);
        }
        let cores = self.cores;
        let remaining = requirement.latency - Seconds::from(decided.since(release));
        let subnetwork = match self.assignment() {
            // The table is in ascending order.
            Some(assignment) if assignment.standing == Standing::Blocked => 0,
            _ => self.selector.choose(remaining, cores).subnetwork,
        };
        let rung = self
            .assignment()
            .filter(|assignment| assignment.contended)
            .and_then(|assignment| {
                let mut ladder = assignment.ladder.iter();
                ladder.find(|rung| rung.subnetwork == subnetwork).copied()
            });
        let waited = rung.map_or(Duration::ZERO, |rung| await_tick(rung.undisturbed, remaining));
        let present = Some((subnetwork, cores, cpus));
        let switched = present != self.previous;
        self.previous = present;
        Job {
            subnetwork,
            cores,
            cpus,
            switched,
            waited,
            release,
            began: now(),
            audience,
            occupied,
        }
    }

    /// After an inference: learns from it, and reports it to the daemon with the next batch, or at once if it
    /// was late.
    pub fn end(&mut self, job: Job) -> Report {
        let ended = now();
        self.ended = ended;
        drop(job.occupied);
        // What runs has run: not before, since to send is a system call and would widen the gap of the switch.
        self.ack();
        let report = Report {
            subnetwork: job.subnetwork,
            cores: job.cores,
            ended,
            service: ended.since(job.began),
            latency: ended.since(job.release),
            after_switch: job.switched,
        };
        let urgency = if self.selector.record(&report) {
            Urgency::Now
        } else {
            Urgency::Batch
        };
        if job.audience == Audience::Daemon {
            self.outbox.report(report, urgency);
        }
        report
    }

    /// Whether there is a daemon.
    pub fn link(&self) -> Link {
        self.handover.link()
    }

    /// The assignment that inferences run by, kept for a while after the daemon is gone; none when the session
    /// selects for itself.
    pub fn assignment(&self) -> Option<&Assignment> {
        match &self.mode {
            Mode::Assigned(assignment) => Some(assignment),
            Mode::Alone => None,
        }
    }

    /// For people: what last went wrong between this session, the daemon and the pool. Forgotten when a daemon
    /// welcomes the session.
    pub fn refusal(&self) -> Option<String> {
        self.handover.refusal()
    }

    /// True if the app has not inferred for so long that the daemon has to be told that it does again.
    fn has_paused(&self, now: Timestamp) -> bool {
        let period = self.requirement.period;
        period.is_some_and(|period| Seconds::from(now.since(self.ended)) > period * PAUSE)
    }

    /// What the daemon said last, once the pool sits where it says. Without the pin the daemon's predictions do not
    /// hold, so that the session had better choose for itself.
    fn take_up(&mut self) {
        let mut seen = self.seen;
        let Some(news) = self.handover.news(&mut seen) else {
            return;
        };
        let cpus = news.as_ref().map_or(CpuSet::EMPTY, |assignment| assignment.cpus);
        match (self.seat.at(cpus), news) {
            (Ok(Place::Soon), _) => return,
            (Ok(Place::There), Some(assignment)) => self.adopt(assignment),
            (Ok(Place::There), None) => self.stand_alone(),
            (Err(why), _) => {
                self.handover.refused(&why);
                self.stand_alone();
            }
        }
        self.seen = seen;
    }

    /// Alone or Assigned → Assigned; the end of the first inference acknowledges.
    fn adopt(&mut self, assignment: Arc<Assignment>) {
        self.selector.assign(&assignment);
        self.unacked = Some(assignment.generation);
        self.mode = Mode::Assigned(assignment);
    }

    /// Alone or Assigned → Alone.
    fn stand_alone(&mut self) {
        self.selector.alone();
        self.unacked = None;
        self.mode = Mode::Alone;
    }

    fn ack(&mut self) {
        if let Some(generation) = self.unacked
            && self.outbox.ack(generation)
        {
            self.unacked = None;
        }
    }
}

/// The background thread. Dropping it stops and joins it, within a tenth of a second or so.
#[derive(Debug)]
struct Background {
    alive: Option<oneshot::Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

impl Background {
    fn start(link: link::Link) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()?;
        let (alive, dropped) = oneshot::channel();
        let run = move || {
            // It shares the cores of the inference pool, which it must not interrupt. A wish, not a need.
            if let Err(error) = stay_out_of_the_way() {
                tracing::debug!(%error, "failed to change the scheduling policy");
            }
            runtime.block_on(link.run(dropped));
        };
        let thread = std::thread::Builder::new()
            .name("dynd-session".into())
            .spawn(run)?;
        Ok(Self {
            alive: Some(alive),
            thread: Some(thread),
        })
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        drop(self.alive.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
