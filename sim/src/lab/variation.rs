//! Boards that differ from their files: every figure by a random share.
//!
//! What a kernel tells truly stays as it is: clocks, CPUs, trips. Figures of one processor's voltages vary together.

use dynd_vocab::{Blueprint, Watts};

use super::noise::{mix, uniform};

/// Random factors, one after the other, from `1 - amount` to `1 + amount`.
pub(crate) struct Factors {
    seed: u64,
    next: u64,
    amount: f64,
}

impl Factors {
    pub(crate) const fn new(seed: u64, amount: f64) -> Self {
        Self {
            seed,
            next: 0,
            amount,
        }
    }

    /// The next factor.
    pub(crate) fn draw(&mut self) -> f64 {
        self.next += 1;
        1.0 + self.amount * (2.0 * uniform(self.seed, self.next) - 1.0)
    }

    fn vary(&mut self, figure: &mut f64) {
        *figure *= self.draw();
    }

    fn vary_power(&mut self, power: &mut Watts) {
        *power = *power * self.draw();
    }
}

/// `board` with every figure of its physics changed by up to the share `amount`, as `seed` fixes.
pub fn varied(board: &Blueprint, seed: u64, amount: f64) -> Blueprint {
    let mut board = board.clone();
    let mut factors = Factors::new(mix(seed ^ 0xB0A2D), amount);
    for cluster in &mut board.clusters {
        let capacity = f64::from(cluster.capacity) * factors.draw();
        cluster.capacity = capacity.round().max(1.0) as u32;
    }
    let clusters = board.clusters.iter_mut().map(|cluster| &mut cluster.silicon);
    let accelerators = board.accelerators.iter_mut().map(|plan| &mut plan.silicon);
    for silicon in clusters.chain(accelerators) {
        let volts = factors.draw();
        silicon.opps.iter_mut().for_each(|opp| opp.volts *= volts);
        silicon
            .real_clock
            .iter_mut()
            .for_each(|share| factors.vary(share));
        factors.vary(&mut silicon.power.capacitance);
        factors.vary(&mut silicon.power.uncore);
        factors.vary_power(&mut silicon.power.leakage);
        factors.vary(&mut silicon.power.leakage_growth);
    }
    for plan in &mut board.accelerators {
        plan.turn = plan.turn * factors.draw();
        plan.polling = plan.polling * factors.draw();
    }
    factors.vary(&mut board.memory.bandwidth);
    factors.vary_power(&mut board.memory.standby);
    factors.vary(&mut board.memory.energy_per_byte);
    factors.vary_power(&mut board.base.power);
    for node in &mut board.thermal.nodes {
        factors.vary(&mut node.capacity);
    }
    for link in &mut board.thermal.links {
        let resistance = factors.draw();
        link.resistance.iter_mut().for_each(|each| *each *= resistance);
    }
    for rail in &mut board.rails {
        factors.vary(&mut rail.noise);
        factors.vary(&mut rail.quantum);
    }
    board
}
