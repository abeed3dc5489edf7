//! Figures from frames.
//!
//! - A frame is *within target* if it completed within the target after its scheduled release; a skipped
//!   frame is late.
//! - *Quality* is the share of right answers among the frames that ran; *correct on time* is the share of
//!   frames released that were answered rightly within the target.
//! - A frame belongs to the phase in which it was due. Figures of a phase leave out the app's first
//!   [`UNSTEADY`] frames in it; figures of the script leave out none.
//! - *Late after* an arrival of load are the late frames before the first [`WINDOW`] frames in a row of
//!   which at most one is late.
//! - Percentiles are nearest-rank.

use std::time::Duration;

use super::frames::Frame;
use super::script::Script;

/// So many first frames of a phase do not count for the phase.
pub(crate) const UNSTEADY: usize = 9;

/// An app is back within target when of so many frames in a row at most one is late.
const WINDOW: usize = 20;

/// How one app did in one run of the script.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AppFigures {
    /// The latency target.
    pub(crate) target_ms: f64,
    /// Over the script.
    pub(crate) script: Figures,
    /// For each arrival of load, the late frames until the app was back within its target.
    pub(crate) late_after: Vec<usize>,
    /// For each phase in which the app was there.
    pub(crate) phases: Vec<PhaseFigures>,
}

/// How one app did in one phase.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PhaseFigures {
    /// Index into [`Script::phases`].
    pub(crate) phase: usize,
    /// From the tenth frame on.
    pub(crate) figures: Figures,
    /// From the first frame on.
    pub(crate) whole: Figures,
    /// Late frames until back within target, if load arrived with the phase.
    pub(crate) late_after: Option<usize>,
}

/// Figures of some frames.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Figures {
    /// Frames that were due.
    pub(crate) released: usize,
    /// Frames that ran.
    pub(crate) inferences: usize,
    /// Frames that ran with the right answer.
    pub(crate) correct: usize,
    /// Frames done within the target.
    pub(crate) on_time: usize,
    /// Frames done within the target with the right answer.
    pub(crate) correct_on_time: usize,
    /// Median latency of the frames that ran.
    pub(crate) p50_ms: Option<f64>,
    /// 95th percentile of the latency of the frames that ran.
    pub(crate) p95_ms: Option<f64>,
    /// Frames that ran on another sub-network or on other cores than the one before.
    pub(crate) switches: usize,
    /// 99th percentile of the time that a switch took.
    pub(crate) gap_p99_us: Option<f64>,
    /// The longest time that a switch took.
    pub(crate) longest_gap_us: Option<f64>,
}

impl AppFigures {
    /// The figures of an app that released `frames`, in order of release.
    pub(crate) fn of(frames: &[Frame], target: Duration, script: &Script) -> Self {
        let target_ns = nanos(target);
        let late_after = |arrival: Duration| late_after(frames, nanos(arrival), target_ns);
        let arrivals: Vec<Duration> = script.arrivals().iter().map(|arrival| arrival.0).collect();
        let phases = script.phases.iter().enumerate().filter_map(|(index, phase)| {
            let within = in_span(frames, phase.start, phase.end);
            let steady = &within[within.len().min(UNSTEADY)..];
            (!within.is_empty()).then(|| PhaseFigures {
                phase: index,
                figures: Figures::of(steady, target_ns),
                whole: Figures::of(within, target_ns),
                late_after: arrivals.contains(&phase.start).then(|| late_after(phase.start)),
            })
        });
        Self {
            target_ms: target.as_secs_f64() * 1e3,
            script: Figures::of(frames, target_ns),
            late_after: arrivals.iter().map(|&arrival| late_after(arrival)).collect(),
            phases: phases.collect(),
        }
    }

    /// The figures of phase `index`, if the app was there long enough to have any.
    pub(crate) fn phase(&self, index: usize) -> Option<&Figures> {
        let phase = self.phases.iter().find(|phase| phase.phase == index)?;
        (phase.figures.released > 0).then_some(&phase.figures)
    }
}

impl Figures {
    /// The figures of `frames`, of which those are late that take longer than `target_ns`.
    pub(crate) fn of(frames: &[Frame], target_ns: u64) -> Self {
        let runs = || frames.iter().filter_map(|frame| frame.run);
        let count = |wanted: &dyn Fn(&Frame) -> bool| frames.iter().filter(|frame| wanted(frame)).count();
        let correct = |frame: &Frame| frame.run.is_some_and(|run| run.correct);
        let latencies = sorted(runs().map(|run| run.latency_ns).collect());
        let gaps = sorted(runs().filter_map(|run| run.switch).collect());
        let millis = |nanos: u64| nanos as f64 * 1e-6;
        let micros = |nanos: u64| nanos as f64 * 1e-3;
        Self {
            released: frames.len(),
            inferences: latencies.len(),
            correct: count(&correct),
            on_time: count(&|frame| frame.within(target_ns)),
            correct_on_time: count(&|frame| correct(frame) && frame.within(target_ns)),
            p50_ms: nearest_rank(&latencies, 0.5).map(millis),
            p95_ms: nearest_rank(&latencies, 0.95).map(millis),
            switches: gaps.len(),
            gap_p99_us: nearest_rank(&gaps, 0.99).map(micros),
            longest_gap_us: gaps.last().copied().map(micros),
        }
    }

    /// Share of the frames due that were done within the target.
    pub(crate) fn within_target(&self) -> Option<f64> {
        share(self.on_time, self.released)
    }

    /// Share of the frames run that have the right answer.
    pub(crate) fn quality(&self) -> Option<f64> {
        share(self.correct, self.inferences)
    }

    /// Share of the frames due that were done within the target with the right answer.
    pub(crate) fn share_correct_on_time(&self) -> Option<f64> {
        share(self.correct_on_time, self.released)
    }
}

/// The frames due from `start` until before `end`.
pub(crate) fn in_span(frames: &[Frame], start: Duration, end: Duration) -> &[Frame] {
    let before = |limit: Duration| frames.partition_point(|frame| frame.release_ns < nanos(limit));
    let first = before(start);
    &frames[first..before(end).max(first)]
}

fn late_after(frames: &[Frame], arrival_ns: u64, target_ns: u64) -> usize {
    let since = &frames[frames.partition_point(|frame| frame.release_ns < arrival_ns)..];
    let late = |frames: &[Frame]| frames.iter().filter(|frame| !frame.within(target_ns)).count();
    // Back is a frame in time that opens a window within the target.
    let back = since
        .windows(WINDOW)
        .position(|window| window[0].within(target_ns) && late(window) <= 1);
    late(&since[..back.unwrap_or(since.len())])
}

fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

fn sorted(mut values: Vec<u64>) -> Vec<u64> {
    values.sort_unstable();
    values
}

fn nearest_rank(sorted: &[u64], percentile: f64) -> Option<u64> {
    let rank = (sorted.len() as f64 * percentile).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied()
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::demo::frames::Inference;

    const TARGET: Duration = Duration::from_millis(20);

    /// Frames every 100 ms from `start` on, one per character: `o` right and in time, `x` wrong and in
    /// time, `l` right and late, `-` skipped, `s` like `o` after a switch of 150 µs.
    pub(crate) fn frames(start: Duration, text: &str) -> Vec<Frame> {
        let frame = |(index, kind): (usize, char)| Frame {
            release_ns: nanos(start) + index as u64 * 100_000_000,
            run: (kind != '-').then(|| Inference {
                latency_ns: if kind == 'l' { 30_000_000 } else { 10_000_000 },
                subnetwork: 0,
                cores: 1,
                correct: kind != 'x',
                switch: (kind == 's').then_some(150_000),
            }),
        };
        text.chars().enumerate().map(frame).collect()
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn skipped_frames_are_late_but_have_no_answer() {
        let figures = Figures::of(&frames(Duration::ZERO, "ooxl-s-oxo"), nanos(TARGET));
        assert_eq!(figures.inferences, 8);
        assert_eq!(figures.within_target(), Some(0.7));
        assert_eq!(figures.quality(), Some(6.0 / 8.0));
        assert_eq!(figures.share_correct_on_time(), Some(0.5));
        assert_eq!(figures.p50_ms, Some(10.0));
        assert_eq!(figures.p95_ms, Some(30.0));
        assert_eq!((figures.switches, figures.gap_p99_us), (1, Some(150.0)));
    }

    #[test]
    fn no_frames_have_no_figures() {
        let figures = Figures::of(&[], nanos(TARGET));
        assert_eq!(figures, Figures::default());
        assert_eq!(figures.within_target(), None);
    }

    #[test]
    fn ranks_are_those_of_the_textbook() {
        let check = |count: u64, percentile, expect| {
            let values: Vec<u64> = (1..=count).collect();
            assert_eq!(nearest_rank(&values, percentile), expect);
        };
        check(0, 0.95, None);
        check(1, 0.95, Some(1));
        check(20, 0.95, Some(19));
        check(21, 0.95, Some(20));
        check(100, 0.99, Some(99));
        check(4, 0.5, Some(2));
    }

    #[test]
    fn a_phase_counts_from_its_tenth_frame_and_the_script_from_its_first() {
        let script = Script::lasting(seconds(30));
        let log = frames(Duration::ZERO, &format!("{}{}", "l".repeat(10), "o".repeat(30)));
        let figures = AppFigures::of(&log, TARGET, &script);
        let alone = figures.phase(0).unwrap();
        assert_eq!((alone.released, alone.on_time), (31, 30));
        assert_eq!((figures.script.released, figures.script.on_time), (40, 30));
        assert!(figures.phase(1).is_none());
    }

    #[test]
    fn a_short_stay_in_a_phase_has_no_figures() {
        let script = Script::lasting(seconds(30));
        let figures = AppFigures::of(&frames(seconds(4), "ooooooooo"), TARGET, &script);
        assert_eq!(figures.phases.len(), 1);
        assert!(figures.phase(1).is_none());
    }

    #[test]
    fn late_frames_count_until_the_app_is_back() {
        let check = |text: &str, expect: usize| {
            let log = frames(seconds(8), text);
            assert_eq!(
                late_after(&log, nanos(seconds(8)), nanos(TARGET)),
                expect,
                "{text}"
            );
        };
        let calm = "o".repeat(20);
        check(&calm, 0);
        check(&format!("l{calm}"), 1);
        check(&format!("ll{calm}"), 2);
        check(&format!("lol-l{calm}"), 4);
        check(&"lo".repeat(30), 30); // never back
        check("lll", 3); // too short to tell
    }

    #[test]
    fn each_arrival_of_load_counts_from_its_own_start() {
        let script = Script::lasting(seconds(30));
        let mut log = frames(seconds(0), &"o".repeat(80));
        log.extend(frames(seconds(8), &format!("ll{}", "o".repeat(68))));
        log.extend(frames(seconds(15), &format!("llll{}", "o".repeat(66))));
        let figures = AppFigures::of(&log, TARGET, &script);
        assert_eq!(figures.late_after, [2, 4]);
        let by_phase: Vec<_> = figures.phases.iter().map(|phase| phase.late_after).collect();
        assert_eq!(by_phase, [None, None, Some(2), Some(4)]);
    }
}
