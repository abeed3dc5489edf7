//! `app`: an inference app that releases frames at a fixed rate, as a camera does.
//!
//! Frame k is released at `start + k × period` and shows test image k. It runs when it is released and the
//! frame before it has ended; if the next frame is due before it could begin, it is skipped.
//!
//! The gap of a switch is the time for which it kept a due inference from beginning: the decision, and if the pool was
//! moved while the frame was due, all that lies between the end of the one before and the decision.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use dynd_client::{CpuSet, Link, Quality, Requirement, Seconds, Session, SessionConfig, Timestamp, now};
use dynd_files::{Manifest, load_manifest};
use dynd_runtime::{DynamicModel, Input, TestImages};

use super::check::test_images;
use super::clock::{Waited, sleep_precisely, wait_until};
use super::failure::{BadArgument, Refused};
use super::frame::{About, Frame, Header, write_log};
use super::live::Live;
use super::profile;
use super::stop::Stop;
use super::way::Way;

/// How long before the first frame the session is opened, so that it does not wait for the daemon's first word; and how
/// long that is waited for.
const AHEAD: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_millis(200);

/// More frames than any run has; keeps the memory for them within reason.
const MOST_FRAMES: u64 = 10_000_000;

/// Runs a model on test images at a fixed rate, by the daemon's assignments or with a fixed sub-network, and
/// logs what happened to each frame.
#[derive(Debug, Args)]
pub(crate) struct App {
    /// The manifest, or the directory of its model.toml.
    #[arg(long)]
    manifest: PathBuf,
    /// What the app calls itself.
    #[arg(long)]
    name: String,
    /// The most threads to infer with.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    threads: u32,
    /// Latency target, from the scheduled release.
    #[arg(long, value_name = "T")]
    target_ms: f64,
    /// Time between releases.
    #[arg(long, value_name = "P")]
    period_ms: f64,
    /// The share of frames that must meet the target.
    #[arg(long, value_name = "Q", default_value_t = 0.95)]
    percentile: f64,
    /// The lowest useful quality.
    #[arg(long, value_name = "Q", default_value_t = 0.0)]
    min_quality: f64,
    /// When the first frame is released, in nanoseconds of CLOCK_MONOTONIC.
    #[arg(long, value_name = "NS")]
    start_ns: u64,
    /// No frame is released from then on. SIGTERM ends the run too.
    #[arg(long, value_name = "NS")]
    stop_ns: u64,
    /// Where to write what happened, as JSON lines.
    #[arg(long, value_name = "FILE")]
    log: PathBuf,
    /// What 'profile --json' printed for this model on this machine.
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// The processor that was profiled.
    #[arg(long, value_name = "NAME", default_value = "cpu")]
    processor: String,
    /// The daemon's socket: run what it assigns.
    #[arg(long, required_unless_present = "fixed", conflicts_with = "fixed")]
    socket: Option<PathBuf>,
    /// Run this sub-network (name or index), without a daemon.
    #[arg(long, value_name = "SUBNETWORK")]
    fixed: Option<String>,
    /// Prints one JSON line a second on stdout: sub-network, cores, p95.
    #[arg(long)]
    live: bool,
}

impl App {
    pub(crate) fn run(&self) -> anyhow::Result<ExitCode> {
        let stop = Stop::on_signals()?;
        let manifest = load_manifest(&self.manifest)?;
        let images = test_images(&manifest)?;
        let schedule = self.schedule()?;
        let plan = self.plan(&manifest)?;
        let model = DynamicModel::load(&manifest, self.threads)?;
        let mut frames = Frames {
            input: Input::new(&manifest.input)?,
            model,
            images,
            log: Vec::with_capacity(usize::try_from(schedule.count()).unwrap_or(0)),
            free: None,
            cpus: CpuSet::EMPTY,
            live: self.live.then(|| Live::new(schedule.start)),
        };
        sleep_precisely();
        writeln!(io::stdout(), "ready").context("failed to say that the app is ready")?;

        wait_until(schedule.before(AHEAD), &stop);
        let mut way = plan.follow(&frames.model)?;
        let outcome = frames.run(schedule, &mut way, self.threads, &stop);

        let table = &manifest.table;
        let header = Header {
            app: About {
                name: &self.name,
                model: &table.name,
                subnetworks: table.subnetworks.iter().map(|one| one.name.as_str()).collect(),
                target_ms: self.target_ms,
                period_ms: self.period_ms,
                refusal: way.refusal(),
            },
        };
        write_log(&self.log, &header, &frames.log)
            .with_context(|| format!("failed to write {}", self.log.display()))?;
        outcome.map(|()| ExitCode::SUCCESS)
    }

    fn schedule(&self) -> Result<Schedule, BadArgument> {
        let bad = |argument, reason: &str| BadArgument {
            argument,
            reason: reason.into(),
        };
        if !(self.period_ms.is_finite() && self.period_ms > 0.0) {
            return Err(bad("--period-ms", "must be longer than zero"));
        }
        if self.stop_ns <= self.start_ns {
            return Err(bad("--stop-ns", "must be later than --start-ns"));
        }
        let schedule = Schedule {
            start: Timestamp::from_nanos(self.start_ns),
            stop: Timestamp::from_nanos(self.stop_ns),
            period: Duration::from_secs_f64(self.period_ms.min(1e9) / 1e3).max(Duration::from_nanos(1)),
        };
        if schedule.count() > MOST_FRAMES {
            return Err(bad("--stop-ns", "too many frames until then; stop earlier"));
        }
        Ok(schedule)
    }

    fn plan(&self, manifest: &Manifest) -> anyhow::Result<Plan> {
        let table = &manifest.table;
        if let Some(wanted) = &self.fixed {
            let by_name = table.subnetworks.iter().position(|one| one.name == *wanted);
            let by_index = || {
                wanted
                    .parse()
                    .ok()
                    .filter(|index| *index < table.subnetworks.len())
            };
            let subnetwork = by_name.or_else(by_index).ok_or_else(|| {
                let names: Vec<&str> = table.subnetworks.iter().map(|one| one.name.as_str()).collect();
                BadArgument {
                    argument: "--fixed",
                    reason: format!(
                        "the model has no sub-network '{wanted}', only {}",
                        names.join(", ")
                    ),
                }
            })?;
            return Ok(Plan::Fixed {
                subnetwork,
                threads: self.threads,
            });
        }
        let profile = match &self.profile {
            Some(path) => profile::read(path, table.subnetworks.len())?,
            None => Vec::new(),
        };
        Ok(Plan::Managed(Box::new(SessionConfig {
            socket: self.socket.clone().unwrap_or_else(dynd_client::default_socket),
            name: self.name.clone(),
            model: table.clone(),
            requirement: self.requirement()?,
            max_threads: self.threads,
            profile: profile
                .into_iter()
                .map(|measured| measured.on(&self.processor))
                .collect(),
        })))
    }

    fn requirement(&self) -> Result<Requirement, BadArgument> {
        let latency = Seconds::from_millis(self.target_ms);
        if !latency.is_positive() {
            return Err(BadArgument {
                argument: "--target-ms",
                reason: "must be longer than zero".into(),
            });
        }
        if !(self.percentile > 0.0 && self.percentile < 1.0) {
            return Err(BadArgument {
                argument: "--percentile",
                reason: "must be a share between 0 and 1, such as 0.95".into(),
            });
        }
        let min_quality = Quality::new(self.min_quality).ok_or_else(|| BadArgument {
            argument: "--min-quality",
            reason: "must be between 0 and 1".into(),
        })?;
        Ok(Requirement {
            latency,
            percentile: self.percentile,
            min_quality,
            period: Some(Seconds::from_millis(self.period_ms)),
        })
    }
}

/// How frames will be decided on, once they start.
#[derive(Debug)]
enum Plan {
    Managed(Box<SessionConfig>),
    Fixed { subnetwork: usize, threads: u32 },
}

impl Plan {
    fn follow(self, model: &DynamicModel) -> anyhow::Result<Way> {
        match self {
            Self::Managed(config) => {
                let mut session = Session::open(*config)?;
                session.set_teams(model.teams());
                // Without an assignment by then, the session selects for itself.
                session.wait_assigned(PATIENCE);
                match session.refusal() {
                    Some(why) if session.link() == Link::Refused => Err(Refused(why).into()),
                    _ => Ok(Way::Managed(Box::new(session))),
                }
            }
            Self::Fixed { subnetwork, threads } => {
                // What a managed pool gets, so that only the managing makes the difference.
                dynd_client::short_slices(&model.teams().concat());
                Ok(Way::Fixed { subnetwork, threads })
            }
        }
    }
}

/// When frames are released.
#[derive(Clone, Copy, Debug)]
struct Schedule {
    start: Timestamp,
    stop: Timestamp,
    period: Duration,
}

impl Schedule {
    /// So long before the first frame is released.
    fn before(self, ahead: Duration) -> Timestamp {
        let ahead = u64::try_from(ahead.as_nanos()).unwrap_or(u64::MAX);
        Timestamp::from_nanos(self.start.as_nanos().saturating_sub(ahead))
    }

    /// When frame `frame` is released; none if that is after the end.
    fn release(self, frame: u64) -> Option<Timestamp> {
        let offset = u64::try_from(self.period.as_nanos()).ok()?.checked_mul(frame)?;
        let release = self.start + Duration::from_nanos(offset);
        (release < self.stop).then_some(release)
    }

    /// How many are released.
    fn count(self) -> u64 {
        let whole = self
            .stop
            .since(self.start)
            .as_nanos()
            .div_ceil(self.period.as_nanos());
        u64::try_from(whole).unwrap_or(u64::MAX)
    }
}

/// Everything that frames need, allocated before the first.
#[derive(Debug)]
struct Frames {
    model: DynamicModel,
    images: TestImages,
    input: Input,
    log: Vec<Frame>,
    /// When the latest inference ended: from then on the next one could have begun.
    free: Option<Timestamp>,
    /// Where it ran.
    cpus: CpuSet,
    live: Option<Live>,
}

impl Frames {
    fn run(&mut self, schedule: Schedule, way: &mut Way, threads: u32, stop: &Stop) -> anyhow::Result<()> {
        for number in 0.. {
            let Some(release) = schedule.release(number) else {
                break;
            };
            let present = now();
            let overtaken = schedule.release(number + 1).is_some_and(|next| present >= next);
            if overtaken {
                self.log.push(Frame::skipped(number, release));
                continue;
            }
            // A frame that finds its release past could have begun when the last one ended.
            let possible = self
                .free
                .filter(|_| present >= release)
                .map(|free| free.max(release));
            if wait_until(release, stop) == Waited::Stopped {
                break;
            }
            self.run_one(number, release, possible, (way, threads))?;
        }
        Ok(())
    }

    fn run_one(
        &mut self,
        number: u64,
        release: Timestamp,
        possible: Option<Timestamp>,
        (way, threads): (&mut Way, u32),
    ) -> anyhow::Result<()> {
        let (pixels, class) = self.images.get(usize::try_from(number).unwrap_or(0));
        self.input.fill(pixels)?;
        let begin = now();
        let decision = way.decide(release);
        let decided = now();
        let moved = decision.cpus != self.cpus;
        let gap = decided
            .since(possible.filter(|_| moved).unwrap_or(begin))
            .saturating_sub(decision.waited);
        let cores = decision.cores.min(threads);
        let answer = self.model.run(decision.subnetwork, cores, &self.input)?;
        let end = now();
        let frame = Frame {
            frame: number,
            release_ns: release.as_nanos(),
            begin_ns: Some(begin.as_nanos()),
            end_ns: Some(end.as_nanos()),
            subnetwork: Some(decision.subnetwork),
            cores: Some(cores),
            correct: Some(answer.class == class),
            switched: decision.switched,
            switch_gap_ns: decision
                .switched
                .then(|| u64::try_from(gap.as_nanos()).unwrap_or(u64::MAX)),
            generation: decision.generation,
        };
        self.free = Some(end);
        self.cpus = decision.cpus;
        way.finish(decision);
        if let Some(live) = &mut self.live {
            live.take(&frame, release, end);
        }
        self.log.push(frame);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_released_until_the_end() {
        let schedule = Schedule {
            start: Timestamp::from_nanos(100),
            stop: Timestamp::from_nanos(125),
            period: Duration::from_nanos(10),
        };
        let releases: Vec<_> = (0..).map_while(|frame| schedule.release(frame)).collect();
        assert_eq!(releases, [100, 110, 120].map(Timestamp::from_nanos));
        assert_eq!(schedule.count(), 3);
        assert_eq!(schedule.release(u64::MAX), None);
    }
}
