//! The bounds that users ask of one clock, by the rules of its subsystem and kernel. Pure; in hertz.
//!
//! What was asked is kept as it was asked, also where it cannot be: it counts again as soon as it can.

use dynd_vocab::Hertz;
use dynd_vocab::blueprint::{KernelEra, Silicon};

use crate::number::{scanned, strict};
use crate::refusal::Refusal;

/// What sets a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subsystem {
    /// Counts in kHz.
    Cpufreq,
    /// Counts in Hz.
    Devfreq,
}

/// One of two bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The lower.
    Min,
    /// The upper.
    Max,
}

/// The bounds of one clock.
#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    pub(crate) subsystem: Subsystem,
    pub(crate) era: KernelEra,
    /// The ends of the table.
    lowest: u64,
    highest: u64,
    /// As asked.
    min: u64,
    max: u64,
}

/// Kernels keep requests of power management in kHz, as an `s32` (include/linux/pm_qos.h).
const MOST_KHZ: u64 = i32::MAX as u64;

impl Bounds {
    /// The clock of `silicon`, not bounded yet.
    pub(crate) fn new(silicon: &Silicon, subsystem: Subsystem, era: KernelEra) -> Self {
        let clock = |at: usize| silicon.opps[at].clock.as_hz();
        let (lowest, highest) = (clock(0), clock(silicon.opps.len() - 1));
        Self {
            subsystem,
            era,
            lowest,
            highest,
            min: lowest,
            max: highest,
        }
    }

    /// A user writes `text` to the attribute of a bound.
    pub(crate) fn ask(&mut self, end: End, text: &[u8]) -> Result<(), Refusal> {
        let asked = self.understand(end, text)?;
        let (min, max) = match end {
            End::Min => (asked, self.max),
            End::Max => (self.min, asked),
        };
        if self.era == KernelEra::Legacy && min > max {
            return Err(Refusal::Invalid);
        }
        (self.min, self.max) = (min, max);
        Ok(())
    }

    fn understand(&self, end: End, text: &[u8]) -> Result<u64, Refusal> {
        match (self.subsystem, self.era) {
            // An `unsigned int`: more bits are lost.
            (Subsystem::Cpufreq, KernelEra::Legacy) => Ok(u64::from(scanned(text)? as u32) * 1000),
            (Subsystem::Cpufreq, KernelEra::Qos) => representable(strict(text)?),
            (Subsystem::Devfreq, KernelEra::Legacy) => Ok(match (scanned(text)?, end) {
                (0, End::Min) => self.lowest,
                (0, End::Max) => self.highest,
                (hz, _) => hz,
            }),
            (Subsystem::Devfreq, KernelEra::Qos) => match (scanned(text)?, end) {
                (0, End::Max) => Ok(MOST_KHZ * 1000),
                (hz, End::Min) => representable(hz / 1000),
                (hz, End::Max) => representable(hz.div_ceil(1000)),
            },
        }
    }

    /// The lowest and the highest clock that users allow: what was asked, as far as the table goes and a minimum no
    /// higher than the maximum.
    pub(crate) fn allowed(&self) -> (Hertz, Hertz) {
        let max = self.max.clamp(self.lowest, self.highest);
        let min = self.min.clamp(self.lowest, self.highest).min(max);
        (Hertz::from_hz(min), Hertz::from_hz(max))
    }
}

/// `khz` in hertz, if a request can hold it.
fn representable(khz: u64) -> Result<u64, Refusal> {
    match khz {
        0..=MOST_KHZ => Ok(khz * 1000),
        _ => Err(Refusal::Invalid),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A clock from 200 to 2000 MHz.
    fn bounds(subsystem: Subsystem, era: KernelEra) -> Bounds {
        Bounds {
            subsystem,
            era,
            lowest: 200_000_000,
            highest: 2_000_000_000,
            min: 200_000_000,
            max: 2_000_000_000,
        }
    }

    /// Writes one after the other, `<` to the minimum and `>` to the maximum, and expects after each the bounds in
    /// MHz, or nothing where it is refused.
    fn check(subsystem: Subsystem, era: KernelEra, steps: &[(&str, Option<(u64, u64)>)]) {
        let mut bounds = bounds(subsystem, era);
        for (write, expect) in steps {
            let end = if write.starts_with('<') {
                End::Min
            } else {
                End::Max
            };
            let before = bounds.allowed();
            let taken = bounds.ask(end, &write.as_bytes()[1..]);
            let mhz = |(min, max): (Hertz, Hertz)| (min.as_hz() / 1_000_000, max.as_hz() / 1_000_000);
            match expect {
                Some(expect) => {
                    assert_eq!(taken, Ok(()), "{write}");
                    assert_eq!(mhz(bounds.allowed()), *expect, "{write}");
                }
                None => {
                    assert_eq!(taken, Err(Refusal::Invalid), "{write}");
                    assert_eq!(bounds.allowed(), before, "{write}");
                }
            }
        }
    }

    #[test]
    fn old_cpufreq_refuses_what_crosses_and_takes_the_head_of_a_number() {
        check(
            Subsystem::Cpufreq,
            KernelEra::Legacy,
            &[
                (">1000000", Some((200, 1000))),
                ("<1400000", None),
                ("<800000", Some((800, 1000))),
                (">600000", None),
                (">9999999", Some((800, 2000))),
                ("<1", Some((200, 2000))),
                (">1200000kHz", Some((200, 1200))),
                (">fast", None),
                (">-1", None),
                (">", None),
                // 2^32 kHz and 700 MHz.
                (">4295667296", Some((200, 700))),
            ],
        );
    }

    #[test]
    fn new_cpufreq_takes_what_crosses_and_lowers_the_minimum() {
        check(
            Subsystem::Cpufreq,
            KernelEra::Qos,
            &[
                ("<1400000\n", Some((1400, 2000))),
                (">1000000\n", Some((1000, 1000))),
                (">1600000\n", Some((1400, 1600))),
                (">2147483647", Some((1400, 2000))),
                (">2147483648", None),
                (">1", Some((200, 200))),
                ("<0", Some((200, 200))),
                (">1200000kHz", None),
                (">fast", None),
                ("<", None),
            ],
        );
    }

    #[test]
    fn old_devfreq_refuses_what_crosses_and_zero_is_the_end_of_the_table() {
        check(
            Subsystem::Devfreq,
            KernelEra::Legacy,
            &[
                (">1000000000", Some((200, 1000))),
                ("<1400000000", None),
                ("<800000000", Some((800, 1000))),
                (">600000000", None),
                (">0", Some((800, 2000))),
                ("<0", Some((200, 2000))),
                (">99999999999", Some((200, 2000))),
                (">x", None),
            ],
        );
    }

    #[test]
    fn new_devfreq_takes_what_crosses_and_zero_is_no_bound() {
        check(
            Subsystem::Devfreq,
            KernelEra::Qos,
            &[
                ("<1400000000", Some((1400, 2000))),
                (">1000000000", Some((1000, 1000))),
                (">0", Some((1400, 2000))),
                ("<0", Some((200, 2000))),
                (">700000000 Hz", Some((200, 700))),
                (">x", None),
                (">9999999999999", None),
            ],
        );
        let mut odd = bounds(Subsystem::Devfreq, KernelEra::Qos);
        odd.ask(End::Min, b"300000999").unwrap();
        odd.ask(End::Max, b"900000001").unwrap();
        // Rounded to kHz, the minimum down and the maximum up.
        assert_eq!(
            odd.allowed(),
            (Hertz::from_hz(300_000_000), Hertz::from_hz(900_001_000))
        );
    }
}
