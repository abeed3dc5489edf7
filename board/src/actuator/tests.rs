//! The actuator on a model of the kernel, era by era.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use dynd_vocab::{Hertz, PutBackOutcome, Restore};

use super::*;
use crate::clock_domain::Subsystem;
use crate::journal::Journal;
use crate::model_kernel::{EBUSY, Era, ModelKernel};

const ERAS: [Era; 2] = [Era::Legacy, Era::Qos];

/// A board of two processors: a cluster bounded to 300 to 1800, and a GPU bounded to 200 to 2000.
struct Bed {
    root: tempfile::TempDir,
    kernel: ModelKernel,
    actuator: Actuator,
    cpu: ClockDomain,
    gpu: ClockDomain,
}

impl Bed {
    fn new(era: Era) -> Self {
        let mut kernel = ModelKernel::new(era);
        let cpu = kernel.add(Subsystem::Cpufreq, "sys/cpufreq/policy4", 300, 1800);
        let gpu = kernel.add(Subsystem::Devfreq, "sys/class/devfreq/gpu", 200, 2000);
        // In memory where possible, as in production: each record is synchronised.
        let root = tempfile::tempdir_in("/dev/shm")
            .or_else(|_| tempfile::tempdir())
            .unwrap();
        let boot_id = root.path().join("proc/sys/kernel/random/boot_id");
        fs::create_dir_all(boot_id.parent().unwrap()).unwrap();
        fs::write(boot_id, "boot\n").unwrap();
        let mut bed = Self {
            root,
            kernel,
            actuator: Actuator::default(),
            cpu,
            gpu,
        };
        bed.restart();
        bed
    }

    fn run_dir(&self) -> PathBuf {
        self.root.path().join("run")
    }

    /// A new daemon comes up after the last one is gone.
    fn restart(&mut self) {
        self.actuator = Actuator::default();
        self.actuator = Actuator::new(vec![vec![self.cpu.clone()], vec![self.gpu.clone()]]);
        let (journal, entries) = Journal::open(&self.run_dir(), self.root.path()).unwrap();
        self.actuator.ledger().keep(journal, entries);
    }

    /// Asks the cluster for `cpu` kHz and the GPU for `gpu` Hz; 0 stands for no bound.
    fn apply(&mut self, cpu: (u64, u64), gpu: (u64, u64)) -> [Hold; 2] {
        let bounds = |(min, max): (u64, u64), unit: fn(u64) -> Hertz| ClockBounds {
            min: (min > 0).then(|| unit(min)),
            max: (max > 0).then(|| unit(max)),
        };
        let setting = Setting {
            clocks: vec![bounds(cpu, Hertz::from_khz), bounds(gpu, Hertz::from_hz)],
            restore: Restore::OnExit,
            ..Setting::default()
        };
        let answers = self.actuator.apply(&mut self.kernel, &setting);
        let [cpu, gpu] = answers.try_into().unwrap();
        [cpu.hold, gpu.hold]
    }

    fn asked(&self) -> [(u64, u64); 2] {
        [self.kernel.asked(&self.cpu), self.kernel.asked(&self.gpu)]
    }

    /// The writes since this was last called.
    fn writes(&mut self) -> Vec<(String, u64)> {
        let name = |path: PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
        let writes = std::mem::take(&mut self.kernel.writes);
        writes
            .into_iter()
            .map(|(path, value)| (name(path), value))
            .collect()
    }

    /// Puts all back and tells what each attribute was answered.
    fn restore(&mut self) -> Vec<(String, PutBackOutcome)> {
        let answers = self.actuator.restore(&mut self.kernel);
        let name = |path: &str| path.rsplit('/').next().unwrap().to_owned();
        answers
            .into_iter()
            .map(|answer| (name(&answer.attribute), answer.outcome))
            .collect()
    }

    fn journal(&self) -> bool {
        self.run_dir().join("clocks.journal").exists()
    }
}

const NONE: (u64, u64) = (0, 0);

fn named(writes: &[(&str, u64)]) -> Vec<(String, u64)> {
    writes
        .iter()
        .map(|(name, value)| ((*name).to_owned(), *value))
        .collect()
}

#[test]
fn bounds_are_written_once_and_held_and_put_back() {
    for era in ERAS {
        let mut bed = Bed::new(era);
        assert_eq!(bed.apply(NONE, NONE), [Hold::Left, Hold::Left]);
        assert!(!bed.run_dir().exists(), "a fresh install leaves no trace");

        assert_eq!(bed.apply((600, 1400), (0, 900)), [Hold::Held, Hold::Held]);
        assert_eq!(bed.asked(), [(600, 1400), (200, 900)]);
        assert_eq!(bed.apply((600, 1400), (0, 900)), [Hold::Held, Hold::Held]);
        let expect = named(&[
            ("scaling_min_freq", 600),
            ("scaling_max_freq", 1400),
            ("max_freq", 900),
        ]);
        assert_eq!(bed.writes(), expect);
        // Up beyond what was the maximum, and down again below what was the minimum.
        bed.apply((1600, 1700), (0, 900));
        bed.apply((200, 400), (0, 900));
        assert_eq!(bed.asked()[0], (200, 400));
        let expect = [
            ("scaling_max_freq", 1700),
            ("scaling_min_freq", 1600),
            ("scaling_min_freq", 200),
            ("scaling_max_freq", 400),
        ];
        assert_eq!(bed.writes(), named(&expect));

        // Left alone again, it is as before; so is the rest at the end.
        assert_eq!(bed.apply(NONE, (0, 900)), [Hold::Left, Hold::Held]);
        assert_eq!(bed.asked(), [(300, 1800), (200, 900)]);
        assert_eq!(bed.restore(), [("max_freq".into(), PutBackOutcome::Done)]);
        assert_eq!(bed.asked(), [(300, 1800), (200, 2000)]);
        assert!(!bed.journal());
    }
}

#[test]
fn the_latest_written_is_put_back_first() {
    for era in ERAS {
        let mut bed = Bed::new(era);
        bed.apply((1000, 1200), (300, 900));
        bed.writes();
        bed.restore();
        let expect = [
            ("max_freq", 2000),
            ("min_freq", 200),
            ("scaling_max_freq", 1800),
            ("scaling_min_freq", 300),
        ];
        assert_eq!(bed.writes(), named(&expect), "{era:?}");
    }
}

#[test]
fn a_kernel_that_is_late_is_waited_for() {
    let mut bed = Bed::new(Era::Qos);
    assert_eq!(bed.apply((600, 1400), (0, 900)), [Hold::Held, Hold::Held]);
    assert_eq!(bed.kernel.pauses, 0, "nobody waits for what has come");
    bed.kernel.lag = 3;
    assert_eq!(bed.apply((1600, 1700), (0, 900)), [Hold::Held, Hold::Held]);
    assert_eq!(bed.kernel.pauses, 3);
    let outcomes: Vec<_> = bed.restore().into_iter().map(|(_, outcome)| outcome).collect();
    assert_eq!(outcomes, vec![PutBackOutcome::Done; 3]);
    assert_eq!((bed.asked(), bed.journal()), ([(300, 1800), (200, 2000)], false));

    // Not for ever: what never comes is refused as ever.
    bed.kernel.lag = u32::MAX - bed.kernel.pauses;
    let hold = &bed.apply((600, 1400), NONE)[0];
    assert!(
        matches!(hold, Hold::Refused { reason, .. } if reason.contains("reads 300 after 600 was written")),
        "{hold:?}"
    );
}

#[test]
fn what_must_wait_for_another_is_put_back_after_it() {
    for era in ERAS {
        // The maximum was written last, but cannot go below the minimum before that is put back.
        let mut bed = Bed::new(era);
        bed.kernel.meddle(&bed.cpu, End::Max, 600);
        bed.apply((1000, 1400), NONE);
        bed.apply((1000, 1500), NONE);
        assert_eq!(bed.asked()[0], (1000, 1500));
        let outcomes: Vec<_> = bed.restore().into_iter().map(|(_, outcome)| outcome).collect();
        assert_eq!(outcomes, [PutBackOutcome::Done, PutBackOutcome::Done]);
        assert_eq!(bed.asked()[0], (300, 600), "{era:?}");
    }
}

#[test]
fn what_gives_way_to_a_bound_returns_with_it() {
    for era in ERAS {
        let mut bed = Bed::new(era);
        bed.kernel.meddle(&bed.cpu, End::Min, 1000);
        assert_eq!(bed.apply((0, 600), NONE)[0], Hold::Held);
        assert_eq!(bed.asked()[0], (600, 600));
        assert_eq!(bed.apply((0, 1400), NONE)[0], Hold::Held);
        assert_eq!(bed.asked()[0], (1000, 1400));
        assert_eq!(bed.apply(NONE, NONE)[0], Hold::Left);
        assert_eq!(bed.asked()[0], (1000, 1800));
    }
}

#[test]
fn a_foreign_change_is_left_alone_until_something_else_is_asked() {
    for era in ERAS {
        let mut bed = Bed::new(era);
        bed.apply((600, 1400), (0, 900));
        bed.writes();
        bed.kernel.meddle(&bed.cpu, End::Max, 1800);
        let contested = Hold::Contested {
            by: Some("nvpmodel".into()),
            change: "sys/cpufreq/policy4/scaling_max_freq reads 1800 where 1400 was left".into(),
        };
        for _ in 0..3 {
            assert_eq!(bed.apply((600, 1400), (0, 900)), [contested.clone(), Hold::Held]);
        }
        // Neither is what is changed meanwhile, be it to what we wrote.
        bed.kernel.meddle(&bed.cpu, End::Max, 1400);
        bed.kernel.meddle(&bed.cpu, End::Min, 500);
        assert_eq!(bed.apply((600, 1400), (0, 900))[0], contested);
        assert_eq!(bed.writes(), []);
        assert_eq!(bed.asked()[0], (500, 1400));

        assert_eq!(bed.apply((700, 1300), (0, 900))[0], Hold::Held);
        bed.restore();
        assert_eq!(bed.asked(), [(500, 1400), (200, 2000)], "the new baseline");
    }
}

#[test]
fn a_foreign_change_at_the_end_is_left_alone_and_the_rest_is_put_back() {
    for era in ERAS {
        let mut bed = Bed::new(era);
        bed.apply((600, 1400), (0, 900));
        bed.kernel.meddle(&bed.cpu, End::Max, 1600);
        let expect = [
            ("max_freq".into(), PutBackOutcome::Done),
            ("scaling_min_freq".into(), PutBackOutcome::Done),
            (
                "scaling_max_freq".into(),
                PutBackOutcome::Foreign { reads: "1600".into() },
            ),
        ];
        assert_eq!(bed.restore(), expect);
        assert_eq!(bed.asked(), [(300, 1600), (200, 2000)]);
        assert!(!bed.journal());
    }
}

#[test]
fn a_foreign_maximum_below_a_minimum_of_ours_is_left_alone() {
    // An older kernel lets nobody set it.
    let mut bed = Bed::new(Era::Qos);
    assert_eq!(bed.apply((800, 0), NONE)[0], Hold::Held);
    bed.writes();
    bed.kernel.meddle(&bed.cpu, End::Max, 600);
    for _ in 0..3 {
        let hold = &bed.apply((800, 0), NONE)[0];
        assert!(matches!(hold, Hold::Contested { .. }), "{hold:?}");
    }
    assert_eq!(bed.writes(), []);

    let mut bed = Bed::new(Era::Qos);
    bed.apply((800, 0), NONE);
    bed.writes();
    bed.kernel.meddle(&bed.cpu, End::Min, 600);
    bed.kernel.meddle(&bed.cpu, End::Max, 600);
    let foreign = PutBackOutcome::Foreign { reads: "600".into() };
    assert_eq!(bed.restore(), [("scaling_min_freq".into(), foreign)]);
    assert_eq!((bed.writes(), bed.asked()[0]), (vec![], (600, 600)));
}

#[test]
fn a_minimum_alone_is_held_and_put_back_while_the_board_is_cooled() {
    for era in ERAS {
        let mut bed = Bed::new(era);
        bed.apply((800, 0), NONE);
        bed.kernel.cap(&bed.cpu, Some(400));
        let hold = &bed.apply((800, 0), NONE)[0];
        assert!(matches!(hold, Hold::Throttled { .. }), "{hold:?}");
        bed.restore();
        assert_eq!(bed.asked()[0], (300, 1800), "{era:?}");
    }
}

/// A board whose kernel allows the cluster 1500 at most and has taken 2000.
fn limited(era: Era) -> Bed {
    let mut bed = Bed::new(era);
    bed.kernel.limit(&bed.cpu, Some(1500));
    for _ in 0..3 {
        let hold = &bed.apply((0, 2000), NONE)[0];
        assert!(
            matches!(hold, Hold::Refused { reason, .. } if reason.contains("reads 1500 after 2000 was written")),
            "{hold:?}"
        );
    }
    assert_eq!(bed.asked()[0], (300, 2000));
    bed
}

#[test]
fn what_the_kernel_takes_and_does_not_keep_to_is_put_back() {
    for era in ERAS {
        let mut bed = limited(era);
        assert_eq!(bed.apply(NONE, NONE)[0], Hold::Left);
        assert_eq!((bed.asked()[0], bed.journal()), ((300, 1500), false));

        let mut bed = limited(era);
        assert_eq!(bed.restore(), [("scaling_max_freq".into(), PutBackOutcome::Done)]);
        assert_eq!((bed.asked()[0], bed.journal()), ((300, 1500), false));

        // A successor knows as much.
        let mut bed = limited(era);
        bed.restart();
        bed.restore();
        assert_eq!(bed.asked()[0], (300, 1500));

        let mut bed = limited(era);
        bed.kernel.limit(&bed.cpu, None);
        assert_eq!(bed.apply((0, 2000), NONE)[0], Hold::Held);
        // What another asks instead is a foreign change as ever.
        let mut bed = limited(era);
        bed.kernel.meddle(&bed.cpu, End::Max, 1200);
        let hold = &bed.apply((0, 2000), NONE)[0];
        assert!(matches!(hold, Hold::Contested { .. }), "{hold:?}");
        assert_eq!(bed.asked()[0], (300, 1200));
    }
}

#[test]
fn a_crash_loses_nothing_that_the_kernel_does_not_keep_to() {
    for era in ERAS {
        for crash_after in 0.. {
            let mut bed = Bed::new(era);
            bed.kernel.limit(&bed.cpu, Some(1500));
            bed.kernel.crash_after = crash_after;
            let run = catch_unwind(AssertUnwindSafe(|| {
                for max in [2000, 1900, 1400, 2000, 0] {
                    bed.apply((0, max), NONE);
                }
            }));
            bed.kernel.crash_after = usize::MAX;
            bed.restart();
            let answers = bed.restore();
            // What was asked before anything was written cannot be read; what was in force can.
            let (_, max) = bed.asked()[0];
            let is_untouched = bed.kernel.writes.is_empty() && max == 1800;
            assert!(
                is_untouched || max == 1500,
                "{era:?}, killed after {crash_after}: {answers:?}"
            );
            if run.is_ok() {
                break;
            }
        }
    }
}

#[test]
fn what_nobody_may_write_is_as_before() {
    let mut bed = Bed::new(Era::Qos);
    bed.kernel
        .busy
        .extend(End::BOTH.map(|end| bed.cpu.attribute(end)));
    bed.apply((600, 1400), NONE);
    bed.restart();
    for (attribute, outcome) in bed.restore() {
        assert_eq!(outcome, PutBackOutcome::AsBefore, "{attribute}");
    }
    assert!(!bed.journal());
    bed.apply((600, 1400), NONE);
    assert_eq!(bed.apply(NONE, NONE)[0], Hold::Left);
    assert_eq!(bed.asked()[0], (300, 1800));
}

#[test]
fn what_is_as_asked_is_not_written_and_watched_all_the_same() {
    let mut bed = Bed::new(Era::Qos);
    assert_eq!(bed.apply((300, 1800), NONE)[0], Hold::Unchanged);
    assert_eq!((bed.writes(), bed.journal()), (vec![], false));
    bed.kernel.meddle(&bed.cpu, End::Min, 900);
    assert!(matches!(bed.apply((300, 1800), NONE)[0], Hold::Contested { .. }));
    assert_eq!(bed.asked()[0], (900, 1800));
    // A bound that nobody asked for is nobody's business.
    assert_eq!(bed.apply((0, 1800), NONE)[0], Hold::Unchanged);
    bed.kernel.meddle(&bed.cpu, End::Min, 500);
    assert_eq!(bed.apply((0, 1800), NONE)[0], Hold::Unchanged);
}

#[test]
fn throttling_is_waited_for() {
    let throttled = Hold::Throttled {
        by: "cpufreq-cpu4".into(),
    };
    for era in ERAS {
        let mut bed = Bed::new(era);
        bed.apply((600, 1400), NONE);
        bed.writes();
        // Below our minimum, too, which the kernel then lowers.
        for cap in [1000, 400] {
            bed.kernel.cap(&bed.cpu, Some(cap));
            assert_eq!(bed.apply((600, 1400), NONE)[0], throttled);
        }
        // A cap above the bound lowers nothing.
        bed.kernel.cap(&bed.cpu, Some(1500));
        assert_eq!(bed.apply((600, 1400), NONE)[0], Hold::Held);
        bed.kernel.cap(&bed.cpu, None);
        assert_eq!(bed.apply((600, 1400), NONE)[0], Hold::Held);
        assert_eq!(bed.writes(), []);

        bed.kernel.cap(&bed.cpu, Some(400));
        let outcomes: Vec<_> = bed.restore().into_iter().map(|(_, outcome)| outcome).collect();
        assert_eq!(outcomes, [PutBackOutcome::Throttled, PutBackOutcome::Done]);
        assert_eq!(bed.asked()[0], (300, 1800), "once it has cooled");
    }
}

#[test]
fn what_reads_as_before_only_because_it_is_lowered_is_put_back_too() {
    for era in ERAS {
        let mut bed = Bed::new(era);
        bed.apply((900, 1400), NONE);
        bed.kernel.cap(&bed.cpu, Some(300));
        bed.restore();
        assert_eq!(bed.asked()[0], (300, 1800), "{era:?}");
    }
}

#[test]
fn a_clock_is_first_touched_when_it_is_cool() {
    for era in ERAS {
        let mut bed = Bed::new(era);
        bed.kernel.cap(&bed.cpu, Some(800));
        let hold = &bed.apply((600, 1400), NONE)[0];
        assert!(matches!(hold, Hold::Throttled { .. }), "{hold:?}");
        assert_eq!(bed.writes(), []);
        bed.kernel.cap(&bed.cpu, None);
        assert_eq!(bed.apply((600, 1400), NONE)[0], Hold::Held);
        bed.restore();
        assert_eq!(bed.asked()[0], (300, 1800));
    }
}

#[test]
fn what_refuses_stops_nothing_else_and_is_tried_again() {
    for era in ERAS {
        let mut bed = Bed::new(era);
        let max = bed.cpu.attribute(End::Max);
        bed.kernel.busy.insert(max.clone());
        let [cpu, gpu] = bed.apply((600, 1400), (0, 900));
        assert!(
            matches!(&cpu, Hold::Refused { errno: Some(EBUSY), reason } if reason.contains("scaling_max_freq")),
            "{cpu:?}"
        );
        assert_eq!(gpu, Hold::Held);
        assert_eq!(bed.asked(), [(600, 1800), (200, 900)]);
        bed.kernel.busy.clear();
        assert_eq!(bed.apply((600, 1400), (0, 900)), [Hold::Held, Hold::Held]);

        bed.kernel.busy.insert(max);
        let outcomes = bed.restore();
        let refused = |outcome: &PutBackOutcome| matches!(outcome, PutBackOutcome::Refused { .. });
        assert_eq!(
            outcomes.iter().filter(|(_, outcome)| refused(outcome)).count(),
            1,
            "{outcomes:?}"
        );
        assert_eq!(bed.asked(), [(300, 1400), (200, 2000)]);
        // It stays in the journal, for the next who tries.
        bed.kernel.busy.clear();
        bed.restart();
        assert_eq!(bed.restore(), [("scaling_max_freq".into(), PutBackOutcome::Done)]);
        assert_eq!(bed.asked()[0], (300, 1800));
        assert!(!bed.journal());
    }
}

#[test]
fn nothing_is_written_that_is_not_in_the_journal() {
    let mut bed = Bed::new(Era::Qos);
    fs::write(bed.run_dir(), "no directory").unwrap();
    let hold = &bed.apply((600, 1400), NONE)[0];
    assert!(matches!(hold, Hold::Refused { .. }), "{hold:?}");
    bed.actuator = Actuator::new(vec![vec![bed.cpu.clone()], vec![]]);
    let [cpu, gpu] = bed.apply((600, 1400), (0, 900));
    assert!(
        matches!(&cpu, Hold::Refused { reason, .. } if reason.contains("journal")),
        "{cpu:?}"
    );
    assert!(
        matches!(&gpu, Hold::Refused { reason, .. } if reason.contains("no bounds")),
        "{gpu:?}"
    );
    assert_eq!(bed.writes(), []);
    assert_eq!(bed.asked()[0], (300, 1800));
}

#[test]
fn a_successor_goes_on_where_the_last_daemon_stopped() {
    let mut bed = Bed::new(Era::Qos);
    bed.apply((600, 1400), NONE);
    bed.writes();
    bed.restart();
    assert_eq!(bed.apply((600, 1400), NONE)[0], Hold::Held);
    assert_eq!(bed.writes(), []);
    bed.apply(NONE, NONE);
    assert_eq!(bed.asked()[0], (300, 1800));
}

/// Several settings in a row and their end, killed at every single access to an attribute: whatever happened, all
/// is put back.
#[test]
fn a_crash_at_any_access_loses_nothing() {
    let settings = [
        ((600, 1400), NONE),
        ((1500, 1700), (0, 900)),
        ((200, 400), (500, 900)),
        ((300, 400), (500, 900)),
        (NONE, (500, 700)),
        ((0, 250), (1000, 0)),
    ];
    let kernels = [(Era::Legacy, 0), (Era::Qos, 0), (Era::Qos, 2)];
    for ((era, lag), before) in kernels
        .into_iter()
        .flat_map(|kernel| [(kernel, (300, 1800)), (kernel, (1000, 1200))])
    {
        let mut crashes = 0;
        for crash_after in 0.. {
            let mut bed = Bed::new(era);
            bed.kernel.lag = lag;
            bed.kernel.meddle(&bed.cpu, End::Min, before.0);
            bed.kernel.meddle(&bed.cpu, End::Max, before.1);
            bed.kernel.crash_after = crash_after;
            let run = catch_unwind(AssertUnwindSafe(|| {
                for (cpu, gpu) in settings {
                    bed.apply(cpu, gpu);
                }
                bed.restore();
            }));
            bed.kernel.crash_after = usize::MAX;
            bed.restart();
            let answers = bed.restore();
            assert_eq!(
                bed.asked(),
                [before, (200, 2000)],
                "{era:?}, {lag} pauses late, killed after {crash_after} accesses: {answers:?}"
            );
            let put_back = |(_, outcome): &(String, PutBackOutcome)| {
                matches!(outcome, PutBackOutcome::Done | PutBackOutcome::AsBefore)
            };
            assert!(
                answers.iter().all(put_back),
                "{era:?}, killed after {crash_after}: {answers:?}"
            );
            if run.is_ok() {
                break;
            }
            crashes += 1;
        }
        assert!(crashes > 50, "{crashes}");
    }
}
