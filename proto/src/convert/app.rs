//! What apps send: hello, reports and acknowledgements.

use std::time::Duration;

use dynd_vocab::{Generation, Hello, Holding, Identity, OperatingPoint, Pid, Report, Requirement, Timestamp};

use super::field;
use crate::{PROTOCOL, Problem, WireError, limits, v1};

/// Speaks [`PROTOCOL`].
impl From<Hello> for v1::Hello {
    fn from(hello: Hello) -> Self {
        Self {
            protocol: PROTOCOL,
            name: hello.name,
            model: Some(hello.model.into()),
            requirement: Some(hello.requirement.into()),
            max_threads: hello.max_threads,
            profile: hello.profile.into_iter().map(Into::into).collect(),
            holding: hello.holding.map(Into::into),
        }
    }
}

/// Refuses another protocol than [`PROTOCOL`] before it looks at anything else.
impl TryFrom<v1::Hello> for Hello {
    type Error = WireError;

    fn try_from(hello: v1::Hello) -> Result<Self, WireError> {
        if hello.protocol != PROTOCOL {
            return Err(Problem::Protocol(hello.protocol).of("protocol"));
        }
        let hello = Self {
            name: field::name(hello.name, "name")?,
            model: field::required(hello.model, "model")?,
            requirement: field::required(hello.requirement, "requirement")?,
            max_threads: field::at_least_one(hello.max_threads, "max_threads")?,
            profile: field::each(hello.profile, limits::PROFILE_POINTS, "profile")?,
            holding: field::optional(hello.holding, "holding")?,
        };
        let subnetworks = hello.model.subnetworks.len();
        if let Some(held) = hello
            .holding
            .as_ref()
            .filter(|held| held.subnetwork >= subnetworks)
        {
            let subnetwork = field::wire_index(held.subnetwork);
            return Err(Problem::NoSuchSubnetwork(subnetwork)
                .of("subnetwork")
                .within("holding"));
        }
        let beyond = |point: &OperatingPoint| point.subnetwork >= subnetworks;
        match hello.profile.iter().position(beyond) {
            Some(index) => {
                let subnetwork = field::wire_index(hello.profile[index].subnetwork);
                let error = Problem::NoSuchSubnetwork(subnetwork).of("subnetwork");
                Err(error.within(format_args!("profile[{index}]")))
            }
            None => Ok(hello),
        }
    }
}

impl From<Holding> for v1::Holding {
    fn from(holding: Holding) -> Self {
        Self {
            subnetwork: field::wire_index(holding.subnetwork),
            processor: holding.processor,
            cpus: holding.cpus.iter().collect(),
        }
    }
}

/// The sub-network is checked by the hello that contains it.
impl TryFrom<v1::Holding> for Holding {
    type Error = WireError;

    fn try_from(holding: v1::Holding) -> Result<Self, WireError> {
        Ok(Self {
            subnetwork: field::index(holding.subnetwork),
            processor: field::name(holding.processor, "processor")?,
            cpus: field::cpus(holding.cpus, "cpus")?,
        })
    }
}

impl From<Requirement> for v1::Requirement {
    fn from(requirement: Requirement) -> Self {
        Self {
            latency_s: requirement.latency.get(),
            percentile: requirement.percentile,
            min_quality: requirement.min_quality.get(),
            period_s: requirement.period.map(|period| period.get()),
        }
    }
}

impl TryFrom<v1::Requirement> for Requirement {
    type Error = WireError;

    fn try_from(requirement: v1::Requirement) -> Result<Self, WireError> {
        Ok(Self {
            latency: field::seconds(requirement.latency_s, "latency_s")?,
            percentile: field::percentile(requirement.percentile, "percentile")?,
            min_quality: field::quality(requirement.min_quality, "min_quality")?,
            period: requirement
                .period_s
                .map(|period| field::seconds(period, "period_s"))
                .transpose()?,
        })
    }
}

impl From<Vec<Report>> for v1::ReportBatch {
    fn from(reports: Vec<Report>) -> Self {
        Self {
            reports: reports.into_iter().map(Into::into).collect(),
        }
    }
}

/// Refuses the whole batch if one report is bad.
impl TryFrom<v1::ReportBatch> for Vec<Report> {
    type Error = WireError;

    fn try_from(batch: v1::ReportBatch) -> Result<Self, WireError> {
        field::each(batch.reports, limits::REPORTS, "reports")
    }
}

impl From<Report> for v1::Report {
    fn from(report: Report) -> Self {
        Self {
            subnetwork: field::wire_index(report.subnetwork),
            cores: report.cores,
            ended_ns: report.ended.as_nanos(),
            service_ns: field::wire_nanos(report.service),
            latency_ns: field::wire_nanos(report.latency),
            after_switch: report.after_switch,
        }
    }
}

/// The sub-network is not checked: only the receiver knows the app's table.
impl TryFrom<v1::Report> for Report {
    type Error = WireError;

    fn try_from(report: v1::Report) -> Result<Self, WireError> {
        Ok(Self {
            subnetwork: field::index(report.subnetwork),
            cores: field::at_least_one(report.cores, "cores")?,
            ended: Timestamp::from_nanos(report.ended_ns),
            service: Duration::from_nanos(report.service_ns),
            latency: Duration::from_nanos(report.latency_ns),
            after_switch: report.after_switch,
        })
    }
}

impl From<Generation> for v1::Ack {
    fn from(generation: Generation) -> Self {
        Self {
            generation: Some(generation.into()),
        }
    }
}

impl TryFrom<v1::Ack> for Generation {
    type Error = WireError;

    fn try_from(ack: v1::Ack) -> Result<Self, WireError> {
        Ok(ack
            .generation
            .ok_or_else(|| Problem::Missing.of("generation"))?
            .into())
    }
}

impl From<Identity> for v1::Identity {
    fn from(identity: Identity) -> Self {
        Self {
            pid: identity.pid.map(|pid| pid.0),
            uid: identity.uid,
            exe: identity.exe,
            unit: identity.unit,
            socket: identity.socket,
        }
    }
}

/// Cannot fail: an identity is the kernel's word as the daemon passes it on.
impl From<v1::Identity> for Identity {
    fn from(identity: v1::Identity) -> Self {
        Self {
            pid: identity.pid.map(Pid),
            uid: identity.uid,
            exe: identity.exe,
            unit: identity.unit,
            socket: identity.socket,
        }
    }
}
