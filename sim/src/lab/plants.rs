//! Random plants: scenarios on boards and with models whose every figure differs, and noise of another shape.

use dynd_files::{NoiseShape, Scenario};

use super::contender::Contender;
use super::contest::Contest;
use super::play::PlayError;
use super::stage::Stage;

/// By how much every figure differs at most.
pub const VARIATION: f64 = 0.3;

/// Costs that differ by less are equal.
const EQUAL: f64 = 1e-3;

/// What became of one random plant.
#[derive(Clone, Debug)]
pub struct PlantResult {
    /// Its number.
    pub number: u64,
    /// The scenario that was played on it.
    pub scenario: String,
    /// The noise of all apps.
    pub noise: NoiseShape,
    /// What it cost each contender.
    pub costs: Vec<(Contender, f64)>,
}

impl PlantResult {
    /// The causal contenders that cost least, or as little to a thousandth.
    pub fn winners(&self) -> Vec<Contender> {
        let causal = || self.costs.iter().filter(|(contender, _)| contender.is_causal());
        let least = causal().map(|(_, cost)| *cost).fold(f64::INFINITY, f64::min);
        let wins = causal().filter(|(_, cost)| *cost <= least + EQUAL);
        wins.map(|(contender, _)| *contender).collect()
    }
}

/// Plays `scenario` on plant number `number`.
///
/// # Errors
/// If a board refuses what the scenario asks of it.
pub fn play_on_random_plant(
    scenario: &Scenario,
    number: u64,
    contenders: &[Contender],
) -> Result<PlantResult, PlayError> {
    let shapes = [NoiseShape::Light, NoiseShape::Heavy, NoiseShape::Bursty];
    let noise = shapes[(number % 3) as usize];
    let mut scenario = scenario.clone();
    scenario.apps.iter_mut().for_each(|app| app.noise = noise);
    let stage = Stage::new(&scenario, number)?.varied(number, VARIATION);
    let contest = Contest::hold(std::slice::from_ref(&stage), contenders, |_| ())?;
    let cost = |entry: &super::contest::Entry| (entry.contender, entry.results[0].cost.total);
    Ok(PlantResult {
        number,
        scenario: scenario.name,
        noise,
        costs: contest.entries.iter().map(cost).collect(),
    })
}
