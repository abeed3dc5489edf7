//! Clocks are bounded, and put back, on trees of plain files.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use dynd_board::{Host, JournalError, restore};
use dynd_vocab::{Board, ClockBounds, Hertz, Hold, PutBackOutcome, Setting};
use tempfile::TempDir;

use crate::tree::Tree;

/// An Odroid XU3 whose clocks (little, big, gpu) can be bounded, and a directory for the journal.
pub(crate) struct Bench {
    pub(crate) tree: Tree,
    pub(crate) run_dir: TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let tree = Tree::fixture("odroid-xu3");
        tree.write(
            "[sys/devices/system/cpu/cpufreq]
             policy0/scaling_min_freq = 200000
             policy0/scaling_max_freq = 1400000
             policy4/scaling_min_freq = 600000
             policy4/scaling_max_freq = 2000000
             [sys/class/devfreq/11800000.gpu]
             min_freq = 177000000
             max_freq = 600000000
             [proc/sys/kernel/random]
             boot_id = 3f1b2c6e-0d6c-4d43-9a52-5d8f2a3f7c11",
        );
        // In memory where possible, as in production: each record is synchronised.
        let run_dir = TempDir::new_in("/dev/shm").or_else(|_| TempDir::new());
        Self {
            tree,
            run_dir: run_dir.unwrap(),
        }
    }

    pub(crate) fn host(&self) -> Host {
        let mut host = self.tree.host();
        host.keep_journal(self.run_dir.path()).unwrap();
        host
    }

    /// What the bounds of all clocks read.
    pub(crate) fn bounds(&self) -> BTreeMap<PathBuf, String> {
        let policies = ["policy0", "policy4"].map(|policy| self.policy(policy));
        let cpus = policies
            .iter()
            .flat_map(|dir| ["scaling_min_freq", "scaling_max_freq"].map(|name| dir.join(name)));
        let gpu = self.tree.root().join("sys/class/devfreq/11800000.gpu");
        cpus.chain(["min_freq", "max_freq"].map(|name| gpu.join(name)))
            .map(|path| {
                (
                    path.clone(),
                    fs::read_to_string(path).unwrap().trim_end().to_owned(),
                )
            })
            .collect()
    }

    fn policy(&self, name: &str) -> PathBuf {
        self.tree.root().join("sys/devices/system/cpu/cpufreq").join(name)
    }
}

fn khz(min: u64, max: u64) -> ClockBounds {
    ClockBounds {
        min: Some(Hertz::from_khz(min)),
        max: Some(Hertz::from_khz(max)),
    }
}

fn setting(clocks: &[ClockBounds]) -> Setting {
    Setting {
        clocks: clocks.to_vec(),
        ..Setting::default()
    }
}

#[test]
fn bounds_reach_the_files_and_are_put_back() {
    let bench = Bench::new();
    let before = bench.bounds();
    let mut host = bench.host();
    let (big, gpu) = (khz(800_000, 1_800_000), khz(177_000, 420_000));
    let answers = host.apply(&setting(&[ClockBounds::NONE, big, gpu]));
    assert_eq!(answers[0].hold, Hold::Left);
    assert_eq!((&answers[1].hold, answers[1].bounds), (&Hold::Held, big));
    assert_eq!((&answers[2].hold, answers[2].bounds), (&Hold::Held, gpu));
    let values: Vec<_> = bench.bounds().into_values().collect();
    let [gpu_max, gpu_min] = ["420000000", "177000000"];
    assert_eq!(
        values,
        [gpu_max, gpu_min, "1400000", "200000", "1800000", "800000"]
    );

    let answers: Vec<_> = host.restore().into_iter().map(|answer| answer.outcome).collect();
    assert_eq!(answers, vec![PutBackOutcome::Done; 3]);
    assert_eq!(bench.bounds(), before);
}

#[test]
fn what_is_beyond_the_hardware_is_brought_within() {
    let bench = Bench::new();
    let answers = bench.host().apply(&setting(&[khz(1, u64::from(u32::MAX))]));
    assert_eq!(
        (answers[0].hold.clone(), answers[0].bounds),
        (Hold::Unchanged, khz(200_000, 1_400_000))
    );
}

#[test]
fn each_cpu_of_a_processor_gets_its_bounds() {
    let tree = Tree::fixture("pc");
    tree.write(
        "[sys/devices/system/cpu/cpufreq]
         policy{0-7}/scaling_min_freq = 400000
         policy{0-7}/scaling_max_freq = 3000000
         [proc/sys/kernel/random]
         boot_id = x",
    );
    let mut host = tree.host();
    host.keep_journal(&tree.root().join("run")).unwrap();
    let cpus = host.describe().processors[0].cpus;
    assert!(cpus.len() > 1, "{cpus}");
    let answers = host.apply(&setting(&[khz(800_000, 2_000_000)]));
    assert_eq!(answers[0].hold, Hold::Held);
    for cpu in cpus.iter() {
        let max = tree.root().join(format!(
            "sys/devices/system/cpu/cpufreq/policy{cpu}/scaling_max_freq"
        ));
        assert_eq!(fs::read_to_string(max).unwrap(), "2000000\n", "{cpu}");
    }
}

#[test]
fn a_processor_without_bounds_says_so() {
    let tree = Tree::fixture("vm");
    let answers = tree.host().apply(&setting(&[khz(1, 2)]));
    assert!(
        matches!(&answers[0].hold, Hold::Refused { reason, .. } if reason.contains("no bounds")),
        "{answers:?}"
    );
}

#[test]
fn a_policy_that_vanishes_is_refused_and_returns() {
    let bench = Bench::new();
    let mut host = bench.host();
    let both = setting(&[khz(400_000, 1_000_000), khz(800_000, 1_800_000)]);
    host.apply(&both);
    let away = bench.tree.root().join("away");
    fs::rename(bench.policy("policy4"), &away).unwrap();
    let answers = host.apply(&both);
    assert_eq!(answers[0].hold, Hold::Held);
    assert!(
        matches!(&answers[1].hold, Hold::Refused { reason, .. } if reason.contains("does not exist")),
        "{answers:?}"
    );
    fs::rename(&away, bench.policy("policy4")).unwrap();
    assert_eq!(host.apply(&both)[1].hold, Hold::Held);
}

#[test]
fn a_journal_of_a_process_that_is_gone_is_enough() {
    let bench = Bench::new();
    let before = bench.bounds();
    let mut host = bench.host();
    host.apply(&setting(&[khz(400_000, 1_000_000)]));
    let busy = restore(bench.tree.root(), bench.run_dir.path(), None);
    assert!(matches!(busy, Err(JournalError::Lock { .. })), "{busy:?}");
    drop(host);

    let mut next = bench.tree.host();
    assert!(next.keep_journal(bench.run_dir.path()).unwrap(), "it is dirty");
    drop(next);
    let answers = restore(bench.tree.root(), bench.run_dir.path(), None).unwrap();
    assert_eq!(answers.len(), 2);
    assert!(answers.iter().all(|answer| answer.is_as_before()), "{answers:?}");
    assert_eq!(bench.bounds(), before);
    assert_eq!(
        restore(bench.tree.root(), bench.run_dir.path(), None).unwrap(),
        []
    );
}

#[test]
fn a_journal_of_another_boot_is_discarded() {
    let bench = Bench::new();
    bench.host().apply(&setting(&[khz(400_000, 1_000_000)]));
    let left = bench.bounds();
    bench.tree.write("[proc/sys/kernel/random]\nboot_id = another");
    assert_eq!(
        restore(bench.tree.root(), bench.run_dir.path(), None).unwrap(),
        []
    );
    assert_eq!(bench.bounds(), left);
}
