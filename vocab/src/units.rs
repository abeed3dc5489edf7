//! Physical quantities as types, so that milliseconds never meet hertz.

use core::fmt;
use core::iter::Sum;
use core::ops::{Add, AddAssign, Div, Mul, Sub};
use core::time::Duration;

use serde::{Deserialize, Serialize};

/// A point on the monotonic clock, in nanoseconds since an arbitrary origin (boot, or the start of a
/// simulation). Two timestamps compare only when they come from the same clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The timestamp `nanos` nanoseconds after the clock's origin.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the clock's origin.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Time elapsed since `earlier`; zero if `earlier` is later (clients send timestamps, never trust them).
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, rhs: Duration) -> Self {
        Self(
            self.0
                .saturating_add(u64::try_from(rhs.as_nanos()).unwrap_or(u64::MAX)),
        )
    }
}

/// A span of time as a real number of seconds: what latencies and predictions are computed in.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
pub struct Seconds(f64);

impl Seconds {
    /// No time at all.
    pub const ZERO: Self = Self(0.0);

    /// A span of `seconds` seconds.
    pub const fn new(seconds: f64) -> Self {
        Self(seconds)
    }

    /// A span of `millis` milliseconds.
    pub const fn from_millis(millis: f64) -> Self {
        Self(millis * 1e-3)
    }

    /// The number of seconds.
    pub const fn get(self) -> f64 {
        self.0
    }

    /// The number of milliseconds.
    pub const fn as_millis(self) -> f64 {
        self.0 * 1e3
    }

    /// True for a finite span longer than nothing: what a target or a measured latency must be.
    pub const fn is_positive(self) -> bool {
        self.0.is_finite() && self.0 > 0.0
    }
}

impl From<Duration> for Seconds {
    fn from(duration: Duration) -> Self {
        Self(duration.as_secs_f64())
    }
}

impl Add for Seconds {
    type Output = Self;

    fn add(self, rhs: Self) -> Self {
        Self(self.0 + rhs.0)
    }
}

impl AddAssign for Seconds {
    fn add_assign(&mut self, rhs: Self) {
        self.0 += rhs.0;
    }
}

impl Sub for Seconds {
    type Output = Self;

    fn sub(self, rhs: Self) -> Self {
        Self(self.0 - rhs.0)
    }
}

impl Mul<f64> for Seconds {
    type Output = Self;

    fn mul(self, rhs: f64) -> Self {
        Self(self.0 * rhs)
    }
}

/// The ratio of two spans, a pure number.
impl Div for Seconds {
    type Output = f64;

    fn div(self, rhs: Self) -> f64 {
        self.0 / rhs.0
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 >= 1.0 {
            write!(f, "{:.2} s", self.0)
        } else if self.0 >= 1e-3 {
            write!(f, "{:.1} ms", self.0 * 1e3)
        } else {
            write!(f, "{:.0} µs", self.0 * 1e6)
        }
    }
}

/// A clock frequency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Hertz(u64);

impl Hertz {
    /// A frequency of `khz` kilohertz, the unit of cpufreq.
    pub const fn from_khz(khz: u64) -> Self {
        Self(khz.saturating_mul(1000))
    }

    /// A frequency of `hz` hertz, the unit of devfreq.
    pub const fn from_hz(hz: u64) -> Self {
        Self(hz)
    }

    /// The frequency in hertz.
    pub const fn as_hz(self) -> u64 {
        self.0
    }

    /// The frequency in kilohertz.
    pub const fn as_khz(self) -> u64 {
        self.0 / 1000
    }
}

impl fmt::Display for Hertz {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} MHz", self.0 / 1_000_000)
    }
}

/// A flow of energy.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
pub struct Watts(f64);

impl Watts {
    /// No power at all.
    pub const ZERO: Self = Self(0.0);

    /// A power of `watts` watts.
    pub const fn new(watts: f64) -> Self {
        Self(watts)
    }

    /// The number of watts.
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl Add for Watts {
    type Output = Self;

    fn add(self, rhs: Self) -> Self {
        Self(self.0 + rhs.0)
    }
}

impl Sub for Watts {
    type Output = Self;

    fn sub(self, rhs: Self) -> Self {
        Self(self.0 - rhs.0)
    }
}

impl Mul<f64> for Watts {
    type Output = Self;

    fn mul(self, rhs: f64) -> Self {
        Self(self.0 * rhs)
    }
}

impl Sum for Watts {
    fn sum<I: Iterator<Item = Self>>(powers: I) -> Self {
        powers.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for Watts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} W", self.0)
    }
}

/// How a power is known. The default asks for nothing better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PowerGrade {
    /// By a model that power sensors correct while it runs.
    Measured,
    /// By a model alone: the board has no power sensor, or none that can be read.
    #[default]
    Estimated,
}

impl PowerGrade {
    /// The name shown to people.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::Estimated => "estimated",
        }
    }
}

/// A temperature.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
pub struct Celsius(f64);

impl Celsius {
    /// A temperature of `degrees` degrees.
    pub const fn new(degrees: f64) -> Self {
        Self(degrees)
    }

    /// A temperature of `millis` thousandths of a degree, the unit of the kernel.
    pub fn from_millis(millis: i32) -> Self {
        Self(f64::from(millis) / 1e3)
    }

    /// The number of degrees.
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl fmt::Display for Celsius {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} °C", self.0)
    }
}

/// How good a sub-network's answers are, on the scale of its model's quality metric divided by that
/// metric's maximum: 0 (worthless) to 1 (perfect).
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
pub struct Quality(f64);

impl Quality {
    /// The lowest quality.
    pub const ZERO: Self = Self(0.0);

    /// `value` as a quality, unless it lies outside 0 to 1 or is no number.
    pub fn new(value: f64) -> Option<Self> {
        (0.0..=1.0).contains(&value).then_some(Self(value))
    }

    /// The number between 0 and 1.
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl fmt::Display for Quality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} %", self.0 * 100.0)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn time_does_not_run_backwards() {
        let early = Timestamp::from_nanos(5);
        let late = Timestamp::from_nanos(9);
        assert_eq!(late.since(early), Duration::from_nanos(4));
        assert_eq!(early.since(late), Duration::ZERO);
        assert_eq!(
            Timestamp::from_nanos(u64::MAX) + Duration::from_secs(1),
            Timestamp::from_nanos(u64::MAX)
        );
    }

    #[test]
    fn quality_is_a_share() {
        assert!(Quality::new(1.01).is_none());
        assert!(Quality::new(f64::NAN).is_none());
        assert_eq!(Quality::new(0.976).unwrap().to_string(), "97.6 %");
    }

    #[test]
    fn spans_print_in_the_unit_that_fits() {
        assert_eq!(Seconds::from_millis(8.25).to_string(), "8.2 ms");
        assert_eq!(Seconds::new(0.000_2).to_string(), "200 µs");
        assert!(!Seconds::new(f64::INFINITY).is_positive());
        assert_eq!(Celsius::from_millis(-45_000).to_string(), "-45.0 °C");
        assert_eq!(
            [Watts::new(1.5), Watts::new(0.254)]
                .into_iter()
                .sum::<Watts>()
                .to_string(),
            "1.75 W"
        );
    }
}
