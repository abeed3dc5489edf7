//! Sessions: what is taken, what is refused, and that nobody harms another.

use std::time::{Duration, Instant};

use dynd_proto::v1;
use tonic::Code;
use v1::client_message::Message as Up;

use crate::app::{App, connect, hello, reports, status_when};
use crate::running::Home;

#[tokio::test]
async fn a_hello_is_answered_with_an_assignment_that_the_status_shows_until_it_ends() {
    let home = Home::new();
    let running = home.start(&[]);
    let mut app = App::open(&home.socket(), Up::Hello(hello("camera")))
        .await
        .unwrap();
    let assignment = app.assignment().await;
    assert!(!assignment.cpus.is_empty(), "{assignment:?}");
    assert!(!assignment.ladder.is_empty(), "{assignment:?}");

    let status = status_when(&home.socket(), |status| status.apps.len() == 1).await;
    let shown = &status.apps[0];
    assert_eq!((shown.id, shown.name.as_str()), (app.number, "camera"));
    let identity = shown.identity.as_ref().unwrap();
    assert_eq!(identity.pid, Some(std::process::id()));
    assert_eq!(identity.uid, nix::unistd::geteuid().as_raw());
    assert_eq!(identity.socket, "default");
    assert_eq!(identity.exe.as_deref(), std::env::current_exe().unwrap().to_str());
    assert!(!shown.assignment.as_ref().unwrap().acked);
    assert!(!status.board.unwrap().processors.is_empty());
    let daemon = status.daemon.unwrap();
    assert_eq!(daemon.pid, running.pid());
    assert!(daemon.rss_bytes > 0 && daemon.uptime_s > 0.0);

    assert!(
        app.say(Up::Ack(v1::Ack {
            generation: assignment.generation
        }))
        .await
    );
    status_when(&home.socket(), |status| {
        status.apps[0].assignment.as_ref().is_some_and(|told| told.acked)
    })
    .await;

    drop(app);
    status_when(&home.socket(), |status| status.apps.is_empty()).await;
}

#[tokio::test]
async fn why_an_app_runs_what_it_runs_is_told_and_an_unknown_app_is_refused() {
    let home = Home::new();
    let _running = home.start(&[]);
    let mut app = App::open(&home.socket(), Up::Hello(hello("camera")))
        .await
        .unwrap();
    let assignment = app.assignment().await;
    let mut operator = connect(&home.socket()).await;
    for called in ["camera".to_owned(), app.number.to_string()] {
        let request = v1::ExplainAppRequest { app: called };
        let why = operator.explain_app(request).await.unwrap().into_inner();
        assert_eq!((why.app, why.name.as_str()), (app.number, "camera"));
        let chosen = why.chosen.unwrap();
        assert_eq!(chosen.processor, assignment.processor);
        assert!(!why.binding.is_empty() && !why.change.is_empty());
    }
    let request = v1::ExplainAppRequest { app: "nobody".into() };
    let refused = operator.explain_app(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
    let expect = format!("no app is called 'nobody'; there are {} (camera)", app.number);
    assert_eq!(refused.message(), expect);
}

#[tokio::test]
async fn a_session_that_begins_wrongly_is_refused_and_harms_nobody() {
    let home = Home::new();
    let _running = home.start(&[]);
    let mut honest = App::open(&home.socket(), Up::Hello(hello("honest")))
        .await
        .unwrap();
    honest.assignment().await;

    let edited = |edit: fn(&mut v1::Hello)| {
        let mut hello = hello("bad");
        edit(&mut hello);
        Up::Hello(hello)
    };
    let cases = [
        (
            edited(|hello| hello.protocol = 7),
            Code::FailedPrecondition,
            "protocol 7",
        ),
        (
            edited(|hello| hello.protocol = 0),
            Code::FailedPrecondition,
            "update the client",
        ),
        (reports(1, 10), Code::FailedPrecondition, "must be hello"),
        (edited(|hello| hello.model = None), Code::InvalidArgument, "model"),
        (
            edited(|hello| hello.requirement.as_mut().unwrap().latency_s = -1.0),
            Code::InvalidArgument,
            "latency",
        ),
        (
            edited(|hello| hello.requirement.as_mut().unwrap().percentile = 95.0),
            Code::InvalidArgument,
            "percentile",
        ),
        (
            edited(|hello| hello.model.as_mut().unwrap().subnetworks.clear()),
            Code::InvalidArgument,
            "subnetworks",
        ),
        (
            edited(|hello| hello.max_threads = 0),
            Code::InvalidArgument,
            "max_threads",
        ),
    ];
    for (first, code, says) in cases {
        let refused = App::open(&home.socket(), first).await.err().unwrap();
        assert_eq!(refused.code(), code, "{refused}");
        assert!(refused.message().contains(says), "{refused}");
    }

    let status = status_when(&home.socket(), |status| status.apps.len() == 1).await;
    assert_eq!(status.apps[0].name, "honest");
    assert!(honest.say(reports(1, 10)).await);
    status_when(&home.socket(), |status| status.apps[0].inferences == 1).await;
}

#[tokio::test]
async fn a_message_that_makes_no_sense_ends_its_session() {
    let home = Home::new();
    let _running = home.start(&[]);
    let beyond = |report: &mut v1::Report| report.subnetwork = 3;
    let Up::Reports(mut batch) = reports(2, 10) else {
        unreachable!()
    };
    batch.reports.iter_mut().for_each(beyond);
    for (message, code) in [
        (Up::Reports(batch), Code::InvalidArgument),
        (Up::Hello(hello("again")), Code::FailedPrecondition),
        (Up::Ack(v1::Ack { generation: None }), Code::InvalidArgument),
    ] {
        let mut app = App::open(&home.socket(), Up::Hello(hello("bad"))).await.unwrap();
        assert!(app.say(message).await);
        assert_eq!(app.end().await.unwrap_err().code(), code);
    }
    status_when(&home.socket(), |status| status.apps.is_empty()).await;
}

#[tokio::test]
async fn a_flood_from_one_session_keeps_no_other_from_its_assignment() {
    let home = Home::new();
    let running = home.start(&[]);
    let flooder = App::open(&home.socket(), Up::Hello(hello("flooder")))
        .await
        .unwrap();
    let flood = tokio::spawn(async move {
        // It reads nothing of what it is told, and sends until its stream is full, and on.
        while flooder.say(reports(100, 10)).await {}
    });

    for round in 0..5 {
        let asked = Instant::now();
        let mut app = App::open(&home.socket(), Up::Hello(hello("reader")))
            .await
            .unwrap();
        app.assignment().await;
        let took = asked.elapsed();
        assert!(took < Duration::from_secs(2), "round {round}: {took:?}");
    }
    crate::running::eventually("the flood is noticed", || running.log().contains("slowed down"));
    flood.abort();
    let _ = flood.await;
    status_when(&home.socket(), |status| status.apps.is_empty()).await;
}

#[tokio::test]
async fn there_is_a_last_place_and_it_is_given_again() {
    let home = Home::new();
    let _running = home.start(&[]);
    let mut apps = Vec::new();
    for _ in 0..3 {
        let client = connect(&home.socket()).await;
        for _ in 0..30 {
            match App::open_on(client.clone(), Up::Hello(hello("one of many"))).await {
                Ok(app) => apps.push(app),
                Err(full) => assert_eq!(full.code(), Code::ResourceExhausted),
            }
        }
    }
    assert_eq!(apps.len(), 64);
    apps.truncate(63);
    let deadline = Instant::now() + crate::running::DEADLINE;
    while App::open(&home.socket(), Up::Hello(hello("late"))).await.is_err() {
        assert!(Instant::now() < deadline, "the place was never given again");
    }
}

#[tokio::test]
async fn a_watch_shows_each_arrival() {
    let home = Home::new();
    let _running = home.start(&[]);
    let mut client = connect(&home.socket()).await;
    let mut watch = client
        .watch_status(v1::WatchStatusRequest {})
        .await
        .unwrap()
        .into_inner();
    assert!(watch.message().await.unwrap().unwrap().apps.is_empty());
    let _app = App::open(&home.socket(), Up::Hello(hello("camera")))
        .await
        .unwrap();
    let shown = async {
        loop {
            let status = watch.message().await.unwrap().unwrap();
            if !status.apps.is_empty() {
                return status;
            }
        }
    };
    let status = tokio::time::timeout(crate::running::DEADLINE, shown)
        .await
        .unwrap();
    assert!(
        status
            .events
            .iter()
            .any(|event| matches!(event.event, Some(v1::event::Event::Arrived(_))))
    );
}
