//! Between which clocks the processors are to run.
//!
//! That is what the policy says, brought to operating points: a bound between two of them means the one within, so
//! that what a kernel makes of it is known before. While apps infer, the planner chooses one operating point within
//! for each processor that the policy lets it bound.

use alloc::vec::Vec;

use dynd_vocab::{BoardDescription, ClockBounds, Hertz, Policy, Processor, ProcessorName, Setting};

/// What `policy` asks of the processors of `board`; of each for which one is `chosen` (an index into its operating
/// points), to run at that one.
pub(crate) fn setting(policy: &Policy, board: &BoardDescription, chosen: &[Option<usize>]) -> Setting {
    let bounds = |(index, processor): (usize, &Processor)| {
        let opp = chosen.get(index).copied().flatten();
        match opp.and_then(|opp| processor.opps.get(opp)) {
            Some(opp) => ClockBounds {
                min: Some(*opp),
                max: Some(*opp),
            },
            None => to_opps(asked(policy, processor).unwrap_or_default(), &processor.opps),
        }
    };
    let clocks: Vec<ClockBounds> = board.processors.iter().enumerate().map(bounds).collect();
    Setting {
        clocks: if clocks.iter().all(|bounds| bounds.is_none()) {
            Vec::new()
        } else {
            clocks
        },
        restore: policy.restore,
        ..Setting::default()
    }
}

/// Per processor of `board`, which of its operating points `policy` lets be chosen; none if its clock is to be left
/// alone.
pub(crate) fn choices(policy: &Policy, board: &BoardDescription) -> Vec<Vec<usize>> {
    let choices = |processor: &Processor| {
        let Some(asked) = asked(policy, processor) else {
            return Vec::new();
        };
        let bounds = to_opps(asked, &processor.opps);
        let within = |opp: &Hertz| {
            bounds.min.is_none_or(|min| *opp >= min) && bounds.max.is_none_or(|max| *opp <= max)
        };
        let opps = processor.opps.iter().enumerate();
        opps.filter(|(_, opp)| within(opp))
            .map(|(index, _)| index)
            .collect()
    };
    board.processors.iter().map(choices).collect()
}

/// The rule that names the processor, else the one that names its role; nothing if the clock is to be left alone.
fn asked(policy: &Policy, processor: &Processor) -> Option<ClockBounds> {
    let mut rules: Vec<_> = policy
        .processors
        .iter()
        .filter(|rule| rule.processor.means(processor))
        .collect();
    rules.sort_by_key(|rule| matches!(rule.processor, ProcessorName::Role(_)));
    rules.first().and_then(|rule| rule.clocks)
}

/// `bounds` at the nearest of the ascending `opps` that are within, or as they are where none is known.
fn to_opps(bounds: ClockBounds, opps: &[Hertz]) -> ClockBounds {
    let (Some(&lowest), Some(&highest)) = (opps.first(), opps.last()) else {
        return bounds;
    };
    let up = |min| opps.iter().copied().find(|opp| *opp >= min).unwrap_or(highest);
    let down = |max| {
        let below = opps.iter().copied().rev().find(|opp| *opp <= max);
        below.unwrap_or(lowest)
    };
    let max = bounds.max.map(down);
    // Between two neighbours there is nothing: the higher bound is the one that protects.
    let min = bounds.min.map(up).map(|min| max.map_or(min, |max| min.min(max)));
    ClockBounds { min, max }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use dynd_vocab::{CpuSet, ProcessorKind, ProcessorRule, Restore, Role};

    use super::*;

    fn mhz(min: u64, max: u64) -> ClockBounds {
        let clock = |mhz| (mhz > 0).then(|| Hertz::from_khz(mhz * 1000));
        ClockBounds {
            min: clock(min),
            max: clock(max),
        }
    }

    #[test]
    fn bounds_become_operating_points_within() {
        let opps = [200, 600, 1000, 1400].map(|mhz| Hertz::from_khz(mhz * 1000));
        let check = |bounds, expect| assert_eq!(to_opps(bounds, &opps), expect, "{bounds}");
        check(ClockBounds::NONE, ClockBounds::NONE);
        check(mhz(600, 1000), mhz(600, 1000));
        check(mhz(601, 999), mhz(600, 600));
        check(mhz(500, 1100), mhz(600, 1000));
        check(mhz(0, 100), mhz(0, 200));
        check(mhz(9000, 0), mhz(1400, 0));
        assert_eq!(to_opps(mhz(601, 999), &[]), mhz(601, 999));
    }

    #[test]
    fn a_name_wins_over_a_role() {
        let processor = |name: &str, role| Processor {
            name: name.into(),
            kind: ProcessorKind::Cpu,
            role,
            cpus: CpuSet::EMPTY,
            capacity: 1024,
            opps: vec![],
        };
        let mut board = BoardDescription {
            processors: vec![
                processor("little", Role::Little),
                processor("big0", Role::Big),
                processor("big1", Role::Big),
            ],
            ..BoardDescription::default()
        };
        let rule = |processor, clocks| ProcessorRule { processor, clocks };
        let policy = Policy {
            restore: Restore::Never,
            processors: vec![
                rule(ProcessorName::Role(Role::Big), Some(mhz(0, 1400))),
                rule(ProcessorName::Named("big1".into()), None),
                rule(ProcessorName::Role(Role::Little), Some(mhz(600, 0))),
            ],
            ..Policy::default()
        };
        let expect = Setting {
            clocks: vec![mhz(600, 0), mhz(0, 1400), ClockBounds::NONE],
            restore: Restore::Never,
            ..Setting::default()
        };
        assert_eq!(setting(&policy, &board, &[]), expect);
        assert_eq!(setting(&Policy::default(), &board, &[]), Setting::default());
        board.processors[1].opps = [600, 1400, 2000].map(|mhz| Hertz::from_khz(mhz * 1000)).to_vec();
        let choices = choices(&policy, &board);
        assert_eq!(choices, [vec![], vec![0, 1], vec![]]);
        let chosen = setting(&policy, &board, &[None, Some(0), None]);
        assert_eq!(chosen.clocks, [mhz(600, 0), mhz(600, 600), ClockBounds::NONE]);
    }
}
