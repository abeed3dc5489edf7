//! devfreq: a device per accelerator, and where memory shows its clock.

use std::path::{Path, PathBuf};

use dynd_vocab::blueprint::{AcceleratorPlan, KernelEra, LoadUnit};

use crate::bounds::End;
use crate::machine::{Machine, line};
use crate::node::{Attribute, Nodes};

const CLASS: &str = "sys/class/devfreq";
const DEVICES: &str = "sys/devices";
const PLATFORM: &str = "sys/devices/platform";
/// Where only root comes.
pub(crate) const DEBUG: &str = "sys/kernel/debug";

/// `path` below the root.
pub(crate) fn below_root(path: &str) -> &Path {
    Path::new(path.trim_start_matches('/'))
}

/// The accelerators and the memory.
pub(crate) fn list(nodes: &mut Nodes, machine: &Machine) {
    let board = machine.plant.blueprint();
    for (index, plan) in board.accelerators.iter().enumerate() {
        accelerator(nodes, machine, board.clusters.len() + index, plan);
    }
    if let Some(path) = &board.memory.path {
        memory(nodes, machine, below_root(path));
    }
}

fn accelerator(nodes: &mut Nodes, machine: &Machine, processor: usize, plan: &AcceleratorPlan) {
    let dir = register(nodes, below_root(&plan.devfreq));
    let clocks = plan.silicon.opps.iter().map(|opp| opp.clock.as_hz().to_string());
    let clocks: Vec<String> = clocks.collect();
    let name = file_name(&dir);
    let mut put = |name: &str, attribute: Attribute| nodes.attribute(dir.join(name), attribute);
    put("available_frequencies", Attribute::fixed(line(clocks.join(" "))));
    put(
        "available_governors",
        Attribute::fixed(line(machine.offered(processor).join(" "))),
    );
    put("cur_freq", clock(processor));
    put("target_freq", clock(processor));
    put("min_freq", bound(processor, End::Min));
    put("max_freq", bound(processor, End::Max));
    put("governor", governor(processor));
    if machine.plant.blueprint().kernel.era == KernelEra::Qos {
        put("name", Attribute::fixed(line(&name)));
    }
    if let Some((path, unit)) = &plan.load {
        let path = below_root(path);
        // Beside the clock, by the path that the board file has for that.
        let path = match path.strip_prefix(below_root(&plan.devfreq)) {
            Ok(name) => dir.join(name),
            Err(_) => path.to_path_buf(),
        };
        load(nodes, &dir, &path, load_shown(processor, *unit));
    }
}

/// Puts a device whose governor the board file places at `path` where the kernel has it: in the device's own directory,
/// with a link in the class. A board file may name either.
fn register(nodes: &mut Nodes, path: &Path) -> PathBuf {
    let name = file_name(path);
    let dir = if path.starts_with(DEVICES) {
        path.to_path_buf()
    } else {
        Path::new(PLATFORM).join(&name).join("devfreq").join(&name)
    };
    let device = device(&dir);
    nodes.link(Path::new(CLASS).join(&name), &dir);
    nodes.link(dir.join("device"), &device);
    // ADDRESS.NAME: the node's name in the device tree.
    let node = name.split_once('.').map_or(name.as_str(), |(_, node)| node);
    let uevent = Attribute::fixed(format!("OF_NAME={node}\n"));
    nodes.attribute(device.join("uevent"), uevent);
    dir
}

/// The device that is governed in `dir`, which is `DEVICE/devfreq/NAME`.
fn device(dir: &Path) -> PathBuf {
    dir.ancestors().nth(2).unwrap_or(dir).to_path_buf()
}

/// The load is an attribute of the device or of its governor. Tegra's `gpu.0` is the device by another name.
fn load(nodes: &mut Nodes, dir: &Path, path: &Path, shown: Attribute) {
    let device = device(dir);
    let parent = path.parent().unwrap_or(path);
    let is_alias = parent.starts_with(DEVICES) && parent != dir && parent != device;
    if is_alias {
        nodes.link(parent, &device);
        nodes.attribute(device.join(file_name(path)), shown);
    } else {
        nodes.attribute(path, shown);
    }
}

fn load_shown(processor: usize, unit: LoadUnit) -> Attribute {
    Attribute::shown(move |machine| {
        let load = machine.plant.load(processor);
        Ok(match unit {
            LoadUnit::Permille => line((load * 1e3).round()),
            LoadUnit::Percent => line((load * 1e2).round()),
            LoadUnit::PercentAtHertz => {
                let clock = machine.plant.clock(processor).as_hz();
                line(format_args!("{}@{clock}Hz", (load * 1e2).round()))
            }
        })
    })
}

fn memory(nodes: &mut Nodes, machine: &Machine, path: &Path) {
    let clock = Attribute::shown(|machine| Ok(line(machine.plant.memory_clock().as_hz())));
    if path.starts_with(DEBUG) {
        nodes.private_directory(DEBUG);
        return nodes.attribute(path, clock);
    }
    if !path.starts_with(CLASS) {
        return nodes.attribute(path, clock);
    }
    let dir = register(nodes, path);
    let clocks = machine.plant.blueprint().memory.clocks.iter();
    let clocks: Vec<String> = clocks.map(|clock| clock.as_hz().to_string()).collect();
    let clocks = Attribute::fixed(line(clocks.join(" ")));
    nodes.attribute(dir.join("available_frequencies"), clocks);
    nodes.attribute(dir.join("cur_freq"), clock);
}

fn clock(processor: usize) -> Attribute {
    Attribute::shown(move |machine| Ok(line(machine.plant.clock(processor).as_hz())))
}

fn bound(processor: usize, end: End) -> Attribute {
    Attribute::shown(move |machine| Ok(line(machine.bound_shown(processor, end).as_hz())))
        .settable(move |machine, text| machine.bound(processor, end, text))
}

fn governor(processor: usize) -> Attribute {
    Attribute::shown(move |machine| Ok(line(machine.governor(processor))))
        .settable(move |machine, text| machine.govern(processor, text))
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}
