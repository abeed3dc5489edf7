//! Whether a board file describes the machine that was found: by its processors, never by its name.

use dynd_vocab::{Blueprint, BoardDescription, CpuSet, Hertz, Processor, ProcessorKind};

use crate::figures::range;

/// What a processor is compared by.
struct Likeness {
    name: String,
    kind: ProcessorKind,
    /// Empty for an accelerator.
    cpus: CpuSet,
    clocks: Vec<Hertz>,
}

impl Likeness {
    /// A kernel that tells no clocks contradicts none.
    fn admits(&self, found: &Processor) -> bool {
        let clocks = found.opps.is_empty() || found.opps == self.clocks;
        self.kind == found.kind && self.cpus == found.cpus && clocks
    }
}

/// In what `found` differs from `board`, as sentences; nothing if the file may be about it.
pub(crate) fn differences(found: &BoardDescription, board: &Blueprint) -> Vec<String> {
    let clusters = board
        .clusters
        .iter()
        .map(|cluster| (ProcessorKind::Cpu, cluster.cpus, &cluster.silicon));
    let accelerators = board.accelerators.iter();
    let accelerators = accelerators.map(|each| (each.kind, CpuSet::EMPTY, &each.silicon));
    let mut left: Vec<Likeness> = clusters
        .chain(accelerators)
        .map(|(kind, cpus, silicon)| Likeness {
            name: silicon.name.clone(),
            kind,
            cpus,
            clocks: silicon.opps.iter().map(|opp| opp.clock).collect(),
        })
        .collect();
    let mut differences = Vec::new();
    for processor in &found.processors {
        match left.iter().position(|likeness| likeness.admits(processor)) {
            Some(at) => drop(left.remove(at)),
            None => differences.push(format!(
                "the file has no {}",
                of(&processor.name, processor.kind, processor.cpus, &processor.opps)
            )),
        }
    }
    let absent = left.iter();
    differences.extend(absent.map(|each| {
        format!(
            "the machine has no {}",
            of(&each.name, each.kind, each.cpus, &each.clocks)
        )
    }));
    differences
}

fn of(name: &str, kind: ProcessorKind, cpus: CpuSet, clocks: &[Hertz]) -> String {
    let clocks = match clocks {
        [_] => format!("clock {}", range(clocks)),
        _ => format!("clocks {}", range(clocks)),
    };
    match kind {
        ProcessorKind::Cpu => format!("{name} of CPUs {cpus}, {clocks}"),
        kind => format!("{name} ({}), {clocks}", kind.label()),
    }
}

#[cfg(test)]
mod tests {
    use dynd_files::find_board;
    use dynd_plant::{Plant, VirtualBoard};
    use dynd_vocab::Board as _;

    use super::*;

    #[test]
    fn a_file_is_about_a_machine_of_the_same_processors() {
        let [nano, xavier] = ["jetson-nano", "jetson-xavier-nx"].map(|name| find_board(name).unwrap());
        let mut found = VirtualBoard::new(Plant::new(&nano, 1)).describe().clone();
        found.name = "a board that calls itself something else".into();
        assert_eq!(differences(&found, &nano), [""; 0]);
        assert_eq!(differences(&found, &xavier).len(), 2 + 4);

        // Not by its name alone.
        found.name = nano.name.clone();
        found.processors[0].opps.pop();
        assert_eq!(
            differences(&found, &nano),
            [
                "the file has no cpu of CPUs 0-3, clocks 14 from 102 MHz to 1428 MHz",
                "the machine has no cpu of CPUs 0-3, clocks 15 from 102 MHz to 1479 MHz",
            ]
        );
        found.processors[0].opps.clear();
        assert_eq!(
            differences(&found, &nano),
            [""; 0],
            "a kernel that tells no clocks"
        );
    }
}
