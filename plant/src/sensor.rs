//! Sensors: averaging, noise, quantisation and failure between what is and what is read.
//!
//! A power chip integrates over its conversion time and rounds the current to the step of its shunt: INA3221, 40 µV
//! over 5 mΩ are 8 mA, 41 mW at 5 V (TI SBOS576); INA231, 2.5 µV over 10 mΩ (TI SBOS644). A temperature is
//! rounded to the step of its sensor.

use dynd_vocab::blueprint::{RailPlan, Reading, ZonePlan};

use crate::random::Random;

/// How a sensor fails.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Failure {
    /// Reading it fails.
    Unreadable,
    /// It shows this, in watts or °C, whatever is.
    Stuck(f64),
    /// Reading it fails for this share of the readings (0 to 1).
    Intermittent(f64),
}

/// A power sensor.
#[derive(Clone, Debug)]
pub(crate) struct Rail {
    pub(crate) plan: RailPlan,
    pub(crate) failure: Option<Failure>,
    /// All the joules that went through.
    pub(crate) energy: f64,
    /// Joules and seconds of the conversion under way.
    joules: f64,
    seconds: f64,
    /// What the last conversion found, in amperes.
    amperes: f64,
}

impl Rail {
    pub(crate) fn new(plan: &RailPlan) -> Self {
        Self {
            plan: plan.clone(),
            failure: None,
            energy: 0.0,
            joules: 0.0,
            seconds: 0.0,
            amperes: 0.0,
        }
    }

    /// Sees `watts` for `seconds`.
    pub(crate) fn see(&mut self, watts: f64, seconds: f64, random: &mut Random) {
        self.energy += watts * seconds;
        self.joules += watts * seconds;
        self.seconds += seconds;
        if self.seconds < self.plan.interval.get() {
            return;
        }
        let mean = self.joules / self.seconds / self.plan.volts;
        let noisy = mean * (1.0 + self.plan.noise * random.normal());
        self.amperes = rounded(noisy.max(0.0), self.plan.quantum);
        (self.joules, self.seconds) = (0.0, 0.0);
    }

    /// The current it shows, in amperes.
    pub(crate) fn current(&self, random: &mut Random) -> Option<f64> {
        match self.failure {
            Some(failure) => {
                failed(failure, random, self.amperes * self.plan.volts).map(|watts| watts / self.plan.volts)
            }
            None => Some(self.amperes),
        }
    }
}

/// A temperature sensor.
#[derive(Clone, Debug)]
pub(crate) struct Thermometer {
    pub(crate) plan: ZonePlan,
    pub(crate) failure: Option<Failure>,
}

impl Thermometer {
    pub(crate) fn new(plan: &ZonePlan) -> Self {
        Self {
            plan: plan.clone(),
            failure: None,
        }
    }

    /// What it shows, where `celsius` tells the temperature of a node.
    pub(crate) fn read(&self, celsius: impl Fn(usize) -> f64, random: &mut Random) -> Option<f64> {
        let shown = match self.plan.reading {
            Reading::Node(node) => {
                let noisy = celsius(node) + self.plan.noise * random.normal();
                rounded(noisy, self.plan.quantum)
            }
            Reading::Constant(constant) => constant.get(),
            Reading::Unavailable => return None,
        };
        match self.failure {
            Some(failure) => failed(failure, random, shown),
            None => Some(shown),
        }
    }
}

fn failed(failure: Failure, random: &mut Random, truth: f64) -> Option<f64> {
    match failure {
        Failure::Unreadable => None,
        Failure::Stuck(value) => Some(value),
        Failure::Intermittent(share) => (random.uniform() >= share).then_some(truth),
    }
}

/// `value` rounded to whole steps of `quantum`; as it is if that is zero.
fn rounded(value: f64, quantum: f64) -> f64 {
    if quantum > 0.0 {
        (value / quantum).round() * quantum
    } else {
        value
    }
}

#[cfg(test)]
mod tests {
    use dynd_vocab::Seconds;
    use dynd_vocab::blueprint::{Grade, Origin, RailConvention};

    use super::*;

    #[test]
    fn a_rail_shows_whole_steps_of_the_mean_of_its_last_conversion() {
        let mut rail = Rail::new(&RailPlan {
            name: "VDD_IN".into(),
            processors: Vec::new(),
            memory: false,
            base: true,
            within: None,
            convention: RailConvention::Ina3221Iio,
            path: "/sys".into(),
            channel: 0,
            volts: 5.0,
            quantum: 0.008,
            interval: Seconds::from_millis(10.0),
            noise: 0.0,
            origin: Origin {
                grade: Grade::Assumed,
                source: String::new(),
            },
        });
        let mut random = Random::new(1);
        rail.see(3.0, 0.004, &mut random);
        assert_eq!(rail.current(&mut random), Some(0.0), "nothing is converted yet");
        rail.see(2.0, 0.006, &mut random);
        // 2.4 W are 480 mA, 60 steps.
        assert_eq!(
            rail.current(&mut random).map(|a| (a * 1e6).round()),
            Some(480_000.0)
        );
        rail.see(2.43, 0.010, &mut random);
        assert_eq!(
            rail.current(&mut random).map(|a| (a * 1e6).round()),
            Some(488_000.0)
        );
        rail.failure = Some(Failure::Unreadable);
        assert_eq!(rail.current(&mut random), None);
        rail.failure = Some(Failure::Stuck(-1.0));
        assert_eq!(rail.current(&mut random), Some(-0.2));
        rail.failure = Some(Failure::Intermittent(0.5));
        let read = (0..1000).filter(|_| rail.current(&mut random).is_some()).count();
        assert!((400..600).contains(&read), "{read}");
    }
}
