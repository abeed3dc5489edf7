//! A contest: every contender plays one scenario with every seed.

use dynd_files::Scenario;
use dynd_vocab::Watts;

use super::brief::Brief;
use super::catalogue::Catalogue;
use super::contender::{Choice, Contender, Governors, Margin};
use super::cost::Cost;
use super::frame::Trace;
use super::manager::{Alert, DynamicOfaRule, Dynd, Fixed, GreedyMmkp, Poet};
use super::metrics::Metrics;
use super::play::{PlayError, play};
use super::seer::{Foresight, Seer};
use super::stage::Stage;
use super::tuning;

/// The margins that POET is tuned over.
const MARGINS: [f64; 7] = [1.0, 0.97, 0.94, 0.9, 0.85, 0.8, 0.7];

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
    /// Lets `contenders` play each of `stages`, which are of one scenario, and calls `ran` after each run.
    ///
    /// # Errors
    /// If a board refuses what a scenario asks of it, or there is no stage.
    pub fn hold(
        stages: &[Stage],
        contenders: &[Contender],
        mut ran: impl FnMut(Contender),
    ) -> Result<Self, PlayError> {
        let first = stages.first().ok_or(PlayError::Nothing)?;
        let scenario = &first.scenario;
        let mut contenders = contenders.to_vec();
        if !contenders.contains(&Contender::BEST_STATIC) {
            contenders.push(Contender::BEST_STATIC);
        }
        let mut run = |contender, player: &mut Player| -> Result<Vec<Trace>, PlayError> {
            let mut traces = Vec::new();
            for stage in stages {
                traces.push(player.play(stage)?);
                ran(contender);
            }
            Ok(traces)
        };
        let metrics = |traces: &[Trace]| -> Vec<Metrics> {
            let metrics = traces.iter().map(|trace| Metrics::new(scenario, trace));
            metrics.collect()
        };
        let profiled = profiled(first);
        let brief = Brief::new(first, &profiled)?;
        let best = fixed(first, &brief, Choice::Best, Governors::OfBoard)?;
        let best = run(Contender::BEST_STATIC, &mut Player::Fixed(best))?;
        let reference = metrics(&best);
        let setup = Setup {
            catalogue: Catalogue::new(&profiled, &brief)?,
            stage: first,
            reference: &reference[0],
            brief,
        };
        let mut entries = Vec::new();
        for contender in contenders {
            let traces = match contender {
                Contender::BEST_STATIC => best.clone(),
                other => run(other, &mut Player::new(other, &setup)?)?,
            };
            let results = metrics(&traces).into_iter().zip(&reference);
            entries.push(Entry {
                contender,
                results: results
                    .map(|(metrics, reference)| Outcome {
                        cost: Cost::new(scenario, &metrics, reference),
                        metrics,
                    })
                    .collect(),
                trace: traces.into_iter().next().unwrap_or_default(),
            });
        }
        Ok(Self {
            entries,
            scenario: scenario.clone(),
        })
    }

    /// The runs of `contender`, if it played.
    pub fn of(&self, contender: Contender) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.contender == contender)
    }
}

/// What contenders are made from.
struct Setup<'a> {
    stage: &'a Stage,
    brief: Brief,
    catalogue: Catalogue,
    /// What the best static choice did with the first seed.
    reference: &'a Metrics,
}

/// A contender ready to play: what has to be tuned is.
enum Player {
    Dynd,
    Fixed(Fixed),
    DynamicOfaRule(DynamicOfaRule),
    Alert(Alert),
    Poet(Poet),
    GreedyMmkp(Box<GreedyMmkp>),
    Seer(Box<Seer>),
}

impl Player {
    fn new(contender: Contender, setup: &Setup<'_>) -> Result<Self, PlayError> {
        let Setup {
            stage,
            brief,
            catalogue,
            reference,
        } = setup;
        let power = Watts::new(reference.power_w);
        let seer = |foresight| Self::Seer(Box::new(Seer::new(foresight, brief.clone(), power)));
        Ok(match contender {
            Contender::Dynd => Self::Dynd,
            Contender::Static(choice, governors) => Self::Fixed(fixed(stage, brief, choice, governors)?),
            Contender::DynamicOfaRule => Self::DynamicOfaRule(DynamicOfaRule::new(brief, catalogue)),
            Contender::Alert => Self::Alert(Alert::new(brief, catalogue)),
            Contender::Poet(Margin::Default) => Self::Poet(Poet::new(brief, catalogue, 1.0)),
            Contender::Poet(Margin::Tuned) => Self::Poet(tuned_poet(setup)?),
            Contender::GreedyMmkp => Self::GreedyMmkp(Box::new(GreedyMmkp::new(brief, catalogue))),
            Contender::Oracle => seer(Foresight::Distribution),
            Contender::Clairvoyant => seer(Foresight::Sample),
        })
    }

    fn play(&mut self, stage: &Stage) -> Result<Trace, PlayError> {
        match self {
            Self::Dynd => play(stage, &mut Dynd::new(Brief::new(stage, &profiled(stage))?)),
            Self::Fixed(fixed) => play(stage, &mut fixed.clone()),
            Self::DynamicOfaRule(rule) => play(stage, &mut rule.clone()),
            Self::Alert(alert) => play(stage, &mut alert.clone()),
            Self::Poet(poet) => play(stage, &mut poet.clone()),
            Self::GreedyMmkp(greedy) => play(stage, &mut *greedy.clone()),
            Self::Seer(seer) => seer.play(stage),
        }
    }
}

/// Where the profiles of `stage` were taken.
fn profiled(stage: &Stage) -> Stage {
    match stage.scenario.board_error {
        0.0 => stage.clone(),
        error => stage.elsewhere(error),
    }
}

fn fixed(stage: &Stage, brief: &Brief, choice: Choice, governors: Governors) -> Result<Fixed, PlayError> {
    let governors = governors.on(&stage.board);
    let runs = match choice {
        Choice::Largest => tuning::largest(brief),
        Choice::Smallest => tuning::smallest(brief),
        Choice::Best => tuning::best(stage, brief, &governors)?,
    };
    Ok(Fixed::new(runs, governors))
}

/// The POET whose margin costs least on the trace of the first seed.
fn tuned_poet(setup: &Setup<'_>) -> Result<Poet, PlayError> {
    let mut best: Option<(f64, Poet)> = None;
    for margin in MARGINS {
        let poet = Poet::new(&setup.brief, &setup.catalogue, margin);
        let trace = play(setup.stage, &mut poet.clone())?;
        let metrics = Metrics::new(&setup.stage.scenario, &trace);
        let cost = Cost::new(&setup.stage.scenario, &metrics, setup.reference).total;
        if best.as_ref().is_none_or(|(least, _)| cost < *least) {
            best = Some((cost, poet));
        }
    }
    Ok(best.map_or_else(
        || Poet::new(&setup.brief, &setup.catalogue, 1.0),
        |(_, poet)| poet,
    ))
}
