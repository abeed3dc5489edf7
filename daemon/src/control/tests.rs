//! The control thread beside a board thread whose sensors are slow: the real threads, on files of a real board.

use std::sync::mpsc::sync_channel;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use dynd_board::{Host, Snapshot};
use dynd_vocab::{
    Actuation, AppRule, Board, BoardDescription, Confined, Confinement, ModelKind, ModelTable, Pid,
    ProblemStatus, ProcessorName, PutBack, Quality, Requirement, Seconds, Setting, Subnetwork,
};
use tempfile::TempDir;
use tokio::sync::watch::Receiver as Watched;

use super::*;
use crate::sampler::{self, ORDER_QUEUE};

const DELAY: Duration = Duration::from_millis(5);

/// Apps that come, report and go.
const ROUNDS: u32 = 41;

/// There is at most one plan in 5 ms: what is reported later than this after one is answered at once.
const SINCE_PLAN: Duration = Duration::from_millis(6);

/// Far more than a step takes on a busy machine, and less than the delay of a single sensor.
const MARGIN: Duration = Duration::from_millis(3);

/// A board of which each sensor takes its time to answer.
struct Slow {
    host: Host,
    delay: Duration,
}

impl Board for Slow {
    fn describe(&self) -> &BoardDescription {
        self.host.describe()
    }

    fn sample(&mut self, now: Timestamp, apps: &[Pid], into: &mut Sample) {
        self.host.sample(now, apps, into);
        let clocks = into.clocks.len() + into.loads.len() + into.memory.len();
        let sensors = clocks + into.rails.len() + into.zones.len() + into.cooling.len();
        thread::sleep(self.delay * u32::try_from(sensors).unwrap());
    }

    fn problems(&self) -> &[ProblemStatus] {
        self.host.problems()
    }

    fn apply(&mut self, setting: &Setting) -> Vec<Actuation> {
        self.host.apply(setting)
    }

    fn confine(&mut self, apps: &[Confinement]) -> Vec<Confined> {
        self.host.confine(apps)
    }

    fn restore(&mut self) -> Vec<PutBack> {
        self.host.restore()
    }
}

/// A daemon without its sockets.
struct Daemon {
    mailbox: Mailbox,
    threads: Vec<JoinHandle<()>>,
    _problems: Watched<Vec<ProblemStatus>>,
    next: u32,
    _files: TempDir,
}

impl Daemon {
    fn start(delay: Duration) -> Self {
        let files = TempDir::new().unwrap();
        let listing = include_str!("../../../board/tests/fixtures/rk3588.tree");
        Snapshot::parse(listing).unwrap().write(files.path()).unwrap();
        let host = Host::discover(files.path()).unwrap();
        let (mailbox, commands) = Mailbox::new();
        let (orders, ordered) = sync_channel(ORDER_QUEUE);
        let (trouble, problems) = watch::channel(Vec::new());
        // On one processor only, so that the answer to a miss is a cheaper sub-network.
        let rule = AppRule {
            processors: vec![ProcessorName::Named("big0".into())],
            ..AppRule::default()
        };
        let policy = Policy {
            apps: vec![rule],
            ..Policy::default()
        };
        let controller = Controller::new(host.describe().clone(), policy, 1);
        let outlets = Outlets {
            orders,
            revision: watch::channel(0).0,
            events: mpsc::channel(1).0,
            occupied: None,
        };
        let (mut board, sampling) = (Slow { host, delay }, mailbox.clone());
        let threads = vec![
            thread::spawn(move || Driver::new(controller, outlets).run(&commands)),
            thread::spawn(move || sampler::run(&mut board, &ordered, &sampling, &trouble)),
        ];
        Self {
            mailbox,
            threads,
            _problems: problems,
            next: 1,
            _files: files,
        }
    }

    /// The time from the report of a new app that was late to the assignment that answers it.
    async fn answers_within(&mut self) -> Duration {
        let app = AppId(self.next);
        self.next += 1;
        let (outbox, mut assignments) = watch::channel(None);
        let identity = Identity {
            // Another process each time, so that the board thread gets new orders.
            pid: Some(Pid(4_000_000 + app.0)),
            ..Identity::default()
        };
        let opening = Opening {
            app,
            identity,
            hello: hello(),
            outbox,
        };
        self.mailbox
            .post_blocking(Command::Open(Box::new(opening)))
            .unwrap();
        let first = changed(&mut assignments).await;
        thread::sleep(SINCE_PLAN);
        let report = Report {
            subnetwork: first.ladder[0].subnetwork,
            cores: first.cpus.len(),
            ended: clock::now(),
            service: Duration::from_millis(70),
            latency: Duration::from_millis(70),
            after_switch: false,
        };
        let start = Instant::now();
        let reports = Command::Reports(app, vec![report; 8]);
        self.mailbox.post_blocking(reports).unwrap();
        let next = changed(&mut assignments).await;
        let took = start.elapsed();
        assert!(next.ladder[0].subnetwork < first.ladder[0].subnetwork, "{next:?}");
        self.mailbox.post_blocking(Command::Close(app)).unwrap();
        took
    }

    async fn stop(self) {
        self.mailbox.post_blocking(Command::Stop).unwrap();
        for thread in self.threads {
            thread.join().unwrap();
        }
    }
}

async fn changed(assignments: &mut Watched<Option<Assignment>>) -> Assignment {
    let deadline = Duration::from_secs(20);
    tokio::time::timeout(deadline, assignments.changed())
        .await
        .expect("an assignment comes")
        .unwrap();
    assignments.borrow_and_update().clone().unwrap()
}

fn hello() -> Hello {
    let subnetwork = |name: &str, quality, macs| Subnetwork {
        name: name.into(),
        quality: Quality::new(quality).unwrap(),
        macs,
        memory_bytes: 1 << 20,
    };
    Hello {
        name: "camera".into(),
        model: ModelTable {
            name: "digits".into(),
            kind: ModelKind::Supernet,
            quality_metric: "top-1".into(),
            subnetworks: vec![
                subnetwork("half", 0.95, 5_000_000),
                subnetwork("full", 0.98, 20_000_000),
            ],
        },
        requirement: Requirement {
            latency: Seconds::from_millis(50.0),
            percentile: 0.95,
            min_quality: Quality::ZERO,
            period: None,
        },
        max_threads: 1,
        profile: Vec::new(),
        holding: None,
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

#[tokio::test]
async fn slow_sensors_do_not_move_the_answer_to_a_report() {
    let (mut quick, mut slow) = (Daemon::start(Duration::ZERO), Daemon::start(DELAY));
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        without.push(quick.answers_within().await);
        with.push(slow.answers_within().await);
    }
    let (without, with) = (median(without), median(with));
    println!("from a report to its answer: {without:?}, with slow sensors {with:?}");
    assert!(
        with < without + MARGIN,
        "{with:?} with slow sensors, {without:?} without"
    );
    quick.stop().await;
    slow.stop().await;
}
