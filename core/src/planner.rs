//! The joint choice for all apps.
//!
//! Steps:
//! 1. For each app, processor and number of cores, pick the best sub-network: the least violation of target
//!    and minimum quality first, then the objective. What is left per app is a short list of [`Offer`]s.
//! 2. Choose one offer per app so that the cores suffice: dynamic programming over the cores left on each
//!    processor, exact. Scores compare lexicographically: violations by descending priority tier, then the
//!    objective by descending tier.
//! 3. Deal out CPUs: an app keeps the ones it has, the rest come from the least loaded.
//!
//! An app for which no core is left shares a CPU with others, one thread wide: the offer that costs no core. It
//! is judged as if one more task per core competed. An app for which even that is too little is blocked.

use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;
use core::cmp::Ordering;

use dynd_vocab::{CpuSet, Processor};

/// The violation that an app left out counts for: more than any offer's.
const BLOCKED: f64 = 4.0;

/// What an app would get and what that is worth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Offer {
    /// Index of the processor.
    pub(crate) processor: usize,
    /// Cores for this app alone; 0 = one thread on a core shared with others.
    pub(crate) cores: u32,
    /// Index of the sub-network.
    pub(crate) subnetwork: usize,
    /// How far target or minimum quality are missed; 0 if both hold.
    pub(crate) violation: f64,
    /// What the objective gains, more is better.
    pub(crate) utility: f64,
}

/// One app as the planner sees it.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    /// Higher tiers come first.
    pub(crate) priority: i32,
    /// What it could get; blocked if empty.
    pub(crate) offers: Vec<Offer>,
    /// The CPUs it has now.
    pub(crate) holds: CpuSet,
}

/// What one app gets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Grant {
    pub(crate) offer: Offer,
    pub(crate) cpus: CpuSet,
}

/// The best joint choice; per app, in the order given, nothing if it is blocked. `usable` are the CPUs that
/// may be given away, `busy` tells the load of a CPU.
pub(crate) fn plan(
    candidates: &[Candidate],
    processors: &[Processor],
    usable: CpuSet,
    busy: impl Fn(u32) -> f64,
) -> Vec<Option<Grant>> {
    let free: Vec<u32> = processors
        .iter()
        .map(|p| p.cpus.intersection(usable).len())
        .collect();
    let chosen = choose(candidates, &free);
    deal(candidates, &chosen, processors, usable, busy)
}

/// Lexicographic: violations by descending tier, then utilities by descending tier.
#[derive(Clone, Debug, PartialEq)]
struct Score {
    violations: Vec<f64>,
    utilities: Vec<f64>,
}

impl Score {
    fn with(&self, tier: usize, offer: &Offer) -> Self {
        let mut sum = self.clone();
        sum.violations[tier] += offer.violation;
        sum.utilities[tier] += offer.utility;
        sum
    }

    fn without(&self, tier: usize) -> Self {
        let mut sum = self.clone();
        sum.violations[tier] += BLOCKED;
        sum
    }

    fn compare(&self, other: &Self) -> Ordering {
        let violations = self
            .violations
            .iter()
            .zip(&other.violations)
            .map(|(a, b)| b.total_cmp(a));
        let utilities = self
            .utilities
            .iter()
            .zip(&other.utilities)
            .map(|(a, b)| a.total_cmp(b));
        violations
            .chain(utilities)
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    }
}

/// Step 2: the index of the chosen offer per app.
fn choose(candidates: &[Candidate], free: &[u32]) -> Vec<Option<usize>> {
    let mut tiers: Vec<i32> = candidates.iter().map(|candidate| candidate.priority).collect();
    tiers.sort_unstable_by(|a, b| b.cmp(a));
    tiers.dedup();
    let nothing = Score {
        violations: vec![0.0; tiers.len()],
        utilities: vec![0.0; tiers.len()],
    };

    // Cores left per processor → the best way to get there.
    let mut states: BTreeMap<Vec<u32>, (Score, Vec<Option<usize>>)> = BTreeMap::new();
    states.insert(free.to_vec(), (nothing, Vec::new()));
    for candidate in candidates {
        let tier = tiers
            .iter()
            .position(|tier| *tier == candidate.priority)
            .unwrap_or(0);
        let mut next: BTreeMap<Vec<u32>, (Score, Vec<Option<usize>>)> = BTreeMap::new();
        for (left, (score, path)) in &states {
            let mut reach = |left: Vec<u32>, score: Score, choice: Option<usize>| {
                let better = next
                    .get(&left)
                    .is_none_or(|(known, _)| score.compare(known).is_gt());
                if better {
                    let mut path = path.clone();
                    path.push(choice);
                    next.insert(left, (score, path));
                }
            };
            // To be left out is worse than any offer, but it may be what keeps a higher tier whole.
            reach(left.clone(), score.without(tier), None);
            for (index, offer) in candidate.offers.iter().enumerate() {
                if offer.cores <= left[offer.processor] {
                    let mut left = left.clone();
                    left[offer.processor] -= offer.cores;
                    reach(left, score.with(tier, offer), Some(index));
                }
            }
        }
        states = next;
    }
    let best = states.into_values().max_by(|(a, _), (b, _)| a.compare(b));
    best.map_or_else(Vec::new, |(_, path)| path)
}

/// Step 3: concrete CPUs.
fn deal(
    candidates: &[Candidate],
    chosen: &[Option<usize>],
    processors: &[Processor],
    usable: CpuSet,
    busy: impl Fn(u32) -> f64,
) -> Vec<Option<Grant>> {
    let offers: Vec<Option<Offer>> = candidates
        .iter()
        .zip(chosen)
        .map(|(candidate, choice)| choice.map(|i| candidate.offers[i]))
        .collect();
    let mut grants: Vec<CpuSet> = vec![CpuSet::EMPTY; candidates.len()];
    let mut taken = CpuSet::EMPTY;
    // First what each keeps, so that nobody's CPU is taken by a newcomer.
    for ((grant, candidate), offer) in grants.iter_mut().zip(candidates).zip(&offers) {
        let Some(offer) = offer else { continue };
        let room = processors[offer.processor]
            .cpus
            .intersection(usable)
            .difference(taken);
        let kept = candidate
            .holds
            .intersection(room)
            .iter()
            .take(offer.cores as usize)
            .collect();
        *grant = kept;
        taken = taken.union(kept);
    }
    for (grant, offer) in grants.iter_mut().zip(&offers) {
        let Some(offer) = offer else { continue };
        let all = processors[offer.processor].cpus.intersection(usable);
        if offer.cores == 0 {
            continue;
        }
        let mut room: Vec<u32> = all.difference(taken).iter().collect();
        room.sort_by(|a, b| busy(*a).total_cmp(&busy(*b)).then(a.cmp(b)));
        let missing = offer.cores.saturating_sub(grant.len()) as usize;
        let more: CpuSet = room.into_iter().take(missing).collect();
        *grant = grant.union(more);
        taken = taken.union(more);
    }
    // Last who shares: where the fewest sit already.
    for (index, offer) in offers.iter().enumerate() {
        let Some(offer) = offer.filter(|offer| offer.cores == 0) else {
            continue;
        };
        let all = processors[offer.processor].cpus.intersection(usable);
        let guests = |cpu: u32| grants.iter().filter(|grant| grant.contains(cpu)).count();
        let held = candidates[index].holds;
        let emptiest = all.iter().min_by_key(|cpu| (guests(*cpu), !held.contains(*cpu)));
        grants[index] = emptiest.map_or(CpuSet::EMPTY, CpuSet::single);
    }
    offers
        .into_iter()
        .zip(grants)
        .map(|(offer, cpus)| offer.map(|offer| Grant { offer, cpus }))
        .collect()
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use dynd_vocab::{ProcessorKind, Role};
    use proptest::prelude::*;

    use super::*;

    fn processor(first: u32, cores: u32) -> Processor {
        Processor {
            name: String::from("p"),
            kind: ProcessorKind::Cpu,
            role: Role::Big,
            cpus: (first..first + cores).collect(),
            capacity: 1024,
            opps: Vec::new(),
        }
    }

    fn offer(processor: usize, cores: u32, violation: f64, utility: f64) -> Offer {
        Offer {
            processor,
            cores,
            subnetwork: 0,
            violation,
            utility,
        }
    }

    fn candidate(priority: i32, offers: &[Offer]) -> Candidate {
        Candidate {
            priority,
            offers: offers.to_vec(),
            holds: CpuSet::EMPTY,
        }
    }

    #[test]
    fn two_apps_split_the_cores_that_one_had_alone() {
        let board = [processor(0, 2)];
        let camera = candidate(
            0,
            &[
                offer(0, 1, 0.0, 0.7),
                offer(0, 2, 0.0, 1.0),
                offer(0, 0, 0.5, 0.0),
            ],
        );
        let reader = candidate(0, &[offer(0, 1, 0.0, 1.0), offer(0, 0, 0.5, 0.0)]);
        let alone = plan(core::slice::from_ref(&camera), &board, board[0].cpus, |_| 0.0);
        assert_eq!(alone[0].unwrap().cpus, board[0].cpus);
        let both = plan(&[camera, reader], &board, board[0].cpus, |_| 0.0);
        let (a, b) = (both[0].unwrap().cpus, both[1].unwrap().cpus);
        assert_eq!((a.len(), b.len()), (1, 1));
        assert!(a.intersection(b).is_empty());
    }

    #[test]
    fn a_higher_tier_is_served_first() {
        let board = [processor(0, 1)];
        let offers = [offer(0, 1, 0.0, 1.0), offer(0, 0, 0.5, 0.0)];
        let plan = plan(
            &[candidate(0, &offers), candidate(5, &offers)],
            &board,
            board[0].cpus,
            |_| 0.0,
        );
        assert_eq!(plan[0].unwrap().offer.cores, 0);
        assert_eq!(plan[1].unwrap().offer.cores, 1);
    }

    #[test]
    fn an_app_keeps_its_cpus_and_a_newcomer_gets_the_idlest() {
        let board = [processor(0, 4)];
        let mut first = candidate(0, &[offer(0, 1, 0.0, 1.0)]);
        first.holds = CpuSet::single(2);
        let second = candidate(0, &[offer(0, 1, 0.0, 1.0)]);
        let plan = plan(&[second, first], &board, board[0].cpus, |cpu| {
            if cpu == 3 { 0.1 } else { 0.9 }
        });
        assert_eq!(plan[0].unwrap().cpus, CpuSet::single(3));
        assert_eq!(plan[1].unwrap().cpus, CpuSet::single(2));
    }

    #[test]
    fn an_app_without_offers_is_blocked_alone() {
        let board = [processor(0, 1)];
        let plan = plan(
            &[candidate(0, &[]), candidate(0, &[offer(0, 1, 0.0, 1.0)])],
            &board,
            board[0].cpus,
            |_| 0.0,
        );
        assert!(plan[0].is_none());
        assert!(plan[1].is_some());
    }

    /// Every combination, scored independently of the planner's own recursion.
    fn brute_force(candidates: &[Candidate], free: &[u32]) -> (Vec<f64>, Vec<f64>) {
        let mut tiers: Vec<i32> = candidates.iter().map(|c| c.priority).collect();
        tiers.sort_unstable();
        tiers.dedup();
        tiers.reverse();
        let combinations: usize = candidates.iter().map(|c| c.offers.len()).product();
        let mut best: Option<(Vec<f64>, Vec<f64>)> = None;
        for mut code in 0..combinations {
            let mut left = free.to_vec();
            let (mut bad, mut good) = (vec![0.0; tiers.len()], vec![0.0; tiers.len()]);
            let mut fits = true;
            for c in candidates {
                let o = c.offers[code % c.offers.len()];
                code /= c.offers.len();
                let tier = tiers.iter().position(|t| *t == c.priority).unwrap();
                fits &= o.cores <= left[o.processor];
                left[o.processor] = left[o.processor].saturating_sub(o.cores);
                bad[tier] += o.violation;
                good[tier] += o.utility;
            }
            let beats = |known: &(Vec<f64>, Vec<f64>)| {
                (bad.clone(), known.1.clone()) < (known.0.clone(), good.clone())
            };
            if fits && best.as_ref().is_none_or(beats) {
                best = Some((bad, good));
            }
        }
        best.unwrap()
    }

    proptest! {
        /// Eighths add without rounding, so equal scores compare equal whatever the order of addition.
        #[test]
        fn as_good_as_brute_force(apps in prop::collection::vec(
            (0..3i32, prop::collection::vec((0..2usize, 1..4u32, 0..4u8, 0..16u8), 0..5)), 1..5)) {
            let board = [processor(0, 3), processor(3, 2)];
            let candidates: Vec<Candidate> = apps.iter().map(|(priority, offers)| {
                let mut list: Vec<Offer> = offers.iter()
                    .map(|(p, cores, bad, good)| offer(*p, *cores, f64::from(*bad) / 8.0, f64::from(*good) / 8.0))
                    .collect();
                list.push(offer(0, 0, 1.0, 0.0));
                candidate(*priority, &list)
            }).collect();
            let grants = plan(&candidates, &board, (0..5).collect(), |_| 0.0);
            let mut tiers: Vec<i32> = candidates.iter().map(|c| c.priority).collect();
            tiers.sort_unstable();
            tiers.dedup();
            tiers.reverse();
            let (mut bad, mut good) = (vec![0.0; tiers.len()], vec![0.0; tiers.len()]);
            let mut taken = CpuSet::EMPTY;
            for (candidate, grant) in candidates.iter().zip(&grants) {
                let grant = grant.unwrap();
                let tier = tiers.iter().position(|t| *t == candidate.priority).unwrap();
                bad[tier] += grant.offer.violation;
                good[tier] += grant.offer.utility;
                if grant.offer.cores > 0 {
                    prop_assert_eq!(grant.cpus.len(), grant.offer.cores);
                    prop_assert!(grant.cpus.intersection(taken).is_empty());
                    taken = taken.union(grant.cpus);
                }
            }
            prop_assert_eq!((bad, good), brute_force(&candidates, &[3, 2]));
        }
    }
}
