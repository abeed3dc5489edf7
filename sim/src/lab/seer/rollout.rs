//! What would be: tried on copies of the world.

use std::time::Duration;

use dynd_files::Arrivals;
use dynd_vocab::{Setting, Timestamp};

use super::plan::Plan;
use crate::lab::frame::Frame;
use crate::lab::happening::Happening;
use crate::lab::play::PlayError;
use crate::lab::world::{Run, World};

/// A frame that takes more targets than this is late whatever comes.
const PATIENCE: f64 = 20.0;

/// What a frame that does not end while it is watched counts for.
const HOPELESS: f64 = 20.0;

/// How many frames of the slowest app a plan is tried for, more of one whose frames come in bursts, and for how long at
/// least and at most, in seconds.
const FRAMES: f64 = 12.0;
const FRAMES_IN_BURSTS: f64 = 48.0;
const SHORTEST: f64 = 0.4;
const LONGEST: f64 = 20.0;

/// What a plan would bring.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Prospect {
    /// Mean power of the board, in watts.
    pub(super) power: f64,
    /// How hot the hottest part is in the end, in °C.
    pub(super) hottest: f64,
    /// Per app, the share of frames that would be late.
    pub(super) late: Vec<f64>,
    /// Per app, the mean latency over its target.
    pub(super) latency: Vec<f64>,
}

/// What would come of a frame.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Foreseen {
    /// How many seconds it takes from now.
    pub(super) took: f64,
    /// The frames of other apps that end meanwhile or were under way by then: whose, and latency over target.
    pub(super) others: Vec<(usize, f64)>,
}

/// What would come of the waiting frame of `app` if it runs `run` and its noise is `factor`; what the noise really is if
/// absent.
pub(super) fn foresee(
    world: &World<'_>,
    app: usize,
    run: Run,
    factor: Option<f64>,
) -> Result<Foreseen, PlayError> {
    see(world.fork(), app, run, factor)
}

/// The same as if `app` had run `run` before: without what a switch costs.
pub(super) fn foresee_settled(
    world: &World<'_>,
    app: usize,
    run: Run,
    factor: Option<f64>,
) -> Result<Foreseen, PlayError> {
    let mut copy = world.fork();
    copy.pretend(app, run);
    see(copy, app, run, factor)
}

fn see(mut copy: World<'_>, app: usize, run: Run, factor: Option<f64>) -> Result<Foreseen, PlayError> {
    let began = copy.now();
    match factor {
        Some(factor) => copy.begin_with(app, run, factor)?,
        None => copy.begin(app, run)?,
    }
    let patience = PATIENCE * copy.requirement(app).latency.get();
    let end = began + Duration::from_secs_f64(patience);
    let mut took = None;
    let apps = copy.stage().scenario.apps.len();
    while let Some(happening) = copy.advance(end)? {
        match happening {
            Happening::Ended(ended, report) if ended == app => {
                took = took.or(Some(report.ended.since(began).as_secs_f64()));
            }
            // After its end nothing begins: what is under way is seen to its end.
            Happening::Due(other) if other != app && took.is_none() => {
                if let Some(run) = copy.previous(other) {
                    let noise = &copy.stage().noises[other];
                    let median = noise.quantile(0.5, copy.now().as_nanos());
                    copy.begin_with(other, run, median)?;
                }
            }
            _ => {}
        }
        if took.is_some() && (0..apps).all(|other| other == app || copy.is_idle(other)) {
            break;
        }
    }
    let others = copy.frames().iter().filter(|frame| frame.app != app);
    let ratio = |frame: &Frame| Some((frame.app, frame.latency? / frame.target));
    Ok(Foreseen {
        took: took.unwrap_or(patience),
        others: others.filter_map(ratio).collect(),
    })
}

/// What `plan` would bring from now on, with the noise of each app as it is distributed now.
pub(super) fn prospect(world: &World<'_>, plan: &Plan, setting: &Setting) -> Result<Prospect, PlayError> {
    let mut copy = world.fork();
    copy.set(setting);
    let (began, energy) = (copy.now(), copy.board().plant().energy());
    let end = began + Duration::from_secs_f64(horizon(world));
    let at = began.as_nanos();
    let apps = world.stage().scenario.apps.len();
    let medians: Vec<f64> = (0..apps)
        .map(|app| world.stage().noises[app].quantile(0.5, at))
        .collect();
    let start = |copy: &mut World<'_>, app: usize| copy.begin_with(app, plan.runs[app], medians[app]);
    for app in 0..apps {
        if copy.waiting(app).is_some() && copy.is_idle(app) {
            start(&mut copy, app)?;
        }
    }
    while let Some(happening) = copy.advance(end)? {
        if let Happening::Due(app) = happening {
            start(&mut copy, app)?;
        }
    }
    let seconds = copy.now().since(began).as_secs_f64();
    Ok(Prospect {
        power: (copy.board().plant().energy() - energy) / seconds,
        hottest: copy.hottest().get(),
        late: (0..apps)
            .map(|app| late(&copy, plan, app, (began, medians[app])))
            .collect(),
        latency: (0..apps).map(|app| latency(&copy, app)).collect(),
    })
}

/// The share of frames of `app` that would be late, of those that ran as planned: neither the one that was under way nor
/// the first after it, which pays for the switch.
fn late(copy: &World<'_>, plan: &Plan, app: usize, (began, median): (Timestamp, f64)) -> f64 {
    let noise = &copy.stage().noises[app];
    let frames = copy.frames().iter().filter(|frame| frame.app == app);
    let planned = frames.filter(|frame| frame.run.is_none_or(|run| run == plan.runs[app]) && !frame.switched);
    let risks: Vec<f64> = planned
        .filter(|frame| frame.release >= began)
        .map(|frame| match frame.latency {
            Some(latency) => noise.above(median * frame.target.get() / latency.get(), began.as_nanos()),
            None => 1.0,
        })
        .collect();
    match (risks.len(), copy.is_present(app)) {
        // It does not end while it is watched: whoever begins it is stuck with it.
        (0, true) => HOPELESS,
        (0, false) => 0.0,
        (count, _) => risks.iter().sum::<f64>() / count as f64,
    }
}

/// The mean latency of the frames of `app`, over the target.
fn latency(copy: &World<'_>, app: usize) -> f64 {
    let frames = copy.frames().iter().filter(|frame| frame.app == app);
    let ratios: Vec<f64> = frames
        .filter_map(|frame| Some(frame.latency? / frame.target))
        .collect();
    ratios.iter().sum::<f64>() / ratios.len().max(1) as f64
}

fn horizon(world: &World<'_>) -> f64 {
    let apps = 0..world.stage().scenario.apps.len();
    let longest = apps.filter(|&app| world.is_present(app)).map(|app| {
        let requirement = world.requirement(app);
        let period = requirement.period.map_or(0.0, |period| period.get());
        let frames = match world.stage().scenario.apps[app].arrivals {
            Arrivals::Steady => FRAMES,
            Arrivals::Bursts => FRAMES_IN_BURSTS,
        };
        frames * requirement.latency.get().max(period)
    });
    longest.fold(0.0, f64::max).clamp(SHORTEST, LONGEST)
}
