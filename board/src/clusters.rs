//! Which CPUs make up one processor, and which part it plays. Pure: from the facts about each CPU.
//!
//! 1. *Capacity* of each CPU, from the best evidence there is ([`capacities`]).
//! 2. *Tiers*: capacities within [`SAME_TIER`] of the largest of them are one tier. Bins and favoured cores of one
//!    design differ by a few per cent (an RK3588 may pair A76 clusters of 2.4 and 2.3 GHz), which makes no new role.
//! 3. *Processors*: CPUs of one tier and one package that share a clock. Where every CPU has a clock of its own
//!    (PCs), or none is known (virtual machines), tier and package decide alone. The kernel's `cluster_id` does not:
//!    it tells who shares a cache, of which one clock may feed many.
//! 4. *Roles* by tier: lowest little, highest big, between them mid; a single tier is big.

use dynd_vocab::{CpuSet, Hertz, Role};

/// The capacity of the fastest CPU, in the kernel's scale.
pub(crate) const FULL: u32 = 1024;

/// CPUs whose capacity is at least this many hundredths of the largest of a tier belong to that tier.
const SAME_TIER: u64 = 90;

/// CPUs whose highest clock is at least this many hundredths of the largest may be of one kind: turbo clocks of
/// favoured cores differ by up to 10 %, cores of different kinds on one PC by 19 % or more.
const SAME_CLOCK: u64 = 85;

/// What is known of one CPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CpuFacts {
    /// Its number.
    pub(crate) cpu: u32,
    /// `cpu_capacity`, 1 to 1024.
    pub(crate) capacity: Option<u32>,
    /// Its kind on a hybrid PC.
    pub(crate) kind: Option<CoreKind>,
    /// Its highest clock.
    pub(crate) max_clock: Option<Hertz>,
    /// The CPUs whose clock is its clock (a cpufreq policy), itself included; empty if unknown.
    pub(crate) clock: CpuSet,
    /// The hardware threads of its core, itself included.
    pub(crate) core: CpuSet,
    /// Its package (socket), where the kernel knows one.
    pub(crate) package: Option<u32>,
}

/// The kinds of cores of a hybrid PC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CoreKind {
    /// Built for speed.
    Performance,
    /// Built for efficiency.
    Efficiency,
}

/// One processor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cluster {
    /// Unique on the board.
    pub(crate) name: String,
    /// The part it plays.
    pub(crate) role: Role,
    /// Its CPUs, never none.
    pub(crate) cpus: CpuSet,
    /// The largest capacity among them.
    pub(crate) capacity: u32,
}

/// The processors that `cpus`, in ascending order, make up, in order of their first CPU.
pub(crate) fn clusters(cpus: &[CpuFacts]) -> Vec<Cluster> {
    let capacities = capacities(cpus);
    let tiers = tiers(&capacities, SAME_TIER);
    let (clocks_count, packages_count) = (clocks_count(cpus), packages_count(cpus));

    let mut keys = Vec::new();
    let mut clusters: Vec<Cluster> = Vec::new();
    for ((cpu, &capacity), &tier) in cpus.iter().zip(&capacities).zip(&tiers) {
        let key = (
            tier,
            cpu.clock.iter().next().filter(|_| clocks_count),
            cpu.package.filter(|_| packages_count),
        );
        if let Some(at) = keys.iter().position(|known| *known == key) {
            clusters[at].cpus = clusters[at].cpus.union(CpuSet::single(cpu.cpu));
            clusters[at].capacity = clusters[at].capacity.max(capacity);
        } else {
            keys.push(key);
            clusters.push(Cluster {
                name: String::new(),
                role: role(tier, &tiers),
                cpus: CpuSet::single(cpu.cpu),
                capacity,
            });
        }
    }
    name(&mut clusters);
    clusters
}

/// The capacity of each CPU, from the best evidence that all CPUs have:
/// 1. `cpu_capacity`, if it tells CPUs apart. Where it is the same for all it may mean "never told", which is also
///    what the kernel assumes.
/// 2. Highest clock of each kind of core on a hybrid PC. It flatters the slow kind, which does less per cycle.
/// 3. `cpu_capacity`.
/// 4. Highest clock, if it differs clearly.
/// 5. Equality.
fn capacities(cpus: &[CpuFacts]) -> Vec<u32> {
    let told = all(cpus, |cpu| cpu.capacity);
    let clocks = all(cpus, |cpu| cpu.max_clock.map(Hertz::as_khz));
    if let Some(told) = &told
        && told.iter().any(|&capacity| capacity != told[0])
    {
        return told.clone();
    }
    if let (Some(kinds), Some(clocks)) = (all(cpus, |cpu| cpu.kind), &clocks) {
        let highest = |kind| {
            let of_kind = kinds.iter().zip(clocks).filter(|(k, _)| **k == kind);
            of_kind.map(|(_, &clock)| clock).max().unwrap_or(0)
        };
        return scaled(kinds.iter().map(|&kind| highest(kind)).collect());
    }
    match (told, clocks) {
        (Some(told), _) => told,
        (None, Some(clocks)) => scaled(tiers(&clocks, SAME_CLOCK)),
        (None, None) => vec![FULL; cpus.len()],
    }
}

/// The fact about every CPU, if every CPU has it.
fn all<T>(cpus: &[CpuFacts], fact: impl Fn(&CpuFacts) -> Option<T>) -> Option<Vec<T>> {
    cpus.iter().map(fact).collect()
}

/// `speeds` in the kernel's scale.
fn scaled(speeds: Vec<u64>) -> Vec<u32> {
    let top = speeds.iter().copied().max().unwrap_or(1).max(1);
    let scale = |speed: u64| u32::try_from(u128::from(speed) * u128::from(FULL) / u128::from(top));
    speeds
        .into_iter()
        .map(|speed| scale(speed).unwrap_or(FULL))
        .collect()
}

/// For each value the largest of its tier: those of at least `percent` hundredths of that largest.
fn tiers<T: Copy + Ord + Into<u64>>(values: &[T], percent: u64) -> Vec<T> {
    let mut tops: Vec<T> = Vec::new();
    let belongs = |value: T, top: T| {
        let (value, top): (u64, u64) = (value.into(), top.into());
        u128::from(value) * 100 >= u128::from(top) * u128::from(percent)
    };
    let mut descending = values.to_vec();
    descending.sort_unstable_by(|a, b| b.cmp(a));
    for value in descending {
        if tops.last().is_none_or(|&top| !belongs(value, top)) {
            tops.push(value);
        }
    }
    let top_of = |value: T| tops.iter().copied().filter(|&top| value <= top).min();
    values
        .iter()
        .map(|&value| top_of(value).unwrap_or(value))
        .collect()
}

/// True if some clock feeds more than one core: else clocks say nothing about what belongs together.
fn clocks_count(cpus: &[CpuFacts]) -> bool {
    cpus.iter().any(|cpu| !cpu.clock.difference(cpu.core).is_empty())
}

/// True if every package holds more than one core: some virtual machines put each CPU into its own.
fn packages_count(cpus: &[CpuFacts]) -> bool {
    cpus.iter().all(|cpu| {
        let neighbours = cpus.iter().filter(|other| other.package == cpu.package);
        cpu.package.is_some() && neighbours.into_iter().any(|other| !cpu.core.contains(other.cpu))
    })
}

fn role(tier: u32, tiers: &[u32]) -> Role {
    let (slower, faster) = (tiers.iter().any(|&t| t < tier), tiers.iter().any(|&t| t > tier));
    match (slower, faster) {
        (_, false) => Role::Big,
        (false, true) => Role::Little,
        (true, true) => Role::Mid,
    }
}

/// `cpu` where there is nothing to tell apart, else the role, numbered where several play it.
fn name(clusters: &mut [Cluster]) {
    if let [only] = clusters {
        only.name = "cpu".into();
        return;
    }
    for role in Role::ALL {
        let players = clusters.iter().filter(|cluster| cluster.role == role).count();
        let of_role = clusters.iter_mut().filter(|cluster| cluster.role == role);
        for (number, cluster) in of_role.enumerate() {
            cluster.name = match players {
                1 => role.label().into(),
                _ => format!("{}{number}", role.label()),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Facts about CPUs 0, 1, …, from groups such as `4 capacity=397 clock=0-3@1800`: how many CPUs, then what is
    /// known of each.
    fn facts(board: &str) -> Vec<CpuFacts> {
        let mut facts = Vec::new();
        for group in board.split(';').map(str::trim).filter(|group| !group.is_empty()) {
            let mut words = group.split(' ');
            let count: u32 = words.next().unwrap().parse().unwrap();
            let words: Vec<_> = words.map(|word| word.split_once('=').unwrap()).collect();
            let first = facts.len() as u32;
            facts.extend((first..first + count).map(|cpu| one(cpu, &words)));
        }
        facts
    }

    fn one(cpu: u32, words: &[(&str, &str)]) -> CpuFacts {
        let mut facts = CpuFacts {
            cpu,
            capacity: None,
            kind: None,
            max_clock: None,
            clock: CpuSet::EMPTY,
            core: CpuSet::single(cpu),
            package: None,
        };
        for &(fact, value) in words {
            match fact {
                "capacity" => facts.capacity = Some(value.parse().unwrap()),
                "package" => facts.package = Some(value.parse().unwrap()),
                "core" => facts.core = value.parse().unwrap(),
                "kind" if value == "p" => facts.kind = Some(CoreKind::Performance),
                "kind" => facts.kind = Some(CoreKind::Efficiency),
                "clock" => {
                    let (cpus, mhz) = value.split_once('@').unwrap();
                    facts.clock = if cpus == "own" {
                        CpuSet::single(cpu)
                    } else {
                        cpus.parse().unwrap()
                    };
                    facts.max_clock = Some(Hertz::from_khz(mhz.parse::<u64>().unwrap() * 1000));
                }
                _ => panic!("unknown fact {fact}"),
            }
        }
        facts
    }

    fn check(board: &str, expect: &str) {
        let shown: Vec<String> = clusters(&facts(board))
            .iter()
            .map(|c| format!("{}:{}@{}={}", c.name, c.cpus, c.capacity, c.role.label()))
            .collect();
        assert_eq!(shown.join(" "), expect, "{board}");
    }

    #[test]
    fn nothing_known_is_one_processor() {
        check("4", "cpu:0-3@1024=big");
        check("", "");
    }

    #[test]
    fn roles_follow_capacity() {
        check(
            "4 capacity=250; 3 capacity=760; 1 capacity=1024",
            "little:0-3@250=little mid:4-6@760=mid big:7@1024=big",
        );
        check(
            "1 capacity=1024; 1 capacity=800; 1 capacity=600; 1 capacity=300",
            "big:0@1024=big mid0:1@800=mid mid1:2@600=mid little:3@300=little",
        );
    }

    #[test]
    fn bins_of_one_design_play_one_role() {
        check(
            "2 capacity=1024 clock=0-1@2400; 2 capacity=963 clock=2-3@2256; 2 capacity=397 clock=4-5@1800",
            "big0:0-1@1024=big big1:2-3@963=big little:4-5@397=little",
        );
    }

    #[test]
    fn cpus_of_unequal_capacity_on_one_clock_are_two_processors() {
        check(
            "4 capacity=500 clock=0-7@2000; 4 capacity=1024 clock=0-7@2000",
            "little:0-3@500=little big:4-7@1024=big",
        );
    }

    #[test]
    fn the_clock_never_outvotes_the_capacity() {
        check(
            "4 capacity=592 clock=0-3@2000; 4 capacity=1024 clock=4-7@1800",
            "little:0-3@592=little big:4-7@1024=big",
        );
        check(
            "2 capacity=1024 clock=0-1@2016; 4 capacity=1024 clock=2-5@800",
            "big0:0-1@1024=big big1:2-5@1024=big",
        );
    }

    #[test]
    fn without_capacity_the_clock_decides_if_it_differs_clearly() {
        check(
            "2 clock=0-1@2400; 4 clock=2-5@1500",
            "big:0-1@1024=big little:2-5@640=little",
        );
        check(
            "2 clock=0-1@2400; 4 clock=2-5@2300",
            "big0:0-1@1024=big big1:2-5@1024=big",
        );
        check("2 clock=0-1@2400; 1", "big0:0-1@1024=big big1:2@1024=big");
    }

    #[test]
    fn kinds_of_cores_rank_by_clock_also_where_capacities_are_equal() {
        check(
            "2 capacity=1024 kind=p clock=own@5200; 2 capacity=1024 kind=p clock=own@5000; \
             4 capacity=1024 kind=e clock=own@3900",
            "big:0-3@1024=big little:4-7@768=little",
        );
    }

    #[test]
    fn two_threads_of_a_core_on_one_clock_are_no_cluster() {
        check(
            "2 core=0-1 clock=0-1@4000 package=0; 2 core=2-3 clock=2-3@4000 package=0",
            "cpu:0-3@1024=big",
        );
    }

    #[test]
    fn sockets_are_processors_unless_each_holds_one_core() {
        check("4 package=0; 4 package=1", "big0:0-3@1024=big big1:4-7@1024=big");
        check("1 package=0; 1 package=1", "cpu:0-1@1024=big");
    }
}
