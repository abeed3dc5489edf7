//! Operators' calls against a scripted daemon.

#![allow(clippy::unwrap_used)]

mod scripted;

use dynd_client::{Operator, Status};
use scripted::{Manner, ScriptedDaemon};
use tokio_stream::StreamExt;

#[tokio::test]
async fn status_is_read_and_watched() {
    let place = tempfile::tempdir().unwrap();
    let socket = place.path().join("dynd.sock");
    let _daemon = ScriptedDaemon::start(&socket, Manner::Welcome);
    let mut operator = Operator::connect(&socket).await.unwrap();
    assert_eq!(operator.status().await.unwrap(), Status::default());
    let pids: Vec<u32> = operator
        .watch()
        .await
        .unwrap()
        .map(|status| status.unwrap().daemon.pid)
        .collect()
        .await;
    assert_eq!(pids, [1, 2]);
}

#[tokio::test]
async fn a_clock_is_released_by_the_name_of_its_processor() {
    let place = tempfile::tempdir().unwrap();
    let socket = place.path().join("dynd.sock");
    let _daemon = ScriptedDaemon::start(&socket, Manner::Welcome);
    let mut operator = Operator::connect(&socket).await.unwrap();
    operator.release("big").await.unwrap();
    assert_eq!(
        operator.release("bug").await.unwrap_err().to_string(),
        "failed to release the clock: no such processor"
    );
}

#[tokio::test]
async fn an_app_that_nobody_knows_is_told_in_the_daemons_words() {
    let place = tempfile::tempdir().unwrap();
    let socket = place.path().join("dynd.sock");
    let _daemon = ScriptedDaemon::start(&socket, Manner::Welcome);
    let mut operator = Operator::connect(&socket).await.unwrap();
    assert_eq!(
        operator.why("nobody").await.unwrap_err().to_string(),
        "failed to explain the app: no app is called 'nobody'"
    );
}

#[tokio::test]
async fn a_refusal_is_told_in_the_daemons_words() {
    let place = tempfile::tempdir().unwrap();
    let socket = place.path().join("dynd.sock");
    let _daemon = ScriptedDaemon::start(
        &socket,
        Manner::Refusal(tonic::Status::permission_denied("not you")),
    );
    let mut operator = Operator::connect(&socket).await.unwrap();
    assert_eq!(
        operator.status().await.unwrap_err().to_string(),
        "failed to read the status: not you"
    );
}

#[tokio::test]
async fn without_a_daemon_people_are_told_what_to_do() {
    let place = tempfile::tempdir().unwrap();
    let absent = place.path().join("dynd.sock");
    let expect = format!(
        "failed to reach dynd at {}: no such file (is dynd running? start it with 'systemctl start dynd', or give --socket)",
        absent.display()
    );
    assert_eq!(Operator::connect(&absent).await.unwrap_err().to_string(), expect);

    let dead = place.path().join("dead.sock");
    drop(std::os::unix::net::UnixListener::bind(&dead).unwrap());
    let error = Operator::connect(&dead).await.unwrap_err().to_string();
    assert!(
        error.contains("nobody listens there (is dynd running?"),
        "{error}"
    );
}
