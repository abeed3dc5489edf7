//! `dynctl apps`.

use std::path::Path;

use dynd_vocab::{AppStatus, Identity};

use super::print_json;
use crate::failure::Failure;
use crate::output::print;
use crate::{daemon, format};

/// Show the registered apps: what each was told to run where, and how it does.
#[derive(clap::Args)]
#[command(after_help = "\
Example:
  dynctl apps

A state of 'pending' means that the app has not yet confirmed what it was told.")]
pub(crate) struct Args {
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(super) async fn run(self, socket: &Path) -> Result<(), Failure> {
        let apps = daemon::status(socket).await?.apps;
        if self.json {
            return print_json(&apps);
        }
        print(&table(&apps))
    }
}

/// The apps as a table.
pub(super) fn table(apps: &[AppStatus]) -> String {
    if apps.is_empty() {
        return "no app is registered".into();
    }
    let mut table = format::table(&[
        "id",
        "app",
        "pid",
        "from",
        "runs",
        "on",
        "state",
        "p95 / target",
        "within",
        "slowdown",
    ]);
    for app in apps {
        table.add_row([
            app.id.to_string(),
            format::tail(&app.name, 12),
            app.pid.map_or_else(|| "-".into(), |pid| pid.to_string()),
            format::tail(origin(&app.identity), 16),
            format::tail(&runs(app), 16),
            format::tail(&place(app), 10),
            state(app).into(),
            format!(
                "{} / {:.1}",
                app.p95_ms.map_or("-".into(), |p95| format!("{p95:.1}")),
                app.target_ms
            ),
            format::percent(app.within_target),
            format!("{:.2}", app.slowdown),
        ]);
    }
    format::render(&table)
}

/// The unit, or the file name of what is executed.
fn origin(identity: &Identity) -> &str {
    let exe = identity.exe.as_deref();
    let file = exe.and_then(|exe| exe.rsplit('/').next());
    identity.unit.as_deref().or(file).unwrap_or("-")
}

fn runs(app: &AppStatus) -> String {
    let subnetwork = app
        .assignment
        .as_ref()
        .map_or("-", |assigned| assigned.subnetwork.as_str());
    format!("{}/{subnetwork}", app.model)
}

fn place(app: &AppStatus) -> String {
    match &app.assignment {
        Some(assigned) => format!("{} {}", assigned.processor, assigned.cpus),
        None => "-".into(),
    }
}

fn state(app: &AppStatus) -> &'static str {
    match &app.assignment {
        Some(_) if app.paused => "paused",
        Some(assigned) if !assigned.acked => "pending",
        _ => app.state.label(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use dynd_vocab::{AppId, AssignmentStatus, CpuSet, Generation, ModelKind, ModelTable, Standing};

    use super::*;

    /// One that runs.
    pub(in crate::cmd) fn app() -> AppStatus {
        AppStatus {
            id: AppId(1),
            name: "camera".into(),
            pid: Some(4_194_303),
            identity: Identity {
                exe: Some("/usr/libexec/dynd/dynd-runtime".into()),
                ..Identity::default()
            },
            model: "slim-mnist".into(),
            table: ModelTable {
                name: "slim-mnist".into(),
                kind: ModelKind::Supernet,
                quality_metric: "top-1".into(),
                subnetworks: Vec::new(),
            },
            state: Standing::Degraded,
            target_ms: 124.04,
            percentile: 0.95,
            p95_ms: Some(118.21),
            within_target: Some(0.97),
            miss_rate: Some(0.04),
            miss_bound: Some(0.053),
            quality: 0.97,
            slowdown: 1.234,
            inferences: 12,
            assignment: Some(AssignmentStatus {
                subnetwork: "w100".into(),
                processor: "cpu".into(),
                cpus: CpuSet::from_iter([0, 1]),
                generation: Generation::default(),
                acked: true,
                reason: String::new(),
            }),
            enforcement: None,
            paused: false,
        }
    }

    #[test]
    fn a_row_fits_the_terminal() {
        let text = table(&[app()]);
        assert!(text.lines().all(|line| line.chars().count() <= 112), "{text}");
        assert!(text.contains("slim-mnist/w100"), "{text}");
    }

    #[test]
    fn what_is_not_acknowledged_is_pending() {
        let mut app = app();
        assert_eq!(state(&app), "degraded");
        if let Some(assigned) = &mut app.assignment {
            assigned.acked = false;
        }
        assert_eq!(state(&app), "pending");
        app.paused = true;
        assert_eq!(state(&app), "paused");
        app.assignment = None;
        app.state = Standing::Blocked;
        assert_eq!((state(&app), place(&app).as_str()), ("blocked", "-"));
    }

    #[test]
    fn an_app_comes_from_its_unit_before_its_file() {
        let check = |unit: Option<&str>, exe: Option<&str>, expect| {
            let identity = Identity {
                unit: unit.map(Into::into),
                exe: exe.map(Into::into),
                ..Identity::default()
            };
            assert_eq!(origin(&identity), expect);
        };
        check(Some("camera.service"), Some("/usr/bin/camera"), "camera.service");
        check(None, Some("/usr/bin/camera"), "camera");
        check(None, None, "-");
    }
}
