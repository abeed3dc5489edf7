//! Sessions against a scripted daemon, over a real socket, with a real thread to pin.

#![allow(clippy::unwrap_used)]

mod scripted;

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use dynd_client::{
    CpuSet, Job, Link, ModelKind, ModelTable, OperatingPoint, Quality, Report, Requirement, Seconds, Session,
    SessionConfig, Standing, Subnetwork, Tid, now, this_thread,
};
use dynd_proto::v1;
use scripted::{DEADLINE, Heard, Manner, ScriptedDaemon, allowed_cpus};
use tonic::Status;

/// A target that no inference of these tests misses, so that nothing is urgent.
const RELAXED: f64 = 1000.0;

fn config(socket: &Path) -> SessionConfig {
    let subnetwork = |name: &str, quality, macs| Subnetwork {
        name: name.into(),
        quality: Quality::new(quality).unwrap(),
        macs,
        memory_bytes: 0,
    };
    SessionConfig {
        socket: socket.to_owned(),
        name: "camera".into(),
        model: ModelTable {
            name: "toy".into(),
            kind: ModelKind::Family,
            quality_metric: "top-1".into(),
            subnetworks: vec![subnetwork("small", 0.9, 1000), subnetwork("large", 0.98, 2000)],
        },
        requirement: Requirement {
            latency: Seconds::new(RELAXED),
            percentile: 0.95,
            min_quality: Quality::ZERO,
            period: None,
        },
        max_threads: 3,
        profile: vec![OperatingPoint {
            subnetwork: 1,
            processor: "cpu".into(),
            cores: 1,
            clock: None,
            median: Seconds::from_millis(2.0),
            p95: Seconds::from_millis(3.0),
        }],
    }
}

/// Assignment `number`: sub-network 1, on `cpus`.
fn assignment(number: u64, cpus: CpuSet) -> v1::Assignment {
    v1::Assignment {
        generation: Some(v1::Generation { epoch: 7, number }),
        standing: v1::Standing::Met.into(),
        reason: "a test says so".into(),
        processor: "cpu".into(),
        cpus: cpus.iter().collect(),
        ladder: vec![v1::Rung {
            subnetwork: 1,
            undisturbed_s: 0.002,
            bound_s: 0.003,
        }],
        requirement: Some(config(Path::new("")).requirement.into()),
        contended: false,
    }
}

/// A directory for a socket.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn socket(&self) -> PathBuf {
        self.0.path().join("dynd.sock")
    }

    /// A session with the daemon here.
    fn session(&self) -> Session {
        Session::open(config(&self.socket())).unwrap()
    }

    /// A daemon, and a session that it has welcomed.
    fn welcomed(&self) -> (ScriptedDaemon, Session) {
        let daemon = ScriptedDaemon::start(&self.socket(), Manner::Welcome);
        let session = self.session();
        assert!(matches!(daemon.hear(), Heard::Hello(_)));
        until("welcomed", || session.link() == Link::Connected);
        (daemon, session)
    }
}

/// A thread that infers nothing, but can be pinned.
struct Worker {
    tid: Tid,
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    fn start() -> Self {
        let (sender, tid) = mpsc::channel();
        let (stop, stopped) = mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            sender.send(this_thread()).unwrap();
            let _ = stopped.recv();
        });
        Self {
            tid: tid.recv().unwrap(),
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    fn allowed(&self) -> CpuSet {
        allowed_cpus(self.tid).parse().unwrap()
    }

    /// One CPU on which it may run: where there are several, not all it may run on.
    fn one_cpu(&self) -> CpuSet {
        CpuSet::single(self.allowed().iter().last().unwrap())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.stop.take());
        let _ = self.thread.take().unwrap().join();
    }
}

fn infer(session: &mut Session) -> Report {
    let job = session.begin(now());
    session.end(job)
}

fn begin(session: &mut Session) -> Job {
    session.begin(now())
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !holds() {
        assert!(Instant::now() < deadline, "not {what} in time");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn hello_arrives_as_it_was_said() {
    let place = Place::new();
    let daemon = ScriptedDaemon::start(&place.socket(), Manner::Welcome);
    let _session = place.session();
    let Heard::Hello(hello) = daemon.hear() else {
        panic!("no hello")
    };
    let SessionConfig {
        name,
        model,
        requirement,
        max_threads,
        profile,
        ..
    } = config(&place.socket());
    assert_eq!(
        hello,
        dynd_vocab::Hello {
            name,
            model,
            requirement,
            max_threads,
            profile,
            holding: None,
        }
        .into()
    );
}

#[test]
fn an_assignment_is_taken_up_at_the_next_begin_and_pinned_before_it_is_acknowledged() {
    let place = Place::new();
    let (daemon, mut session) = place.welcomed();
    let worker = Worker::start();
    let (home, cpus) = (worker.allowed(), worker.one_cpu());
    daemon.watch(worker.tid);
    session.set_pool(vec![worker.tid]);
    let before = begin(&mut session);
    assert_eq!(
        (before.cpus, before.cores, before.switched),
        (CpuSet::EMPTY, 3, true)
    );

    daemon.assign(assignment(1, cpus));
    assert!(session.wait_assigned(DEADLINE));
    assert_eq!(worker.allowed(), home, "moved in the middle of an inference");
    let _ = session.end(before);
    assert_eq!(worker.allowed(), cpus, "not moved between two inferences");
    let job = begin(&mut session);
    assert_eq!(
        (job.subnetwork, job.cpus, job.cores, job.switched),
        (1, cpus, 1, true)
    );
    let _ = session.end(job);
    let again = begin(&mut session);
    assert!(!again.switched);
    let _ = session.end(again);

    let Heard::Ack(generation, allowed) = daemon.hear() else {
        panic!("no acknowledgement")
    };
    assert_eq!(
        (generation.epoch, generation.number, allowed),
        (7, 1, cpus.to_string())
    );

    drop(session);
    assert_eq!(worker.allowed(), home);
}

#[test]
fn reports_come_in_order_and_in_batches() {
    let place = Place::new();
    let (daemon, mut session) = place.welcomed();
    daemon.assign(assignment(1, CpuSet::EMPTY));
    assert!(session.wait_assigned(DEADLINE));
    let sent: Vec<Report> = (0..100).map(|_| infer(&mut session)).collect();

    let mut reports = Vec::new();
    let mut batches = 0;
    while reports.len() < sent.len() {
        match daemon.hear() {
            Heard::Ack(..) => {}
            Heard::Reports(batch) => {
                batches += 1;
                reports.extend(batch);
            }
            other => panic!("{other:?}"),
        }
    }
    let expect: Vec<v1::Report> = sent.into_iter().map(Into::into).collect();
    assert_eq!(reports, expect);
    assert!(batches < 50, "{batches} messages for 100 reports");
}

#[test]
fn what_begins_after_a_pause_is_said_before_it_ends() {
    const PERIOD: Duration = Duration::from_millis(50);
    let place = Place::new();
    let daemon = ScriptedDaemon::start(&place.socket(), Manner::Welcome);
    let mut config = config(&place.socket());
    config.requirement.period = Some(PERIOD.into());
    let mut session = Session::open(config).unwrap();
    assert!(matches!(daemon.hear(), Heard::Hello(_)));
    daemon.assign(assignment(1, CpuSet::EMPTY));
    assert!(session.wait_assigned(DEADLINE));
    let _ = infer(&mut session);
    std::thread::sleep(4 * PERIOD);
    let job = begin(&mut session);
    loop {
        match daemon.hear() {
            Heard::Reports(reports) if reports.is_empty() => break,
            Heard::Reports(_) | Heard::Ack(..) => {}
            other => panic!("{other:?}"),
        }
    }
    let _ = session.end(job);
}

#[test]
fn a_session_outlives_its_daemon_and_finds_the_next_one() {
    let place = Place::new();
    let (daemon, mut session) = place.welcomed();
    let worker = Worker::start();
    let (home, cpus) = (worker.allowed(), worker.one_cpu());
    session.set_pool(vec![worker.tid]);
    daemon.assign(assignment(1, cpus));
    assert!(session.wait_assigned(DEADLINE));
    let _ = infer(&mut session);
    assert_eq!(worker.allowed(), cpus);

    drop(daemon);
    until("alone", || session.link() == Link::Alone);
    let job = begin(&mut session);
    assert_eq!((job.cpus, worker.allowed()), (cpus, cpus), "the lease still runs");
    let _ = session.end(job);
    until("unpinned", || {
        let _ = infer(&mut session);
        worker.allowed() == home && session.assignment().is_none()
    });
    // As wide as it was told last: other apps may still be there.
    let job = begin(&mut session);
    assert_eq!((job.cpus, job.cores), (CpuSet::EMPTY, 1));
    let _ = session.end(job);
    until("the missing socket told", || {
        session
            .refusal()
            .is_some_and(|why| why.contains("is dynd running?"))
    });

    let daemon = ScriptedDaemon::start(&place.socket(), Manner::Welcome);
    let Heard::Hello(hello) = daemon.hear() else {
        panic!("no hello")
    };
    assert_eq!(hello.name, "camera");
    until("welcomed", || session.link() == Link::Connected);
    assert_eq!(session.refusal(), None);
    daemon.assign(assignment(1, cpus));
    assert!(session.wait_assigned(DEADLINE));
    let _ = infer(&mut session);
    assert_eq!(worker.allowed(), cpus);
    // What was reported to the first daemon, or to none, does not reach the second.
    assert!(matches!(daemon.hear(), Heard::Ack(..)), "old reports came first");
}

#[test]
fn a_daemon_that_is_back_within_the_lease_is_told_what_runs() {
    let place = Place::new();
    let (daemon, mut session) = place.welcomed();
    let worker = Worker::start();
    let cpus = worker.one_cpu();
    session.set_pool(vec![worker.tid]);
    daemon.assign(assignment(1, cpus));
    assert!(session.wait_assigned(DEADLINE));
    let _ = infer(&mut session);
    drop(daemon);
    until("alone", || session.link() == Link::Alone);

    let daemon = ScriptedDaemon::start(&place.socket(), Manner::Welcome);
    let Heard::Hello(hello) = daemon.hear() else {
        panic!("no hello")
    };
    let holding = v1::Holding {
        subnetwork: 1,
        processor: "cpu".into(),
        cpus: cpus.iter().collect(),
    };
    assert_eq!(hello.holding, Some(holding));
    let job = begin(&mut session);
    assert_eq!((job.subnetwork, job.cpus, job.switched), (1, cpus, false));
    let _ = session.end(job);

    // The lease of the first daemon's assignment ends; the second's has none.
    daemon.assign(assignment(2, cpus));
    let taken_up = |session: &Session| session.assignment().map(|one| one.generation.number) == Some(2);
    until("taken up", || {
        let _ = infer(&mut session);
        taken_up(&session)
    });
    let end = Instant::now() + Duration::from_millis(1500);
    while Instant::now() < end {
        let _ = infer(&mut session);
        assert!(taken_up(&session), "lost when the old lease ended");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(worker.allowed(), cpus);
}

#[test]
fn an_inference_that_is_given_up_holds_nothing() {
    let place = Place::new();
    let (daemon, mut session) = place.welcomed();
    let worker = Worker::start();
    let cpus = worker.one_cpu();
    session.set_pool(vec![worker.tid]);
    drop(begin(&mut session));
    daemon.assign(assignment(1, cpus));
    until("moved", || worker.allowed() == cpus);
}

#[test]
fn a_daemon_that_never_answers_blocks_nothing() {
    let place = Place::new();
    let daemon = ScriptedDaemon::start(&place.socket(), Manner::Silence);
    let mut session = place.session();
    assert!(matches!(daemon.hear(), Heard::Hello(_)));
    let start = Instant::now();
    for _ in 0..10 {
        let _ = infer(&mut session);
    }
    assert!(start.elapsed() < Duration::from_secs(1));
    assert_eq!(session.link(), Link::Alone);
    assert!(!session.wait_assigned(Duration::from_millis(1)));
    until("the silence told", || {
        session
            .refusal()
            .is_some_and(|why| why.contains("does not answer"))
    });
    drop(session);
    assert!(start.elapsed() < DEADLINE);
}

#[test]
fn a_daemon_that_hangs_loses_its_apps() {
    let place = Place::new();
    let (daemon, mut session) = place.welcomed();
    let worker = Worker::start();
    let home = worker.allowed();
    session.set_pool(vec![worker.tid]);
    daemon.assign(assignment(1, worker.one_cpu()));
    assert!(session.wait_assigned(DEADLINE));
    let _ = infer(&mut session);
    let thaw = daemon.freeze();
    until("unpinned", || {
        let _ = infer(&mut session);
        worker.allowed() == home
    });
    drop(thaw);
    until("welcomed again", || session.link() == Link::Connected);
}

#[test]
fn a_refused_hello_is_remembered_and_not_repeated_soon() {
    let place = Place::new();
    let refusal = Manner::Refusal(Status::failed_precondition("only version 9 is spoken here"));
    let daemon = ScriptedDaemon::start(&place.socket(), refusal);
    let mut session = place.session();
    assert!(matches!(daemon.hear(), Heard::Hello(_)));
    until("told", || session.refusal().is_some());
    assert_eq!(
        session.refusal().unwrap(),
        "failed to open a session: only version 9 is spoken here"
    );
    assert!(daemon.overhear(Duration::from_millis(1500)).is_none());
    assert!(
        !session.wait_assigned(DEADLINE),
        "waits for an answer that has come"
    );
    let _ = infer(&mut session);
    assert_eq!(session.link(), Link::Refused);
}

#[test]
fn what_cannot_be_pinned_is_not_acknowledged() {
    let place = Place::new();
    let (daemon, mut session) = place.welcomed();
    let worker = Worker::start();
    let home = worker.allowed();
    session.set_pool(vec![worker.tid]);
    let nowhere = (0..CpuSet::CAPACITY)
        .rev()
        .map(CpuSet::single)
        .find(|cpu| home.intersection(*cpu).is_empty());
    daemon.assign(assignment(1, worker.one_cpu().union(nowhere.unwrap())));
    assert!(session.wait_assigned(DEADLINE));
    let job = begin(&mut session);
    assert_eq!((job.cpus, worker.allowed()), (CpuSet::EMPTY, home));
    let _ = session.end(job);
    assert!(
        session.refusal().unwrap().starts_with("failed to pin thread"),
        "{:?}",
        session.refusal()
    );

    daemon.assign(assignment(2, worker.one_cpu()));
    until("pinned", || {
        let _ = infer(&mut session);
        worker.allowed() == worker.one_cpu() && session.assignment().is_some()
    });
    let Heard::Ack(generation, _) = daemon.hear() else {
        panic!("not acknowledged first")
    };
    assert_eq!(generation.number, 2);
}

#[test]
fn a_blocked_app_is_offered_its_smallest_subnetwork() {
    let place = Place::new();
    let (daemon, mut session) = place.welcomed();
    let blocked = v1::Assignment {
        standing: v1::Standing::Blocked.into(),
        ladder: Vec::new(),
        ..assignment(1, CpuSet::EMPTY)
    };
    daemon.assign(blocked);
    assert!(session.wait_assigned(DEADLINE));
    let job = begin(&mut session);
    assert_eq!((job.subnetwork, job.cores, job.cpus), (0, 3, CpuSet::EMPTY));
    let _ = session.end(job);
    assert_eq!(session.assignment().unwrap().standing, Standing::Blocked);
    assert!(matches!(daemon.hear(), Heard::Ack(..)));
}

#[test]
fn an_assignment_that_makes_no_sense_is_ignored() {
    let place = Place::new();
    let (daemon, mut session) = place.welcomed();
    let mut unknown = assignment(1, CpuSet::EMPTY);
    unknown.ladder[0].subnetwork = 2;
    daemon.assign(unknown);
    until("told", || {
        session
            .refusal()
            .is_some_and(|why| why.contains("no sub-network 2"))
    });
    let _ = infer(&mut session);
    assert!(session.assignment().is_none());
    assert_eq!(session.link(), Link::Connected);
}

#[test]
fn a_dropped_session_sends_its_last_reports_and_ends_the_stream() {
    let place = Place::new();
    let (daemon, mut session) = place.welcomed();
    daemon.assign(assignment(1, CpuSet::EMPTY));
    assert!(session.wait_assigned(DEADLINE));
    let _ = infer(&mut session);
    drop(session);
    let mut reports = 0;
    loop {
        match daemon.hear() {
            Heard::Reports(batch) => reports += batch.len(),
            Heard::Ack(..) => {}
            Heard::End => break,
            Heard::Hello(_) => panic!("a dropped session said hello"),
        }
    }
    assert_eq!(reports, 1);
}

#[test]
fn a_pool_of_threads_that_do_not_exist_is_told() {
    let place = Place::new();
    let mut session = place.session();
    session.set_pool(vec![Tid::MAX]);
    // The background thread, which finds no socket, may speak at the same time.
    until("told", || {
        session.set_pool(vec![Tid::MAX]);
        session
            .refusal()
            .is_some_and(|why| why.starts_with("failed to read the cpus of thread"))
    });
}

#[test]
fn invalid_settings_are_refused_before_anything_is_sent() {
    let place = Place::new();
    let refused = |config| {
        let error = Session::open(config).unwrap_err();
        std::error::Error::source(&error).unwrap().to_string()
    };
    let config = config(&place.socket());
    assert_eq!(
        refused(SessionConfig {
            name: String::new(),
            ..config.clone()
        }),
        "name: must not be empty"
    );
    assert_eq!(
        refused(SessionConfig {
            max_threads: 0,
            ..config.clone()
        }),
        "max_threads: must be at least 1"
    );
    let requirement = Requirement {
        latency: Seconds::new(-1.0),
        ..config.requirement
    };
    assert_eq!(
        refused(SessionConfig {
            requirement,
            ..config
        }),
        "requirement.latency_s: must be a positive, finite time"
    );
}
