//! The two bounds of one clock, and in which order they can be written. Pure; in the unit of the attributes.
//!
//! Up to Linux 5.2 cpufreq, and up to 5.5 devfreq, refuse a minimum above the maximum in force (`EINVAL`); later
//! kernels take it and lower the minimum that is in force. [`order`] never asks for one, so that neither era needs
//! to be told from the other. Source: `drivers/cpufreq/cpufreq.c` and `drivers/devfreq/devfreq.c`.

use crate::clock_domain::End;

/// A minimum and a maximum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClockRange {
    pub(crate) min: u64,
    /// 0 stands for none: what devfreq reads up to 4.x until one is set.
    pub(crate) max: u64,
}

/// A minimum and a maximum that may be missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) min: Option<u64>,
    pub(crate) max: Option<u64>,
}

impl ClockRange {
    pub(crate) fn get(self, end: End) -> u64 {
        match end {
            End::Min => self.min,
            End::Max => self.max,
        }
    }

    pub(crate) fn set(&mut self, end: End, value: u64) {
        match end {
            End::Min => self.min = value,
            End::Max => self.max = value,
        }
    }

    fn is_crossed_by(self, min: u64) -> bool {
        self.max != 0 && min > self.max
    }

    /// What to write for `wish` where this is in force otherwise: never outside `limits`, which the kernel would
    /// not keep to, and never crossed: the bound that is not wished for gives way.
    pub(crate) fn wished(self, wish: Wish, limits: Wish) -> Self {
        let within = |value: u64| {
            let value = limits.max.map_or(value, |max| value.min(max));
            limits.min.map_or(value, |min| value.max(min))
        };
        match (wish.min.map(within), wish.max.map(within)) {
            (None, None) => self,
            (Some(min), None) => Self {
                min,
                max: if self.is_crossed_by(min) { min } else { self.max },
            },
            (min, Some(max)) => Self {
                min: min.unwrap_or(self.min).min(max),
                max,
            },
        }
    }
}

impl Wish {
    pub(crate) fn get(self, end: End) -> Option<u64> {
        match end {
            End::Min => self.min,
            End::Max => self.max,
        }
    }
}

/// The order in which to write both bounds to get from one range to another: the minimum first, unless that
/// would put it above the maximum.
pub(crate) fn order(from: ClockRange, to: ClockRange) -> [End; 2] {
    if from.is_crossed_by(to.min) {
        [End::Max, End::Min]
    } else {
        [End::Min, End::Max]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges() -> impl Iterator<Item = ClockRange> {
        (1..=5).flat_map(|max| (1..=max).map(move |min| ClockRange { min, max }))
    }

    #[test]
    fn no_order_ever_crosses_the_bounds() {
        for from in ranges() {
            for to in ranges() {
                let mut now = from;
                for end in order(from, to) {
                    match end {
                        End::Min => now.min = to.min,
                        End::Max => now.max = to.max,
                    }
                    assert!(now.min <= now.max, "{from:?} to {to:?} by way of {now:?}");
                }
                assert_eq!(now, to);
            }
        }
    }

    #[test]
    fn a_wish_is_kept_within_the_limits_and_never_crossed() {
        let check = |wish: (Option<u64>, Option<u64>), expect: (u64, u64)| {
            let now = ClockRange { min: 300, max: 900 };
            let limits = Wish {
                min: Some(100),
                max: Some(1000),
            };
            let (min, max) = wish;
            let ClockRange { min, max } = now.wished(Wish { min, max }, limits);
            assert_eq!((min, max), expect, "{wish:?}");
        };
        check((None, None), (300, 900));
        check((Some(400), None), (400, 900));
        check((Some(950), None), (950, 950));
        check((None, Some(600)), (300, 600));
        check((None, Some(200)), (200, 200));
        check((Some(500), Some(600)), (500, 600));
        check((Some(5), Some(5000)), (100, 1000));
        check((Some(2000), None), (1000, 1000));
        check((None, Some(7)), (100, 100));

        let unbounded = ClockRange { min: 300, max: 0 };
        let wish = Wish {
            min: Some(400),
            max: None,
        };
        let to = unbounded.wished(wish, Wish::default());
        assert_eq!(to, ClockRange { min: 400, max: 0 });
        assert_eq!(order(unbounded, to), [End::Min, End::Max]);
    }
}
