//! Sub-networks, places and clocks for all apps, found by trying.
//!
//! 1. Every app takes, one after the other, the place and sub-network of least cost while the others keep theirs, until nobody
//!    changes. Meanwhile every clock is as high as allowed.
//! 2. Where energy counts, or a budget is set, each processor's clock is then lowered OPP by OPP as long as the cost falls,
//!    in either order of the processors, and in pairs; for the best few choices of 1. rather than for the best alone, as
//!    what is best at the highest clocks need not be best at lower ones.
//!
//! The cost of a plan is what a run that went on like this loses per frame, and the price of its misses. What a plan
//! brings is tried once per situation; at other prices the same is weighed anew.

use std::collections::BTreeMap;

use dynd_files::ScenarioBudget;
use dynd_plant::Place;
use dynd_vocab::{ClockBounds, CpuSet, Hertz, Objective, Setting, Watts};

use super::rollout::{Prospect, prospect};
use super::{by_quality, quality_loss};
use crate::lab::brief::Brief;
use crate::lab::play::PlayError;
use crate::lab::tuning::{largest, places};
use crate::lab::world::{Run, World};

/// Rounds over all apps, and over all processors, after which a search ends in any case.
const ROUNDS: usize = 3;

/// How many choices of places get clocks of their own.
const FINALISTS: usize = 8;

/// How many OPPs in a row may bring nothing before the search for a clock ends.
const PATIENCE: usize = 4;

/// The old plan is kept unless the new one costs less by this.
const WORTH: f64 = 0.002;

/// The width of a class of temperatures, in kelvins, and where they begin: below nothing throttles.
const HEAT_CLASS: f64 = 4.0;
const COOL: f64 = 60.0;

/// Under a limit, where they begin below it.
const NEAR_LIMIT: f64 = 8.0;

/// What a plan beyond a budget costs, and further for each time the budget that it is beyond it: above all else, and less the
/// nearer, so that the search finds the way back.
const BEYOND: f64 = 20.0;
const FURTHER: f64 = 100.0;

/// A plan keeps this distance from a power budget, as a share of it, since noise makes some seconds dearer than the mean, and
/// this from a temperature limit, in kelvins.
const POWER_MARGIN: f64 = 0.02;
const HEAT_MARGIN: f64 = 0.5;

/// Under a budget, what is best where is looked for with all clocks so far down, as shares of their OPPs.
const SLOWER: [f64; 4] = [0.0, 0.3, 0.55, 0.8];

/// What a plan is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Situation {
    /// Who is there, and the target in nanoseconds.
    apps: Vec<Option<u64>>,
    loads: Vec<bool>,
    ceilings: Vec<Option<u64>>,
    /// Allowed power and temperature, in thousandths.
    budget: (Option<i64>, Option<i64>),
    /// How hot the hottest part is.
    heat: i64,
    /// Which noise each app has now, as its median in thousandths.
    noise: Vec<i64>,
}

impl Situation {
    /// True if `other` differs in heat at most: nothing has happened.
    pub(super) fn is_as(&self, other: &Self) -> bool {
        let all_but_heat = |of: &Self| Self {
            heat: 0,
            ..of.clone()
        };
        all_but_heat(self) == all_but_heat(other)
    }

    pub(super) fn of(world: &World<'_>) -> Self {
        let stage = world.stage();
        let nanos = world.now().as_nanos();
        let target = |app| {
            let target = world.requirement(app).latency.get() * 1e9;
            world.is_present(app).then_some(target as u64)
        };
        let budget = world.budget();
        // Near a limit every kelvin counts.
        let (from, class) = match budget.temperature {
            Some(limit) => (limit.get() - NEAR_LIMIT, 1.0),
            None => (COOL, HEAT_CLASS),
        };
        let above = (world.hottest().get() - from).max(0.0) / class;
        let median = |app: usize| (stage.noises[app].quantile(0.5, nanos) * 1e3) as i64;
        Self {
            apps: (0..stage.scenario.apps.len()).map(target).collect(),
            loads: (0..stage.scenario.loads.len())
                .map(|load| world.is_loaded(load))
                .collect(),
            ceilings: (0..stage.board.silicon().count())
                .map(|each| world.ceiling(each).map(Hertz::as_hz))
                .collect(),
            budget: (
                budget.power.map(|power| (power.get() * 1e3) as i64),
                budget.temperature.map(|limit| (limit.get() * 1e3) as i64),
            ),
            heat: above as i64,
            noise: (0..stage.scenario.apps.len()).map(median).collect(),
        }
    }
}

/// What every app runs where, and at which clocks.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plan {
    /// By app, whether it is there or not.
    pub(super) runs: Vec<Run>,
    /// By processor, the OPPs below the highest one.
    below: Vec<usize>,
}

impl Plan {
    /// Everybody at home, all clocks at their highest.
    pub(super) fn first(brief: &Brief) -> Self {
        Self {
            runs: largest(brief),
            below: vec![0; brief.board.processors.len()],
        }
    }

    fn key(&self) -> PlanKey {
        let run = |run: &Run| match run.place {
            Place::Cpus(cpus) => (run.subnetwork, usize::MAX, cpus),
            Place::Accelerator(processor) => (run.subnetwork, processor, CpuSet::EMPTY),
        };
        (self.runs.iter().map(run).collect(), self.below.clone())
    }

    /// What its clocks are on the board of `world`.
    pub(super) fn setting(&self, world: &World<'_>) -> Setting {
        let clock = |(silicon, &below): (&dynd_vocab::blueprint::Silicon, &usize)| {
            let clock = silicon.opps[silicon.opps.len() - 1 - below.min(silicon.opps.len() - 1)].clock;
            ClockBounds {
                min: Some(clock),
                max: Some(clock),
            }
        };
        Setting {
            clocks: world
                .stage()
                .board
                .silicon()
                .zip(&self.below)
                .map(clock)
                .collect(),
            ..Setting::default()
        }
    }
}

/// What was tried in one situation, by plan.
pub(super) type Prospects = BTreeMap<PlanKey, Prospect>;

/// Per app its sub-network and place, and what every clock is below its highest.
type PlanKey = (Vec<(usize, usize, CpuSet)>, Vec<usize>);

/// A search for the best plan for a world as it is.
pub(super) struct Search<'a, 's> {
    pub(super) world: &'a World<'s>,
    pub(super) brief: &'a Brief,
    /// The mean power that energy is relative to.
    pub(super) reference: Watts,
    /// What a miss of each app costs.
    pub(super) prices: &'a [f64],
    pub(super) prospects: &'a mut Prospects,
}

impl Search<'_, '_> {
    /// The best plan, or `present` if that is as good; per app the share of frames that would be late.
    pub(super) fn best(&mut self, present: &Plan) -> Result<(Plan, Vec<f64>), PlayError> {
        let budget = self.world.budget();
        let has_budget = budget != ScenarioBudget::default();
        let slower = if has_budget { &SLOWER[..] } else { &SLOWER[..1] };
        let mut finalists = Vec::new();
        for share in slower {
            let below = |opps: usize| ((opps - 1) as f64 * share) as usize;
            let start = Plan {
                below: self.opps().into_iter().map(below).collect(),
                runs: present.runs.clone(),
            };
            let found = self.places(start)?;
            finalists.extend(found.into_iter().take(FINALISTS / slower.len()));
        }
        if has_budget || self.world.stage().scenario.objective == Objective::MinEnergy {
            for (plan, cost) in &mut finalists {
                self.lower_all_clocks(plan, cost)?;
            }
        }
        let kept = self.cost(present)?;
        let best = finalists.into_iter().min_by(|a, b| a.1.total_cmp(&b.1));
        let plan = match best {
            Some((plan, cost)) if cost < kept - WORTH => plan,
            _ => present.clone(),
        };
        let late = self.prospects[&plan.key()].late.clone();
        Ok((plan, late))
    }

    /// Step 1: the best few choices of places, from `plan` on, with what each costs at its clocks.
    fn places(&mut self, mut plan: Plan) -> Result<Vec<(Plan, f64)>, PlayError> {
        let mut least = self.cost(&plan)?;
        let mut seen = vec![(plan.clone(), least)];
        for _ in 0..ROUNDS {
            let before = plan.runs.clone();
            for app in (0..plan.runs.len()).filter(|&app| self.world.is_present(app)) {
                for run in self.choices(app) {
                    let mut tried = plan.clone();
                    tried.runs[app] = run;
                    let cost = self.cost(&tried)?;
                    seen.push((tried.clone(), cost));
                    if cost < least {
                        (plan, least) = (tried, cost);
                    }
                }
            }
            if plan.runs == before {
                break;
            }
        }
        seen.sort_by(|a, b| a.1.total_cmp(&b.1));
        seen.dedup_by(|a, b| a.0 == b.0);
        seen.truncate(FINALISTS);
        Ok(seen)
    }

    /// What `app` may run where. Where only energy counts, nothing but the least that is good enough.
    fn choices(&self, app: usize) -> Vec<Run> {
        let scenario = &self.world.stage().scenario;
        let mut subnetworks = by_quality(scenario, app);
        if scenario.objective != Objective::MaxQuality {
            subnetworks.sort_unstable();
            subnetworks.truncate(1);
        }
        let places = places(&self.brief.apps[app]);
        let at = |place: Place| {
            subnetworks
                .iter()
                .map(move |&subnetwork| Run { subnetwork, place })
        };
        places.into_iter().flat_map(at).collect()
    }

    /// Step 2, in either order of the processors, since one that is slowed first leaves less to the others; then pairs: one
    /// faster, the other slower.
    fn lower_all_clocks(&mut self, plan: &mut Plan, least: &mut f64) -> Result<(), PlayError> {
        let forward: Vec<usize> = (0..plan.below.len()).collect();
        let backward: Vec<usize> = forward.iter().rev().copied().collect();
        let start = (plan.clone(), *least);
        for order in [&forward, &backward] {
            let (mut tried, mut cost) = start.clone();
            self.lower_clocks(&mut tried, &mut cost, order)?;
            self.trade_clocks(&mut tried, &mut cost)?;
            if cost < *least {
                (*plan, *least) = (tried, cost);
            }
        }
        Ok(())
    }

    fn trade_clocks(&mut self, plan: &mut Plan, least: &mut f64) -> Result<(), PlayError> {
        let opps = self.opps();
        for _ in 0..ROUNDS {
            let before = plan.below.clone();
            for faster in 0..opps.len() {
                for slower in (0..opps.len()).filter(|&slower| slower != faster) {
                    for (up, down) in [(1, 1), (1, 2), (2, 1), (1, 4), (4, 1)] {
                        let mut tried = plan.clone();
                        if tried.below[faster] < up || tried.below[slower] + down >= opps[slower] {
                            continue;
                        }
                        tried.below[faster] -= up;
                        tried.below[slower] += down;
                        let cost = self.cost(&tried)?;
                        if cost < *least {
                            (*plan, *least) = (tried, cost);
                        }
                    }
                }
            }
            if plan.below == before {
                break;
            }
        }
        Ok(())
    }

    fn opps(&self) -> Vec<usize> {
        let silicon = self.world.stage().board.silicon();
        silicon.map(|silicon| silicon.opps.len()).collect()
    }

    fn lower_clocks(&mut self, plan: &mut Plan, least: &mut f64, order: &[usize]) -> Result<(), PlayError> {
        let opps = self.opps();
        for round in 0..ROUNDS {
            let before = plan.below.clone();
            for &processor in order {
                // A lowest clock that costs nothing ends the search at once.
                if round == 0 && self.try_clock(plan, least, (processor, opps[processor] - 1))? {
                    continue;
                }
                let mut idle = 0;
                for below in 0..opps[processor] {
                    match self.try_clock(plan, least, (processor, below))? {
                        true => idle = 0,
                        false => idle += usize::from(below > plan.below[processor]),
                    }
                    if idle >= PATIENCE {
                        break;
                    }
                }
            }
            if plan.below == before {
                break;
            }
        }
        Ok(())
    }

    /// Whether it costs less with this processor so many OPPs below its highest; then it is done.
    fn try_clock(
        &mut self,
        plan: &mut Plan,
        least: &mut f64,
        (processor, below): (usize, usize),
    ) -> Result<bool, PlayError> {
        let mut tried = plan.clone();
        tried.below[processor] = below;
        let cost = self.cost(&tried)?;
        let is_less = cost < *least;
        if is_less {
            (*plan, *least) = (tried, cost);
        }
        Ok(is_less)
    }

    /// What a run that went on like this would cost.
    fn cost(&mut self, plan: &Plan) -> Result<f64, PlayError> {
        let key = plan.key();
        if !self.prospects.contains_key(&key) {
            let setting = plan.setting(self.world);
            let found = prospect(self.world, plan, &setting)?;
            self.prospects.insert(key.clone(), found);
        }
        let Prospect {
            power,
            hottest,
            late,
            latency,
        } = &self.prospects[&key];
        let scenario = &self.world.stage().scenario;
        let lost: f64 = match scenario.objective {
            Objective::MinEnergy => power / self.reference.get(),
            Objective::MaxQuality | Objective::MaxTimelyQuality => (0..plan.runs.len())
                .map(|app| quality_loss(scenario, app, plan.runs[app].subnetwork))
                .sum(),
            Objective::MinLatency => latency.iter().sum(),
        };
        let budget = self.world.budget();
        let beyond = |share: f64| {
            if share > 0.0 {
                BEYOND + FURTHER * share
            } else {
                0.0
            }
        };
        let drawn = budget
            .power
            .map_or(0.0, |most| beyond(power / most.get() - 1.0 + POWER_MARGIN));
        let heat = budget
            .temperature
            .map_or(0.0, |most| beyond((hottest + HEAT_MARGIN) / most.get() - 1.0));
        let misses = self.prices.iter().zip(late).map(|(price, late)| price * late);
        Ok(lost + misses.sum::<f64>() + drawn + heat)
    }
}
