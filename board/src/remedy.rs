//! What to do about a sensor that cannot be read, or a clock that cannot be written.

use std::io;

use crate::finding::Grade;
use crate::{Fault, Loss, SensorProblem};

/// Where the kernel runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Machine {
    /// On a hypervisor, which keeps clocks, power and heat to itself.
    Virtual,
    /// On hardware.
    Real,
}

/// A kernel's major and minor version.
pub(crate) type Version = (u32, u32);

/// Whether something can be done about `problem`, and what.
pub(crate) fn remedy(problem: &SensorProblem, machine: Machine, kernel: Option<Version>) -> (Grade, String) {
    let path = problem.path.display();
    match (&problem.fault, problem.lost) {
        (Fault::Absent, Loss::Cpufreq) if machine == Machine::Virtual => (
            Grade::Note,
            "nothing: the host of a virtual machine keeps the clocks to itself".into(),
        ),
        (Fault::Absent, Loss::Cpufreq) => (
            Grade::Attention,
            "load or build in the cpufreq driver of this CPU (cpufreq-dt, intel_pstate, acpi-cpufreq, …)"
                .into(),
        ),
        (Fault::Absent, Loss::Stalled) if kernel.is_some_and(|kernel| kernel < (4, 20)) => (
            Grade::Note,
            "nothing: the kernel is older than 4.20, which brought it".into(),
        ),
        (Fault::Absent, Loss::Stalled) => (
            Grade::Attention,
            "boot with psi=1 on the kernel's command line, or build the kernel with CONFIG_PSI".into(),
        ),
        (Fault::Unreadable(_), Loss::Stalled) => (
            Grade::Attention,
            "boot with psi=1 on the kernel's command line: the kernel has it, but switched off".into(),
        ),
        (Fault::Unreadable(_), Loss::Power) if problem.path.ends_with("energy_uj") => (
            Grade::Attention,
            format!("run dynd as root: since Linux 5.10 nobody else may read {path} (CVE-2020-8694)"),
        ),
        (Fault::Uncounted(_), _) if machine == Machine::Virtual => {
            (Grade::Note, "nothing: few virtual machines have counters".into())
        }
        (Fault::Uncounted(error), _)
            if error.contains("ermission denied") || error.contains("not permitted") => (
            Grade::Note,
            "nothing, since dynd needs none; to see them, run as root or sysctl kernel.perf_event_paranoid=0"
                .into(),
        ),
        (Fault::Uncounted(_), _) => (Grade::Note, "nothing: dynd needs none".into()),
        (Fault::Unreadable(error), _) if error.contains("ermission denied") => (
            Grade::Attention,
            format!("run as root, or let this user read {path}"),
        ),
        (Fault::Off, Loss::Power) if problem.path.ends_with("enable") => {
            (Grade::Attention, format!("switch it on: echo 1 > {path}"))
        }
        (Fault::Off, Loss::Power) => (
            Grade::Attention,
            "switch the channel on: write 1 to the file in…_enable beside it".into(),
        ),
        (Fault::Off, _) => (
            Grade::Note,
            "nothing: it answers again when its unit has power".into(),
        ),
        (Fault::Implausible(_), Loss::Temperature | Loss::Trip) => (
            Grade::Note,
            "nothing: it is not believed, and the other zones count".into(),
        ),
        (Fault::TooManyCpus(_), _) => (Grade::Note, "nothing: dynd holds 128 CPUs".into()),
        _ => (
            Grade::Attention,
            "look at the file; if it is as its driver means it, report it with `dynctl board fixture`".into(),
        ),
    }
}

/// What to do about a clock to which this user may not write, and why that is.
pub(crate) fn write_remedy(why: io::ErrorKind) -> &'static str {
    match why {
        io::ErrorKind::PermissionDenied => {
            "if a policy is to bound clocks, install /usr/share/dynd/clocks.conf as a drop-in of dynd.service, which \
             grants it to the daemon (it says how), or run dynd as root"
        }
        io::ErrorKind::ReadOnlyFilesystem => {
            "if a policy is to bound clocks, mount /sys for writing (a container: --privileged), or run dynd outside"
        }
        _ => "look at the file; if it is as its driver means it, let no policy bound clocks",
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::problem::ProblemLog;

    fn check(path: &str, lost: Loss, fault: Fault, kernel: Version, expect: (Grade, &str)) {
        let mut log = ProblemLog::default();
        let _: Option<()> = log.settle(Path::new(path), lost, Err(fault));
        let (grade, remedy) = remedy(&log.current()[0], Machine::Real, Some(kernel));
        assert_eq!(grade, expect.0, "{remedy}");
        assert!(remedy.contains(expect.1), "{remedy}");
    }

    #[test]
    fn remedies_fit_why_a_clock_cannot_be_written() {
        for (errno, expect) in [(13, "clocks.conf"), (30, "mount /sys"), (5, "look at the file")] {
            let why = io::Error::from_raw_os_error(errno).kind();
            assert!(
                write_remedy(why).contains(expect),
                "{errno}: {}",
                write_remedy(why)
            );
        }
    }

    #[test]
    fn remedies_fit_kernel_and_file() {
        let (attention, note) = (Grade::Attention, Grade::Note);
        let denied = || Fault::Unreadable("Permission denied (os error 13)".into());
        let psi = "/proc/pressure/cpu";
        check(
            psi,
            Loss::Stalled,
            Fault::Absent,
            (4, 9),
            (note, "older than 4.20"),
        );
        check(psi, Loss::Stalled, Fault::Absent, (6, 1), (attention, "psi=1"));
        check(
            psi,
            Loss::Stalled,
            Fault::Unreadable("Not supported".into()),
            (6, 1),
            (attention, "switched off"),
        );
        check(
            "/sys/rapl/energy_uj",
            Loss::Power,
            denied(),
            (6, 1),
            (attention, "as root"),
        );
        check(
            "/sys/rapl/name",
            Loss::Power,
            denied(),
            (6, 1),
            (attention, "let this user read"),
        );
        for (why, remedy) in [
            ("Permission denied (os error 13)", "perf_event_paranoid=0"),
            (
                "No such file or directory (os error 2)",
                "nothing: dynd needs none",
            ),
        ] {
            check(
                "/sys/bus/event_source/devices",
                Loss::Counters,
                Fault::Uncounted(why.into()),
                (6, 1),
                (note, remedy),
            );
        }
        check(
            "/sys/3-0040/enable",
            Loss::Power,
            Fault::Off,
            (3, 10),
            (attention, "echo 1 > /sys/3-0040/enable"),
        );
        check(
            "/sys/hwmon1/curr1_input",
            Loss::Power,
            Fault::Off,
            (5, 10),
            (attention, "in…_enable"),
        );
        check(
            "/sys/zone2/temp",
            Loss::Temperature,
            Fault::Off,
            (5, 10),
            (note, "has power"),
        );
        check(
            "/sys/zone2/temp",
            Loss::Temperature,
            Fault::Malformed("hot".into()),
            (5, 10),
            (attention, "report"),
        );
    }
}
