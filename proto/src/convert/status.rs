//! What operators see.

use dynd_vocab::{AppId, AppStatus, AssignmentStatus, DaemonStatus, ModelTable, PolicyStatus, Status};

use super::{assignment, field};
use crate::{Problem, WireError, v1};

impl From<Status> for v1::Status {
    fn from(status: Status) -> Self {
        Self {
            board: Some(status.board.into()),
            apps: status.apps.into_iter().map(Into::into).collect(),
            policy: Some(status.policy.into()),
            daemon: Some(status.daemon.into()),
            events: status.events.into_iter().map(Into::into).collect(),
        }
    }
}

/// Leaves out events of kinds that this version does not know, and events and apps with a value that it does not know.
impl TryFrom<v1::Status> for Status {
    type Error = WireError;

    fn try_from(status: v1::Status) -> Result<Self, WireError> {
        let known = status
            .events
            .into_iter()
            .filter(|event| event.event.is_some())
            .collect();
        Ok(Self {
            board: field::required(status.board, "board")?,
            apps: field::each_known(status.apps, "apps")?,
            policy: status.policy.ok_or_else(|| Problem::Missing.of("policy"))?.into(),
            daemon: status.daemon.ok_or_else(|| Problem::Missing.of("daemon"))?.into(),
            events: field::each_known(known, "events")?,
        })
    }
}

/// The wire carries pid and model name once, inside identity and table.
impl From<AppStatus> for v1::AppStatus {
    fn from(app: AppStatus) -> Self {
        Self {
            id: app.id.0,
            name: app.name,
            identity: Some(app.identity.into()),
            model: Some(app.table.into()),
            state: v1::Standing::from(app.state).into(),
            target_ms: app.target_ms,
            percentile: app.percentile,
            p95_ms: app.p95_ms,
            within_target: app.within_target,
            miss_rate: app.miss_rate,
            miss_bound: app.miss_bound,
            quality: app.quality,
            slowdown: app.slowdown,
            inferences: app.inferences,
            assignment: app.assignment.map(Into::into),
            enforcement: app.enforcement.map(Into::into),
            paused: app.paused,
        }
    }
}

impl TryFrom<v1::AppStatus> for AppStatus {
    type Error = WireError;

    fn try_from(app: v1::AppStatus) -> Result<Self, WireError> {
        let identity: dynd_vocab::Identity = app
            .identity
            .ok_or_else(|| Problem::Missing.of("identity"))?
            .into();
        let table: ModelTable = field::required(app.model, "model")?;
        Ok(Self {
            id: AppId(app.id),
            name: app.name,
            pid: identity.pid.map(|pid| pid.0),
            identity,
            model: table.name.clone(),
            table,
            state: assignment::standing(app.state, "state")?,
            target_ms: app.target_ms,
            percentile: app.percentile,
            p95_ms: app.p95_ms,
            within_target: app.within_target,
            miss_rate: app.miss_rate,
            miss_bound: app.miss_bound,
            quality: app.quality,
            slowdown: app.slowdown,
            inferences: app.inferences,
            assignment: app
                .assignment
                .map(|told| field::required(Some(told), "assignment"))
                .transpose()?,
            enforcement: field::optional(app.enforcement, "enforcement")?,
            paused: app.paused,
        })
    }
}

impl From<AssignmentStatus> for v1::AssignmentStatus {
    fn from(assignment: AssignmentStatus) -> Self {
        Self {
            subnetwork: assignment.subnetwork,
            processor: assignment.processor,
            cpus: assignment.cpus.iter().collect(),
            generation: Some(assignment.generation.into()),
            acked: assignment.acked,
            reason: assignment.reason,
        }
    }
}

impl TryFrom<v1::AssignmentStatus> for AssignmentStatus {
    type Error = WireError;

    fn try_from(assignment: v1::AssignmentStatus) -> Result<Self, WireError> {
        Ok(Self {
            subnetwork: assignment.subnetwork,
            processor: assignment.processor,
            cpus: field::cpus(assignment.cpus, "cpus")?,
            generation: assignment
                .generation
                .ok_or_else(|| Problem::Missing.of("generation"))?
                .into(),
            acked: assignment.acked,
            reason: assignment.reason,
        })
    }
}

impl From<PolicyStatus> for v1::PolicyStatus {
    fn from(policy: PolicyStatus) -> Self {
        Self {
            objective: policy.objective,
            file: policy.file,
        }
    }
}

impl From<v1::PolicyStatus> for PolicyStatus {
    fn from(policy: v1::PolicyStatus) -> Self {
        Self {
            objective: policy.objective,
            file: policy.file,
        }
    }
}

impl From<DaemonStatus> for v1::DaemonStatus {
    fn from(daemon: DaemonStatus) -> Self {
        Self {
            version: daemon.version,
            pid: daemon.pid,
            uptime_s: daemon.uptime_s,
            rss_bytes: daemon.rss_bytes,
            cpu_share: daemon.cpu_share,
        }
    }
}

impl From<v1::DaemonStatus> for DaemonStatus {
    fn from(daemon: v1::DaemonStatus) -> Self {
        Self {
            version: daemon.version,
            pid: daemon.pid,
            uptime_s: daemon.uptime_s,
            rss_bytes: daemon.rss_bytes,
            cpu_share: daemon.cpu_share,
        }
    }
}
