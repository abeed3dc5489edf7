//! Those who see the world itself: the oracle, which is the bar for every controller, and the clairvoyant, which nobody
//! can reach.
//!
//! Both know the true state of the board, its apps and loads at every moment, and what noise is distributed like. The
//! clairvoyant also knows the noise of the frame that is about to begin. Neither knows what will come, go or change.
//!
//! 1. *Plan* ([`plan`]): whenever the situation is another one (who is there, what they need, which loads run, which
//!    clocks are allowed, how hot it is), places and clocks are searched for by trying each on copies of the world.
//! 2. *Frame*: before each inference the sub-networks at the planned place are tried on copies of the world, from the best
//!    on; taken is the one of least `loss + λ · P(late)`, its loss as the cost counts it.
//! 3. *Price* λ of a miss: `λ₀ exp(k z)`, where z is how many more frames were missed than the percentile allows so far,
//!    so that all the misses that it allows are used, and where they gain most (Lagrange multiplier by integral control).
//!    It is never above what a miss costs in the end, and high for the first 20 frames of a new situation.
//!
//! What is not exact: while the sub-networks are tried, the other apps repeat what they ran last; the search of several apps'
//! places goes one app after the other; a copy of the world lasts a few frames.

mod plan;
mod rollout;

use std::collections::BTreeMap;

use dynd_files::Scenario;
use dynd_vocab::{Objective, Timestamp, Watts};

use super::brief::Brief;
use super::cost::{MISS_WEIGHT, loss};
use super::frame::Trace;
use super::happening::Happening;
use super::play::PlayError;
use super::stage::Stage;
use super::world::{Run, World};
use plan::{Plan, Situation};
use rollout::{Switch, foresee};

/// The price of a miss while as many were missed as are allowed, how fast it grows, and the least that it can be: below it
/// frames would be late for next to nothing.
const PRICE: f64 = 0.5;
const PRICE_GROWTH: f64 = 0.4;
const LEAST_PRICE: f64 = 0.15;

/// In a new situation an app is to be met at once: for so many frames a miss costs at least this.
const NEW_FRAMES: u32 = 20;
const NEW_PRICE: f64 = 5.0;

/// How many frames after it a frame can make late, as far as is looked.
const FOLLOWING: u32 = 4;

/// What a frame costs further that ends a whole period after the next one is released, as a share of a miss: of several
/// that are all late the shorter is better.
const OVERTIME: f64 = 0.2;

/// Periods that count as overtime, at most.
const LONGEST_OVERTIME: f64 = 10.0;

/// Frames that what a switch costs is spread over.
const STAY: f64 = 10.0;

/// With so many misses to spare, clocks are planned as if this many times as many were allowed.
const SPARE: f64 = 4.0;
const BOLDNESS: f64 = 4.0;

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
    /// Plans by situation: what is best does not depend on the seed.
    plans: BTreeMap<Situation, Plan>,
    situation: Option<Situation>,
    plan: Plan,
    accounts: Vec<Account>,
}

/// What an app may miss.
#[derive(Clone, Copy, Debug)]
struct Account {
    /// Share of frames that may be missed.
    allowed: f64,
    /// Frames missed beyond that, so far.
    balance: f64,
    /// Frames in this situation.
    frames: u32,
}

impl Account {
    const fn new(allowed: f64) -> Self {
        Self {
            allowed,
            balance: 0.0,
            frames: 0,
        }
    }

    fn note(&mut self, missed: bool) {
        self.balance += f64::from(u8::from(missed)) - self.allowed;
        self.frames += 1;
    }

    fn price(&self) -> f64 {
        let least = if self.frames < NEW_FRAMES {
            NEW_PRICE
        } else {
            LEAST_PRICE
        };
        (PRICE * (PRICE_GROWTH * self.balance).exp()).clamp(least, MISS_WEIGHT)
    }
}

impl Seer {
    /// One that knows so much, and plans for energy relative to a mean power of `reference`.
    pub fn new(foresight: Foresight, brief: Brief, reference: Watts) -> Self {
        Self {
            accounts: accounts(&brief),
            plan: Plan::first(&brief),
            plans: BTreeMap::new(),
            situation: None,
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
        self.accounts = accounts(&self.brief);
        self.situation = None;
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

    /// Plans anew if the situation is another one.
    fn look(&mut self, world: &mut World<'_>) -> Result<(), PlayError> {
        // Whoever is new is met first; then clocks go back and forth between two plans, so that all misses allowed are used.
        let can_spare = |account: &Account| account.frames >= NEW_FRAMES && account.balance < -SPARE;
        let present = (0..self.accounts.len()).filter(|&app| world.is_present(app));
        let is_bold = present.map(|app| &self.accounts[app]).all(can_spare);
        let was_bold = self.situation.as_ref().is_some_and(|situation| situation.is_bold);
        let in_debt = self.accounts.iter().any(|account| account.balance > -1.0);
        let is_bold =
            world.stage().scenario.objective != Objective::MaxQuality && (is_bold || (was_bold && !in_debt));
        let situation = Situation::of(world, is_bold);
        if self.situation.as_ref() == Some(&situation) {
            return Ok(());
        }
        if !self.plans.contains_key(&situation) {
            let boldness = if is_bold { BOLDNESS } else { 1.0 };
            let search = plan::Search {
                world,
                brief: &self.brief,
                reference: self.reference,
                boldness,
            };
            let plan = search.best(&self.plan)?;
            self.plans.insert(situation.clone(), plan);
        }
        self.plan = self.plans[&situation].clone();
        let before = self.situation.replace(situation.clone());
        if before.is_none_or(|before| !before.is_as(&situation)) {
            for account in &mut self.accounts {
                account.frames = 0;
            }
        }
        world.set(&self.plan.setting(world));
        Ok(())
    }

    /// What the waiting frame of `app` runs.
    fn choose(&self, world: &World<'_>, app: usize) -> Result<Run, PlayError> {
        let scenario = &world.stage().scenario;
        let planned = self.plan.runs[app];
        if scenario.objective != Objective::MaxQuality {
            return Ok(planned);
        }
        let at = |subnetwork| Run {
            subnetwork,
            ..planned
        };
        let subnetworks = by_quality(scenario, app);
        let median = world.stage().noises[app].quantile(0.5, world.now().as_nanos());
        let quickest = subnetworks.last().copied().unwrap_or(planned.subnetwork);
        let quickest = foresee(world, app, at(quickest), (Some(median), Switch::Free))?.took;
        let mut best: Option<(f64, usize)> = None;
        for subnetwork in subnetworks {
            let lost = quality_loss(scenario, app, subnetwork);
            if best.is_some_and(|(least, _)| least <= lost) {
                break;
            }
            let run = at(subnetwork);
            let mut risk = self.risk(world, app, run, (quickest, Switch::Free))?;
            if world.previous(app) != Some(run) {
                let first = self.risk(world, app, run, (quickest, Switch::Charged))?;
                risk += (first - risk) / STAY;
            }
            let cost = lost + risk;
            if best.is_none_or(|(least, _)| cost < least) {
                best = Some((cost, subnetwork));
            }
        }
        Ok(at(best.map_or(planned.subnetwork, |(_, subnetwork)| subnetwork)))
    }

    /// What the misses cost that are to be expected if the waiting frame of `app` runs `run` now: its own, those of the
    /// frames after it, of which each needs at least `quickest` seconds, and those of other apps meanwhile.
    fn risk(
        &self,
        world: &World<'_>,
        app: usize,
        run: Run,
        (quickest, switch): (f64, Switch),
    ) -> Result<f64, PlayError> {
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
        let foreseen = foresee(world, app, run, ((!known).then_some(median), switch))?;
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
