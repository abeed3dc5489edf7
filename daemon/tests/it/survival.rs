//! A client outlives its daemon and finds the next.

use std::time::{Duration, Instant};

use dynd_client::{Session, now};
use nix::sys::signal::Signal;

use crate::app::session;
use crate::running::Home;

/// Infers every 10 ms until `done`, and tells how long that took; no inference may be held up.
fn infer_until(session: &mut Session, what: &str, mut done: impl FnMut(&Session) -> bool) -> Duration {
    let start = Instant::now();
    while !done(session) {
        let began = Instant::now();
        let job = session.begin(now());
        let waited = began.elapsed();
        assert!(waited < Duration::from_millis(500), "begin waited {waited:?}");
        session.end(job);
        assert!(
            start.elapsed() < crate::running::DEADLINE,
            "never happened: {what}"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    start.elapsed()
}

#[test]
fn a_killed_daemon_stops_no_app_and_a_new_one_has_it_back_soon() {
    let home = Home::new();
    let mut first = home.start(&[]);
    let mut session = session(&home.socket(), "camera");
    infer_until(&mut session, "the first assignment", |session| {
        session.assignment().is_some()
    });
    let before = session.assignment().unwrap().generation;

    first.signal(Signal::SIGKILL);
    assert_eq!(first.ended().code(), None);
    infer_until(&mut session, "the app is on its own", |session| {
        session.assignment().is_none()
    });

    let _second = home.start(&[]);
    let took = infer_until(&mut session, "the second daemon", |session| {
        session.assignment().is_some()
    });
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert_ne!(session.assignment().unwrap().generation.epoch, before.epoch);
}
