//! The problem of one plan: what the apps could run, on this board, under this policy, as far as all of it is known now.
//!
//! Steps:
//! 1. *Sites.* A processor whose clock the policy lets be bounded has its operating points as modes; any other has one
//!    mode, at the clock it has. What an accelerator is shared by is part of its mode: one app alone, or several that
//!    together take no more than a ceiling, of which each sees as a crowd what the ceiling leaves it.
//! 2. *Power.* A mode draws what the power model says of the resting processor, plus what nobody manages keeps busy
//!    there; a point adds its busy share. Changing a clock that is held costs a toll, so that it must pay for itself.
//! 3. *Limits.* The power budget less all that is no processor, and the steady state of every zone with a limit: that of
//!    the policy, and where a board file tells how the board heats, that at which its kernel would throttle.
//!
//! Then [`plan::solve`] decides.

use alloc::vec;
use alloc::vec::Vec;

use dynd_vocab::{BoardDescription, CpuSet, Policy, Processor, ProcessorKind};

use crate::activity::nearest_opp;
use crate::app::{App, Prospects, Scene};
use crate::grant::Offer;
use crate::physics::Physics;
use crate::plan::{
    self, Choice, Effort, Limit, Micro, Mode, Offers, Place, Point, Problem, Site, Solution, micro,
};

/// Ceilings of what apps take of an accelerator together.
const CEILINGS: [f64; 3] = [0.35, 0.65, 0.95];

/// What it costs to change a clock, and to move an app, as a share of the power that the board draws.
const CLOCK_TOLL: f64 = 0.02;
const MOVE_TOLL: f64 = 0.03;

/// How a processor is shared in time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Sharing {
    /// By one app at a time: its cores, or all of an accelerator.
    Alone,
    /// By apps that take no more than this share of it together.
    Within(f64),
}

/// Where and how something would run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spot<'a> {
    pub(crate) index: usize,
    pub(crate) processor: &'a Processor,
    pub(crate) sharing: Sharing,
    pub(crate) speed: Speed,
    /// Of the CPUs that prepare its work, for an accelerator.
    pub(crate) host: Option<Speed>,
    /// What moving an app costs, in watts.
    pub(crate) toll: f64,
}

#[cfg(test)]
impl<'a> Spot<'a> {
    /// A CPU cluster whose clock nobody sets, for tests.
    pub(crate) fn plain(processor: &'a Processor) -> Self {
        Self {
            index: 0,
            processor,
            sharing: Sharing::Alone,
            speed: Speed {
                opp: None,
                at: 0,
                slowness: None,
                watts: (1.0, 0.0),
            },
            host: None,
            toll: 0.0,
        }
    }
}

/// The clock of a processor, and what it takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Speed {
    /// The operating point, if it is chosen.
    pub(crate) opp: Option<usize>,
    /// The operating point that it really runs at: what is chosen, unless the kernel keeps it lower.
    at: usize,
    /// The highest clock over this one, if one is chosen.
    pub(crate) slowness: Option<f64>,
    /// What one busy unit adds, and what the first one adds on top.
    watts: (f64, f64),
}

impl Speed {
    /// What so many units draw that are busy together. Of several apps each is charged what the first unit adds on top, as
    /// if they were never busy at the same time: the budget holds in any case.
    pub(crate) fn watts(&self, units: f64) -> f64 {
        let (unit, first) = self.watts;
        units * unit + units.min(1.0) * first
    }
}

/// What may be chosen of clocks, and what was.
pub(crate) struct Clocks<'a> {
    /// Per processor, the operating points that may be chosen.
    pub(crate) choices: &'a [Vec<usize>],
    /// Per processor, the one that was chosen last; empty if none was.
    pub(crate) held: &'a [Option<usize>],
    /// Per processor, whether its clock is not to be lowered for the sake of power now.
    pub(crate) stays: &'a [bool],
}

impl Clocks<'_> {
    fn held(&self, processor: usize) -> Option<usize> {
        self.held.get(processor).copied().flatten()
    }

    /// What choosing `opp` costs, as a share of the power that the board draws. All of it is more than any clock saves.
    fn toll(&self, processor: usize, opp: Option<usize>) -> f64 {
        match (self.held(processor), opp) {
            (Some(held), Some(opp)) if opp < held && self.stays[processor] => 1.0,
            (Some(held), Some(opp)) if opp != held => CLOCK_TOLL,
            _ => 0.0,
        }
    }
}

/// The problem of one plan.
pub(crate) struct Joint<'a> {
    apps: &'a [&'a App],
    /// Per app.
    prospects: Vec<Prospects<'a>>,
    scene: &'a Scene<'a>,
    ways: Vec<Ways>,
    problem: Problem,
    toll: f64,
    /// Whether the first limit is one of power.
    has_power_budget: bool,
}

/// The modes of one processor.
struct Ways {
    speeds: Vec<Speed>,
    sharings: Vec<Sharing>,
}

/// What was decided.
pub(crate) struct Decision {
    /// Per app.
    pub(crate) offers: Vec<Option<Offer>>,
    /// Per processor, the operating point chosen for it.
    pub(crate) opps: Vec<Option<usize>>,
    /// All of it.
    pub(crate) solution: Solution,
}

impl<'a> Joint<'a> {
    /// The problem of `apps`.
    pub(crate) fn new(
        apps: &'a [&'a App],
        scene: &'a Scene<'a>,
        physics: &Physics,
        policy: &Policy,
        clocks: &Clocks<'_>,
    ) -> Self {
        let board = scene.board;
        let drawn = physics.power().heating(physics.activities()).total();
        let ways: Vec<Ways> = (0..board.processors.len())
            .map(|index| Ways::new(index, apps, scene, (physics, &clocks.choices[index])))
            .collect();
        let host = host(board, scene.usable);
        let site = |(index, ways): (usize, &Ways)| {
            let background = background(index, scene, physics);
            let mut modes = Vec::new();
            for sharing in &ways.sharings {
                for speed in &ways.speeds {
                    let resting = physics.power().resting(index, speed.at).get();
                    let watts = resting + speed.watts(background);
                    let toll = clocks.toll(index, speed.opp) * drawn;
                    modes.push(Mode {
                        capacity: capacity(index, *sharing, scene),
                        watts: micro(watts),
                        cost: micro(watts + toll),
                    });
                }
            }
            let is_cpu = board.processors[index].kind == ProcessorKind::Cpu;
            Site {
                modes,
                opps: ways.speeds.len(),
                host: host.filter(|_| !is_cpu),
            }
        };
        let problem = Problem {
            sites: ways.iter().enumerate().map(site).collect(),
            limits: limits(board, physics, policy),
            priorities: apps.iter().map(|app| app.priority()).collect(),
        };
        Self {
            apps,
            prospects: apps.iter().map(|app| Prospects::new(app, scene)).collect(),
            scene,
            ways,
            problem,
            toll: MOVE_TOLL * drawn,
            has_power_budget: physics
                .power_budget(board, policy)
                .is_ok_and(|budget| budget.is_some()),
        }
    }

    /// Decides, beginning at the clocks that were chosen last.
    pub(crate) fn decide(&self, clocks: &Clocks<'_>) -> Decision {
        let start = |(index, ways): (usize, &Ways)| {
            let held = clocks.held(index);
            let same = ways.speeds.iter().position(|speed| speed.opp == held);
            let sharing = ways.sharing(self.scene.surroundings.managed(index));
            sharing * ways.speeds.len() + same.unwrap_or(ways.speeds.len() - 1)
        };
        let start: Vec<usize> = self.ways.iter().enumerate().map(start).collect();
        let solution = plan::solve(&self.problem, self, &start, Effort::default());
        let chosen = |app: usize| {
            let choice = solution.choices[app]?;
            let spot = self.spot(choice.place);
            let (subnetwork, cores) = (choice.point.subnetwork, choice.point.cores);
            self.prospects[app].offer(&spot, (subnetwork, cores))
        };
        let opp = |(ways, mode): (&Ways, &usize)| ways.speeds[mode % ways.speeds.len()].opp;
        Decision {
            offers: (0..self.apps.len()).map(chosen).collect(),
            opps: self.ways.iter().zip(&solution.modes).map(opp).collect(),
            solution,
        }
    }

    /// The apps, in the order of the problem.
    pub(crate) fn apps(&self) -> &'a [&'a App] {
        self.apps
    }

    /// What all of them see.
    pub(crate) fn scene(&self) -> &'a Scene<'a> {
        self.scene
    }

    /// The problem itself.
    pub(crate) fn problem(&self) -> &Problem {
        &self.problem
    }

    /// True if these modes are among those of this problem.
    pub(crate) fn has(&self, modes: &[usize]) -> bool {
        let sites = &self.problem.sites;
        sites.len() == modes.len()
            && sites
                .iter()
                .zip(modes)
                .all(|(site, mode)| *mode < site.modes.len())
    }

    /// The operating point of a choice of the app of this index, and how likely it is late.
    pub(crate) fn outlook(&self, app: usize, choice: &Choice) -> (Option<usize>, f64) {
        let spot = self.spot(choice.place);
        let what = (choice.point.subnetwork, choice.point.cores);
        let offer = self.prospects[app].offer(&spot, what);
        let late = offer.map_or(1.0, |offer| self.apps[app].late(&offer, self.scene));
        (spot.speed.opp, late)
    }

    /// What the limit of this index is called, and its unit.
    pub(crate) fn limit(&self, index: usize) -> (&'static str, &'static str) {
        if index == 0 && self.has_power_budget {
            ("the power budget", "W")
        } else {
            ("the temperature limit", "K")
        }
    }

    fn spot(&self, place: Place) -> Spot<'a> {
        let Place {
            processor,
            mode,
            host_mode,
        } = place;
        let ways = &self.ways[processor];
        let described = &self.scene.board.processors[processor];
        let host = self.problem.sites[processor].host;
        Spot {
            index: processor,
            processor: described,
            sharing: ways.sharings[mode / ways.speeds.len()],
            speed: ways.speeds[mode % ways.speeds.len()],
            host: host.map(|host| self.ways[host].speeds[host_mode % self.ways[host].speeds.len()]),
            toll: self.toll,
        }
    }
}

impl Offers for Joint<'_> {
    fn points(&self, app: usize, place: Place, into: &mut Vec<Point>) {
        self.prospects[app].points(&self.spot(place), into);
    }

    fn front(&self, app: usize, place: Place, (limited, into): (bool, &mut Vec<Point>)) {
        self.prospects[app].front(&self.spot(place), limited, into);
    }
}

impl Ways {
    /// The tightest sharing within which apps can be that keep the processor this busy.
    fn sharing(&self, busy: f64) -> usize {
        let within = |sharing: &Sharing| matches!(sharing, Sharing::Within(ceiling) if *ceiling >= busy);
        self.sharings
            .iter()
            .position(within)
            .unwrap_or(self.sharings.len() - 1)
    }

    fn new(index: usize, apps: &[&App], scene: &Scene<'_>, (physics, choices): (&Physics, &[usize])) -> Self {
        let processor = &scene.board.processors[index];
        let watts = |opp| {
            let (unit, first) = physics.power().dynamic(index, opp);
            (unit.get(), first.get())
        };
        let highest = processor.opps.last().map_or(0.0, |opp| opp.as_hz() as f64);
        let ceiling = scene.surroundings.ceiling(index);
        let chosen = |opp: &usize| {
            let asked = processor.opps[*opp];
            let clock = ceiling.map_or(asked, |ceiling| ceiling.min(asked));
            let at = nearest_opp(processor, clock);
            Speed {
                opp: Some(*opp),
                at,
                slowness: Some(highest / clock.as_hz().max(1) as f64),
                watts: watts(at),
            }
        };
        let mut speeds: Vec<Speed> = choices.iter().map(chosen).collect();
        if speeds.is_empty() {
            let at = physics.activities()[index].opp;
            speeds.push(Speed {
                opp: None,
                at,
                slowness: None,
                watts: watts(at),
            });
        }
        let guests = apps.iter().filter(|app| app.may_run_on(index)).count();
        let is_shared = processor.kind != ProcessorKind::Cpu && guests > 1;
        let ceilings = CEILINGS.iter().map(|ceiling| Sharing::Within(*ceiling));
        let mut sharings: Vec<Sharing> = ceilings.filter(|_| is_shared).collect();
        sharings.push(Sharing::Alone);
        Self { speeds, sharings }
    }
}

/// The processor that prepares the work of accelerators: the fastest cluster with a usable CPU, as long as the scheduler is
/// right.
pub(crate) fn host(board: &BoardDescription, usable: CpuSet) -> Option<usize> {
    let all = board.processors.iter().enumerate();
    let cpus = all.filter(|(_, processor)| !processor.cpus.intersection(usable).is_empty());
    cpus.max_by_key(|(_, processor)| processor.capacity)
        .map(|(index, _)| index)
}

/// Units that nobody manages keep busy.
fn background(index: usize, scene: &Scene<'_>, physics: &Physics) -> f64 {
    if scene.board.processors[index].kind != ProcessorKind::Cpu {
        return scene.surroundings.strangers(index);
    }
    (physics.activities()[index].busy - scene.surroundings.managed(index)).max(0.0)
}

fn capacity(index: usize, sharing: Sharing, scene: &Scene<'_>) -> Micro {
    let processor = &scene.board.processors[index];
    match (processor.kind, sharing) {
        (ProcessorKind::Cpu, _) => micro(f64::from(processor.cpus.intersection(scene.usable).len())),
        (_, Sharing::Within(ceiling)) => micro(ceiling),
        (_, Sharing::Alone) => micro(1.0),
    }
}

fn limits(board: &BoardDescription, physics: &Physics, policy: &Policy) -> Vec<Limit> {
    let rest = physics.power().rest().get();
    let power = physics.power_budget(board, policy).ok().flatten();
    let power = power.map(|budget| Limit {
        per_watt: vec![1.0; board.processors.len()],
        room: micro(budget.get() - rest),
    });
    // A guess is no reason to give an app less, unless a limit is asked for.
    let is_kept = policy.temperature_limit.is_some() || physics.is_described();
    let zones = physics.heat().bounds().into_iter().filter(|_| is_kept);
    let zones = zones.map(|bound| Limit {
        room: micro(bound.limit.get() - bound.ambient.get() - bound.rest_gain * rest),
        per_watt: bound.gains,
    });
    power.into_iter().chain(zones).collect()
}
