//! What `/proc` tells of the whole machine.

use std::fmt::Write as _;
use std::time::Duration;

use dynd_vocab::Blueprint;

use crate::machine::{Machine, line};
use crate::node::{Attribute, Nodes};

/// The unit of times in `/proc/stat` (`USER_HZ`).
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// The first kernel that counts who waits for a CPU.
const PRESSURE_SINCE: (u32, u32) = (4, 20);

/// The files, of a boot that `seed` tells from others.
pub(crate) fn list(nodes: &mut Nodes, board: &Blueprint, seed: u64) {
    let release = &board.kernel.release;
    nodes.attribute("proc/sys/kernel/osrelease", Attribute::fixed(line(release)));
    // Another one each time that the board is switched on, if it is seeded so.
    let boot = format!(
        "{:08x}-{:04x}-4000-8000-{:012x}",
        seed >> 32,
        seed >> 16 & 0xffff,
        seed & 0xffff
    );
    nodes.attribute("proc/sys/kernel/random/boot_id", Attribute::fixed(line(boot)));
    nodes.attribute("proc/stat", Attribute::shown(|machine| Ok(stat(machine))));
    if version(release).is_some_and(|version| version >= PRESSURE_SINCE) {
        let pressure = Attribute::shown(|machine| Ok(pressure(machine)));
        nodes.attribute("proc/pressure/cpu", pressure);
    }
}

/// Times since boot, and who wants to run: at least who reads it.
fn stat(machine: &mut Machine) -> String {
    let plant = &machine.plant;
    let total = ticks(Duration::from_nanos(plant.now().as_nanos()));
    let busy = |cpu| plant.busy(cpu).map_or(0, ticks);
    let times = |busy: u64, total: u64| {
        let idle = total.saturating_sub(busy);
        format!("{busy} 0 0 {idle} 0 0 0 0 0 0\n")
    };
    let cpus = plant.cpus();
    let all = cpus.iter().map(busy).sum();
    let mut text = format!("cpu  {}", times(all, total * u64::from(cpus.len())));
    for cpu in cpus.iter() {
        let _ = write!(text, "cpu{cpu} {}", times(busy(cpu), total));
    }
    // Who reads it runs, too.
    let running = match &machine.visitors {
        Some(visitors) => visitors.runnable + 1,
        None => plant.runnable().max(1),
    };
    let _ = writeln!(text, "procs_running {running}\nprocs_blocked 0");
    text
}

/// How long tasks waited. The averages are not kept.
fn pressure(machine: &mut Machine) -> String {
    let micros = machine.plant.stalled().as_micros();
    format!("some avg10=0.00 avg60=0.00 avg300=0.00 total={micros}\n")
}

pub(crate) fn ticks(time: Duration) -> u64 {
    (time.as_nanos() / TICK.as_nanos()) as u64
}

/// The first two numbers of a kernel's release.
fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(['.', '-']).map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => Some((major, minor)),
        _ => None,
    }
}
