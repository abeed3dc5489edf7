//! The script: phases, and what happens in each.

use std::time::Duration;

/// Name, share of the script, busy threads per core, whether the reader is there.
const PHASES: [(&str, u32, u32, bool); 6] = [
    ("camera alone", 4, 0, false),
    ("reader arrives", 4, 0, true),
    ("light load", 7, 1, true),
    ("heavy load", 7, 2, true),
    ("load gone", 4, 0, true),
    ("reader leaves", 4, 0, false),
];

/// What happens when, from the first release of the camera on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Script {
    /// In order, without gaps, from zero.
    pub(crate) phases: Vec<Phase>,
}

/// A stretch of the script in which nothing changes from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Phase {
    /// What is new in it.
    pub(crate) name: &'static str,
    /// When it starts.
    pub(crate) start: Duration,
    /// When the next one starts.
    pub(crate) end: Duration,
    /// Threads per core that do nothing but compete.
    pub(crate) load: u32,
    /// Whether the reader runs beside the camera.
    pub(crate) reader: bool,
}

impl Script {
    /// The script stretched to `total`.
    pub(crate) fn lasting(total: Duration) -> Self {
        let shares: u32 = PHASES.iter().map(|phase| phase.1).sum();
        let mut done = 0;
        let mut until = |share: u32| {
            let start = total * done / shares;
            done += share;
            (start, total * done / shares)
        };
        let phases = PHASES
            .iter()
            .map(|&(name, share, load, reader)| {
                let (start, end) = until(share);
                Phase {
                    name,
                    start,
                    end,
                    load,
                    reader,
                }
            })
            .collect();
        Self { phases }
    }

    /// When the last phase ends.
    pub(crate) fn end(&self) -> Duration {
        self.phases.last().map_or(Duration::ZERO, |phase| phase.end)
    }

    /// When the reader releases its first frame, and when it leaves.
    pub(crate) fn reader(&self) -> (Duration, Duration) {
        let mut present = self.phases.iter().filter(|phase| phase.reader);
        let first = present.next();
        let last = present.next_back().or(first);
        (
            first.map_or(Duration::ZERO, |phase| phase.start),
            last.map_or(Duration::ZERO, |phase| phase.end),
        )
    }

    /// The load that comes on top of what is there: its start, its end, its threads per core. Load that a
    /// phase adds stays until a phase has none.
    pub(crate) fn arrivals(&self) -> Vec<(Duration, Duration, u32)> {
        let mut arrivals = Vec::new();
        let mut before = 0;
        for (index, phase) in self.phases.iter().enumerate() {
            if phase.load > before {
                let quiet = self.phases[index..].iter().find(|later| later.load == 0);
                let gone = quiet.map_or(self.end(), |quiet| quiet.start);
                arrivals.push((phase.start, gone, phase.load - before));
            }
            before = phase.load;
        }
        arrivals
    }

    /// The index of the phase at `offset` from the start of the script; the last one after its end.
    pub(crate) fn phase_at(&self, offset: Duration) -> usize {
        let after = self.phases.iter().position(|phase| offset < phase.end);
        after.unwrap_or(self.phases.len().saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_follow_each_other_at_any_length() {
        for total in [6, 30, 31, 600].map(Duration::from_secs) {
            let script = Script::lasting(total);
            assert_eq!(script.phases[0].start, Duration::ZERO);
            assert!(script.phases.windows(2).all(|pair| pair[0].end == pair[1].start));
            assert_eq!(script.end(), total);
        }
    }

    #[test]
    fn heavy_load_comes_on_top_of_light_load_and_both_go_at_once() {
        let script = Script::lasting(Duration::from_secs(30));
        let seconds = Duration::from_secs;
        assert_eq!(
            script.arrivals(),
            [(seconds(8), seconds(22), 1), (seconds(15), seconds(22), 1)]
        );
        assert_eq!(script.reader(), (seconds(4), seconds(26)));
    }

    #[test]
    fn a_phase_holds_its_start_and_not_its_end() {
        let script = Script::lasting(Duration::from_secs(30));
        let check = |millis, expect| assert_eq!(script.phase_at(Duration::from_millis(millis)), expect);
        check(0, 0);
        check(3_999, 0);
        check(4_000, 1);
        check(29_999, 5);
        check(40_000, 5);
    }
}
