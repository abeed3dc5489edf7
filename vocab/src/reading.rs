//! What a sensor may show: beyond that it is broken or switched off, whatever it says.

use core::ops::RangeInclusive;

use crate::{Celsius, Watts};

/// Temperatures at which silicon works, in °C. Switched-off sensors of Tegra answer -256, -51 or -45, the kernel's "no
/// temperature" is -274.
const TEMPERATURES: RangeInclusive<f64> = -40.0..=150.0;

/// What sensors answer that are not connected (`PMIC-Die` of Tegra, for ever), in °C…
const NOT_CONNECTED: f64 = 100.0;
/// …and how warm a zone must have been before for it to be true. No zone warms by 15 °C between two samples.
const NEARLY_THERE: f64 = 85.0;

/// The zero of a current sensor may lie a little below zero: two steps of an INA3221 at 5 V (8 mA each). No board or
/// package that runs dynd draws more than the most. In watts.
const POWERS: RangeInclusive<f64> = -0.1..=2000.0;

impl Celsius {
    /// Whether silicon works at this temperature.
    pub fn is_possible(self) -> bool {
        TEMPERATURES.contains(&self.get())
    }

    /// This as the reading of a sensor that was believed to show `last` before; absent if it cannot be true.
    pub fn believed(self, last: Option<Self>) -> Option<Self> {
        let is_connected = self.get() != NOT_CONNECTED || last.is_some_and(|last| last.get() >= NEARLY_THERE);
        (self.is_possible() && is_connected).then_some(self)
    }
}

impl Watts {
    /// This as the reading of a sensor, never below zero; absent if it cannot be true.
    pub fn believed(self) -> Option<Self> {
        POWERS
            .contains(&self.get())
            .then_some(Self::new(self.get().max(0.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temperatures_have_bounds() {
        let check = |celsius: f64, last: Option<f64>, expect: bool| {
            let believed = Celsius::new(celsius).believed(last.map(Celsius::new));
            assert_eq!(
                believed,
                expect.then_some(Celsius::new(celsius)),
                "{celsius} {last:?}"
            );
        };
        for celsius in [45.0, -12.0, 0.0, 115.0, 150.0] {
            check(celsius, None, true);
        }
        for celsius in [-45.0, -51.0, -256.0, -274.0, 150.1, f64::NAN, f64::INFINITY] {
            check(celsius, Some(45.0), false);
        }
        check(100.0, None, false);
        check(100.0, Some(84.9), false);
        check(100.0, Some(85.0), true);
        check(99.9, Some(40.0), true);
    }

    #[test]
    fn power_has_bounds() {
        assert_eq!(Watts::new(-0.04).believed(), Some(Watts::ZERO));
        assert_eq!(Watts::new(12.5).believed(), Some(Watts::new(12.5)));
        for impossible in [-1.0, 2001.0, f64::NAN, f64::INFINITY] {
            assert_eq!(Watts::new(impossible).believed(), None);
        }
    }
}
