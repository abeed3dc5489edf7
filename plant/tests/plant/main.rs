//! A plant as a whole, on the boards that come with dynd.

#![allow(clippy::unwrap_used)]

mod behaviour;
mod heat;
mod properties;
mod seen;

use dynd_files::find_board;
use dynd_plant::{Place, Plant, Work};
use dynd_vocab::{CpuSet, Hertz, Pid, Seconds};

/// The board called `name`, just switched on.
fn plant(name: &str) -> Plant {
    Plant::new(&find_board(name).unwrap(), 1)
}

fn cpus(list: &str) -> CpuSet {
    list.parse().unwrap()
}

fn mhz(mhz: u64) -> Hertz {
    Hertz::from_khz(mhz * 1000)
}

/// Work that outlasts every test.
fn endless() -> Work {
    Work::new(Seconds::ZERO, 1e18)
}

/// Keeps every one of `cpus` busy for ever.
fn burn(plant: &mut Plant, list: &str) {
    plant.submit(Pid(99), endless(), Place::Cpus(cpus(list))).unwrap();
}

/// How long `work` takes at `place`.
fn latency(plant: &mut Plant, work: Work, place: Place) -> f64 {
    let job = plant.submit(Pid(7), work, place).unwrap();
    loop {
        plant.advance(std::time::Duration::from_secs(1));
        if let Some(done) = plant.completed().into_iter().find(|done| done.job == job) {
            return done.latency().get();
        }
    }
}
