//! A contest: every contender plays one scenario with every seed.

use dynd_files::Scenario;

use super::brief::Brief;
use super::contender::{Choice, Contender, Governors};
use super::cost::Cost;
use super::frame::Trace;
use super::manager::{Dynd, Fixed};
use super::metrics::Metrics;
use super::play::{PlayError, play};
use super::stage::Stage;
use super::tuning;

/// The first seed; the others follow it.
const FIRST_SEED: u64 = 1;

/// What came of a contest.
#[derive(Clone, Debug)]
pub struct Contest {
    /// The scenario.
    pub scenario: Scenario,
    /// One entry per contender, in the order asked for; the best static choice is among them.
    pub entries: Vec<Entry>,
}

/// What came of one contender.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Who.
    pub contender: Contender,
    /// One result per seed.
    pub results: Vec<Outcome>,
    /// All of the run with the first seed.
    pub trace: Trace,
}

/// What came of one run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The figures.
    pub metrics: Metrics,
    /// What it cost.
    pub cost: Cost,
}

impl Contest {
    /// Lets `contenders` play `scenario` with `seeds` seeds, and calls `ran` after each run.
    ///
    /// # Errors
    /// If a board refuses what a scenario asks of it.
    pub fn hold(
        scenario: &Scenario,
        contenders: &[Contender],
        seeds: u64,
        mut ran: impl FnMut(Contender),
    ) -> Result<Self, PlayError> {
        let mut contenders = contenders.to_vec();
        if !contenders.contains(&Contender::BEST_STATIC) {
            contenders.push(Contender::BEST_STATIC);
        }
        let stages = (FIRST_SEED..FIRST_SEED + seeds.max(1)).map(|seed| Stage::new(scenario, seed));
        let stages = stages.collect::<Result<Vec<_>, _>>()?;
        let mut played = Vec::new();
        for &contender in &contenders {
            let player = Player::new(contender, &stages[0])?;
            let mut traces = Vec::new();
            for stage in &stages {
                traces.push(player.play(stage)?);
                ran(contender);
            }
            played.push((contender, traces));
        }
        let metrics = |traces: &[Trace]| -> Vec<Metrics> {
            traces.iter().map(|trace| Metrics::new(scenario, trace)).collect()
        };
        let best = played
            .iter()
            .find(|(contender, _)| *contender == Contender::BEST_STATIC);
        let reference = best.map_or_else(Vec::new, |(_, traces)| metrics(traces));
        let entry = |(contender, traces): (Contender, Vec<Trace>)| Entry {
            contender,
            results: metrics(&traces)
                .into_iter()
                .zip(&reference)
                .map(|(metrics, reference)| Outcome {
                    cost: Cost::new(scenario, &metrics, reference),
                    metrics,
                })
                .collect(),
            trace: traces.into_iter().next().unwrap_or_default(),
        };
        Ok(Self {
            entries: played.into_iter().map(entry).collect(),
            scenario: scenario.clone(),
        })
    }

    /// The runs of `contender`, if it played.
    pub fn of(&self, contender: Contender) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.contender == contender)
    }
}

/// A contender ready to play: what has to be tuned is.
enum Player {
    Dynd,
    Fixed(Fixed),
}

impl Player {
    fn new(contender: Contender, first: &Stage) -> Result<Self, PlayError> {
        Ok(match contender {
            Contender::Dynd => Self::Dynd,
            Contender::Static(choice, governors) => Self::Fixed(fixed(first, choice, governors)?),
        })
    }

    fn play(&self, stage: &Stage) -> Result<Trace, PlayError> {
        match self {
            Self::Dynd => play(stage, &mut Dynd::new(Brief::new(stage, stage)?)),
            Self::Fixed(fixed) => play(stage, &mut fixed.clone()),
        }
    }
}

fn fixed(stage: &Stage, choice: Choice, governors: Governors) -> Result<Fixed, PlayError> {
    let brief = Brief::new(stage, stage)?;
    let governors = governors.on(&stage.board);
    let runs = match choice {
        Choice::Largest => tuning::largest(&brief),
        Choice::Smallest => tuning::smallest(&brief),
        Choice::Best => tuning::best(stage, &brief, &governors)?,
    };
    Ok(Fixed::new(runs, governors))
}
