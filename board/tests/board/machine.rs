//! The machine at hand.

use std::fs;
use std::path::Path;
use std::process::Command;

use dynd_board::{Host, Loss};
use dynd_vocab::{Board, CpuSet, Pid, ProcessorKind, Sample, Timestamp};

fn look(host: &mut Host, nanos: u64, apps: &[Pid]) -> Sample {
    let mut sample = Sample::default();
    host.sample(Timestamp::from_nanos(nanos), apps, &mut sample);
    sample
}

#[test]
fn the_machine_at_hand_can_be_observed() {
    let mut host = Host::discover(Path::new("/")).unwrap();
    host.count();
    let board = host.describe().clone();
    assert!(!board.processors.is_empty());
    assert!(
        board
            .processors
            .iter()
            .all(|processor| !processor.cpus.is_empty())
    );

    let me = Pid(std::process::id());
    let first = look(&mut host, 1, &[me]);
    let burnt: u64 = (0..20_000_000_u64).fold(0, |sum, n| std::hint::black_box(sum ^ n));
    assert_ne!(burnt, 1);
    let second = look(&mut host, 2, &[me]);

    let stat = fs::read_to_string("/proc/stat").unwrap();
    let lines = stat
        .lines()
        .filter(|line| line.starts_with("cpu") && !line.starts_with("cpu "));
    assert_eq!(second.cpus.len(), lines.count().min(CpuSet::CAPACITY as usize));
    assert_eq!(second.clocks.len(), board.processors.len());
    assert!(
        second.runnable.is_some_and(|tasks| tasks >= 1),
        "the reader itself runs"
    );
    for (before, after) in first.cpus.iter().zip(&second.cpus) {
        assert_eq!(before.cpu, after.cpu);
        assert!(after.busy <= after.total, "{after:?}");
        assert!(
            before.busy <= after.busy && before.total <= after.total,
            "{before:?} {after:?}"
        );
    }
    assert!(first.stalled <= second.stalled);
    // Where they can be had: not without privilege, nor in many virtual machines, and then that is said.
    assert_eq!(second.counters.len(), board.processors.len());
    let cpus = board.processors.iter().zip(&second.counters);
    let mut cpus = cpus.filter(|(processor, _)| processor.kind == ProcessorKind::Cpu);
    assert_eq!(
        cpus.any(|(_, counters)| counters.is_none()),
        host.faults().iter().any(|problem| problem.lost == Loss::Counters),
        "{:?}",
        host.faults()
    );
    for (before, after) in first.counters.iter().zip(&second.counters) {
        let (Some(before), Some(after)) = (before, after) else {
            continue;
        };
        assert!(
            before.cycles < after.cycles && before.instructions < after.instructions,
            "{before:?} {after:?}"
        );
    }
    assert_eq!((first.apps.len(), second.apps.len()), (1, 1));
    assert!(first.apps[0].busy <= second.apps[0].busy);
    assert_eq!(host.describe(), &board);
}

#[test]
fn nothing_is_counted_unless_asked_for() {
    let mut host = Host::discover(Path::new("/")).unwrap();
    let sample = look(&mut host, 1, &[]);
    assert!(sample.counters.iter().all(Option::is_none), "{sample:?}");
    let is_told = |host: &Host| host.faults().iter().any(|problem| problem.lost == Loss::Counters);
    assert!(!is_told(&host), "{:?}", host.faults());
    host.count();
    let sample = look(&mut host, 2, &[]);
    assert!(
        is_told(&host) || sample.counters.iter().any(Option::is_some),
        "{sample:?}"
    );
}

#[test]
fn a_process_that_ends_while_its_file_is_open_is_left_out() {
    let mut host = Host::discover(Path::new("/")).unwrap();
    let known = host.faults().len();
    let mut child = Command::new("sleep").arg("600").spawn().unwrap();
    let pid = [Pid(child.id())];
    let before = look(&mut host, 1, &pid);
    child.kill().unwrap();
    child.wait().unwrap();
    let after = look(&mut host, 2, &pid);
    assert_eq!((before.apps.len(), after.apps.len()), (1, 0));
    assert_eq!(host.faults().len(), known);
}
