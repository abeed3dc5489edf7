//! Devices with a clock of their own: accelerators and memory, through devfreq.
//!
//! `/sys/class/devfreq/NAME` is the governor of one clock, `device` in it the device that it feeds. What that is for
//! its names tell ([`purpose`]); one with a render node (`device/drm/renderD…`) is a GPU whatever it is called.
//! A clock whose governor is `passive` follows another one and is left out.

use std::path::{Path, PathBuf};

use dynd_vocab::{CpuSet, Hertz, MemoryClock, Processor, ProcessorKind, Role};

use crate::Loss;
use crate::clock::{self, Clock};
use crate::clock_domain::{ClockDomain, Subsystem};
use crate::load::{LoadFormat, LoadMeter};
use crate::mali;
use crate::processor::Found;
use crate::purpose::{Purpose, purpose};
use crate::survey::{Survey, unique};

const DEVFREQ: &str = "sys/class/devfreq";

/// Where the clock of Tegra's memory controller shows without devfreq, for root: of the power management
/// processor from Tegra186 on, of the clock framework before.
const EMC: &[&str] = &[
    "sys/kernel/debug/bpmp/debug/clk/emc/rate",
    "sys/kernel/debug/clk/override.emc/clk_rate",
    "sys/kernel/debug/clk/emc/clk_rate",
];

/// Where loads show besides the device's own directory.
const TEGRA_GPU_LOADS: &[&str] = &["sys/devices/gpu.0/load", "sys/devices/platform/gpu.0/load"];
const RKNPU_LOAD: &str = "sys/kernel/debug/rknpu/load";

/// The accelerators and memory clocks, in the order of their names in sysfs.
pub(crate) fn devices(survey: &mut Survey<'_>) -> (Vec<Found>, Vec<(MemoryClock, Clock)>) {
    let (mut accelerators, mut memory) = (Vec::new(), Vec::new());
    for name in survey.names(Path::new(DEVFREQ), "") {
        let dir = Path::new(DEVFREQ).join(&name);
        match purpose_of(survey, &name, &dir) {
            Some(Purpose::Processor(kind)) => accelerators.push(accelerator(survey, kind, &dir)),
            Some(Purpose::Memory) => memory.extend(memory_clock(survey, &name, &dir)),
            None => {}
        }
    }
    let has_gpu = accelerators
        .iter()
        .any(|found| found.processor.kind == ProcessorKind::Gpu);
    if !has_gpu {
        accelerators.extend(mali::gpu(survey));
    }
    if memory.is_empty() {
        memory.extend(emc(survey));
    }
    name_by_role(&mut accelerators);
    let names = unique(
        &memory
            .iter()
            .map(|(memory, _)| memory.name.clone())
            .collect::<Vec<_>>(),
    );
    for ((memory, _), name) in memory.iter_mut().zip(names) {
        memory.name = name;
    }
    (accelerators, memory)
}

fn purpose_of(survey: &mut Survey<'_>, name: &str, dir: &Path) -> Option<Purpose> {
    let uevent = survey.read(&dir.join("device/uevent")).unwrap_or_default();
    let of = |key: &'static str| uevent.lines().filter_map(move |line| line.strip_prefix(key));
    let compatible = of("OF_COMPATIBLE_").filter_map(|line| Some(line.split_once('=')?.1));
    let names = std::iter::once(name)
        .chain(of("OF_NAME="))
        .chain(compatible)
        .chain(of("DRIVER="));
    let renders = || !survey.names(&dir.join("device/drm"), "renderD").is_empty();
    purpose(names).or_else(|| renders().then_some(Purpose::Processor(ProcessorKind::Gpu)))
}

fn accelerator(survey: &mut Survey<'_>, kind: ProcessorKind, dir: &Path) -> Found {
    Found {
        processor: processor(kind, opps(survey, dir)),
        dir: Some(survey.at(dir)),
        clock: Some(Clock::new(
            survey.at(&dir.join("cur_freq")),
            Loss::Clock,
            clock::hz,
        )),
        domains: vec![ClockDomain::new(Subsystem::Devfreq, dir.to_path_buf())],
        load: load(survey, kind, dir),
    }
}

/// An accelerator that has no name yet.
pub(crate) fn processor(kind: ProcessorKind, opps: Vec<Hertz>) -> Processor {
    Processor {
        name: String::new(),
        kind,
        role: match kind {
            ProcessorKind::Npu => Role::Npu,
            ProcessorKind::Gpu => Role::Gpu,
            ProcessorKind::Cpu | ProcessorKind::Accelerator => Role::Accelerator,
        },
        cpus: CpuSet::EMPTY,
        capacity: 0,
        opps,
    }
}

/// The load of the device governed in `dir`, from the first file of those known that is there.
fn load(survey: &mut Survey<'_>, kind: ProcessorKind, dir: &Path) -> Option<LoadMeter> {
    let own = dir.join("load");
    if let Ok(text) = survey.read(&own) {
        let format = if text.contains('@') {
            LoadFormat::AtClock
        } else {
            LoadFormat::Percent
        };
        return Some(LoadMeter::new(survey.at(&own), format));
    }
    let device = dir.join("device");
    let beside: &[&str] = match kind {
        ProcessorKind::Gpu => TEGRA_GPU_LOADS,
        _ => &[],
    };
    let npu = (kind == ProcessorKind::Npu).then(|| (PathBuf::from(RKNPU_LOAD), LoadFormat::PerCore));
    [
        ("load", LoadFormat::Permille),
        ("utilisation", LoadFormat::Percent),
        ("utilization", LoadFormat::Percent),
        ("gpu_busy_percent", LoadFormat::Percent),
    ]
    .into_iter()
    .map(|(file, format)| (device.join(file), format))
    .chain(
        beside
            .iter()
            .map(|path| (PathBuf::from(path), LoadFormat::Permille)),
    )
    .chain(npu)
    .find(|(path, _)| survey.exists(path))
    .map(|(path, format)| LoadMeter::new(survey.at(&path), format))
}

fn opps(survey: &mut Survey<'_>, dir: &Path) -> Vec<Hertz> {
    let path = dir.join("available_frequencies");
    match survey.optional(&path, Loss::Opps) {
        Some(text) => clock::table(&text, clock::hz, |fault| {
            let _: Option<()> = survey.note(&path, Loss::Opps, Err(fault));
        }),
        None => Vec::new(),
    }
}

fn memory_clock(survey: &mut Survey<'_>, name: &str, dir: &Path) -> Option<(MemoryClock, Clock)> {
    if survey.word(&dir.join("governor")).as_deref() == Some("passive") {
        return None;
    }
    let memory = MemoryClock {
        name: plain(name).to_owned(),
        opps: opps(survey, dir),
    };
    let clock = Clock::new(survey.at(&dir.join("cur_freq")), Loss::MemoryClock, clock::hz);
    Some((memory, clock))
}

/// The clock of Tegra's memory controller where devfreq has none.
fn emc(survey: &Survey<'_>) -> Option<(MemoryClock, Clock)> {
    let path = EMC.iter().map(Path::new).find(|path| survey.exists(path))?;
    let memory = MemoryClock {
        name: "emc".into(),
        opps: Vec::new(),
    };
    Some((memory, Clock::new(survey.at(path), Loss::MemoryClock, clock::hz)))
}

/// A device's name without its address or bus: `dmc` of `10c20000.dmc`, `bus_wcore` of `soc:bus_wcore`.
fn plain(name: &str) -> &str {
    let name = name.rsplit_once(':').map_or(name, |(_, name)| name);
    match name.split_once('.') {
        Some((address, rest)) if !rest.is_empty() && address.chars().all(|c| c.is_ascii_hexdigit()) => rest,
        _ => name,
    }
}

/// The role, numbered where several accelerators play it.
fn name_by_role(accelerators: &mut [Found]) {
    let roles: Vec<Role> = accelerators.iter().map(|found| found.processor.role).collect();
    for (index, found) in accelerators.iter_mut().enumerate() {
        let role = roles[index];
        let before = |among: &[Role]| among.iter().filter(|other| **other == role).count();
        found.processor.name = match before(&roles) {
            1 => role.label().into(),
            _ => format!("{}{}", role.label(), before(&roles[..index])),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_their_address() {
        for (name, expect) in [
            ("10c20000.memory-controller", "memory-controller"),
            ("soc:bus_wcore", "bus_wcore"),
            ("dmc", "dmc"),
            ("31b0000.", "31b0000."),
            ("memory.controller", "memory.controller"),
        ] {
            assert_eq!(plain(name), expect);
        }
    }
}
