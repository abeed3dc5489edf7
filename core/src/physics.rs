//! Power and heat of the board, as far as they are known, and how the budgets of the policy stand.
//!
//! Steps, per sample:
//! 1. What each processor does ([`Activity`]); of one of which that is not known, what it did last.
//! 2. [`PowerModel`] learns from the rails, [`HeatModel`] from the zones and from where the power goes.
//! 3. The power budget is enforceable if power is known by the grade that the policy asks for. If it is not, nothing
//!    is kept by it, and an event, the log and the status say why.

use alloc::string::String;
use alloc::vec::Vec;

use dynd_vocab::{
    Blueprint, BoardDescription, BudgetStatus, Policy, PowerBudgetStatus, PowerGrade, Sample,
    TemperatureLimitStatus, Timestamp, Watts,
};

use crate::activity::{Activity, activities};
use crate::heat::HeatModel;
use crate::power::PowerModel;
use crate::prior::Prior;

/// Samples after which power sensors have had their chance.
const TRIED_AFTER: u32 = 5;

/// What is known of a board's power and heat.
#[derive(Clone, Debug)]
pub struct Physics {
    power: PowerModel,
    heat: HeatModel,
    /// Per processor, what it did when that was known last.
    activities: Vec<Activity>,
    sampled: Option<Timestamp>,
    samples: u32,
    is_described: bool,
}

impl Physics {
    /// What is known of `board` before anything was measured; `file` is its board file, if there is one.
    pub fn new(board: &BoardDescription, file: Option<&Blueprint>) -> Self {
        let prior = Prior::new(board, file);
        Self {
            power: PowerModel::new(board, &prior),
            heat: HeatModel::new(board, &prior),
            activities: alloc::vec![Activity::default(); board.processors.len()],
            sampled: None,
            samples: 0,
            is_described: file.is_some(),
        }
    }

    /// The power model.
    pub const fn power(&self) -> &PowerModel {
        &self.power
    }

    /// The heat model.
    pub const fn heat(&self) -> &HeatModel {
        &self.heat
    }

    /// True if a board file tells of power and heat; else they were guessed before they were measured.
    pub(crate) const fn is_described(&self) -> bool {
        self.is_described
    }

    /// What each processor does now, as far as that is known.
    pub fn activities(&self) -> &[Activity] {
        &self.activities
    }

    /// Keeps to the temperature limit of `policy` from now on.
    pub fn govern(&mut self, policy: &Policy) {
        self.heat.limit(policy.temperature_limit);
    }

    /// Learns from `sample`; `busy_share` tells how busy each CPU was since the one before.
    pub fn observe(
        &mut self,
        board: &BoardDescription,
        sample: &Sample,
        busy_share: impl Fn(u32) -> Option<f64>,
    ) {
        let found = activities(board, sample, busy_share);
        for (known, found) in self.activities.iter_mut().zip(&found) {
            *known = found.unwrap_or(*known);
        }
        let hottest = self.heat.hottest(sample.at);
        self.power.observe(sample.at, &found, &sample.rails, hottest);
        let heating = self.power.heated(&self.activities);
        self.heat
            .observe(sample.at, &self.activities, &heating, &sample.zones);
        self.sampled = Some(sample.at);
        self.samples = self.samples.saturating_add(1);
    }

    /// Why the power budget of `policy` cannot be kept, once there was time enough to find out.
    pub(crate) fn refusal(&self, board: &BoardDescription, policy: &Policy) -> Option<String> {
        let tried = board.rails.is_empty() || self.samples >= TRIED_AFTER;
        self.power_budget(board, policy).err().filter(|_| tried)
    }

    /// The power budget of `policy`, if it sets one that can be kept.
    ///
    /// # Errors
    /// Why the one that it sets cannot be kept, in words.
    pub fn power_budget(&self, board: &BoardDescription, policy: &Policy) -> Result<Option<Watts>, String> {
        let grade = self.grade();
        if policy.power_budget.is_none() || grade <= policy.power_grade {
            return Ok(policy.power_budget);
        }
        Err(String::from(match (board.rails.is_empty(), self.sampled) {
            (true, _) => {
                "the policy requires measured power, and this board has no power sensor; \
                 set require-measured = false to keep it by estimates"
            }
            (false, None) => "the policy requires measured power, and no power sensor was read yet",
            (false, Some(_)) => "the policy requires measured power, and no power sensor can be read for now",
        }))
    }

    /// How the budgets of `policy` stand.
    pub fn status(&self, board: &BoardDescription, policy: &Policy) -> BudgetStatus {
        let heating = self.power.heating(&self.activities);
        let now = self.sampled.unwrap_or_default();
        let power = policy.power_budget.map(|limit| PowerBudgetStatus {
            limit_w: limit.get(),
            predicted_w: self
                .sampled
                .map(|now| self.power.predict(&self.activities, now).watts.get()),
            grade: self.grade(),
            unenforceable: self.power_budget(board, policy).err(),
        });
        let name = |zone: usize| board.zones.get(zone).map(|zone| zone.name.clone());
        let temperature = policy.temperature_limit.map(|limit| {
            let closest = self.heat.closest(&heating);
            TemperatureLimitStatus {
                limit_c: limit.get(),
                zone: closest.and_then(|(zone, _)| name(zone)),
                steady_c: closest.map(|(_, celsius)| celsius.get()),
                sustainable_w: self.heat.sustainable(&heating, now).map(Watts::get),
                blind: self.heat.blind(now).and_then(name),
            }
        });
        BudgetStatus { power, temperature }
    }

    fn grade(&self) -> PowerGrade {
        self.sampled
            .map_or(PowerGrade::Estimated, |now| self.power.grade(now))
    }
}
