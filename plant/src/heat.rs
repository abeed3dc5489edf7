//! Heat: bodies of one temperature each, joined by thermal resistances (a lumped RC network).
//!
//! `C_i dT_i/dt = P_i + Σ_j (T_j - T_i) / R_ij + (T_ambient - T_i) / R_i`, in J/K, K/W, W, °C and s. It is the thermal
//! model of HotSpot (Skadron et al., "Temperature-aware microarchitecture", ISCA 2003) with a handful of bodies.
//! A fan changes the resistance of the links that it blows on.
//!
//! Each step solves the backward Euler equations, so that no step length and no figure of a board file makes it
//! unstable; a step of a tenth of the shortest time constant is exact to 5 % of the change within it.

use dynd_vocab::blueprint::{Outside, ThermalPlan};

/// The network and its temperatures.
#[derive(Clone, Debug)]
pub(crate) struct Heat {
    plan: ThermalPlan,
    temperatures: Vec<f64>,
    fan: usize,
    /// Rows of the equations, each with its right-hand side last; kept so that a step allocates nothing.
    rows: Vec<Vec<f64>>,
}

impl Heat {
    /// `plan` at the temperature of its surroundings.
    pub(crate) fn new(plan: &ThermalPlan) -> Self {
        let count = plan.nodes.len();
        Self {
            temperatures: vec![plan.ambient.get(); count],
            rows: vec![vec![0.0; count + 1]; count],
            fan: 0,
            plan: plan.clone(),
        }
    }

    /// The temperature of `node`, in °C.
    pub(crate) fn celsius(&self, node: usize) -> f64 {
        self.temperatures[node]
    }

    /// Makes `node` as hot as `celsius`.
    pub(crate) fn set(&mut self, node: usize, celsius: f64) {
        self.temperatures[node] = celsius;
    }

    /// Runs the fan in `state`.
    pub(crate) fn blow(&mut self, state: u32) {
        self.fan = state as usize;
    }

    /// Lets `watts`, one power per node, flow for `seconds`.
    pub(crate) fn step(&mut self, seconds: f64, watts: &[f64]) {
        let count = self.temperatures.len();
        for ((row, node), (&celsius, &power)) in self
            .rows
            .iter_mut()
            .zip(&self.plan.nodes)
            .zip(self.temperatures.iter().zip(watts))
        {
            row.fill(0.0);
            row[count] = node.capacity / seconds * celsius + power;
        }
        for (index, node) in self.plan.nodes.iter().enumerate() {
            self.rows[index][index] += node.capacity / seconds;
        }
        for link in &self.plan.links {
            let conductance = 1.0 / link.resistance[self.fan.min(link.resistance.len() - 1)];
            self.rows[link.node][link.node] += conductance;
            match link.outside {
                Outside::Ambient => self.rows[link.node][count] += conductance * self.plan.ambient.get(),
                Outside::Node(other) => {
                    self.rows[other][other] += conductance;
                    self.rows[link.node][other] -= conductance;
                    self.rows[other][link.node] -= conductance;
                }
            }
        }
        self.solve();
    }

    /// Gauss elimination. The matrix is diagonally dominant (each diagonal holds the capacity on top of the
    /// conductances beside it), so no row needs to be exchanged.
    fn solve(&mut self) {
        let count = self.rows.len();
        for pivot in 0..count {
            let (above, below) = self.rows.split_at_mut(pivot + 1);
            let upper = &above[pivot];
            for row in below {
                let factor = row[pivot] / upper[pivot];
                for (cell, &other) in row.iter_mut().zip(upper).skip(pivot) {
                    *cell -= factor * other;
                }
            }
        }
        for index in (0..count).rev() {
            let row = &self.rows[index];
            let known: f64 = (index + 1..count)
                .map(|other| row[other] * self.temperatures[other])
                .sum();
            self.temperatures[index] = (row[count] - known) / row[index];
        }
    }
}

#[cfg(test)]
mod tests {
    use dynd_vocab::Celsius;
    use dynd_vocab::blueprint::{Grade, Origin, ThermalLink, ThermalNode};

    use super::*;

    /// A die of 0.5 J/K, 4 K/W from a sink of 20 J/K, 3 or 1 K/W from air of 25 °C.
    fn two_bodies() -> Heat {
        let node = |name: &str, capacity| ThermalNode {
            name: name.into(),
            capacity,
        };
        let link = |node, outside, resistance| ThermalLink {
            node,
            outside,
            resistance,
        };
        Heat::new(&ThermalPlan {
            ambient: Celsius::new(25.0),
            nodes: vec![node("die", 0.5), node("sink", 20.0)],
            links: vec![
                link(0, Outside::Node(1), vec![4.0]),
                link(1, Outside::Ambient, vec![3.0, 1.0]),
            ],
            base_node: 1,
            origin: Origin {
                grade: Grade::Assumed,
                source: String::new(),
            },
        })
    }

    #[test]
    fn the_steady_state_is_power_times_resistance() {
        let mut heat = two_bodies();
        for _ in 0..2000 {
            heat.step(1.0, &[5.0, 1.0]);
        }
        // All 6 W leave through 3 K/W, and 5 W of them come through 4 K/W.
        assert!((heat.celsius(1) - (25.0 + 18.0)).abs() < 1e-6);
        assert!((heat.celsius(0) - (25.0 + 18.0 + 20.0)).abs() < 1e-6);
        heat.blow(1);
        for _ in 0..2000 {
            heat.step(1.0, &[5.0, 1.0]);
        }
        assert!((heat.celsius(1) - (25.0 + 6.0)).abs() < 1e-6);
    }

    #[test]
    fn energy_is_conserved() {
        let mut heat = two_bodies();
        let (mut came, mut went) = (0.0, 0.0);
        for _ in 0..5000 {
            heat.step(0.01, &[5.0, 1.0]);
            came += 6.0 * 0.01;
            went += (heat.celsius(1) - 25.0) / 3.0 * 0.01;
        }
        let stored = 0.5 * (heat.celsius(0) - 25.0) + 20.0 * (heat.celsius(1) - 25.0);
        assert!(
            (came - went - stored).abs() < 1e-9 * came,
            "{came} {went} {stored}"
        );
    }

    #[test]
    fn a_body_heats_with_its_time_constant() {
        // The die alone has 0.5 J/K x 4 K/W = 2 s, against a sink that hardly moves.
        let mut heat = two_bodies();
        for _ in 0..200 {
            heat.step(0.01, &[5.0, 0.0]);
        }
        let expect = 25.0 + 20.0 * (1.0 - (-1.0_f64).exp());
        assert!(
            (heat.celsius(0) - expect).abs() < 0.4,
            "{} {expect}",
            heat.celsius(0)
        );
    }

    #[test]
    fn a_step_of_any_length_is_stable() {
        for seconds in [1e-9, 1.0, 1e9] {
            let mut heat = two_bodies();
            for _ in 0..10 {
                heat.step(seconds, &[5.0, 1.0]);
                assert!(heat.celsius(0) >= 25.0 - 1e-6 && heat.celsius(0) <= 63.0 + 1e-6);
            }
        }
    }
}
