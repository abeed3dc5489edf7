//! The world of one run: a virtual board, the apps and loads on it, and what happens to them, in virtual time.
//!
//! [`World::advance`] lets time go by until something has to be known or decided ([`Happening`]). A frame that is due
//! waits until [`World::begin`] says what to run; one that waits while a newer one is released is dropped.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use dynd_files::{ScenarioAction, Sensor, SensorFailure};
use dynd_plant::{Failure, JobId, Place, Plant, PlantError, VirtualBoard, Work};
use dynd_vocab::{
    Actuation, Board as _, ClockBounds, CpuSet, Hertz, Pid, Report, Requirement, Sample, Seconds, Setting,
    Timestamp, Watts,
};

use super::actor::{AppActor, LoadActor, LoadState, Running, Step, app_pid, load_pid};
use super::frame::{Frame, Moment, Trace};
use super::happening::Happening;
use super::stage::Stage;

/// How often the truth is noted, in nanoseconds.
const MOMENT: u64 = 100_000_000;

/// A load without a pause is one job of so many times its busy time: more than any scenario lasts.
const ENDLESS: f64 = 1e9;

/// What one inference runs, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Index of the sub-network.
    pub subnetwork: usize,
    /// Where.
    pub place: Place,
}

impl Run {
    /// The number of cores that it uses; 1 on an accelerator.
    pub const fn cores(&self) -> u32 {
        match self.place {
            Place::Cpus(cpus) => cpus.len(),
            Place::Accelerator(_) => 1,
        }
    }
}

/// A virtual board with apps and loads on it.
#[derive(Clone, Debug)]
pub struct World<'s> {
    stage: &'s Stage,
    board: VirtualBoard,
    apps: Vec<AppActor>,
    loads: Vec<LoadActor>,
    jobs: BTreeMap<JobId, Owner>,
    pending: VecDeque<Happening>,
    next_event: usize,
    ceilings: Vec<Option<Hertz>>,
    asked: Setting,
    next_moment: u64,
    energy_at_moment: f64,
    trace: Trace,
}

/// Whose a job is.
#[derive(Clone, Copy, Debug)]
enum Owner {
    App(usize),
    Load(usize),
}

impl<'s> World<'s> {
    /// The world of `stage` at its beginning.
    ///
    /// # Errors
    /// If the plant refuses a load.
    pub fn new(stage: &'s Stage) -> Result<Self, PlantError> {
        let mut plant = Plant::new(&stage.board, stage.seed);
        if let Some(warm) = stage.scenario.warm {
            (0..stage.board.thermal.nodes.len()).for_each(|node| plant.preheat(node, warm));
        }
        for (processor, silicon) in stage.board.silicon().enumerate() {
            if let Some(governor) = &stage.scenario.governor
                && silicon.governors.contains(governor)
            {
                plant.govern(processor, governor)?;
            }
        }
        for &(processor, low, high) in &stage.scenario.clocks {
            plant.bound(processor, low, high)?;
        }
        let apps = stage.scenario.apps.iter();
        let mut world = Self {
            board: VirtualBoard::new(plant),
            apps: apps.map(|app| AppActor::absent(app.requirement)).collect(),
            loads: load_actors(stage),
            jobs: BTreeMap::new(),
            pending: VecDeque::new(),
            next_event: 0,
            ceilings: vec![None; stage.board.silicon().count()],
            asked: Setting::default(),
            next_moment: MOMENT,
            energy_at_moment: 0.0,
            trace: Trace::default(),
            stage,
        };
        for app in (0..world.apps.len()).filter(|&app| stage.starts_with_app(app)) {
            world.arrive(app);
        }
        for load in (0..stage.loads.len()).filter(|&load| stage.starts_with_load(load)) {
            world.load_arrives(load)?;
        }
        Ok(world)
    }

    /// A copy to try things on, with a trace of its own.
    pub fn fork(&self) -> Self {
        Self {
            stage: self.stage,
            board: self.board.clone(),
            apps: self.apps.clone(),
            loads: self.loads.clone(),
            jobs: self.jobs.clone(),
            pending: self.pending.clone(),
            asked: self.asked.clone(),
            ceilings: self.ceilings.clone(),
            trace: Trace::default(),
            ..*self
        }
    }

    /// What is the same for everyone.
    pub const fn stage(&self) -> &'s Stage {
        self.stage
    }

    /// The board.
    pub const fn board(&self) -> &VirtualBoard {
        &self.board
    }

    /// The time.
    pub const fn now(&self) -> Timestamp {
        self.board.plant().now()
    }

    /// Whether `app` is there.
    pub fn is_present(&self, app: usize) -> bool {
        self.apps[app].present
    }

    /// What `app` needs now.
    pub fn requirement(&self, app: usize) -> Requirement {
        self.apps[app].requirement
    }

    /// The released frame of `app` that has not begun: its number and when it was released.
    pub fn waiting(&self, app: usize) -> Option<(u64, Timestamp)> {
        self.apps[app].waiting
    }

    /// Whether `app` runs no inference now.
    pub fn is_idle(&self, app: usize) -> bool {
        self.apps[app].running.is_none()
    }

    /// What `app` ran last.
    pub fn previous(&self, app: usize) -> Option<Run> {
        self.apps[app].previous
    }

    /// Whether the threads of `load` are there.
    pub fn is_loaded(&self, load: usize) -> bool {
        let of_it = |actor: &&LoadActor| actor.load == load;
        self.loads
            .iter()
            .find(of_it)
            .is_some_and(|actor| actor.state != LoadState::Absent)
    }

    /// The highest clock that a processor is allowed by those with more say than any controller.
    pub fn ceiling(&self, processor: usize) -> Option<Hertz> {
        self.ceilings[processor]
    }

    /// Makes `app` one that ran `run` before.
    pub(crate) fn pretend(&mut self, app: usize, run: Run) {
        self.apps[app].previous = Some(run);
    }

    /// What was noted so far, and what the board has drawn.
    pub fn into_trace(mut self) -> Trace {
        self.trace.energy = self.board.plant().energy();
        self.trace.duration = Seconds::new(self.now().as_nanos() as f64 * 1e-9);
        self.trace
    }

    /// The frames that ended since the world began, or was forked.
    pub fn frames(&self) -> &[Frame] {
        &self.trace.frames
    }

    /// Lets time go by until something happens, at most until `until`; nothing if that is reached.
    ///
    /// # Errors
    /// If the plant refuses a load or an inference under way.
    pub fn advance(&mut self, until: Timestamp) -> Result<Option<Happening>, PlantError> {
        loop {
            if let Some(happening) = self.pending.pop_front() {
                return Ok(Some(happening));
            }
            let now = self.now();
            if now >= until {
                return Ok(None);
            }
            let next = self.next_due().min(until);
            if next > now {
                self.board.advance(next.since(now));
                for done in self.board.plant_mut().completed() {
                    self.done(done.job, done.finished)?;
                }
            }
            if self.now() == next {
                self.due(next)?;
            }
        }
    }

    /// Starts the waiting frame of `app`.
    ///
    /// # Errors
    /// If it has no latency there, or the board has no such place.
    pub fn begin(&mut self, app: usize, run: Run) -> Result<(), PlantError> {
        let Some((frame, release)) = self.apps[app].waiting.take() else {
            return Ok(());
        };
        let factor = self.stage.noises[app].factor(frame, self.now().as_nanos());
        self.begin_as(app, run, release, factor)
    }

    /// Starts the waiting frame of `app` as if it took `factor` times the median.
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
    pub fn begin_with(&mut self, app: usize, run: Run, factor: f64) -> Result<(), PlantError> {
        match self.apps[app].waiting.take() {
            Some((_, release)) => self.begin_as(app, run, release, factor),
            None => Ok(()),
        }
    }

    /// What `processor` of the board is asked to run at from now on.
    pub fn set(&mut self, setting: &Setting) -> Vec<Actuation> {
        self.asked = setting.clone();
        self.apply()
    }

    /// Looks after what the board was asked for last.
    pub fn look(&mut self) -> Vec<Actuation> {
        self.apply()
    }

    /// Puts a governor in charge of `processor`.
    ///
    /// # Errors
    /// If the board has no such processor or governor.
    pub fn govern(&mut self, processor: usize, governor: &str) -> Result<(), PlantError> {
        self.board.plant_mut().govern(processor, governor)
    }

    /// Reads the board as a daemon does; `apps` are those whose CPU time is wanted.
    pub fn sample(&mut self, apps: &[usize], into: &mut Sample) {
        let pids: Vec<Pid> = apps.iter().map(|&app| app_pid(app)).collect();
        self.board.sample(self.now(), &pids, into);
        // The task that reads is running while it reads.
        into.runnable = into.runnable.map(|count| count + 1);
    }

    fn begin_as(&mut self, app: usize, run: Run, release: Timestamp, factor: f64) -> Result<(), PlantError> {
        let switched = self.apps[app].previous.is_some_and(|previous| previous != run);
        let fresh = switched || self.apps[app].previous.is_none();
        let host = self.place_work(app, run)?.host;
        let began = self.now();
        let step = if host.is_some() { Step::Host } else { Step::Network };
        let mut running = Running {
            release,
            began,
            run,
            switched: fresh,
            factor,
            job: JobId(u64::MAX),
            step,
        };
        running.job = match host {
            Some(work) => {
                let cpu = self.host_cpu(app);
                self.board
                    .plant_mut()
                    .submit(app_pid(app), work, Place::Cpus(cpu))?
            }
            None => self.submit(app, &running)?,
        };
        self.jobs.insert(running.job, Owner::App(app));
        self.apps[app].running = Some(running);
        Ok(())
    }

    /// Hands the network of `running` over to the plant.
    fn submit(&mut self, app: usize, running: &Running) -> Result<JobId, PlantError> {
        let switch = &self.stage.scenario.apps[app].model.switch;
        let (first, extra) = match running.switched {
            true => (switch.first, switch.time.get()),
            false => (1.0, 0.0),
        };
        let factor = running.factor * first;
        let work = self.place_work(app, running.run)?.works[running.run.subnetwork];
        let work = Work {
            stall: Seconds::new(work.stall.get() * factor + extra),
            cycles: work.cycles * factor,
            traffic: work.traffic * factor,
            ..work
        };
        self.board
            .plant_mut()
            .submit(app_pid(app), work, running.run.place)
    }

    fn place_work(&self, app: usize, run: Run) -> Result<&'s super::workload::PlaceWork, PlantError> {
        let board = &self.stage.board;
        let (processor, refusal) = match run.place {
            Place::Cpus(cpus) => {
                let overlaps = |cluster: &dynd_vocab::blueprint::ClusterPlan| {
                    !cluster.cpus.intersection(cpus).is_empty()
                };
                (board.clusters.iter().position(overlaps), PlantError::Cpus(cpus))
            }
            Place::Accelerator(processor) => (Some(processor), PlantError::Accelerator(processor)),
        };
        let place = processor.and_then(|processor| self.stage.workloads[app].at.get(processor)?.as_ref());
        place
            .filter(|place| run.subnetwork < place.works.len())
            .ok_or(refusal)
    }

    /// The CPU that prepares inferences of `app` for an accelerator: another one for each app, from the last one on.
    fn host_cpu(&self, app: usize) -> CpuSet {
        let cpus: Vec<u32> = self.board.plant().cpus().iter().collect();
        CpuSet::single(cpus[cpus.len() - 1 - app % cpus.len()])
    }

    /// When something is due that no job decides.
    fn next_due(&self) -> Timestamp {
        let events = self.stage.scenario.events.get(self.next_event);
        let event = events.map(|event| moment(event.at));
        let releases = self.apps.iter().filter_map(|app| app.next_release);
        let rests = self.loads.iter().filter_map(|load| match load.state {
            LoadState::Resting(until) => Some(until),
            LoadState::Absent | LoadState::Working(_) => None,
        });
        let noted = Timestamp::from_nanos(self.next_moment);
        releases.chain(rests).chain(event).fold(noted, Timestamp::min)
    }

    /// Does what is due at `now`.
    fn due(&mut self, now: Timestamp) -> Result<(), PlantError> {
        while let Some(event) = self.stage.scenario.events.get(self.next_event)
            && moment(event.at) <= now
        {
            self.next_event += 1;
            self.happen(event.action)?;
        }
        for app in 0..self.apps.len() {
            while self.apps[app].next_release.is_some_and(|at| at <= now) {
                self.release(app);
            }
        }
        for load in 0..self.loads.len() {
            if let LoadState::Resting(until) = self.loads[load].state
                && until <= now
            {
                self.work(load)?;
            }
        }
        if now.as_nanos() >= self.next_moment {
            self.note(now);
        }
        Ok(())
    }

    fn happen(&mut self, action: ScenarioAction) -> Result<(), PlantError> {
        if !matches!(action, ScenarioAction::Sensor { .. }) {
            self.trace.disturbances.push(self.now());
        }
        match action {
            ScenarioAction::Arrive(app) => self.arrive(app),
            ScenarioAction::Leave(app) | ScenarioAction::Crash(app) => self.leave(app),
            ScenarioAction::LoadArrives(load) => self.load_arrives(load)?,
            ScenarioAction::LoadLeaves(load) => self.load_leaves(load),
            ScenarioAction::Clock { processor, max } => {
                self.ceilings[processor] = Some(max);
                self.apply();
            }
            ScenarioAction::Target { app, latency } => {
                self.apps[app].requirement.latency = latency;
                self.pending.push_back(Happening::Changed(app));
            }
            ScenarioAction::Sensor { sensor, failure } => self.fail(sensor, failure),
        }
        Ok(())
    }

    fn arrive(&mut self, app: usize) {
        let now = self.now();
        let release = self.stage.release(app, 0, now);
        let actor = &mut self.apps[app];
        if actor.present {
            return;
        }
        actor.present = true;
        actor.next_release = release;
        self.pending.push_back(Happening::Arrived(app));
        if release.is_none() {
            self.ready(app, now);
        }
    }

    fn leave(&mut self, app: usize) {
        let requirement = self.apps[app].requirement;
        let gone = std::mem::replace(&mut self.apps[app], AppActor::absent(requirement));
        if let Some(running) = gone.running {
            self.board.plant_mut().cancel(running.job);
            self.jobs.remove(&running.job);
        }
        self.apps[app].next = gone.next;
        self.pending
            .retain(|each| !matches!(each, Happening::Due(due) if *due == app));
        if gone.present {
            self.pending.push_back(Happening::Left(app));
        }
    }

    /// The next frame of `app` is released as its period says.
    fn release(&mut self, app: usize) {
        let Some(at) = self.apps[app].next_release else {
            return;
        };
        let next = self.stage.release(app, self.apps[app].next + 1, at);
        self.apps[app].next_release = next;
        self.ready(app, at);
    }

    /// A frame of `app` waits from `at` on.
    fn ready(&mut self, app: usize, at: Timestamp) {
        let actor = &mut self.apps[app];
        let frame = actor.next;
        actor.next += 1;
        let target = actor.requirement.latency;
        if let Some((_, release)) = actor.waiting.replace((frame, at)) {
            self.trace.frames.push(Frame {
                app,
                release,
                target,
                run: None,
                latency: None,
                met: false,
                switched: false,
            });
        } else if actor.running.is_none() {
            self.pending.push_back(Happening::Due(app));
        }
    }

    fn load_arrives(&mut self, load: usize) -> Result<(), PlantError> {
        for actor in 0..self.loads.len() {
            if self.loads[actor].load == load && self.loads[actor].state == LoadState::Absent {
                self.work(actor)?;
            }
        }
        Ok(())
    }

    fn load_leaves(&mut self, load: usize) {
        for actor in self.loads.iter_mut().filter(|actor| actor.load == load) {
            if let LoadState::Working(job) = actor.state {
                self.board.plant_mut().cancel(job);
                self.jobs.remove(&job);
            }
            actor.state = LoadState::Absent;
        }
    }

    fn work(&mut self, actor: usize) -> Result<(), PlantError> {
        let LoadActor { load, pid, cpus, .. } = self.loads[actor];
        let scenario = &self.stage.scenario.loads[load];
        let work = self.stage.loads[load];
        let work = match scenario.idle {
            Some(_) => work,
            None => Work {
                stall: work.stall * ENDLESS,
                cycles: work.cycles * ENDLESS,
                ..work
            },
        };
        let place = match cpus.is_empty() {
            true => Place::Accelerator(scenario.processor),
            false => Place::Cpus(cpus),
        };
        let job = self.board.plant_mut().submit(pid, work, place)?;
        self.jobs.insert(job, Owner::Load(actor));
        self.loads[actor].state = LoadState::Working(job);
        Ok(())
    }

    fn fail(&mut self, sensor: Sensor, failure: SensorFailure) {
        let failure = match failure {
            SensorFailure::Unreadable => Some(Failure::Unreadable),
            SensorFailure::Stuck => Some(Failure::Stuck(0.0)),
            SensorFailure::Mended => None,
        };
        match sensor {
            Sensor::Rail(rail) => self.board.plant_mut().fail_rail(rail, failure),
            Sensor::Zone(zone) => self.board.plant_mut().fail_zone(zone, failure),
        }
    }

    /// Job `job` is done.
    fn done(&mut self, job: JobId, finished: Timestamp) -> Result<(), PlantError> {
        match self.jobs.remove(&job) {
            Some(Owner::Load(actor)) => {
                let idle = self.stage.scenario.loads[self.loads[actor].load].idle;
                let rest = Duration::from_secs_f64(idle.unwrap_or(Seconds::ZERO).get());
                self.loads[actor].state = LoadState::Resting(finished + rest);
            }
            Some(Owner::App(app)) => {
                let Some(mut running) = self.apps[app].running.take() else {
                    return Ok(());
                };
                match running.step {
                    Step::Host => {
                        running.step = Step::Network;
                        running.job = self.submit(app, &running)?;
                        self.jobs.insert(running.job, Owner::App(app));
                        self.apps[app].running = Some(running);
                    }
                    Step::Network => self.ended(app, &running, finished),
                }
            }
            None => {}
        }
        Ok(())
    }

    fn ended(&mut self, app: usize, running: &Running, ended: Timestamp) {
        let Running {
            release,
            began,
            run,
            switched,
            ..
        } = *running;
        let actor = &mut self.apps[app];
        let changed = actor.previous.is_some() && switched;
        actor.previous = Some(run);
        let latency = Seconds::from(ended.since(release));
        let quality = self.stage.scenario.apps[app].model.table.subnetworks[run.subnetwork].quality;
        let target = actor.requirement.latency;
        self.trace.frames.push(Frame {
            app,
            release,
            target,
            run: Some(run),
            latency: Some(latency),
            met: latency <= target && quality >= actor.requirement.min_quality,
            switched: changed,
        });
        let report = Report {
            subnetwork: run.subnetwork,
            cores: run.cores(),
            ended,
            service: ended.since(began),
            latency: ended.since(release),
            after_switch: switched,
        };
        self.pending.push_back(Happening::Ended(app, report));
        let actor = &self.apps[app];
        if actor.waiting.is_some() {
            self.pending.push_back(Happening::Due(app));
        } else if actor.requirement.period.is_none() && actor.present {
            self.ready(app, ended);
        }
    }

    fn note(&mut self, now: Timestamp) {
        self.next_moment += MOMENT;
        let plant = self.board.plant();
        let energy = plant.energy();
        let power = (energy - self.energy_at_moment) / (MOMENT as f64 * 1e-9);
        self.energy_at_moment = energy;
        let nodes = 0..self.stage.board.thermal.nodes.len();
        let temperatures = nodes.map(|node| plant.temperature(node));
        self.trace.moments.push(Moment {
            at: now,
            clocks: (0..self.ceilings.len()).map(|each| plant.clock(each)).collect(),
            power: Watts::new(power),
            hottest: temperatures.fold(
                plant.temperature(0),
                |hottest, each| {
                    if each > hottest { each } else { hottest }
                },
            ),
        });
    }

    /// Brings the board to what is asked, within the ceilings.
    fn apply(&mut self) -> Vec<Actuation> {
        let within = |(processor, ceiling): (usize, &Option<Hertz>)| {
            let asked = self.asked.of(processor);
            let max = match (asked.max, ceiling) {
                (Some(asked), Some(ceiling)) => Some(asked.min(*ceiling)),
                (max, None) => max,
                (None, ceiling) => *ceiling,
            };
            let min = asked.min.map(|min| max.map_or(min, |max| min.min(max)));
            ClockBounds { min, max }
        };
        let setting = Setting {
            clocks: self.ceilings.iter().enumerate().map(within).collect(),
            ..self.asked.clone()
        };
        self.board.apply(&setting)
    }
}

/// One actor per thread of each load.
fn load_actors(stage: &Stage) -> Vec<LoadActor> {
    let mut actors = Vec::new();
    for (load, scenario) in stage.scenario.loads.iter().enumerate() {
        let cpus = stage.board.clusters.get(scenario.processor);
        let cpus: Vec<u32> = cpus.map_or_else(Vec::new, |cluster| cluster.cpus.iter().collect());
        actors.extend((0..scenario.threads).map(|thread| {
            LoadActor {
                load,
                pid: load_pid(load, thread),
                cpus: cpus
                    .get(thread as usize)
                    .map_or(CpuSet::EMPTY, |&cpu| CpuSet::single(cpu)),
                state: LoadState::Absent,
            }
        }));
    }
    actors
}

fn moment(at: Seconds) -> Timestamp {
    Timestamp::from_nanos((at.get() * 1e9) as u64)
}
