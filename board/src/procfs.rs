//! The formats of procfs (`Documentation/filesystems/proc.rst`, `proc(5)`), as pure functions of their text.
//!
//! Times come in ticks of [`TICK`]: the kernel's internal tick varies, but what it shows to programs is in
//! `USER_HZ`, which is 100 on every architecture that runs dynd.

use std::time::Duration;

use crate::Fault;

/// The unit of times in `/proc/stat` and `/proc/PID/stat`.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// There are never more tasks than process numbers (`PID_MAX_LIMIT`).
const MOST_TASKS: u32 = 1 << 22;

/// The times of one CPU, in ticks since boot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CpuTicks {
    /// Spent on anything but idling and waiting for I/O. Time stolen by a hypervisor is busy: it was wanted.
    pub(crate) busy: u64,
    /// Spent idling or waiting for I/O.
    pub(crate) idle: u64,
}

/// The per-CPU lines of `/proc/stat`, with the CPU's number.
pub(crate) fn cpu_lines(stat: &str) -> impl Iterator<Item = Result<(u32, CpuTicks), Fault>> {
    stat.lines()
        .take_while(|line| line.starts_with("cpu"))
        .filter(|line| !line.starts_with("cpu "))
        .map(|line| cpu_line(line).ok_or_else(|| Fault::malformed(line.as_bytes())))
}

/// `cpuN user nice system idle [iowait irq softirq steal [guest guest_nice]]`. Old kernels lack the later fields;
/// guest times are part of user and nice.
fn cpu_line(line: &str) -> Option<(u32, CpuTicks)> {
    let mut words = line.split_ascii_whitespace();
    let cpu = words.next()?.strip_prefix("cpu")?.parse().ok()?;
    let mut fields = [0_u64; 8];
    let mut count = 0;
    for (field, word) in fields.iter_mut().zip(words) {
        *field = word.parse().ok()?;
        count += 1;
    }
    let [user, nice, system, idle, iowait, irq, softirq, steal] = fields;
    let sum = |terms: &[u64]| terms.iter().try_fold(0_u64, |sum, &term| sum.checked_add(term));
    (count >= 4).then_some((
        cpu,
        CpuTicks {
            busy: sum(&[user, nice, system, irq, softirq, steal])?,
            idle: sum(&[idle, iowait])?,
        },
    ))
}

/// The number of tasks running or waiting for a CPU (`procs_running` of `/proc/stat`).
pub(crate) fn runnable(stat: &str) -> Result<u32, Fault> {
    let key = "procs_running";
    let Some(line) = stat.lines().find(|line| line.starts_with(key)) else {
        return Err(Fault::Malformed(format!("no {key}")));
    };
    let tasks = line[key.len()..].trim().parse().ok();
    tasks
        .filter(|&tasks| tasks <= MOST_TASKS)
        .ok_or_else(|| Fault::malformed(line.as_bytes()))
}

/// The microseconds during which some task waited for a CPU (`some … total=` of `/proc/pressure/cpu`).
pub(crate) fn stalled_micros(pressure: &str) -> Option<u64> {
    let line = pressure.lines().find_map(|line| line.strip_prefix("some "))?;
    let total = line.split(' ').find_map(|word| word.strip_prefix("total="))?;
    total.trim().parse().ok()
}

/// The CPU time of a process over all its threads, dead ones included, in ticks (`utime + stime` of
/// `/proc/PID/stat`). Coarse, but `schedstat`, which counts nanoseconds, is of the first thread alone.
///
/// Bytes, since the second field is the program's name: up to 15 bytes of its own choice, blanks and
/// parentheses included. The last parenthesis ends it.
pub(crate) fn process_ticks(stat: &[u8]) -> Option<u64> {
    let name_end = stat.iter().rposition(|&byte| byte == b')')?;
    let fields = std::str::from_utf8(&stat[name_end + 1..]).ok()?;
    let mut times = fields.split_ascii_whitespace().skip(11);
    let user: u64 = times.next()?.parse().ok()?;
    let system: u64 = times.next()?.parse().ok()?;
    user.checked_add(system)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_cpus(stat: &str, expect: &[Option<(u32, u64, u64)>]) {
        let lines: Vec<_> = cpu_lines(stat)
            .map(|line| line.ok().map(|(cpu, ticks)| (cpu, ticks.busy, ticks.idle)))
            .collect();
        assert_eq!(lines, expect, "{stat}");
    }

    #[test]
    fn busy_is_all_but_idle_and_waiting() {
        check_cpus(
            "cpu  9 9 9 9 9 9 9 9 9 9\ncpu0 1 20 300 4 50 4000 50000 600000 1 20\nintr 5\ncpu7 1 1 1 1\n",
            &[Some((0, 654_321, 54))],
        );
        check_cpus("cpu3 1 2 3 4\n", &[Some((3, 6, 4))]);
        check_cpus("cpu1 1 2 3 4 5 6 7 8 9 10 11 12\n", &[Some((1, 27, 9))]);
    }

    #[test]
    fn a_bad_line_costs_one_cpu() {
        let max = u64::MAX;
        check_cpus(
            &format!("cpu0 1 2 3\ncpu1 1 2 x 4\ncpux 1 2 3 4\ncpu4 {max} 1 1 1\ncpu5 -1 2 3 4\ncpu6 1 1 1 1"),
            &[None, None, None, None, None, Some((6, 3, 1))],
        );
        check_cpus("", &[]);
        check_cpus("garbage", &[]);
    }

    #[test]
    fn runnable_tasks() {
        let check = |stat: &str, expect| assert_eq!(runnable(stat).ok(), expect, "{stat}");
        check("cpu 1\nprocs_running 3\nprocs_blocked 9\n", Some(3));
        check("procs_running 4194305\n", None);
        check("procs_running -1\n", None);
        check("procs_running\n", None);
        check("", None);
    }

    #[test]
    fn stalled_time() {
        let check = |text: &str, expect| assert_eq!(stalled_micros(text), expect, "{text}");
        check(
            "some avg10=68.93 avg60=55.23 avg300=52.88 total=632641454\n",
            Some(632_641_454),
        );
        check(
            "full avg10=0.00 total=7\nsome avg10=0.00 avg60=0.00 avg300=0.00 total=5\n",
            Some(5),
        );
        check("some avg10=0.00\n", None);
        check("some total=-1", None);
        check("", None);
    }

    #[test]
    fn a_program_may_call_itself_anything() {
        let rest = " S 1 2 3 4 5 6 7 8 9 10 11 22 -2 -2 20 0 1 0";
        for name in ["cat", "a b", ") R 1 2", "((((", "))", ") 9 9 9 9 9 9 9 9 9"] {
            assert_eq!(
                process_ticks(format!("42 ({name}){rest}").as_bytes()),
                Some(33),
                "{name}"
            );
        }
        let bytes = [b"42 (\xff\xfe)".as_slice(), rest.as_bytes()].concat();
        assert_eq!(process_ticks(&bytes), Some(33));
    }

    #[test]
    fn a_cut_line_tells_no_time() {
        for text in [
            "",
            "42 (cat",
            "42 (cat)",
            "42 (cat) S 1 2 3 4 5 6 7 8 9 10 11",
            "(x) S 1 2 3 4 5 6 7 8 9 10 a b",
        ] {
            assert_eq!(process_ticks(text.as_bytes()), None, "{text}");
        }
    }
}
