//! The transition in a world of apps and a board that take their time, millisecond by millisecond.

use alloc::vec;

use dynd_vocab::{Hertz, Quality, Requirement, Seconds, Standing};
use proptest::prelude::*;

use super::*;

/// CPUs 0 to 2 are of one processor, 3 to 5 of another.
const CPUS: u32 = 6;
const APPS: usize = 4;
const PROCESSORS: usize = 2;

/// How long an app takes to acknowledge, in ms; an app that takes for ever never does.
type Delay = Option<u64>;

/// Who owns each CPU, and the highest clock of each processor in MHz (0: any).
#[derive(Clone, Debug)]
struct Plan {
    owners: [usize; CPUS as usize],
    mhz: [u64; PROCESSORS],
}

impl Plan {
    /// An app has CPUs of one processor only.
    fn seat(&self, app: usize) -> Seat {
        let owned = (0..CPUS).filter(|cpu| self.owners[*cpu as usize] == app);
        let processor = owned.clone().next().map(processor_of);
        Seat {
            processor,
            cpus: owned
                .filter(|cpu| Some(processor_of(*cpu)) == processor)
                .collect(),
        }
    }

    fn bounds(&self, processor: usize) -> ClockBounds {
        let max = self.mhz[processor];
        ClockBounds {
            min: None,
            max: (max > 0).then(|| Hertz::from_khz(1000 * max)),
        }
    }

    fn setting(&self) -> Setting {
        Setting {
            clocks: (0..PROCESSORS).map(|processor| self.bounds(processor)).collect(),
            ..Setting::default()
        }
    }

    /// True if apps that wait for each other's CPUs form a circle on the way from `before`.
    fn is_circular(&self, before: &[Seat; APPS]) -> bool {
        let waits = |app: usize, other: usize| {
            let comes = self.seat(app).cpus.difference(before[app].cpus);
            let leaves = before[other].cpus.difference(self.seat(other).cpus);
            app != other && !comes.intersection(leaves).is_empty()
        };
        let mut left: Vec<usize> = (0..APPS).collect();
        while let Some(free) = left
            .iter()
            .position(|app| !left.iter().any(|other| waits(*app, *other)))
        {
            left.remove(free);
        }
        !left.is_empty()
    }
}

fn processor_of(cpu: u32) -> usize {
    usize::from(cpu >= 3)
}

fn id(app: usize) -> AppId {
    AppId(app as u32)
}

/// The transition, and what is really so.
struct World {
    transition: Transition,
    ms: u64,
    delays: [Delay; APPS],
    board_delay: u64,
    /// How long the acknowledgement of an app is waited for.
    patience: Duration,
    /// Where each app really runs.
    seats: [Seat; APPS],
    /// What each app is to do when: move, and acknowledge.
    acks: Vec<(u64, usize, Generation, Seat)>,
    /// What the board does when.
    orders: Vec<(u64, Setting)>,
    /// What the hardware really is set to.
    board: Setting,
    planned: [Seat; APPS],
    numbers: [u64; APPS],
    /// When each app was told the latest plan.
    told: [Option<u64>; APPS],
}

impl World {
    fn new(delays: [Delay; APPS], board_delay: u64) -> Self {
        let mut transition = Transition::default();
        for app in 0..APPS {
            transition.arrived(id(app), None);
            transition.confine(
                id(app),
                Some(Confinee {
                    pid: Pid(app as u32 + 1),
                    unit: None,
                }),
            );
        }
        Self {
            transition,
            ms: 0,
            delays,
            board_delay,
            patience: PATIENCE,
            seats: [Seat::NOWHERE; APPS],
            acks: vec![],
            orders: vec![],
            board: Setting::default(),
            planned: [Seat::NOWHERE; APPS],
            numbers: [0; APPS],
            told: [None; APPS],
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.ms * 1_000_000)
    }

    fn plan(&mut self, plan: &Plan) {
        self.transition.aim(plan.setting());
        for app in 0..APPS {
            let seat = plan.seat(app);
            if self.planned[app] != seat {
                self.planned[app] = seat;
                self.numbers[app] += 1;
                self.told[app] = None;
                let assignment = assignment(self.numbers[app], seat);
                self.transition.assign(id(app), assignment, seat, self.patience);
            }
        }
    }

    /// One millisecond; the seats of the apps that are told now.
    fn step(&mut self) -> Vec<(usize, Seat)> {
        let (ms, mut moved) = (self.ms, vec![]);
        self.acks.retain(|ack| {
            if ack.0 <= ms {
                moved.push(*ack);
            }
            ack.0 > ms
        });
        for (_, app, generation, seat) in moved {
            self.seats[app] = seat;
            self.transition.acked(id(app), generation);
        }
        while self.orders.first().is_some_and(|(at, _)| *at <= ms) {
            self.board = self.orders.remove(0).1;
            self.transition.applied(self.board.clone());
        }
        let stage = self.transition.advance(self.now());
        self.orders
            .extend(stage.setting.map(|setting| (ms + self.board_delay, setting)));
        let mut told = vec![];
        for (app, assignment) in stage.assignments {
            let app = app.0 as usize;
            let generation = assignment.generation;
            assert_eq!(generation.number, self.numbers[app], "an outdated plan was told");
            self.told[app] = Some(ms);
            let seat = self.planned[app];
            if let Some(delay) = self.delays[app] {
                self.acks.push((ms + delay, app, generation, seat));
            }
            told.push((app, seat));
        }
        assert!(
            self.is_settled() || stage.wake_at.is_some() || !self.acks.is_empty() || !self.orders.is_empty(),
            "nothing will ever happen again"
        );
        self.ms += 1;
        told
    }

    fn is_settled(&self) -> bool {
        let movers = &self.transition.movers;
        movers
            .values()
            .all(|mover| mover.next.is_none() && mover.told.is_empty())
            && self.orders.is_empty()
    }

    /// Until an app has moved from `from`, it has at least the clock of the plan before; in any case that of one of both.
    fn check_clocks(&self, plan: &Plan, before: &Setting, from: &[Seat; APPS]) {
        for (app, (seat, from)) in self.seats.iter().zip(from).enumerate() {
            let Some(processor) = seat.processor else { continue };
            let (now, old) = (self.board.of(processor), before.of(processor));
            let is_to_move = seat == from && self.planned[app] != *from;
            assert!(
                !is_to_move || reaches(now, old),
                "app {app} has {now} before it leaves {old}"
            );
            let new = plan.bounds(processor);
            assert!(
                reaches(now, old) || reaches(now, new),
                "app {app} has {now}, where {old} and {new} were planned"
            );
        }
    }

    fn allowed(&self, app: usize) -> Option<CpuSet> {
        let confined = self.board.apps.iter().find(|confined| confined.app == id(app));
        confined.map(|confined| confined.cpus)
    }
}

fn assignment(number: u64, seat: Seat) -> Assignment {
    Assignment {
        generation: Generation { epoch: 1, number },
        standing: Standing::Met,
        reason: String::new(),
        processor: String::new(),
        cpus: seat.cpus,
        ladder: vec![],
        requirement: Requirement {
            latency: Seconds::from_millis(1.0),
            percentile: 0.95,
            min_quality: Quality::new(0.0).unwrap(),
            period: None,
        },
        contended: false,
    }
}

/// True if `bounds` allow every clock that `of` asks for.
fn reaches(bounds: ClockBounds, of: ClockBounds) -> bool {
    higher(bounds, of) == bounds
}

fn plans() -> impl Strategy<Value = Vec<Plan>> {
    let mhz = prop_oneof![Just(0), Just(600), Just(1000), Just(1400)];
    let plan = (prop::array::uniform6(0..=APPS), prop::array::uniform2(mhz))
        .prop_map(|(owners, mhz)| Plan { owners, mhz });
    prop::collection::vec(plan, 1..6)
}

fn delays(most: u64) -> impl Strategy<Value = [Delay; APPS]> {
    prop::array::uniform4((0..=most).prop_map(Some))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Apps acknowledge in any order, the board answers late; one plan after the other.
    #[test]
    fn nobody_overlaps_and_no_clock_is_lower_than_both_plans_say(
        plans in plans(),
        delays in delays(100),
        board_delay in 0_u64..20,
    ) {
        let mut world = World::new(delays, board_delay);
        let mut before = Setting::default();
        for plan in &plans {
            let is_circular = plan.is_circular(&world.seats);
            let from = world.seats;
            world.plan(plan);
            loop {
                let told = world.step();
                for (app, seat) in told {
                    if let Some(processor) = seat.processor.filter(|_| from[app].processor != seat.processor) {
                        prop_assert!(
                            reaches(world.board.of(processor), plan.bounds(processor)),
                            "app {app} was told to move to a clock that is not raised: {:?}", world.board
                        );
                    }
                    let is_allowed = world.allowed(app).is_none_or(|allowed| seat.cpus.difference(allowed).is_empty());
                    prop_assert!(is_allowed, "app {app} was told to go where it is not allowed");
                }
                world.check_clocks(plan, &before, &from);
                for (app, seat) in world.seats.iter().enumerate() {
                    let is_inside = world.allowed(app).is_none_or(|allowed| seat.cpus.difference(allowed).is_empty());
                    prop_assert!(is_inside, "app {app} is cut off from {seat:?}: {:?}", world.board);
                    let mut others = world.seats[..app].iter();
                    let overlaps = others.any(|other| !other.cpus.intersection(seat.cpus).is_empty());
                    prop_assert!(is_circular || !overlaps, "app {app} overlaps: {:?}", world.seats);
                }
                if world.is_settled() {
                    break;
                }
            }
            prop_assert_eq!(world.seats, world.planned);
            before = plan.setting();
            for processor in 0..PROCESSORS {
                prop_assert_eq!(world.board.of(processor), before.of(processor));
            }
            for app in 0..APPS {
                let cpus = world.seats[app].cpus;
                prop_assert_eq!(world.allowed(app).unwrap_or_default(), cpus, "at last, its own CPUs only");
            }
        }
    }

    /// One app never acknowledges anything.
    #[test]
    fn who_never_acknowledges_delays_nobody_for_longer_than_the_patience(
        plans in plans(),
        silent in 0..APPS,
    ) {
        let mut delays = [Some(0); APPS];
        delays[silent] = None;
        let mut world = World::new(delays, 0);
        for plan in &plans {
            let started = world.ms;
            world.plan(plan);
            // A message to an app or to the board takes this world a millisecond.
            while !world.is_settled() || world.ms == started {
                world.step();
                let waits = (0..APPS).filter(|app| world.told[*app].is_none() && world.numbers[*app] > 0);
                let waits: Vec<_> = waits.collect();
                let late = world.ms - started > PATIENCE.as_millis() as u64 + 3 * APPS as u64;
                prop_assert!(!late || waits.is_empty(), "{waits:?} wait since {started} at {}", world.ms);
                prop_assert!(world.ms - started < 1000, "it never ends");
            }
        }
    }

    /// Plans come before the last one is in force, and neither app nor board answers: in the end the last plan holds.
    #[test]
    fn a_board_and_apps_that_say_nothing_stop_nothing(plans in plans(), pause in 0_u64..300) {
        let mut world = World::new([None; APPS], u64::MAX / 2);
        for plan in &plans {
            world.plan(plan);
            for _ in 0..=pause {
                world.step();
            }
        }
        let last = plans.last().unwrap();
        // Each app may have to wait for the one before it, and for the board.
        for _ in 0..2 * (APPS as u64 + 1) * PATIENCE.as_millis() as u64 {
            world.step();
        }
        let movers = &world.transition.movers;
        prop_assert!(movers.values().all(|mover| mover.next.is_none() && mover.told.is_empty()));
        for processor in 0..PROCESSORS {
            prop_assert_eq!(world.transition.asked.of(processor), last.bounds(processor));
        }
    }
}

/// One CPU each, the other way round.
#[test]
fn two_that_change_places_are_told_one_after_the_other() {
    let owners = |first, second| Plan {
        owners: [first, 4, 4, second, 4, 4],
        mhz: [0, 0],
    };
    let mut world = World::new([Some(10); APPS], 0);
    for plan in [owners(0, 1), owners(1, 0)] {
        assert_eq!(plan.is_circular(&world.seats), plan.owners[0] == 1);
        world.plan(&plan);
        while world.ms == 0 || !world.is_settled() {
            world.step();
        }
        assert_eq!(world.seats, world.planned);
    }
    // The acknowledgement takes 10 ms; then the board has to narrow the one and widen the other.
    assert_eq!(world.told[1].unwrap() - world.told[0].unwrap(), 11);
}

#[test]
fn a_clock_goes_up_before_and_down_after_the_app_moves() {
    let plan = |owners, mhz| Plan { owners, mhz };
    let mut world = World::new([Some(30); APPS], 5);
    world.plan(&plan([0, 4, 4, 4, 4, 4], [1400, 600]));
    while world.ms == 0 || !world.is_settled() {
        world.step();
    }
    let started = world.ms;
    world.plan(&plan([4, 4, 4, 0, 4, 4], [600, 1400]));
    let mut seen = vec![];
    while world.ms == started || !world.is_settled() {
        world.step();
        let mhz = [0, 1].map(|processor| world.board.of(processor).max.map_or(0, |max| max.as_khz() / 1000));
        let at = world.ms - 1 - started;
        if seen
            .last()
            .is_none_or(|(_, last)| *last != (mhz, world.seats[0].processor))
        {
            seen.push((at, (mhz, world.seats[0].processor)));
        }
    }
    let (first, second) = (Some(0), Some(1));
    let expect = [
        (0, ([1400, 600], first)),
        (5, ([1400, 1400], first)),
        (35, ([1400, 1400], second)),
        (40, ([600, 1400], second)),
    ];
    assert_eq!(seen, expect);
}

/// It takes 600 ms to acknowledge, which is more than any board is given.
#[test]
fn a_clock_waits_for_an_app_as_long_as_its_inferences_take() {
    let plan = |mhz| Plan {
        owners: [0, 0, 0, 4, 4, 4],
        mhz,
    };
    let mut world = World::new([Some(600); APPS], 5);
    world.patience = Duration::from_millis(700);
    world.plan(&plan([1400, 0]));
    while world.ms == 0 || !world.is_settled() {
        world.step();
    }
    let started = world.ms;
    let lower = Plan {
        owners: [0, 4, 4, 4, 4, 4],
        mhz: [600, 0],
    };
    world.plan(&lower);
    let lowered = |world: &World| world.board.of(0).max == Some(Hertz::from_khz(600_000));
    while !lowered(&world) {
        world.step();
    }
    assert_eq!(
        world.ms - 1 - started,
        605,
        "when the app has moved and the board obeyed"
    );
}

#[test]
fn a_release_asks_anew_for_the_same() {
    let mut transition = Transition::default();
    transition.release(1);
    let setting = transition.advance(Timestamp::default()).setting.unwrap();
    assert_eq!((setting.releases_of(0), setting.releases_of(1)), (0, 1));
    assert_eq!(transition.advance(Timestamp::default()).setting, None);
}
