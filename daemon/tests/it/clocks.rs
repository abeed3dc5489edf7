//! Clocks are bounded as the policy says, and put back whatever becomes of the daemon.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::time::Duration;

use dynd_client::Operator;
use dynd_proto::v1::ClockState;
use nix::libc::O_NONBLOCK;
use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::app::status_when;
use crate::machine::Machine;
use crate::running::{Running, eventually};

const BOUND: &str = "[processor.big]\nclocks = \"bound\"\nmin-clock = \"600 MHz\"\nmax-clock = \"1.4 GHz\"\n";

const BEFORE: [u64; 2] = [200_000, 2_000_000];
const ASKED: [u64; 2] = [600_000, 1_400_000];

#[tokio::test]
async fn clocks_are_held_and_put_back_at_the_end() {
    let machine = Machine::new(BOUND);
    let mut running = machine.start();
    let clock = machine.clock_when(ClockState::Held).await;
    assert_eq!((clock.min_khz, clock.max_khz), (Some(600_000), Some(1_400_000)));
    assert_eq!(machine.bounds(), ASKED);
    assert_eq!(
        machine.bounds_of("policy0"),
        [200_000, 1_400_000],
        "nothing was asked of it"
    );
    let said = "the clock of big is held at 600 MHz to 1400 MHz (cause: policy)";
    eventually("it is logged", || running.log().contains(said));

    running.signal(Signal::SIGTERM);
    assert_eq!(running.ended().code(), Some(0));
    assert_eq!(machine.bounds(), BEFORE);
    let restored = machine.restore();
    assert!(
        restored.status.success() && restored.stdout.is_empty(),
        "{restored:?}"
    );
}

#[tokio::test]
async fn the_daemon_does_not_end_before_the_last_of_many_clocks_is_put_back() {
    let machine = Machine::new(BOUND);
    machine.put("sys/devices/system/cpu/online", "0-99");
    let policies: Vec<String> = (4..100).map(|cpu| format!("policy{cpu}")).collect();
    for (cpu, policy) in (4..).zip(&policies) {
        machine.cluster(policy, &format!("{cpu}"), "2000000");
        machine.put(&format!("sys/devices/system/cpu/cpu{cpu}/cpu_capacity"), "1024");
    }
    let mut running = machine.start();
    let all_are = |bounds: [u64; 2]| policies.iter().all(|policy| machine.bounds_of(policy) == bounds);
    eventually("all are bounded", || all_are(ASKED));
    running.signal(Signal::SIGTERM);
    running.ended();
    assert!(
        all_are(BEFORE),
        "{:?}",
        policies
            .iter()
            .map(|policy| machine.bounds_of(policy))
            .collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn a_board_that_answers_late_is_put_back_all_the_same() {
    let machine = Machine::new(BOUND);
    let mut running = machine.start();
    machine.clock_when(ClockState::Held).await;
    // Whoever opens a pipe to read waits until somebody opens it to write.
    let max = machine
        .root()
        .join("sys/devices/system/cpu/cpufreq/policy2/scaling_max_freq");
    let (away, pipe) = (machine.root().join("away"), machine.root().join("pipe"));
    fs::rename(&max, &away).unwrap();
    mkfifo(&max, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    running.signal(Signal::SIGTERM);
    tokio::time::sleep(Duration::from_secs(5)).await;
    fs::rename(&max, &pipe).unwrap();
    fs::rename(&away, &max).unwrap();
    let answer = OpenOptions::new()
        .write(true)
        .custom_flags(O_NONBLOCK)
        .open(&pipe);
    assert!(answer.is_ok(), "nobody waits for it any more:\n{}", running.log());
    assert_eq!(running.ended().code(), Some(0));
    assert_eq!(machine.bounds(), BEFORE);
}

#[tokio::test]
async fn without_a_rule_nothing_is_written() {
    let machine = Machine::new("objective = \"max-quality\"\n");
    let mut running = machine.start();
    status_when(&machine.home.socket(), |_| true).await;
    running.signal(Signal::SIGTERM);
    running.ended();
    assert_eq!(machine.bounds(), BEFORE);
    assert!(!machine.run_dir().exists());
}

#[tokio::test]
async fn after_a_kill_the_clocks_are_put_back_on_request() {
    let machine = Machine::new(BOUND);
    let mut running = machine.start();
    machine.clock_when(ClockState::Held).await;
    let busy = machine.restore();
    let says = String::from_utf8_lossy(&busy.stderr).into_owned();
    assert_eq!(busy.status.code(), Some(1), "{says}");
    assert!(says.contains("another dynd answers for what is set"), "{says}");

    running.signal(Signal::SIGKILL);
    running.ended();
    assert_eq!(machine.bounds(), ASKED);
    let restored = machine.restore();
    assert_eq!(restored.status.code(), Some(0), "{restored:?}");
    let says = String::from_utf8_lossy(&restored.stdout);
    assert_eq!(says.lines().count(), 2, "{says}");
    assert!(says.contains("scaling_max_freq is 2000000 again"), "{says}");
    assert_eq!(machine.bounds(), BEFORE);
}

#[tokio::test]
async fn after_a_kill_the_next_daemon_puts_the_clocks_back() {
    let machine = Machine::new(BOUND);
    let mut running = machine.start();
    machine.clock_when(ClockState::Held).await;
    running.signal(Signal::SIGKILL);
    running.ended();
    assert_eq!(machine.bounds(), ASKED);

    machine.policy("");
    let mut next = machine.start();
    assert_eq!(machine.bounds(), BEFORE);
    assert!(
        next.log().contains("scaling_max_freq is 2000000 again"),
        "{}",
        next.log()
    );
    next.signal(Signal::SIGTERM);
    next.ended();
}

#[tokio::test]
async fn what_cannot_be_put_back_is_listed() {
    let machine = Machine::new(BOUND);
    let mut running = machine.start();
    machine.clock_when(ClockState::Held).await;
    running.signal(Signal::SIGKILL);
    running.ended();
    machine.put(
        "sys/devices/system/cpu/cpufreq/policy2/scaling_max_freq",
        "1800000",
    );
    let restored = machine.restore();
    assert_eq!(restored.status.code(), Some(1), "{restored:?}");
    let says = String::from_utf8_lossy(&restored.stdout);
    assert!(
        says.contains("scaling_max_freq was changed to 1800000 by another and is left alone"),
        "{says}"
    );
    assert_eq!(machine.bounds(), [200_000, 1_800_000]);
}

#[tokio::test]
async fn a_foreign_change_is_told_and_left_alone_until_the_rule_changes() {
    let machine = Machine::new(BOUND);
    let mut running = machine.start();
    machine.clock_when(ClockState::Held).await;
    machine.put(
        "sys/devices/system/cpu/cpufreq/policy2/scaling_max_freq",
        "1800000",
    );
    let clock = machine.clock_when(ClockState::Contested).await;
    assert_eq!(clock.max_khz, Some(1_800_000));
    assert!(
        clock
            .reason()
            .contains("scaling_max_freq reads 1800000 where 1400000 was left"),
        "{clock:?}"
    );
    eventually("it is logged", || {
        running.log().contains("the clock of big is contested")
    });

    // A new policy with the same rule gives it no reason to fight…
    machine.policy(&format!("objective = \"min-energy\"\n{BOUND}"));
    running.signal(Signal::SIGHUP);
    let energy = |status: &dynd_proto::v1::Status| status.policy.as_ref().unwrap().objective == "min-energy";
    status_when(&machine.home.socket(), energy).await;
    machine.clock_when(ClockState::Contested).await;
    assert_eq!(machine.bounds(), [600_000, 1_800_000]);
    // …another rule does.
    machine.policy(&BOUND.replace("1.4 GHz", "1 GHz"));
    running.signal(Signal::SIGHUP);
    machine.clock_when(ClockState::Held).await;
    assert_eq!(machine.bounds(), [600_000, 1_000_000]);

    running.signal(Signal::SIGTERM);
    running.ended();
    assert_eq!(machine.bounds(), [200_000, 1_800_000], "the new baseline");
}

#[tokio::test]
async fn an_operator_releases_a_contested_clock() {
    let machine = Machine::new(BOUND);
    let mut running = machine.start();
    machine.clock_when(ClockState::Held).await;
    let mut operator = Operator::connect(&machine.home.socket()).await.unwrap();
    let mut refused = async |name: &str| operator.release(name).await.unwrap_err().to_string();
    let unknown = refused("gpu").await;
    assert!(
        unknown.contains("the board has no processor 'gpu'; it has little, big"),
        "{unknown}"
    );
    let held = refused("big").await;
    assert!(
        held.contains("the clock of big is not contested, but held"),
        "{held}"
    );

    machine.put(
        "sys/devices/system/cpu/cpufreq/policy2/scaling_max_freq",
        "1800000",
    );
    machine.clock_when(ClockState::Contested).await;
    operator.release("big").await.unwrap();
    machine.clock_when(ClockState::Held).await;
    assert_eq!(machine.bounds(), ASKED);
    running.signal(Signal::SIGTERM);
    running.ended();
    assert_eq!(machine.bounds(), [200_000, 1_800_000], "the new baseline");
}

#[tokio::test]
async fn a_rule_that_goes_gives_the_clock_back() {
    let machine = Machine::new(BOUND);
    let running = machine.start();
    machine.clock_when(ClockState::Held).await;
    machine.policy("");
    running.signal(Signal::SIGHUP);
    machine.clock_when(ClockState::Left).await;
    assert_eq!(machine.bounds(), BEFORE);
}

#[tokio::test]
async fn clocks_may_stay_and_are_still_known() {
    let machine = Machine::new(&format!("restore = \"never\"\n{BOUND}"));
    let stop = |mut running: Running| {
        running.signal(Signal::SIGTERM);
        running.ended();
    };
    let running = machine.start();
    machine.clock_when(ClockState::Held).await;
    stop(running);
    assert_eq!(machine.bounds(), ASKED);
    let restored = machine.restore();
    assert!(restored.status.success(), "{restored:?}");
    assert!(String::from_utf8_lossy(&restored.stdout).contains("all stays as it is"));
    assert_eq!(machine.bounds(), ASKED);

    let running = machine.start();
    machine.clock_when(ClockState::Held).await;
    stop(running);
    assert_eq!(machine.bounds(), ASKED);

    machine.policy("");
    assert!(machine.restore().status.success());
    assert_eq!(machine.bounds(), BEFORE);
}

#[tokio::test]
async fn a_clock_that_cannot_be_bounded_is_refused_and_the_daemon_goes_on() {
    let machine = Machine::new(BOUND);
    fs::remove_file(
        machine
            .root()
            .join("sys/devices/system/cpu/cpufreq/policy2/scaling_max_freq"),
    )
    .unwrap();
    let _running = machine.start();
    let clock = machine.clock_when(ClockState::Refused).await;
    assert!(
        clock.reason().contains("scaling_max_freq does not exist"),
        "{clock:?}"
    );
}

#[tokio::test]
async fn a_bounded_clock_whose_policy_vanishes_is_refused_and_held_again_when_it_returns() {
    let machine = Machine::new(BOUND);
    let mut running = machine.start();
    machine.clock_when(ClockState::Held).await;
    // The last CPU of the cluster goes offline, and comes back with the bounds that it had.
    let policy = machine.root().join("sys/devices/system/cpu/cpufreq/policy2");
    let away = machine.root().join("away");
    fs::rename(&policy, &away).unwrap();
    let clock = machine.clock_when(ClockState::Refused).await;
    assert!(clock.reason().contains("does not exist"), "{clock:?}");
    fs::rename(&away, &policy).unwrap();
    machine.clock_when(ClockState::Held).await;
    assert_eq!(machine.bounds(), ASKED);
    running.signal(Signal::SIGTERM);
    assert_eq!(running.ended().code(), Some(0));
    assert_eq!(machine.bounds(), BEFORE);
}
