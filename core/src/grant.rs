//! What one app gets: a point of the joint plan, and the CPUs to run it on.
//!
//! An app keeps the CPUs it has as far as they are still its own, then the rest comes from the least loaded. One that
//! shares sits where the fewest sit already. One on an accelerator gets the least loaded CPU of its host, together with
//! whoever has that.

use alloc::vec;
use alloc::vec::Vec;

use dynd_vocab::{CpuSet, Processor};

use crate::conditions::Conditions;

/// What an app would run, and how far that is from what it needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Offer {
    /// Index of the processor.
    pub(crate) processor: usize,
    /// Cores for this app alone; 0 = one thread on a core shared with others. 1 on an accelerator.
    pub(crate) cores: u32,
    /// Index of the sub-network.
    pub(crate) subnetwork: usize,
    /// How far target or minimum quality are missed; 0 if both hold.
    pub(crate) violation: f64,
    /// Under what it would run.
    pub(crate) conditions: Conditions,
    /// The operating point chosen for the processor, if one was.
    pub(crate) opp: Option<usize>,
}

/// What one app gets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Grant {
    pub(crate) offer: Offer,
    pub(crate) cpus: CpuSet,
}

/// Where CPUs come from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pool<'a> {
    pub(crate) processors: &'a [Processor],
    /// The CPUs that may be given away.
    pub(crate) usable: CpuSet,
    /// The processor that prepares the work of accelerators.
    pub(crate) host: Option<usize>,
}

impl Pool<'_> {
    fn of(&self, processor: usize) -> CpuSet {
        self.processors[processor].cpus.intersection(self.usable)
    }
}

/// Concrete CPUs for each app's offer; `holds` are those each has now, `busy` tells the load of a CPU.
pub(crate) fn deal(
    offers: &[Option<Offer>],
    holds: &[CpuSet],
    pool: &Pool<'_>,
    busy: impl Fn(u32) -> f64,
) -> Vec<Option<Grant>> {
    let mut grants: Vec<CpuSet> = vec![CpuSet::EMPTY; offers.len()];
    let mut taken = CpuSet::EMPTY;
    // First what each keeps, so that nobody's CPU is taken by a newcomer.
    for ((grant, held), offer) in grants.iter_mut().zip(holds).zip(offers) {
        let Some(offer) = offer else { continue };
        let room = pool.of(offer.processor).difference(taken);
        let kept = held
            .intersection(room)
            .iter()
            .take(offer.cores as usize)
            .collect();
        *grant = kept;
        taken = taken.union(kept);
    }
    let by_load = |cpus: CpuSet| {
        let mut cpus: Vec<u32> = cpus.iter().collect();
        cpus.sort_by(|a, b| busy(*a).total_cmp(&busy(*b)).then(a.cmp(b)));
        cpus
    };
    for (grant, offer) in grants.iter_mut().zip(offers) {
        let Some(offer) = offer else { continue };
        let room = by_load(pool.of(offer.processor).difference(taken));
        let missing = offer.cores.saturating_sub(grant.len()) as usize;
        let more: CpuSet = room.into_iter().take(missing).collect();
        *grant = grant.union(more);
        taken = taken.union(more);
    }
    // Last who shares: where the fewest sit already.
    for (index, offer) in offers.iter().enumerate() {
        let Some(offer) = offer else { continue };
        if pool.processors[offer.processor].cpus.is_empty() {
            let cpus = pool.host.map_or(CpuSet::EMPTY, |host| pool.of(host));
            let held = cpus.intersection(holds[index]);
            let all = by_load(if held.is_empty() { cpus } else { held });
            grants[index] = all.first().map_or(CpuSet::EMPTY, |cpu| CpuSet::single(*cpu));
        } else if offer.cores == 0 {
            let all = pool.of(offer.processor);
            let guests = |cpu: u32| grants.iter().filter(|grant| grant.contains(cpu)).count();
            let emptiest = all
                .iter()
                .min_by_key(|cpu| (guests(*cpu), !holds[index].contains(*cpu)));
            grants[index] = emptiest.map_or(CpuSet::EMPTY, CpuSet::single);
        }
    }
    let all = offers.iter().zip(grants);
    all.map(|(offer, cpus)| offer.map(|offer| Grant { offer, cpus }))
        .collect()
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use dynd_vocab::{ProcessorKind, Role};

    use super::*;

    fn processor(cpus: CpuSet) -> Processor {
        Processor {
            name: String::from("p"),
            kind: if cpus.is_empty() {
                ProcessorKind::Gpu
            } else {
                ProcessorKind::Cpu
            },
            role: Role::Big,
            cpus,
            capacity: 1024,
            opps: Vec::new(),
        }
    }

    /// Four CPUs and an accelerator; what each of these (processor, cores) gets that holds these CPUs.
    fn dealt(offers: &[(usize, u32)], holds: &[&[u32]], busiest: u32) -> Vec<Vec<u32>> {
        let processors = [processor((0..4).collect()), processor(CpuSet::EMPTY)];
        let pool = Pool {
            processors: &processors,
            usable: processors[0].cpus,
            host: Some(0),
        };
        let offer = |(processor, cores): &(usize, u32)| {
            Some(Offer {
                processor: *processor,
                cores: *cores,
                subnetwork: 0,
                violation: 0.0,
                conditions: Conditions::at(0),
                opp: None,
            })
        };
        let offers: Vec<_> = offers.iter().map(offer).collect();
        let holds: Vec<CpuSet> = holds.iter().map(|held| held.iter().copied().collect()).collect();
        let grants = deal(&offers, &holds, &pool, |cpu| f64::from(u8::from(cpu == busiest)));
        grants
            .into_iter()
            .map(|grant| grant.unwrap().cpus.iter().collect())
            .collect()
    }

    #[test]
    fn an_app_keeps_its_cpus_and_a_newcomer_gets_the_idlest() {
        assert_eq!(dealt(&[(0, 1), (0, 1)], &[&[], &[0]], 1), [[2], [0]]);
        assert_eq!(dealt(&[(0, 2), (0, 2)], &[&[2, 3], &[]], 0), [[2, 3], [0, 1]]);
    }

    #[test]
    fn who_shares_sits_where_the_fewest_sit() {
        assert_eq!(dealt(&[(0, 3), (0, 0)], &[&[], &[]], 3), [vec![0, 1, 2], vec![3]]);
        assert_eq!(
            dealt(&[(0, 0), (0, 0)], &[&[], &[]], 9),
            [[0], [1]],
            "two that share have a core each while there are cores"
        );
    }

    #[test]
    fn an_accelerator_is_fed_from_the_idlest_cpu_of_its_host_and_that_stays() {
        assert_eq!(dealt(&[(1, 1)], &[&[]], 0), [[1]]);
        assert_eq!(dealt(&[(1, 1)], &[&[2]], 0), [[2]]);
    }

    #[test]
    fn who_gets_nothing_gets_no_cpu() {
        let processors = [processor((0..2).collect())];
        let pool = Pool {
            processors: &processors,
            usable: processors[0].cpus,
            host: None,
        };
        assert_eq!(deal(&[None], &[CpuSet::single(1)], &pool, |_| 0.0), [None]);
    }
}
