//! What came of a demo: the ways that are shown, and how the apps did in each.

use std::time::Duration;

use dynd_vocab::{BoardStatus, ModelTable};
use serde::Serialize;

use super::best::{self, FixedRun};
use super::cast::Cast;
use super::frames::Frame;
use super::measure::AppFigures;
use super::script::Script;
use super::verdict::{self, Verdict};
use super::way::Way;

/// What came of a demo.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The machine, as it was before the demo.
    pub(crate) board: BoardStatus,
    /// What else used it during the demo.
    pub(crate) others: Others,
    /// What happened when.
    pub(crate) script: Script,
    /// The apps.
    pub(crate) apps: Cast<AppTerms>,
    /// The ways shown, in the order of [`Label`].
    pub(crate) showings: Vec<Showing>,
    /// Whether managed did as well as it must; empty unless every pair was tried.
    pub(crate) verdicts: Vec<Verdict>,
}

/// The share of all CPUs' time (0 to 1) that was used by neither the demo nor what it started; absent if unknown.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Others {
    /// While the models were measured, from which targets follow.
    #[serde(rename = "profile")]
    pub(crate) beside_profile: Option<f64>,
    /// In the way of which they used most.
    #[serde(rename = "script")]
    pub(crate) beside_script: Option<f64>,
}

/// What an app runs, and on what terms.
#[derive(Clone, Debug)]
pub(crate) struct AppTerms {
    /// Its model.
    pub(crate) model: ModelTable,
    /// The most threads of its inference.
    pub(crate) threads: u32,
    /// Its latency target.
    pub(crate) target: Duration,
    /// Time between its frames.
    pub(crate) period: Duration,
}

/// A way as it is shown.
#[derive(Clone, Debug)]
pub(crate) struct Showing {
    /// What it is called.
    pub(crate) label: Label,
    /// The sub-networks, where they never change.
    pub(crate) pair: Option<Cast<String>>,
    /// What the apps released.
    pub(crate) frames: Cast<Vec<Frame>>,
    /// How they did.
    pub(crate) figures: Cast<AppFigures>,
}

/// What a way is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Label {
    /// The daemon chooses.
    Managed,
    /// Both apps stay on their largest sub-network.
    StaticLargest,
    /// Both apps stay on their smallest sub-network.
    StaticSmallest,
    /// The fixed pair that did best over the script.
    BestStatic,
    /// For each phase the fixed pair that did best in it, which nobody can know before.
    BestPerPhase,
}

impl Label {
    /// The name shown to people and in JSON.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Managed => "managed",
            Self::StaticLargest => "static-largest",
            Self::StaticSmallest => "static-smallest",
            Self::BestStatic => "best-static",
            Self::BestPerPhase => "best-per-phase",
        }
    }
}

/// One way, run.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    /// Who chose.
    pub(crate) way: Way,
    /// What the apps released.
    pub(crate) frames: Cast<Vec<Frame>>,
}

impl Outcome {
    /// What came of `runs`. The best pairs are looked for only if more than the two extreme ones were run; the pair that
    /// was best over the script is shown as it did when it was run again, if it was.
    pub(crate) fn of(
        (board, others): (BoardStatus, Others),
        script: Script,
        apps: Cast<AppTerms>,
        runs: Vec<Run>,
    ) -> Self {
        let mut outcome = Self {
            board,
            others,
            script,
            apps,
            showings: Vec::new(),
            verdicts: Vec::new(),
        };
        let mut fixed = fixed_runs(&outcome.apps, &outcome.script, &runs);
        let is_again = |last: &FixedRun| fixed.iter().filter(|run| run.pair == last.pair).count() > 1;
        let again = if fixed.last().is_some_and(is_again) {
            fixed.pop()
        } else {
            None
        };
        let managed = runs.into_iter().find(|run| run.way == Way::Managed);
        if let Some(run) = managed {
            outcome.show(Label::Managed, None, run.frames);
        }
        let subnetworks = outcome.apps.as_ref().map(|app| app.model.subnetworks.len());
        for (label, way) in [
            (Label::StaticLargest, Way::largest(subnetworks)),
            (Label::StaticSmallest, Way::smallest()),
        ] {
            if let Some(run) = fixed.iter().find(|run| Way::Fixed(run.pair) == way) {
                outcome.show(label, Some(run.pair), run.frames.clone());
            }
        }
        if fixed.len() > 2 {
            if let Some(run) = best::static_run(&fixed) {
                let run = again
                    .as_ref()
                    .filter(|again| again.pair == run.pair)
                    .unwrap_or(run);
                outcome.show(Label::BestStatic, Some(run.pair), run.frames.clone());
            }
            if let Some(frames) = best::per_phase(&fixed, &outcome.script) {
                outcome.show(Label::BestPerPhase, None, frames);
            }
            outcome.verdicts = verdict::all(&outcome);
        }
        outcome
    }

    /// The way called `label`, if it was run.
    pub(crate) fn showing(&self, label: Label) -> Option<&Showing> {
        self.showings.iter().find(|showing| showing.label == label)
    }

    fn show(&mut self, label: Label, pair: Option<Cast<usize>>, frames: Cast<Vec<Frame>>) {
        let name = |(app, index): (&AppTerms, usize)| {
            let subnetwork = app.model.subnetworks.get(index);
            subnetwork.map_or_else(String::new, |subnetwork| subnetwork.name.clone())
        };
        let showing = Showing {
            label,
            pair: pair.map(|pair| self.apps.as_ref().zip(pair).map(name)),
            figures: self.figures(&frames),
            frames,
        };
        self.showings.push(showing);
    }

    fn figures(&self, frames: &Cast<Vec<Frame>>) -> Cast<AppFigures> {
        figures(&self.apps, &self.script, frames)
    }
}

/// The fixed pair that did best over `script` in `runs`.
pub(crate) fn best_pair(apps: &Cast<AppTerms>, script: &Script, runs: &[Run]) -> Option<Cast<usize>> {
    best::static_run(&fixed_runs(apps, script, runs)).map(|run| run.pair)
}

/// The runs with fixed sub-networks, in their order.
fn fixed_runs(apps: &Cast<AppTerms>, script: &Script, runs: &[Run]) -> Vec<FixedRun> {
    let fixed = |run: &Run| match run.way {
        Way::Managed => None,
        Way::Fixed(pair) => Some(FixedRun {
            pair,
            figures: figures(apps, script, &run.frames),
            frames: run.frames.clone(),
        }),
    };
    runs.iter().filter_map(fixed).collect()
}

fn figures(apps: &Cast<AppTerms>, script: &Script, frames: &Cast<Vec<Frame>>) -> Cast<AppFigures> {
    let figures = |(app, frames): (&AppTerms, &Vec<Frame>)| AppFigures::of(frames, app.target, script);
    apps.as_ref().zip(frames.as_ref()).map(figures)
}

#[cfg(test)]
pub(crate) mod tests {
    use dynd_vocab::{ModelKind, Quality, Subnetwork};

    use super::*;
    use crate::demo::measure::tests::frames;

    fn terms(model: &str, names: &[&str]) -> AppTerms {
        let subnetwork = |(index, name): (usize, &&str)| Subnetwork {
            name: (*name).into(),
            quality: Quality::default(),
            macs: index as u64 + 1,
            memory_bytes: 1,
        };
        AppTerms {
            model: ModelTable {
                name: model.into(),
                kind: ModelKind::Supernet,
                quality_metric: "top-1".into(),
                subnetworks: names.iter().enumerate().map(subnetwork).collect(),
            },
            threads: 1,
            target: Duration::from_millis(20),
            period: Duration::from_millis(100),
        }
    }

    /// A demo of 30 s in which each way answers everything in the same manner (a letter of `measure`).
    pub(crate) fn outcome(runs: &[(Way, char)]) -> Outcome {
        let run = |&(way, kind): &(Way, char)| Run {
            way,
            frames: Cast {
                camera: frames(Duration::ZERO, &kind.to_string().repeat(300)),
                reader: frames(Duration::from_secs(4), &kind.to_string().repeat(220)),
            },
        };
        let board = BoardStatus {
            name: "test board".into(),
            ..BoardStatus::default()
        };
        let others = Others {
            beside_profile: Some(0.01),
            beside_script: Some(0.123),
        };
        Outcome::of(
            (board, others),
            Script::lasting(Duration::from_secs(30)),
            Cast {
                camera: terms("slim", &["w50", "w100"]),
                reader: terms("exits", &["e1", "e2"]),
            },
            runs.iter().map(run).collect(),
        )
    }

    /// All four pairs, of which camera w50 with reader e2 is the only useful one.
    pub(crate) fn full(managed: char) -> Outcome {
        let pair = |camera, reader| Way::Fixed(Cast { camera, reader });
        outcome(&[
            (Way::Managed, managed),
            (pair(1, 1), 'l'),
            (pair(0, 0), 'x'),
            (pair(0, 1), 'o'),
            (pair(1, 0), '-'),
        ])
    }

    #[test]
    fn ways_are_shown_in_order_and_the_best_pair_by_name() {
        let outcome = full('o');
        let labels: Vec<_> = outcome
            .showings
            .iter()
            .map(|showing| showing.label.name())
            .collect();
        assert_eq!(
            labels,
            [
                "managed",
                "static-largest",
                "static-smallest",
                "best-static",
                "best-per-phase"
            ]
        );
        let pair = outcome.showing(Label::BestStatic).unwrap().pair.as_ref().unwrap();
        assert_eq!((pair.camera.as_str(), pair.reader.as_str()), ("w50", "e2"));
    }

    #[test]
    fn the_best_pair_is_shown_as_it_did_when_it_was_run_again() {
        let pair = |camera, reader| Way::Fixed(Cast { camera, reader });
        let tries = [
            (pair(1, 1), 'l'),
            (pair(0, 0), 'x'),
            (pair(0, 1), 'o'),
            (Way::Managed, 'o'),
        ];
        let shown = |runs: &[(Way, char)]| {
            let outcome = outcome(runs);
            let best = outcome.showing(Label::BestStatic).unwrap().clone();
            let per_phase = outcome.showing(Label::BestPerPhase).unwrap();
            let share = |showing: &Showing| showing.figures.camera.script.within_target();
            (best.pair.clone().unwrap().reader, share(&best), share(per_phase))
        };
        assert_eq!(shown(&tries), ("e2".into(), Some(1.0), Some(1.0)));
        let again = [&tries[..], &[(pair(0, 1), 'l')]].concat();
        assert_eq!(shown(&again), ("e2".into(), Some(0.0), Some(1.0)));
    }

    #[test]
    fn two_pairs_are_too_few_to_name_the_best() {
        let subnetworks = Cast { camera: 2, reader: 2 };
        let outcome = outcome(&[
            (Way::Managed, 'o'),
            (Way::largest(subnetworks), 'l'),
            (Way::smallest(), 'x'),
        ]);
        assert_eq!(outcome.showings.len(), 3);
        assert!(outcome.verdicts.is_empty());
    }
}
