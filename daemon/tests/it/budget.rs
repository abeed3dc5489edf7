//! What the daemon costs while two apps infer 30 times a second each.

use std::time::{Duration, Instant};

use dynd_client::now;
use dynd_proto::v1;

use crate::app::{session, status_when};
use crate::running::Home;

const SPAN: Duration = Duration::from_secs(4);
const PERIOD: Duration = Duration::from_millis(33);

#[tokio::test]
async fn two_busy_apps_cost_little() {
    let home = Home::new();
    let _running = home.start(&[]);
    let apps: Vec<_> = ["camera", "reader"]
        .map(|name| {
            let socket = home.socket();
            std::thread::spawn(move || {
                let mut session = session(&socket, name);
                let start = Instant::now();
                while start.elapsed() < SPAN + Duration::from_secs(2) {
                    let job = session.begin(now());
                    std::thread::sleep(PERIOD);
                    session.end(job);
                }
            })
        })
        .into();
    let used = |status: &v1::Status| {
        let daemon = status.daemon.as_ref().unwrap();
        (
            daemon.uptime_s,
            daemon.uptime_s * daemon.cpu_share,
            daemon.rss_bytes,
        )
    };
    let acked = |status: &v1::Status| {
        let told = |app: &v1::AppStatus| app.assignment.as_ref().is_some_and(|told| told.acked);
        status.apps.len() == 2 && status.apps.iter().all(told)
    };
    let (from, cpu_before, _) = used(&status_when(&home.socket(), acked).await);
    tokio::time::sleep(SPAN).await;
    let (to, cpu_after, rss) = used(&status_when(&home.socket(), acked).await);
    for app in apps {
        app.join().unwrap();
    }

    let share = (cpu_after - cpu_before) / (to - from);
    println!("{:.2} % of one core, {:.1} MB", share * 100.0, rss as f64 / 1e6);
    assert!(rss < 15_000_000, "{rss} bytes");
    // The target is 1 %; what a busy machine's caches and clocks add is not the daemon's.
    assert!(share < 0.03, "{share}");
}
