//! What samples say, and what they leave out when sensors fail.

use std::time::Duration;

use dynd_board::{Fault, Host, Loss};
use dynd_vocab::{Board, Pid, Sample, Timestamp};

use crate::tree::Tree;

const NOW: Timestamp = Timestamp::from_nanos(7);

/// A sample as `cpus=N:BUSY/TOTAL… runnable= clocks=MHZ… stalled= apps=PID:TIME…`, times in ms, `-` for absent.
fn show(sample: &Sample) -> String {
    let join = |parts: Vec<String>| parts.join(",");
    let or_dash = |value: Option<String>| value.unwrap_or_else(|| "-".into());
    let ms = Duration::as_millis;
    format!(
        "cpus={} runnable={} clocks={} stalled={} apps={}",
        join(
            sample
                .cpus
                .iter()
                .map(|c| format!("{}:{}/{}", c.cpu, ms(&c.busy), ms(&c.total)))
                .collect()
        ),
        or_dash(sample.runnable.map(|n| n.to_string())),
        join(
            sample
                .clocks
                .iter()
                .map(|c| or_dash(c.map(|hz| (hz.as_khz() / 1000).to_string())))
                .collect()
        ),
        or_dash(sample.stalled.map(|time| ms(&time).to_string())),
        join(
            sample
                .apps
                .iter()
                .map(|a| format!("{}:{}", a.pid.0, ms(&a.busy)))
                .collect()
        ),
    )
}

fn look(host: &mut Host, apps: &[Pid]) -> Sample {
    look_at(host, NOW, apps)
}

fn look_at(host: &mut Host, now: Timestamp, apps: &[Pid]) -> Sample {
    let mut sample = Sample::default();
    host.sample(now, apps, &mut sample);
    sample
}

/// A time so long after [`NOW`] that a sensor in quarantine is tried again.
const LATER: Timestamp = Timestamp::from_nanos(2_000_000_000);

/// A two-cluster machine of four CPUs whose sensors all answer, and its host.
fn machine() -> (Tree, Host) {
    let tree = Tree::fixture("two-clusters");
    let host = tree.host();
    assert_eq!(tree.problems(&host), [""; 0]);
    (tree, host)
}

const HEALTHY: &str =
    "cpus=0:600/1500,1:10/1500,2:20/1500,3:30/1500 runnable=3 clocks=1400,2000 stalled=632641 apps=";

/// Writes `files` to a healthy machine that was sampled before, samples it again with process 42 watched, and
/// compares sample and problems.
fn check(files: &str, expect: &str, problems: &[&str]) {
    let (tree, mut host) = machine();
    assert_eq!(show(&look(&mut host, &[])), HEALTHY);
    tree.write(files);
    assert_eq!(show(&look(&mut host, &[Pid(42)])), expect, "{files}");
    assert_eq!(tree.problems(&host), problems, "{files}");
}

#[test]
fn a_healthy_machine() {
    check("", &format!("{HEALTHY}42:110"), &[]);
}

#[test]
fn a_cpu_that_went_offline_is_absent() {
    check(
        "proc/stat = cpu  1 1 1 1\\ncpu0 61 0 0 90\\ncpu3 3 0 0 148\\nprocs_running 1",
        "cpus=0:610/1510,3:30/1510 runnable=1 clocks=1400,2000 stalled=632641 apps=42:110",
        &[],
    );
}

#[test]
fn a_malformed_stat_costs_what_is_malformed() {
    check(
        "proc/stat = cpu  1 1 1 1\\ncpu0 61 0 0 ninety\\ncpu1 2 0 0 149\\ncpu2",
        "cpus=1:20/1510 runnable=- clocks=1400,2000 stalled=632641 apps=42:110",
        &[
            "proc/stat makes no sense: 'cpu2'; the load of one or more CPUs is unknown",
            "proc/stat makes no sense: 'no procs_running'; the number of runnable tasks is unknown",
        ],
    );
    check(
        "proc/stat =",
        "cpus= runnable=- clocks=1400,2000 stalled=632641 apps=42:110",
        &[
            "proc/stat is empty; the load of one or more CPUs is unknown",
            "proc/stat is empty; the number of runnable tasks is unknown",
        ],
    );
    check(
        "proc/stat = procs_running 1",
        "cpus= runnable=1 clocks=1400,2000 stalled=632641 apps=42:110",
        &["proc/stat makes no sense: 'procs_running 1'; the load of one or more CPUs is unknown"],
    );
}

#[test]
fn a_counter_that_runs_back_is_refused_once() {
    let (tree, mut host) = machine();
    look(&mut host, &[]);
    tree.write("proc/stat = cpu0 1 0 0 95\\ncpu1 2 0 0 149\\nprocs_running 1");
    assert!(show(&look(&mut host, &[])).starts_with("cpus=1:20/1510 "));
    tree.write("proc/stat = cpu0 2 0 0 96\\ncpu1 3 0 0 150\\nprocs_running 1");
    assert!(show(&look(&mut host, &[])).starts_with("cpus=0:610/1570,1:30/1530 "));
    let told = host.faults();
    assert_eq!(told.len(), 1);
    assert_eq!(
        (told[0].lost, &told[0].fault),
        (Loss::CpuTimes, &Fault::Backwards)
    );
}

#[test]
fn clocks_that_cannot_be_true_are_absent() {
    let policy = "sys/devices/system/cpu/cpufreq/policy2/scaling_cur_freq";
    let one = |text: &str, problem: &str| {
        check(
            &format!("{policy} = {text}"),
            &format!("{}42:110", HEALTHY.replace("1400,2000", "1400,-")),
            &[&format!("{policy} {problem}; the processor's clock is unknown")],
        );
    };
    one("0", "cannot be true: 0 kHz");
    one("20000001", "cannot be true: 20000001 kHz");
    one("<unknown>", "makes no sense: '<unknown>'");
    one("-5", "makes no sense: '-5'");
    one(
        "99999999999999999999999",
        "makes no sense: '99999999999999999999999'",
    );
    one("", "is empty");
}

#[test]
fn pressure_that_makes_no_sense_is_absent() {
    check(
        "proc/pressure/cpu = some avg10=0.00",
        &format!("{}42:110", HEALTHY.replace("632641", "-")),
        &[
            "proc/pressure/cpu makes no sense: 'some avg10=0.00'; the time that tasks wait for a CPU is unknown",
        ],
    );
}

#[test]
fn a_process_may_call_itself_anything() {
    check(
        "proc/42/stat = 42 (a) R (evil 1 2) S 1 2 3 4 5 6 7 8 9 10 12 3 0 0 20 0 1 0",
        &format!("{HEALTHY}42:150"),
        &[],
    );
    check(
        "proc/42/stat = 42 (cut) S 1 2",
        HEALTHY,
        &["proc/42/stat makes no sense: '42 (cut) S 1 2'; the app's CPU time is unknown"],
    );
}

#[test]
fn a_process_that_is_gone_is_left_out_and_no_problem() {
    let (tree, mut host) = machine();
    let both = [Pid(42), Pid(4000)];
    assert!(show(&look(&mut host, &both)).ends_with("apps=42:110"));
    tree.write("proc/42/stat = 42 (cut) S 1 2");
    look(&mut host, &both);
    assert_eq!(host.faults().len(), 1);
    tree.remove("proc/42");
    for _ in 0..2 {
        look(&mut host, &both);
    }
    tree.write("proc/42/stat = 42 (another) S 1 2 3 4 5 6 7 8 9 10 1 0 0 0 20 0 1 0");
    assert!(
        show(&look(&mut host, &both)).ends_with("apps=42:10"),
        "a new process starts anew"
    );
    look(&mut host, &[]);
    assert_eq!(host.faults().len(), 0, "nobody wants to know any more");
}

#[test]
fn cpufreq_that_vanishes_and_comes_back() {
    let (tree, mut host) = machine();
    look(&mut host, &[]);
    tree.remove("sys/devices/system/cpu/cpufreq/policy2");
    for _ in 0..20 {
        assert_eq!(
            show(&look(&mut host, &[])),
            HEALTHY.replace("1400,2000", "1400,-")
        );
    }
    assert_eq!(host.faults().len(), 1);
    tree.write("sys/devices/system/cpu/cpufreq/policy2/scaling_cur_freq = 600000");
    for _ in 0..20 {
        assert_eq!(
            show(&look_at(&mut host, LATER, &[])),
            HEALTHY.replace("1400,2000", "1400,600")
        );
    }
    assert_eq!(tree.problems(&host), [""; 0], "recovered");
    assert_eq!(host.describe().processors.len(), 2);
}
