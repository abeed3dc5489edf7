//! SIGHUP: a policy that can be used is put in force, any other changes nothing.

use std::fs;

use nix::sys::signal::Signal;

use crate::app::status_when;
use crate::running::{Home, eventually};

#[tokio::test]
async fn only_a_good_policy_is_put_in_force() {
    let home = Home::new();
    let policy = home.path().join("policy.toml");
    fs::write(&policy, "objective = \"min-latency\"\n").unwrap();
    let running = home.start(&[]);
    let objective = |wanted: &'static str| {
        let socket = home.socket();
        async move {
            let is = |status: &dynd_proto::v1::Status| status.policy.as_ref().unwrap().objective == wanted;
            status_when(&socket, is).await.policy.unwrap()
        }
    };
    assert_eq!(objective("min-latency").await.file.as_deref(), policy.to_str());

    fs::write(&policy, "objective = \"min-latncy\"\n").unwrap();
    running.signal(Signal::SIGHUP);
    eventually("the fault is logged", || running.log().contains("policy.toml:1:"));
    assert!(running.log().contains("policy unchanged"));
    objective("min-latency").await;

    fs::write(&policy, "objective = \"min-energy\"\n").unwrap();
    running.signal(Signal::SIGHUP);
    objective("min-energy").await;
}

#[test]
fn check_says_what_is_wrong_with_the_policy_and_serves_nothing() {
    let home = Home::new();
    let policy = home.path().join("policy.toml");
    fs::write(&policy, "objective = \"max-quality\"\nreserved = \"0\"\n").unwrap();
    let (code, says) = home.refused(&["--check"]);
    assert_eq!(code, Some(2), "{says}");
    assert!(says.contains("policy.toml:2:1"), "{says}");

    fs::write(&policy, "objective = \"max-quality\"\n").unwrap();
    let (code, says) = home.refused(&["--check"]);
    assert_eq!(code, Some(0), "{says}");
    assert!(!home.socket().exists());
}
