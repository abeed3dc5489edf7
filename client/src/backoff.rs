//! How long to wait before the next try.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// The first pause.
const FIRST: Duration = Duration::from_millis(50);

/// The longest pause after a lost connection: a restarted daemon has its apps back within two seconds.
const LONGEST: Duration = Duration::from_secs(1);

/// The pause after a refusal, which a next try will hardly change.
const REFUSED: Duration = Duration::from_secs(5);

/// Pauses that double from try to try, jittered so that apps do not all come back at once.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
}

impl Backoff {
    pub(crate) fn new() -> Self {
        Self { next: FIRST }
    }

    /// The pause before the next try: between half of the nominal pause and all of it.
    pub(crate) fn pause(&mut self) -> Duration {
        let nominal = self.next;
        self.next = (nominal * 2).min(LONGEST);
        jittered(nominal)
    }

    /// The pause after a refusal.
    pub(crate) fn refused() -> Duration {
        jittered(REFUSED)
    }

    /// A try succeeded: the next pause is short again.
    pub(crate) fn succeeded(&mut self) {
        self.next = FIRST;
    }
}

fn jittered(nominal: Duration) -> Duration {
    // Keys of a RandomState are random: enough for jitter.
    let random = RandomState::new().build_hasher().finish() as u32;
    nominal.mul_f64(0.5 + 0.5 * f64::from(random) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_second_and_start_again_after_success() {
        let mut backoff = Backoff::new();
        for nominal_ms in [50, 100, 200, 400, 800, 1000, 1000] {
            let nominal = Duration::from_millis(nominal_ms);
            let pause = backoff.pause();
            assert!(
                pause >= nominal / 2 && pause <= nominal,
                "{pause:?} for {nominal:?}"
            );
        }
        backoff.succeeded();
        assert!(backoff.pause() <= FIRST);
    }
}
