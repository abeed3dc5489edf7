//! What the best choice would have been, found among the runs with fixed sub-networks.

use super::cast::Cast;
use super::frames::Frame;
use super::measure::{AppFigures, Figures, in_span};
use super::script::Script;

/// A run with fixed sub-networks.
#[derive(Clone, Debug)]
pub(crate) struct FixedRun {
    /// The sub-networks, by index.
    pub(crate) pair: Cast<usize>,
    /// What the apps released.
    pub(crate) frames: Cast<Vec<Frame>>,
    /// How they did.
    pub(crate) figures: Cast<AppFigures>,
}

/// The run that did best over the whole script: the highest sum over both apps of the share correct and on
/// time.
pub(crate) fn static_run(runs: &[FixedRun]) -> Option<&FixedRun> {
    best(runs, |run| {
        sum(run.figures.as_ref().map(|figures| Some(&figures.script)))
    })
}

/// The frames of a run that had known the best pair of each phase and switched for free: for each phase
/// those of the run that did best in it, by the apps that were there.
pub(crate) fn per_phase(runs: &[FixedRun], script: &Script) -> Option<Cast<Vec<Frame>>> {
    let mut frames = Cast::<Vec<Frame>>::default();
    for (index, phase) in script.phases.iter().enumerate() {
        let run = best(runs, |run| {
            sum(run.figures.as_ref().map(|figures| in_phase(figures, index)))
        })?;
        for (all, app) in frames.each_mut().into_iter().zip(run.frames.as_ref().each()) {
            all.extend(in_span(app, phase.start, phase.end));
        }
    }
    Some(frames)
}

/// The first of the runs with the highest score.
fn best(runs: &[FixedRun], score: impl Fn(&FixedRun) -> f64) -> Option<&FixedRun> {
    runs.iter()
        .reduce(|best, run| if score(run) > score(best) { run } else { best })
}

/// The figures by which a phase is judged; in one too short to have any, those from its first frame on.
fn in_phase(figures: &AppFigures, index: usize) -> Option<&Figures> {
    let whole = figures.phases.iter().find(|phase| phase.phase == index);
    figures.phase(index).or(whole.map(|phase| &phase.whole))
}

fn sum(figures: Cast<Option<&Figures>>) -> f64 {
    let share = |figures: Option<&Figures>| figures.and_then(Figures::share_correct_on_time).unwrap_or(0.0);
    figures.each().into_iter().map(share).sum()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::demo::measure::tests::frames;

    const TARGET: Duration = Duration::from_millis(20);

    /// A run of both apps over the first two phases, 4 s each; frames as in `measure`.
    fn run(pair: usize, camera: [char; 2], reader: char) -> FixedRun {
        let script = Script::lasting(Duration::from_secs(30));
        let frames = Cast {
            camera: frames(
                Duration::ZERO,
                &camera.map(|kind| kind.to_string().repeat(40)).concat(),
            ),
            reader: frames(Duration::from_secs(4), &reader.to_string().repeat(40)),
        };
        FixedRun {
            pair: Cast {
                camera: pair,
                reader: pair,
            },
            figures: frames
                .as_ref()
                .map(|frames| AppFigures::of(frames, TARGET, &script)),
            frames,
        }
    }

    #[test]
    fn the_best_pair_is_best_for_both_apps_together() {
        let runs = [
            run(0, ['x', 'o'], 'x'),
            run(1, ['o', 'l'], 'o'),
            run(2, ['o', 'o'], 'l'),
        ];
        assert_eq!(static_run(&runs).unwrap().pair, Cast { camera: 1, reader: 1 });
        assert!(static_run(&[]).is_none());
    }

    #[test]
    fn a_phase_too_short_for_figures_is_judged_by_all_its_frames() {
        let script = Script::lasting(Duration::from_secs(30));
        let short = |pair: usize, kind: &str| {
            let frames = Cast {
                camera: frames(Duration::ZERO, &kind.repeat(5)),
                reader: Vec::new(),
            };
            FixedRun {
                pair: Cast {
                    camera: pair,
                    reader: pair,
                },
                figures: frames
                    .as_ref()
                    .map(|frames| AppFigures::of(frames, TARGET, &script)),
                frames,
            }
        };
        let runs = [short(0, "x"), short(1, "o")];
        assert_eq!(per_phase(&runs, &script).unwrap().camera, runs[1].frames.camera);
    }

    #[test]
    fn each_phase_takes_its_own_best_pair() {
        let runs = [run(0, ['o', 'x'], 'x'), run(1, ['x', 'o'], 'o')];
        let script = Script::lasting(Duration::from_secs(30));
        let composed = per_phase(&runs, &script).unwrap();
        let figures = composed
            .as_ref()
            .map(|frames| AppFigures::of(frames, TARGET, &script));
        assert_eq!(composed.camera.len(), 80);
        assert_eq!(figures.camera.script.share_correct_on_time(), Some(1.0));
        assert_eq!(figures.reader.script.share_correct_on_time(), Some(1.0));
    }
}
