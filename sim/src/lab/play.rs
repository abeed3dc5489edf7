//! One controller plays one stage from its beginning to its end.

use std::time::Duration;

use dynd_plant::PlantError;
use dynd_vocab::{Actuation, Hold, Sample, Timestamp};

use super::frame::Trace;
use super::happening::Happening;
use super::manager::{Manager, News, Orders};
use super::stage::Stage;
use super::world::World;

/// As in `daemon/src/clock_keeper.rs`.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Why a run ended early.
#[derive(Debug, thiserror::Error)]
pub enum PlayError {
    /// The virtual board refused what a controller or a scenario asked of it.
    #[error("failed to run the scenario on its virtual board")]
    Plant(#[from] PlantError),
    /// Nothing was to be played.
    #[error("failed to hold a contest: there is no stage to play on")]
    Nothing,
}

/// Lets `manager` play `stage`.
///
/// # Errors
/// If the board refuses what it is asked for.
pub fn play(stage: &Stage, manager: &mut dyn Manager) -> Result<Trace, PlayError> {
    let mut game = Game {
        world: World::new(stage)?,
        orders: Orders::default(),
        next_sample: None,
        sample: Sample::default(),
        told: Vec::new(),
        looked: Timestamp::default(),
    };
    for &(processor, governor) in manager.governors() {
        game.world.govern(processor, governor)?;
    }
    game.tell(manager, News::Start);
    let end = Timestamp::from_nanos((stage.scenario.duration.get() * 1e9) as u64);
    loop {
        let until = [game.next_sample, game.orders.wake_at];
        let until = until.into_iter().flatten().fold(end, Timestamp::min);
        match game.world.advance(until.max(game.world.now()))? {
            Some(happening) => game.happened(manager, &happening)?,
            None if until >= end => return Ok(game.world.into_trace()),
            None => game.due(manager),
        }
    }
}

struct Game<'s> {
    world: World<'s>,
    orders: Orders,
    next_sample: Option<Timestamp>,
    sample: Sample,
    /// What came of the last setting, as it was told last, and when that was looked at.
    told: Vec<Actuation>,
    looked: Timestamp,
}

impl Game<'_> {
    fn happened(&mut self, manager: &mut dyn Manager, happening: &Happening) -> Result<(), PlayError> {
        match happening {
            Happening::Arrived(app) => self.tell(manager, News::Arrived(*app)),
            Happening::Left(app) => self.tell(manager, News::Left(*app)),
            Happening::Changed(app) => {
                let requirement = self.world.requirement(*app);
                self.tell(manager, News::Changed(*app, requirement));
            }
            Happening::Ended(app, report) => self.tell(manager, News::Ended(*app, report)),
            Happening::Due(app) => {
                if let Some((_, release)) = self.world.waiting(*app) {
                    let run = manager.choose(self.world.now(), *app, release);
                    self.world.begin(*app, run)?;
                }
            }
        }
        Ok(())
    }

    /// What the manager asked for is due: a sample, or being woken.
    fn due(&mut self, manager: &mut dyn Manager) {
        let now = self.world.now();
        if self.next_sample.is_some_and(|at| at <= now) {
            let present =
                (0..self.world.stage().scenario.apps.len()).filter(|&app| self.world.is_present(app));
            let present: Vec<usize> = present.collect();
            let mut sample = std::mem::take(&mut self.sample);
            self.world.sample(&present, &mut sample);
            self.next_sample = self.orders.sample_every.map(|every| now + every);
            self.tell(manager, News::Sample(&sample));
            self.sample = sample;
            self.look(now, manager);
        }
        if self.orders.wake_at.is_some_and(|at| at <= now) {
            self.tell(manager, News::Tick);
            // One that asks for the past again is not woken for ever.
            self.orders.wake_at = self.orders.wake_at.filter(|at| *at > now);
        }
    }

    /// Looks after the clocks, if that is due, and tells what has become of them, if that is new.
    fn look(&mut self, now: Timestamp, manager: &mut dyn Manager) {
        let is_bounded = self.told.iter().any(|answer| answer.hold != Hold::Left);
        if !is_bounded || now.since(self.looked) < LOOK_INTERVAL {
            return;
        }
        self.looked = now;
        let answers = self.world.look();
        if answers != self.told {
            self.told.clone_from(&answers);
            self.tell(manager, News::Actuated(&answers));
        }
    }

    fn tell(&mut self, manager: &mut dyn Manager, news: News<'_>) {
        let now = self.world.now();
        self.orders = manager.hear(now, news);
        self.schedule(now);
        while let Some(setting) = self.orders.setting.take() {
            self.told = self.world.set(&setting);
            self.looked = now;
            self.orders = manager.hear(now, News::Actuated(&self.told));
            self.schedule(now);
        }
    }

    /// Sampling begins when it is asked for, and goes on at its pace.
    fn schedule(&mut self, now: Timestamp) {
        self.next_sample = self
            .orders
            .sample_every
            .map(|every| self.next_sample.unwrap_or(now).min(now + every));
    }
}
