//! Power of a processor.
//!
//! - Dynamic: `C V² f`, the charge that one cycle moves, for each busy unit, and once for what the units share
//!   while any of them is busy (Rabaey, "Digital Integrated Circuits", ch. 5; the kernel's energy model
//!   `drivers/opp/of.c` has the first term only). Idle units are clock-gated and switch nothing.
//! - Static: `V · P₀ · exp(g · (T - 45 °C))`. Sub-threshold leakage is `k V T² exp(-q V_th / n k T)`; over the range
//!   that a board lives in, its logarithm is a straight line of T.
//!
//! In watts, volts, hertz, farads and °C.

use dynd_vocab::blueprint::PowerCoefficients;

/// The temperature that leakage is stated at, in °C.
const REFERENCE: f64 = 45.0;

/// Above this leakage grows no more, in °C: the highest junction temperature that these chips are rated for. Nobody has
/// measured beyond it, and the exponential would run away without bound.
const HOTTEST: f64 = 105.0;

/// What `busy` units draw for switching, at `volts` and the real clock `hertz`.
pub(crate) fn dynamic(coefficients: &PowerCoefficients, volts: f64, hertz: f64, busy: u32) -> f64 {
    if busy == 0 {
        return 0.0;
    }
    let switched = coefficients.capacitance * f64::from(busy) + coefficients.uncore;
    switched * volts * volts * hertz
}

/// What the processor leaks at `volts` and `celsius`.
pub(crate) fn leakage(coefficients: &PowerCoefficients, volts: f64, celsius: f64) -> f64 {
    let above = celsius.clamp(-REFERENCE, HOTTEST) - REFERENCE;
    volts * coefficients.leakage.get() * (coefficients.leakage_growth * above).exp()
}

#[cfg(test)]
mod tests {
    use dynd_vocab::Watts;
    use dynd_vocab::blueprint::{Grade, Origin};

    use super::*;

    #[test]
    fn power_follows_voltage_clock_and_heat() {
        let coefficients = PowerCoefficients {
            capacitance: 0.4e-9,
            uncore: 0.1e-9,
            leakage: Watts::new(0.2),
            leakage_growth: 0.02,
            origin: Origin {
                grade: Grade::Assumed,
                source: String::new(),
            },
        };
        let near = |have: f64, want: f64| assert!((have - want).abs() < 1e-12, "{have} {want}");
        near(dynamic(&coefficients, 1.0, 1e9, 0), 0.0);
        near(dynamic(&coefficients, 1.0, 1e9, 1), 0.5);
        near(dynamic(&coefficients, 1.0, 2e9, 4), 3.4);
        near(dynamic(&coefficients, 1.2, 2e9, 4), 3.4 * 1.44);
        near(leakage(&coefficients, 1.0, 45.0), 0.2);
        near(leakage(&coefficients, 1.1, 95.0), 0.22 * 1.0_f64.exp());
        near(leakage(&coefficients, 1.0, 1e9), 0.2 * 1.2_f64.exp());
    }
}
