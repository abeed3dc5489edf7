//! cpufreq: a policy per cluster, and a link to it from each of its CPUs.

use dynd_vocab::Hertz;
use dynd_vocab::blueprint::ClusterPlan;

use crate::bounds::End;
use crate::cpu::CPUS;
use crate::machine::{Machine, line, list as words};
use crate::node::{Attribute, Nodes};
use crate::number::scanned;
use crate::refusal::Refusal;

/// What `scaling_setspeed` reads under any governor but `userspace`.
const UNSUPPORTED: &str = "<unsupported>\n";
const USERSPACE: &str = "userspace";

/// The policies.
pub(crate) fn list(nodes: &mut Nodes, machine: &Machine) {
    for (processor, cluster) in machine.plant.blueprint().clusters.iter().enumerate() {
        let policy = format!("{CPUS}/cpufreq/policy{}", cluster.policy);
        for cpu in cluster.cpus.iter() {
            nodes.link(format!("{CPUS}/cpu{cpu}/cpufreq"), &policy);
        }
        let mut put =
            |name: &str, attribute: Attribute| nodes.attribute(format!("{policy}/{name}"), attribute);
        for (name, text) in fixed(cluster) {
            put(name, Attribute::fixed(text));
        }
        if let Some(driver) = &cluster.driver {
            put("scaling_driver", Attribute::fixed(line(driver)));
        }
        put(
            "scaling_available_governors",
            Attribute::fixed(words(machine.offered(processor))),
        );
        put("scaling_cur_freq", clock(processor));
        put("cpuinfo_cur_freq", clock(processor).private());
        put("scaling_min_freq", bound(processor, End::Min));
        put("scaling_max_freq", bound(processor, End::Max));
        put("scaling_governor", governor(processor));
        put("scaling_setspeed", speed(processor));
    }
}

/// What never changes.
fn fixed(cluster: &ClusterPlan) -> Vec<(&'static str, String)> {
    let silicon = &cluster.silicon;
    let khz = |at: usize| line(silicon.opps[at].clock.as_khz());
    let cpus: Vec<String> = cluster.cpus.iter().map(|cpu| cpu.to_string()).collect();
    let latency = (silicon.transition_latency.get() * 1e9).round();
    vec![
        ("related_cpus", line(cpus.join(" "))),
        ("affected_cpus", line(cpus.join(" "))),
        ("cpuinfo_min_freq", khz(0)),
        ("cpuinfo_max_freq", khz(silicon.opps.len() - 1)),
        ("cpuinfo_transition_latency", line(latency)),
        (
            "scaling_available_frequencies",
            words(silicon.opps.iter().map(|opp| opp.clock.as_khz())),
        ),
    ]
}

fn clock(processor: usize) -> Attribute {
    Attribute::shown(move |machine| Ok(line(machine.plant.clock(processor).as_khz())))
}

fn bound(processor: usize, end: End) -> Attribute {
    Attribute::shown(move |machine| Ok(line(machine.bound_shown(processor, end).as_khz())))
        .settable(move |machine, text| machine.bound(processor, end, text))
}

fn governor(processor: usize) -> Attribute {
    Attribute::shown(move |machine| Ok(line(machine.governor(processor))))
        .settable(move |machine, text| machine.govern(processor, text))
}

fn speed(processor: usize) -> Attribute {
    let read = move |machine: &mut Machine| {
        Ok(match machine.governor(processor) {
            USERSPACE => line(machine.plant.clock(processor).as_khz()),
            _ => UNSUPPORTED.into(),
        })
    };
    Attribute::shown(read).settable(move |machine, text| {
        let clock = Hertz::from_khz(u64::from(scanned(text)? as u32));
        machine
            .plant
            .set_clock(processor, clock)
            .map_err(|_| Refusal::Invalid)
    })
}
