//! `/sys/devices/system/cpu`, but for its clocks.

use dynd_vocab::{Blueprint, CpuSet};

use crate::machine::line;
use crate::node::{Attribute, Nodes};

pub(crate) const CPUS: &str = "sys/devices/system/cpu";

/// All CPUs are online, in one package, with one thread each.
pub(crate) fn list(nodes: &mut Nodes, board: &Blueprint) {
    let sets = board.clusters.iter().map(|cluster| cluster.cpus);
    let all = sets.fold(CpuSet::EMPTY, CpuSet::union);
    for name in ["online", "present", "possible"] {
        nodes.attribute(format!("{CPUS}/{name}"), Attribute::fixed(line(all)));
    }
    nodes.attribute(format!("{CPUS}/offline"), Attribute::fixed("\n"));
    for cluster in &board.clusters {
        for (core, cpu) in cluster.cpus.iter().enumerate() {
            let mut put = |name: &str, text: String| {
                nodes.attribute(format!("{CPUS}/cpu{cpu}/{name}"), Attribute::fixed(text));
            };
            put("cpu_capacity", line(cluster.shown_capacity));
            put("topology/physical_package_id", line(0));
            put("topology/core_id", line(core));
            put("topology/thread_siblings_list", line(cpu));
        }
    }
}
