//! Whether the kernel lowers a clock to cool the board.
//!
//! A cooling device is named after what it lowers: `cpufreq-cpu4` the policy of CPU 4, `devfreq-17000000.gpu` that
//! device, on older kernels `thermal-cpufreq-0` and `thermal-devfreq-0` one of them; `Processor` (ACPI) a CPU;
//! `cpu_balanced` and the like are the throttles of Tegra. Fans, idle injection and displays lower no clock.
//! Source: `drivers/thermal/cpufreq_cooling.c`, `devfreq_cooling.c`, `drivers/acpi/processor_thermal.c`.

use std::fs;
use std::path::Path;

use crate::clock_domain::{ClockDomain, Subsystem};
use crate::{cpulist, kernel};

const DEVICES: &str = "sys/class/thermal";

/// The cooling device below `root` that is at work on `domain`, by its type; the first by name if there are
/// several.
pub(crate) fn active(root: &Path, domain: &ClockDomain) -> Option<String> {
    let devices = fs::read_dir(root.join(DEVICES)).ok()?.flatten();
    let active = devices.filter_map(|device| {
        let name = device.file_name();
        if !name.to_str()?.starts_with("cooling_device") {
            return None;
        }
        let kind = fs::read_to_string(device.path().join("type")).ok()?;
        let kind = kind.trim();
        let state = kernel::number(&device.path().join("cur_state")).ok()?;
        (state > 0 && lowers(kind, root, domain)).then(|| kind.to_owned())
    });
    active.min()
}

/// True if a cooling device of this type lowers the clock of `domain`.
fn lowers(kind: &str, root: &Path, domain: &ClockDomain) -> bool {
    match domain.subsystem() {
        Subsystem::Cpufreq => {
            if let Some(cpu) = kind.strip_prefix("cpufreq-cpu") {
                return cpu.parse().is_ok_and(|cpu| feeds(root, domain, cpu));
            }
            kind == "Processor" || kind.starts_with("thermal-cpufreq-") || throttles(kind, "cpu")
        }
        Subsystem::Devfreq => {
            if let Some(device) = kind.strip_prefix("devfreq-") {
                return domain.dir().file_name().is_some_and(|name| name == device);
            }
            kind.starts_with("thermal-devfreq-") || throttles(kind, "gpu")
        }
    }
}

/// True for a throttle of Tegra that slows this unit.
fn throttles(kind: &str, unit: &str) -> bool {
    ["balanced", "heavy"].iter().any(|how| kind.ends_with(how))
        && [unit, "skin", "emergency"]
            .iter()
            .any(|what| kind.starts_with(what))
}

/// True if `cpu` runs at the clock of `domain`, or if that cannot be told.
fn feeds(root: &Path, domain: &ClockDomain, cpu: u32) -> bool {
    let related = fs::read_to_string(root.join(domain.dir()).join("related_cpus"));
    match related.map(|text| cpulist::parse(&text)) {
        Ok(Ok((cpus, _))) => cpus.contains(cpu),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lowers_this_clock_counts() {
        let root = tempfile::tempdir().unwrap();
        let policy = root.path().join("policy4");
        fs::create_dir_all(&policy).unwrap();
        fs::write(policy.join("related_cpus"), "4 5 6 7\n").unwrap();
        let cpu = ClockDomain::new(Subsystem::Cpufreq, "policy4".into());
        let gpu = ClockDomain::new(Subsystem::Devfreq, "devfreq/17000000.gpu".into());

        let check = |kind: &str, state: &str, expect: [bool; 2]| {
            let device = root.path().join(DEVICES).join("cooling_device3");
            fs::create_dir_all(&device).unwrap();
            fs::write(device.join("type"), format!("{kind}\n")).unwrap();
            fs::write(device.join("cur_state"), format!("{state}\n")).unwrap();
            let found = [&cpu, &gpu].map(|domain| active(root.path(), domain).as_deref() == Some(kind));
            assert_eq!(found, expect, "{kind} {state}");
        };
        check("cpufreq-cpu4", "1", [true, false]);
        check("cpufreq-cpu4", "0", [false, false]);
        check("cpufreq-cpu0", "1", [false, false]);
        check("thermal-cpufreq-1", "2", [true, false]);
        check("Processor", "1", [true, false]);
        check("devfreq-17000000.gpu", "1", [false, true]);
        check("devfreq-ff9a0000.gpu", "1", [false, false]);
        check("thermal-devfreq-0", "1", [false, true]);
        check("cpu_balanced", "1", [true, false]);
        check("gpu-balanced", "1", [false, true]);
        check("emc_balanced", "1", [false, false]);
        check("skin-balanced", "1", [true, true]);
        check("pwm-fan", "3", [false, false]);
        check("intel_powerclamp", "-1", [false, false]);
        check("thermal-idle-0", "1", [false, false]);
    }
}
