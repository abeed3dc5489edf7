//! What the processors of a board do, from a sample.

use alloc::vec::Vec;

use dynd_vocab::{BoardDescription, Hertz, Processor, ProcessorKind, Sample};

/// Below this many busy units a processor counts as idle: which clock it has then matters little, and asking would
/// wake it.
const IDLE: f64 = 0.05;

/// What one processor does.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Activity {
    /// Index of its operating performance point; 0 where the kernel tells no clocks.
    pub opp: usize,
    /// Units that are busy on average: of a cluster 0 to its number of cores, of an accelerator 0 to 1.
    pub busy: f64,
}

/// What each processor of `board` does, as `sample` and the busy share of each CPU say; nothing for one of which that
/// is not known.
pub(crate) fn activities(
    board: &BoardDescription,
    sample: &Sample,
    busy_share: impl Fn(u32) -> Option<f64>,
) -> Vec<Option<Activity>> {
    let processors = board.processors.iter().enumerate();
    let activity = |(index, processor): (usize, &Processor)| {
        let busy = match processor.kind {
            ProcessorKind::Cpu => {
                let shares = processor.cpus.iter().filter_map(&busy_share);
                // A CPU that is offline is not accounted, and idle.
                let (sum, count) = shares.fold((0.0, 0), |(sum, count), share| (sum + share, count + 1));
                (count > 0).then_some(sum)?
            }
            _ => sample.loads.get(index).copied().flatten()?,
        };
        let opp = match sample.clocks.get(index).copied().flatten() {
            Some(clock) => nearest_opp(processor, clock),
            None if processor.opps.len() <= 1 || busy < IDLE => 0,
            None => return None,
        };
        Some(Activity { opp, busy })
    };
    processors.map(activity).collect()
}

/// The index of the operating performance point nearest to `clock`: what is reported may be an average.
pub(crate) fn nearest_opp(processor: &Processor, clock: Hertz) -> usize {
    let distance = |opp: &Hertz| opp.as_hz().abs_diff(clock.as_hz());
    let opps = processor.opps.iter().enumerate();
    opps.min_by_key(|(_, opp)| distance(opp))
        .map_or(0, |(index, _)| index)
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use dynd_vocab::{CpuSet, Role};

    use super::*;

    fn processor(kind: ProcessorKind, cpus: CpuSet) -> Processor {
        Processor {
            name: "p".into(),
            kind,
            role: Role::Big,
            cpus,
            capacity: 1024,
            opps: [400_000, 800_000, 1_200_000].map(Hertz::from_khz).to_vec(),
        }
    }

    #[test]
    fn a_clock_that_nobody_told_is_believed_of_an_idle_processor_only() {
        let board = BoardDescription {
            processors: vec![
                processor(ProcessorKind::Cpu, (0..2).collect()),
                processor(ProcessorKind::Cpu, (2..4).collect()),
                processor(ProcessorKind::Gpu, CpuSet::EMPTY),
                processor(ProcessorKind::Npu, CpuSet::EMPTY),
            ],
            ..BoardDescription::default()
        };
        let sample = Sample {
            clocks: vec![Some(Hertz::from_khz(1_100_000)), None, None, None],
            loads: vec![None, None, Some(0.5), Some(0.0)],
            ..Sample::default()
        };
        let found = activities(&board, &sample, |cpu| {
            (cpu < 3).then_some(0.01 + 0.5 * f64::from(u8::from(cpu == 0)))
        });
        let busy = |opp, busy| Some(Activity { opp, busy });
        assert_eq!(found, [busy(2, 0.52), busy(0, 0.01), None, busy(0, 0.0)]);
        let unknown = activities(&board, &Sample::default(), |_| None);
        assert_eq!(unknown, [None; 4]);
    }
}
