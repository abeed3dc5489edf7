//! What the kernel does about heat: trips of thermal zones set cooling devices, step by step.
//!
//! `step_wise`, drivers/thermal/gov_step_wise.c: at each look at a zone, for each trip and each device it sets,
//! - at or above the trip and hotter than at the last look: one state more, from the lowest the trip may set to the highest;
//! - below the trip less its hysteresis and not hotter: one state less, below the lowest none.
//!
//! A device is in the highest state that any trip asks of it. State k of a clock takes the k highest OPPs away
//! (drivers/thermal/cpufreq_cooling.c, devfreq_cooling.c); a state of the fan is a state of the fan.

use dynd_vocab::TripKind;
use dynd_vocab::blueprint::ZonePlan;

/// What one trip asks of one cooling device.
#[derive(Clone, Debug)]
struct Ask {
    trip: usize,
    cooler: usize,
    lowest: u32,
    highest: u32,
    state: Option<u32>,
}

/// One zone as the kernel governs it.
#[derive(Clone, Debug)]
pub(crate) struct Governed {
    /// Temperature and hysteresis of each trip.
    trips: Vec<(f64, f64)>,
    asks: Vec<Ask>,
    last: Option<f64>,
    /// How often the kernel looks, in nanoseconds.
    pub(crate) period: u64,
    /// When it looks next.
    pub(crate) next: u64,
}

impl Governed {
    pub(crate) fn new(zone: &ZonePlan) -> Self {
        let acts = |kind| matches!(kind, TripKind::Active | TripKind::Passive);
        let mut asks = Vec::new();
        for (index, trip) in zone.trips.iter().enumerate().filter(|(_, trip)| acts(trip.kind)) {
            asks.extend(trip.cooling.iter().map(|range| Ask {
                trip: index,
                cooler: range.cooler,
                lowest: range.lowest,
                highest: range.highest,
                state: None,
            }));
        }
        let figures = |trip: &dynd_vocab::blueprint::ZoneTrip| (trip.temperature.get(), trip.hysteresis);
        Self {
            trips: zone.trips.iter().map(figures).collect(),
            asks,
            last: None,
            period: (zone.polling.get() * 1e9) as u64,
            next: 0,
        }
    }

    /// Looks at the zone, which is as hot as `celsius`.
    pub(crate) fn look(&mut self, celsius: f64) {
        let last = self.last.replace(celsius).unwrap_or(f64::NEG_INFINITY);
        for ask in &mut self.asks {
            let (begins, hysteresis) = self.trips[ask.trip];
            if celsius >= begins && celsius > last {
                let next = ask.state.map_or(ask.lowest.max(1), |state| state + 1);
                ask.state = Some(next.clamp(ask.lowest, ask.highest));
            } else if celsius < begins - hysteresis && celsius <= last {
                ask.state = ask
                    .state
                    .filter(|&state| state > ask.lowest)
                    .map(|state| state - 1);
            }
        }
    }

    /// The state that this zone asks of `cooler`; 0 if none.
    pub(crate) fn asks(&self, cooler: usize) -> u32 {
        let of_it = self.asks.iter().filter(|ask| ask.cooler == cooler);
        of_it.filter_map(|ask| ask.state).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use dynd_vocab::blueprint::{CoolingRange, Grade, Origin, Reading, ZoneTrip};
    use dynd_vocab::{Celsius, Seconds};

    use super::*;

    #[test]
    fn steps_up_while_it_gets_hotter_and_down_below_the_hysteresis() {
        let mut zone = Governed::new(&ZonePlan {
            name: "z".into(),
            reading: Reading::Node(0),
            quantum: 1.0,
            noise: 0.0,
            polling: Seconds::new(0.1),
            trips: vec![ZoneTrip {
                kind: TripKind::Passive,
                temperature: Celsius::new(85.0),
                hysteresis: 2.0,
                cooling: vec![CoolingRange {
                    cooler: 0,
                    lowest: 0,
                    highest: 3,
                }],
            }],
            origin: Origin {
                grade: Grade::Assumed,
                source: String::new(),
            },
        });
        let looks = [
            80.0, 85.0, 86.0, 86.0, 87.0, 88.0, 85.0, 84.0, 83.0, 82.0, 81.0, 84.0, 82.0, 81.0,
        ];
        let expect = [0, 1, 2, 2, 3, 3, 3, 3, 3, 2, 1, 1, 0, 0];
        for (celsius, state) in looks.into_iter().zip(expect) {
            zone.look(celsius);
            assert_eq!(zone.asks(0), state, "{celsius}");
        }
        assert_eq!(zone.asks(1), 0);
    }
}
