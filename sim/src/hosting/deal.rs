//! Which CPU of the machine plays which CPU of the board.
//!
//! A machine has as many CPUs as it has, and a board seldom the same. What is mounted is therefore the part of the board
//! that can be played, with the machine's own numbers, so that whoever is told to run on a CPU can:
//! 1. A machine with fewer CPUs than the board has clusters plays as many clusters: one of each capacity first, the
//!    fastest first. The others are not on the board: they draw nothing, and nothing cools or senses them.
//! 2. Every cluster that is played gets one CPU; more go around, until each cluster has as many as the board file gives
//!    it or the machine has no more.
//! 3. Numbers ascend in the order of the board file's clusters.

use dynd_vocab::blueprint::{Blueprint, ClusterPlan, CoolingRange};
use dynd_vocab::{CpuSet, Hertz};

/// The part of `board` that a machine with `cpus` can play, with its CPUs numbered as there; absent without any CPU.
pub fn deal(board: &Blueprint, cpus: CpuSet) -> Option<Blueprint> {
    if cpus.is_empty() || board.clusters.is_empty() {
        return None;
    }
    let mut board = board.clone();
    let chosen = chosen(&board.clusters, cpus.len() as usize);
    keep(&mut board, &chosen);
    let counts = counts(&board.clusters, cpus.len());
    let mut left = cpus.iter();
    for (cluster, count) in board.clusters.iter_mut().zip(counts) {
        let dealt = left.by_ref().take(count as usize).map(CpuSet::single);
        cluster.cpus = dealt.fold(CpuSet::EMPTY, CpuSet::union);
        // The kernel numbers a policy by its first CPU.
        cluster.policy = cluster.cpus.iter().next().unwrap_or(0);
    }
    Some(board)
}

/// The indices of the clusters that `room` CPUs can play, ascending.
fn chosen(clusters: &[ClusterPlan], room: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..clusters.len()).collect();
    let speed = |index: usize| (clusters[index].capacity, highest(&clusters[index]));
    // How many as fast come before it, then the fastest first.
    order.sort_by_key(|&index| {
        let twins = (0..index).filter(|&other| speed(other) == speed(index)).count();
        (twins, std::cmp::Reverse(speed(index)))
    });
    order.truncate(room);
    order.sort_unstable();
    order
}

fn highest(cluster: &ClusterPlan) -> Option<Hertz> {
    cluster.silicon.opps.last().map(|opp| opp.clock)
}

/// How many of `cpus` each cluster gets.
fn counts(clusters: &[ClusterPlan], cpus: u32) -> Vec<u32> {
    let mut counts = vec![0; clusters.len()];
    let mut left = cpus;
    while left > 0 {
        let before = left;
        for (count, cluster) in counts.iter_mut().zip(clusters) {
            if left > 0 && *count < cluster.cpus.len() {
                *count += 1;
                left -= 1;
            }
        }
        if left == before {
            break;
        }
    }
    counts
}

/// Leaves of the clusters of `board` only those of the indices `chosen`, and nothing that refers to another.
fn keep(board: &mut Blueprint, chosen: &[usize]) {
    let clusters = board.clusters.len();
    let accelerators = board.accelerators.len();
    let processors: Vec<usize> = chosen
        .iter()
        .copied()
        .chain(clusters..clusters + accelerators)
        .collect();
    let now = |before: usize| processors.iter().position(|&processor| processor == before);
    let all_now = |before: &[usize]| before.iter().filter_map(|&processor| now(processor)).collect();
    board.clusters = chosen
        .iter()
        .map(|&index| board.clusters[index].clone())
        .collect();
    for rail in &mut board.rails {
        rail.processors = all_now(&rail.processors);
    }
    for limit in &mut board.limits {
        limit.processors = all_now(&limit.processors);
    }
    board.limits.retain(|limit| !limit.processors.is_empty());
    let stays = |index: usize| {
        board.coolers[index]
            .processor
            .is_none_or(|processor| now(processor).is_some())
    };
    let coolers: Vec<usize> = (0..board.coolers.len()).filter(|&index| stays(index)).collect();
    board.coolers = coolers
        .iter()
        .map(|&index| board.coolers[index].clone())
        .collect();
    for cooler in &mut board.coolers {
        cooler.processor = cooler.processor.and_then(now);
    }
    let moved = |range: &CoolingRange| {
        let cooler = coolers.iter().position(|&index| index == range.cooler)?;
        Some(CoolingRange { cooler, ..*range })
    };
    for trip in board.zones.iter_mut().flat_map(|zone| &mut zone.trips) {
        trip.cooling = trip.cooling.iter().filter_map(moved).collect();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use dynd_files::{board_names, find_board};

    use super::*;

    fn cpus(count: u32) -> CpuSet {
        (0..count).map(CpuSet::single).fold(CpuSet::EMPTY, CpuSet::union)
    }

    /// The clusters' names and CPUs of the board called `name` on a machine of `count` CPUs.
    fn check(name: &str, count: u32, expect: &[(&str, &str)]) {
        let board = deal(&find_board(name).unwrap(), cpus(count)).unwrap();
        let found = board.clusters.iter();
        let found: Vec<_> = found
            .map(|cluster| (cluster.silicon.name.as_str(), cluster.cpus.to_string()))
            .collect();
        let found: Vec<_> = found.iter().map(|(name, cpus)| (*name, cpus.as_str())).collect();
        assert_eq!(found, expect, "{name} on {count}");
    }

    #[test]
    fn each_cluster_gets_a_cpu_before_any_gets_two() {
        check("odroid-xu3", 2, &[("little", "0"), ("big", "1")]);
        check("odroid-xu3", 5, &[("little", "0-2"), ("big", "3-4")]);
        check("odroid-xu3", 64, &[("little", "0-3"), ("big", "4-7")]);
        check("jetson-nano", 2, &[("cpu", "0-1")]);
    }

    #[test]
    fn too_few_cpus_play_one_cluster_of_each_kind_first() {
        check("odroid-xu3", 1, &[("big", "0")]);
        let rk = find_board("rk3588-rock5b").unwrap();
        let kinds: Vec<_> = rk.clusters.iter().map(|cluster| cluster.capacity).collect();
        assert_eq!(kinds.len(), 3, "the test's board has three clusters: {kinds:?}");
        let played = deal(&rk, cpus(2)).unwrap();
        assert_ne!(played.clusters[0].capacity, played.clusters[1].capacity);
    }

    #[test]
    fn what_is_left_of_any_board_refers_to_what_is_there() {
        for name in board_names() {
            let whole = find_board(name).unwrap();
            for count in 1..=8 {
                let board = deal(&whole, cpus(count)).unwrap();
                let processors = board.silicon().count();
                let rails = board.rails.iter().flat_map(|rail| &rail.processors);
                let limits = board.limits.iter().flat_map(|limit| &limit.processors);
                let cooled = board
                    .coolers
                    .iter()
                    .filter_map(|cooler| cooler.processor.as_ref());
                assert!(
                    rails.chain(limits).chain(cooled).all(|&each| each < processors),
                    "{name}"
                );
                let trips = board.zones.iter().flat_map(|zone| &zone.trips);
                let mut ranges = trips.flat_map(|trip| &trip.cooling);
                assert!(ranges.all(|range| range.cooler < board.coolers.len()), "{name}");
                let held = board
                    .clusters
                    .iter()
                    .map(|cluster| cluster.cpus.len())
                    .sum::<u32>();
                let most = whole
                    .clusters
                    .iter()
                    .map(|cluster| cluster.cpus.len())
                    .sum::<u32>();
                assert_eq!(held, count.min(most), "{name} on {count}");
                assert!(
                    board
                        .clusters
                        .iter()
                        .all(|cluster| cluster.cpus.contains(cluster.policy))
                );
            }
        }
    }

    #[test]
    fn a_cluster_that_is_kept_keeps_its_cooler() {
        let whole = find_board("odroid-xu3").unwrap();
        let part = deal(&whole, cpus(1)).unwrap();
        let of_big = |board: &Blueprint, big: usize| -> Vec<String> {
            let coolers = board
                .coolers
                .iter()
                .filter(|cooler| cooler.processor == Some(big));
            coolers.map(|cooler| cooler.name.clone()).collect()
        };
        assert_eq!(of_big(&part, 0), of_big(&whole, 1));
        assert!(!of_big(&part, 0).is_empty());
    }
}
