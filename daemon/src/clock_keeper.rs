//! Keeps clocks and CPU sets as they are asked to be: sets them when something else is asked, looks after them while
//! anything is, and puts them back at the end.

use std::time::{Duration, Instant};

use dynd_vocab::{Actuated, Board, Hold, PutBack, Restore, Setting};

/// How often to look whether all is still as it was set: a foreign change is told within this time. A few small
/// files per clock and confined app are read for it, or systemd is asked.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Keeps clocks and CPU sets as they are asked to be.
#[derive(Debug, Default)]
pub(crate) struct ClockKeeper {
    asked: Setting,
    is_new: bool,
    told: Actuated,
    looked: Option<Instant>,
}

impl ClockKeeper {
    /// From now on `setting` is asked for.
    pub(crate) fn ask(&mut self, setting: &Setting) {
        self.is_new |= self.asked != *setting;
        self.asked.clone_from(setting);
    }

    /// The time until there is something to do; never if absent.
    pub(crate) fn due(&self) -> Option<Duration> {
        if self.is_new {
            return Some(Duration::ZERO);
        }
        let bounded = self.told.clocks.iter().any(|answer| answer.hold != Hold::Left);
        let anything = bounded || !self.asked.apps.is_empty();
        let since = self.looked.map(|at| at.elapsed()).unwrap_or_default();
        anything.then(|| LOOK_INTERVAL.saturating_sub(since))
    }

    /// Sets what is asked of `board` or looks after it, if it is time; what came of it, if that is new.
    pub(crate) fn keep(&mut self, board: &mut impl Board) -> Option<Actuated> {
        if self.due() != Some(Duration::ZERO) {
            return None;
        }
        self.is_new = false;
        self.looked = Some(Instant::now());
        let answers = Actuated {
            clocks: board.apply(&self.asked),
            apps: board.confine(&self.asked.apps),
            setting: self.asked.clone(),
        };
        if answers == self.told {
            return None;
        }
        self.told.clone_from(&answers);
        Some(answers)
    }

    /// Puts back what was set of `board`, unless it is to stay.
    pub(crate) fn leave(self, board: &mut impl Board) {
        if self.asked.restore == Restore::OnExit {
            log(&board.restore());
        }
    }
}

/// Logs what became of what was to be put back.
pub(crate) fn log(answers: &[PutBack]) {
    for answer in answers {
        if answer.is_as_before() {
            tracing::info!("{answer}");
        } else {
            tracing::warn!("{answer}");
        }
    }
}
