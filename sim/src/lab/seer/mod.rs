//! Those who see the world itself: the oracle, which is the bar for every controller, and the clairvoyant, which nobody
//! can reach.
//!
//! Both know the true state of the board, its apps and loads at every moment, and what noise is distributed like. The
//! clairvoyant also knows the noise of the frame that is about to begin. Neither knows what will come, go or change.
//!
//! 1. *Situation*: who is there, what they need, which loads run, which clocks are allowed, how hot it is, which
//!    regime the noise is in. What a choice of sub-networks, places and clocks brings in it, the share of misses above all, is
//!    tried on copies of the world ([`plan`]).
//! 2. *Plan*: the choice of least `loss + Σ λ · misses`, the loss as the cost counts it.
//! 3. *Price* λ of a miss: `5 exp(k z)`, where z is how many more frames were missed than the percentile allows so far,
//!    so that the misses that it allows are used, and where they gain most (Lagrange multiplier by integral control). It is
//!    never above 5, which is what a miss costs in the end, and at that in the first two seconds of a new situation.
//! 4. *Frame*: one that begins late, or is more probably late than was planned, takes what costs least for it and for
//!    those behind it, tried on copies too. The clairvoyant plays each run both ways, choosing so for every frame or as
//!    the oracle does, and shows the better one.
//!
//! What is not exact: while a frame is tried, the other apps repeat what they ran last; the search for several apps' places goes
//! one app after the other; a copy of the world lasts a few frames.

mod plan;
mod rollout;

use std::collections::BTreeMap;
use std::time::Duration;

use dynd_files::Scenario;
use dynd_vocab::{Objective, Timestamp, Watts};

use super::brief::Brief;
use super::cost::{Cost, MISS_WEIGHT, loss};
use super::frame::Trace;
use super::happening::Happening;
use super::metrics::Metrics;
use super::play::PlayError;
use super::stage::Stage;
use super::world::{Run, World};
use plan::{Plan, Prospects, Search, Situation};
use rollout::{foresee, foresee_settled};

/// How fast the price of a miss grows with each one, the least that it can be (below it frames would be late for next to
/// nothing), and the ratio of one price to the next.
const PRICE_GROWTH: f64 = 0.3;
const LEAST_PRICE: f64 = 0.3;
const PRICE_STEP: f64 = 1.3;

/// Prices nearer than this to those of the plan in force are as good: each switch costs.
const NEAR: u8 = 2;

/// In a new situation an app is to be met at once: for so long a miss costs all that it can.
const NEW: Duration = Duration::from_secs(2);

/// What is more probably late than planned by this factor and this share is chosen anew.
const SURPRISE: (f64, f64) = (2.0, 0.05);

/// A frame begins late if it has waited for this share of its target.
const WAITED: f64 = 0.02;

/// How many frames after it a frame can make late, as far as is looked.
const FOLLOWING: u32 = 4;

/// What a frame costs further that ends a whole period after the next one is released, as a share of a miss: of several
/// that are all late the shorter is better.
const OVERTIME: f64 = 0.2;

/// Periods that count as overtime, at most.
const LONGEST_OVERTIME: f64 = 10.0;

/// What is known of the frame that is about to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foresight {
    /// What its noise is distributed like.
    Distribution,
    /// Its noise.
    Sample,
}

/// Plays with full sight of the world.
#[derive(Clone, Debug)]
pub struct Seer {
    foresight: Foresight,
    brief: Brief,
    /// The mean power that energy is relative to.
    reference: Watts,
    /// What was tried, by situation: it does not depend on the seed.
    prospects: BTreeMap<Situation, Prospects>,
    /// Plans by situation and prices.
    plans: BTreeMap<(Situation, Vec<u8>), (Plan, Vec<f64>)>,
    /// The situation and prices of the plan in force.
    present: Option<(Situation, Vec<u8>)>,
    plan: Plan,
    accounts: Vec<Account>,
    /// Per app, the share of frames that the plan lets be late.
    planned_late: Vec<f64>,
    /// When the situation is no longer new.
    new_until: Timestamp,
}

/// What an app may miss.
#[derive(Clone, Copy, Debug)]
struct Account {
    /// Share of frames that may be missed.
    allowed: f64,
    /// Frames missed beyond that, so far.
    balance: f64,
    /// Whether the situation is new.
    is_new: bool,
}

impl Account {
    const fn new(allowed: f64) -> Self {
        Self {
            allowed,
            balance: 0.0,
            is_new: true,
        }
    }

    fn note(&mut self, missed: bool) {
        self.balance += f64::from(u8::from(missed)) - self.allowed;
    }

    /// The number of its price.
    fn price_number(&self) -> u8 {
        let price = match self.is_new {
            true => MISS_WEIGHT,
            false => MISS_WEIGHT * (PRICE_GROWTH * self.balance).exp(),
        };
        let price = price.clamp(LEAST_PRICE, MISS_WEIGHT);
        ((price / LEAST_PRICE).ln() / PRICE_STEP.ln()).round() as u8
    }

    /// What a miss costs.
    fn price(&self) -> f64 {
        price(self.price_number())
    }
}

/// Price number `number`.
fn price(number: u8) -> f64 {
    LEAST_PRICE * PRICE_STEP.powi(i32::from(number))
}

impl Seer {
    /// One that knows so much, and plans for energy relative to a mean power of `reference`.
    pub fn new(foresight: Foresight, brief: Brief, reference: Watts) -> Self {
        Self {
            accounts: accounts(&brief),
            planned_late: vec![0.0; brief.apps.len()],
            new_until: Timestamp::default(),
            plan: Plan::first(&brief),
            prospects: BTreeMap::new(),
            plans: BTreeMap::new(),
            present: None,
            foresight,
            brief,
            reference,
        }
    }

    /// Plays `stage` from its beginning to its end.
    ///
    /// # Errors
    /// If the board refuses what it is asked for.
    pub fn play(&mut self, stage: &Stage) -> Result<Trace, PlayError> {
        let trace = self.play_one_way(stage)?;
        if self.foresight == Foresight::Distribution {
            return Ok(trace);
        }
        self.foresight = Foresight::Distribution;
        let other = self.play_one_way(stage);
        self.foresight = Foresight::Sample;
        let other = other?;
        let cost = |trace: &Trace| {
            let metrics = Metrics::new(&stage.scenario, trace);
            let reference = Metrics {
                energy_j: self.reference.get() * trace.duration.get(),
                ..metrics.clone()
            };
            Cost::new(&stage.scenario, &metrics, &reference).total
        };
        Ok(if cost(&other) < cost(&trace) { other } else { trace })
    }

    fn play_one_way(&mut self, stage: &Stage) -> Result<Trace, PlayError> {
        self.accounts = accounts(&self.brief);
        self.present = None;
        let mut world = World::new(stage)?;
        let end = Timestamp::from_nanos((stage.scenario.duration.get() * 1e9) as u64);
        let mut judged = 0;
        while let Some(happening) = world.advance(end)? {
            for frame in &world.frames()[judged..] {
                self.accounts[frame.app].note(!frame.met);
            }
            judged = world.frames().len();
            if let Happening::Due(app) = happening {
                self.look(&mut world)?;
                let run = self.choose(&world, app)?;
                world.begin(app, run)?;
            }
        }
        Ok(world.into_trace())
    }

    /// Plans anew if situation or prices are others.
    fn look(&mut self, world: &mut World<'_>) -> Result<(), PlayError> {
        let situation = Situation::of(world);
        let before = self.present.as_ref().map(|(before, _)| before);
        if before.is_none_or(|before| !before.is_as(&situation)) {
            self.new_until = world.now() + NEW;
        }
        let is_new = world.now() < self.new_until;
        self.accounts
            .iter_mut()
            .for_each(|account| account.is_new = is_new);
        let numbers: Vec<u8> = self.accounts.iter().map(Account::price_number).collect();
        if let Some((before, present)) = &self.present
            && !is_new
            && *before == situation
            && numbers.iter().zip(present).all(|(a, b)| a.abs_diff(*b) <= NEAR)
        {
            return Ok(());
        }
        let present = (situation, numbers);
        if self.present.as_ref() == Some(&present) {
            return Ok(());
        }
        if !self.plans.contains_key(&present) {
            let prices: Vec<f64> = present.1.iter().map(|&number| price(number)).collect();
            let mut search = Search {
                world,
                brief: &self.brief,
                reference: self.reference,
                prices: &prices,
                prospects: self.prospects.entry(present.0.clone()).or_default(),
            };
            let plan = search.best(&self.plan)?;
            self.plans.insert(present.clone(), plan);
        }
        (self.plan, self.planned_late) = self.plans[&present].clone();
        self.present = Some(present);
        world.set(&self.plan.setting(world));
        Ok(())
    }

    /// What the waiting frame of `app` runs.
    fn choose(&self, world: &World<'_>, app: usize) -> Result<Run, PlayError> {
        let scenario = &world.stage().scenario;
        let planned = self.plan.runs[app];
        let begins_late = world.waiting(app).is_some_and(|(_, release)| {
            let target = world.requirement(app).latency.get();
            world.now().since(release).as_secs_f64() > WAITED * target
        });
        if scenario.objective != Objective::MaxQuality {
            return Ok(planned);
        }
        if self.foresight == Foresight::Distribution && !begins_late {
            let late = self.late(world, app, planned)?;
            if late <= SURPRISE.0 * self.planned_late[app] + SURPRISE.1 {
                return Ok(planned);
            }
        }
        let at = |subnetwork| Run {
            subnetwork,
            ..planned
        };
        let subnetworks = by_quality(scenario, app);
        let median = world.stage().noises[app].quantile(0.5, world.now().as_nanos());
        let quickest = subnetworks.last().copied().unwrap_or(planned.subnetwork);
        let quickest = foresee_settled(world, app, at(quickest), Some(median))?.took;
        let mut best: Option<(f64, usize)> = None;
        for subnetwork in subnetworks {
            let lost = quality_loss(scenario, app, subnetwork);
            if best.is_some_and(|(least, _)| least <= lost) {
                break;
            }
            let cost = lost + self.risk(world, app, at(subnetwork), quickest)?;
            if best.is_none_or(|(least, _)| cost < least) {
                best = Some((cost, subnetwork));
            }
        }
        Ok(at(best.map_or(planned.subnetwork, |(_, subnetwork)| subnetwork)))
    }

    /// How probable it is that the waiting frame of `app` is late if it runs `run` and has not waited.
    fn late(&self, world: &World<'_>, app: usize, run: Run) -> Result<f64, PlayError> {
        let now = world.now().as_nanos();
        let noise = &world.stage().noises[app];
        let median = noise.quantile(0.5, now);
        let took = foresee_settled(world, app, run, Some(median))?.took;
        Ok(noise.above(median * world.requirement(app).latency.get() / took, now))
    }

    /// What the misses cost that are to be expected if the waiting frame of `app` runs `run` now: its own, those of the
    /// frames after it, of which each needs at least `quickest` seconds, and those of other apps meanwhile.
    fn risk(&self, world: &World<'_>, app: usize, run: Run, quickest: f64) -> Result<f64, PlayError> {
        let Some((_, release)) = world.waiting(app) else {
            return Ok(0.0);
        };
        let requirement = world.requirement(app);
        let target = requirement.latency.get();
        let now = world.now().as_nanos();
        let waited = world.now().since(release).as_secs_f64();
        let noise = &world.stage().noises[app];
        let median = noise.quantile(0.5, now);
        let known = self.foresight == Foresight::Sample;
        let foreseen = foresee(world, app, run, (!known).then_some(median))?;
        let beyond = |limit: f64| match known {
            true => f64::from(u8::from(waited + foreseen.took > limit)),
            false => noise.above(median * (limit - waited) / foreseen.took, now),
        };
        let mut misses = beyond(target);
        if let Some(period) = requirement.period {
            let limit = |frame: u32| f64::from(frame) * period.get() + target - quickest;
            misses += (1..=FOLLOWING).map(|frame| beyond(limit(frame))).sum::<f64>();
            let overtime = (waited + foreseen.took) / period.get() - 1.0;
            misses += OVERTIME * overtime.clamp(0.0, LONGEST_OVERTIME);
        }
        let mut cost = self.accounts[app].price() * misses;
        for (other, ratio) in foreseen.others {
            let noise = &world.stage().noises[other];
            let late = noise.above(noise.quantile(0.5, now) / ratio, now);
            cost += self.accounts[other].price() * late;
        }
        Ok(cost)
    }
}

fn accounts(brief: &Brief) -> Vec<Account> {
    let allowed = |app: &super::brief::AppBrief| 1.0 - app.requirement.percentile;
    brief.apps.iter().map(|app| Account::new(allowed(app))).collect()
}

/// The sub-networks of `app` from the best on; below its minimum quality none, if any reaches it.
fn by_quality(scenario: &Scenario, app: usize) -> Vec<usize> {
    let app = &scenario.apps[app];
    let table = &app.model.table.subnetworks;
    let mut all: Vec<usize> = (0..table.len()).collect();
    if table
        .iter()
        .any(|each| each.quality >= app.requirement.min_quality)
    {
        all.retain(|&each| table[each].quality >= app.requirement.min_quality);
    }
    all.sort_by(|&a, &b| table[b].quality.get().total_cmp(&table[a].quality.get()));
    all
}

/// What `subnetwork` loses of the cost's base, per frame of `app`: of its own mean, which counts one for each app.
fn quality_loss(scenario: &Scenario, app: usize, subnetwork: usize) -> f64 {
    let model = &scenario.apps[app].model;
    let (worst, best) = model.quality_range();
    let quality = model.table.subnetworks[subnetwork].quality;
    loss(quality.get(), worst.get(), best.get()) / scenario.apps.len() as f64
}
