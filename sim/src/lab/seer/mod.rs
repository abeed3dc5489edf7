//! Those who see the world itself: the oracle, which is the bar for every controller, and the clairvoyant, which nobody
//! can reach.
//!
//! Both know the true state of the board, its apps and loads at every moment, and what noise is distributed like. The
//! clairvoyant also knows the noise of the frame that is about to begin. Neither knows what will come, go or change.
//!
//! 1. *Situation*: who is there, what they need, which loads run, which clocks and budget are allowed, how hot it is, which
//!    regime the noise is in. What a choice of sub-networks, places and clocks brings in it, the share of misses above all, is
//!    tried on copies of the world ([`plan`]).
//! 2. *Plan*: the choice of least `loss + Σ λ · misses`, the loss as the cost counts it.
//! 3. *Price* λ of a miss: `λ₀ exp(k z)`, where z is how many more frames were missed than the percentile allows so far,
//!    so that the misses that it allows are used, and where they gain most (Lagrange multiplier by integral control). It is
//!    never above 5, which is what a miss costs in the end, and at that in the first two seconds of a new situation, and
//!    once no miss is left of those that all frames of the run may have.
//!    Where frames are few, integral control comes too late: λ₀ is the price that costs least in *rehearsals*, which are
//!    runs of the same scenario with seeds that nobody is judged with.
//! 4. *Frame*: one that begins late, or is more probably late than was planned, takes what costs least for it and for
//!    those behind it, tried on copies too; so does every frame of an app whose frames come in bursts ([`behind`]). The
//!    clairvoyant plays each run both ways, choosing so for every frame or as the oracle does, and shows the better one.
//!
//! What is not exact: while a frame is tried, the other apps repeat what they ran last; the search for several apps' places goes
//! one app after the other; a copy of the world lasts a few frames.

mod behind;
mod plan;
mod rollout;

use std::collections::BTreeMap;
use std::time::Duration;

use dynd_files::{Arrivals, Scenario};
use dynd_vocab::{Objective, Timestamp, Watts};

use super::brief::Brief;
use super::cost::{Cost, MISS_WEIGHT, loss};
use super::frame::{Frame, Trace};
use super::happening::Happening;
use super::metrics::Metrics;
use super::play::PlayError;
use super::stage::Stage;
use super::world::{Run, World};
use behind::Behind;
use plan::{Plan, Prospects, Search, Situation};
use rollout::{foresee, foresee_settled};

/// How fast the price of a miss grows with each one, the least that it can be (below it frames would be late for next to
/// nothing), and the ratio of one price to the next.
const PRICE_GROWTH: f64 = 0.3;
const LEAST_PRICE: f64 = 0.3;
const PRICE_STEP: f64 = 1.3;

/// The prices to begin with that are rehearsed, and the seeds of rehearsals.
const FIRST_PRICES: [f64; 4] = [MISS_WEIGHT, 2.0, 0.8, LEAST_PRICE];
const REHEARSALS: [u64; 2] = [u64::MAX, u64::MAX - 1];

/// Prices nearer than this to those of the plan in force are as good: each switch costs.
const NEAR: u8 = 2;

/// In a new situation an app is to be met at once: for so long a miss costs all that it can.
const NEW: Duration = Duration::from_secs(2);

/// What is more probably late than planned by this factor and this share is chosen anew.
const SURPRISE: (f64, f64) = (2.0, 0.05);

/// A frame begins late if it has waited for this share of its target.
const WAITED: f64 = 0.02;

/// Where the distribution of a frame's noise is looked at: in the middle of so many parts that are equally probable.
const QUANTILES: [f64; 5] = [0.1, 0.3, 0.5, 0.7, 0.9];

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
    /// What the cost is relative to.
    reference: Metrics,
    /// The price of a miss to begin with; absent before the rehearsals.
    first_price: Option<f64>,
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
    /// What a miss costs at first.
    first_price: f64,
    /// Frames so far, how many of them were answered and missed, and how many are to come if all goes on like this.
    frames: u32,
    answered: u32,
    missed: u32,
    to_come: f64,
    /// Whether the situation is new.
    is_new: bool,
}

impl Account {
    const fn new(allowed: f64, first_price: f64) -> Self {
        Self {
            allowed,
            first_price,
            frames: 0,
            answered: 0,
            missed: 0,
            to_come: f64::INFINITY,
            is_new: true,
        }
    }

    fn note(&mut self, frame: &Frame) {
        self.frames += 1;
        self.answered += u32::from(frame.latency.is_some());
        self.missed += u32::from(!frame.met);
    }

    /// The share of frames that is answered: quality counts per answer, misses per frame.
    fn answered(&self) -> f64 {
        f64::from(self.answered.max(1)) / f64::from(self.frames.max(1))
    }

    /// Frames missed beyond what is allowed, so far.
    fn balance(&self) -> f64 {
        f64::from(self.missed) - self.allowed * f64::from(self.frames)
    }

    /// Whether one more miss is more than is allowed of all frames.
    fn is_used_up(&self) -> bool {
        f64::from(self.missed + 1) > self.allowed * (f64::from(self.frames) + self.to_come)
    }

    /// The number of its price.
    fn price_number(&self) -> u8 {
        let price = match self.is_new || self.is_used_up() {
            true => MISS_WEIGHT,
            false => self.first_price * (PRICE_GROWTH * self.balance()).exp(),
        };
        let price = (price * self.answered()).clamp(LEAST_PRICE, MISS_WEIGHT);
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
    /// One that knows so much; what a run costs is relative to `reference`.
    pub fn new(foresight: Foresight, brief: Brief, reference: Metrics) -> Self {
        Self {
            accounts: accounts(&brief, MISS_WEIGHT),
            first_price: None,
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
        let first_price = match self.first_price {
            Some(price) => price,
            None => self.rehearse(stage)?,
        };
        self.first_price = Some(first_price);
        let blind = self.play_one_way(stage, Foresight::Distribution, first_price)?;
        if self.foresight == Foresight::Distribution {
            return Ok(blind);
        }
        let seeing = self.play_one_way(stage, Foresight::Sample, first_price)?;
        let is_better = self.cost(stage, &seeing) < self.cost(stage, &blind);
        Ok(if is_better { seeing } else { blind })
    }

    /// The price of a miss to begin with that costs least where nothing is judged.
    fn rehearse(&mut self, stage: &Stage) -> Result<f64, PlayError> {
        let stages = REHEARSALS.map(|seed| stage.reseeded(seed));
        let mut best = (f64::INFINITY, MISS_WEIGHT);
        for price in FIRST_PRICES {
            let mut cost = 0.0;
            for stage in &stages {
                let trace = self.play_one_way(stage, Foresight::Distribution, price)?;
                cost += self.cost(stage, &trace);
            }
            if cost < best.0 {
                best = (cost, price);
            }
        }
        Ok(best.1)
    }

    fn cost(&self, stage: &Stage, trace: &Trace) -> f64 {
        let metrics = Metrics::new(&stage.scenario, trace);
        Cost::new(&stage.scenario, &metrics, &self.reference).total
    }

    fn play_one_way(
        &mut self,
        stage: &Stage,
        foresight: Foresight,
        first_price: f64,
    ) -> Result<Trace, PlayError> {
        self.accounts = accounts(&self.brief, first_price);
        self.present = None;
        self.plan = Plan::first(&self.brief);
        let mut world = World::new(stage)?;
        let end = Timestamp::from_nanos((stage.scenario.duration.get() * 1e9) as u64);
        let mut judged = 0;
        while let Some(happening) = world.advance(end)? {
            for frame in &world.frames()[judged..] {
                self.accounts[frame.app].note(frame);
            }
            judged = world.frames().len();
            if let Happening::Due(app) = happening {
                self.look(&mut world)?;
                let run = self.choose(&world, app, foresight)?;
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
        let left = world.stage().scenario.duration.get() - world.now().as_nanos() as f64 * 1e-9;
        for (app, account) in self.accounts.iter_mut().enumerate() {
            let requirement = world.requirement(app);
            account.is_new = is_new;
            account.to_come = left / requirement.period.unwrap_or(requirement.latency).get();
        }
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
                reference: Watts::new(self.reference.power_w),
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
    fn choose(&self, world: &World<'_>, app: usize, foresight: Foresight) -> Result<Run, PlayError> {
        let scenario = &world.stage().scenario;
        let planned = self.plan.runs[app];
        let begins_late = world.waiting(app).is_some_and(|(_, release)| {
            let target = world.requirement(app).latency.get();
            world.now().since(release).as_secs_f64() > WAITED * target
        });
        if scenario.objective != Objective::MaxQuality {
            return Ok(planned);
        }
        let in_bursts = scenario.apps[app].arrivals == Arrivals::Bursts;
        if foresight == Foresight::Distribution && !begins_late && !in_bursts {
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
        // Those behind hurry if they come steadily, and go on as planned if nobody knows when they come.
        let next = match subnetworks.last() {
            Some(&quickest) if !in_bursts => quickest,
            _ => planned.subnetwork,
        };
        let next = foresee_settled(world, app, at(next), Some(median))?.took;
        let mut best: Option<(f64, usize)> = None;
        for subnetwork in subnetworks {
            let lost = quality_loss(scenario, app, subnetwork);
            if best.is_some_and(|(least, _)| least <= lost) {
                break;
            }
            let cost = lost + self.risk(world, app, at(subnetwork), (next, foresight))?;
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
    /// frames after it, of which each needs `next` seconds, and those of other apps meanwhile.
    fn risk(
        &self,
        world: &World<'_>,
        app: usize,
        run: Run,
        (next, foresight): (f64, Foresight),
    ) -> Result<f64, PlayError> {
        let Some((_, release)) = world.waiting(app) else {
            return Ok(0.0);
        };
        let now = world.now().as_nanos();
        let noise = &world.stage().noises[app];
        let median = noise.quantile(0.5, now);
        let known = foresight == Foresight::Sample;
        let foreseen = foresee(world, app, run, (!known).then_some(median))?;
        let waited = world.now().since(release).as_secs_f64();
        let behind = Behind {
            requirement: world.requirement(app),
            waited,
            next,
        };
        let beyond = |limit: f64| match known {
            true => f64::from(u8::from(waited + foreseen.took > limit)),
            false => noise.above(median * (limit - waited) / foreseen.took, now),
        };
        let arrivals = world.stage().scenario.apps[app].arrivals;
        let mut misses = behind.limits(arrivals).map(beyond).sum::<f64>();
        misses += behind.overtime(waited + foreseen.took);
        if arrivals == Arrivals::Bursts {
            misses += match known {
                true => behind.missed_in_bursts(waited + foreseen.took),
                false => {
                    let end = |share| waited + foreseen.took * noise.quantile(share, now) / median;
                    let missed = QUANTILES.map(|share| behind.missed_in_bursts(end(share)));
                    missed.iter().sum::<f64>() / QUANTILES.len() as f64
                }
            };
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

fn accounts(brief: &Brief, first_price: f64) -> Vec<Account> {
    let account = |app: &super::brief::AppBrief| Account::new(1.0 - app.requirement.percentile, first_price);
    brief.apps.iter().map(account).collect()
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
