//! Power and heat models against boards whose truth is another: other exponents, rails with noise, offsets and
//! quanta, two bodies with a fan. In virtual time, seeded.

#![allow(clippy::unwrap_used)]

use std::time::Duration;

use dynd_core::{Activity, Physics};
use dynd_vocab::{
    BoardDescription, Celsius, CpuSet, Hertz, Policy, PowerGrade, PowerRail, Processor, ProcessorKind, Role,
    Sample, ThermalZone, Timestamp, Trip, TripKind, Watts,
};

struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }

    fn below(&mut self, n: usize) -> usize {
        (self.uniform() * n as f64) as usize
    }
}

fn opps(mhz: &[u64]) -> Vec<Hertz> {
    mhz.iter().map(|mhz| Hertz::from_khz(mhz * 1000)).collect()
}

fn processor(name: &str, kind: ProcessorKind, cpus: CpuSet, capacity: u32, mhz: &[u64]) -> Processor {
    Processor {
        name: name.into(),
        kind,
        role: Role::Big,
        cpus,
        capacity,
        opps: opps(mhz),
    }
}

/// Two clusters of four cores and a GPU; one rail for all.
fn board(rails: usize) -> BoardDescription {
    let big = [300, 600, 900, 1200, 1500, 1800, 2100];
    BoardDescription {
        processors: vec![
            processor(
                "little",
                ProcessorKind::Cpu,
                (0..4).collect(),
                400,
                &[300, 700, 1100, 1400],
            ),
            processor("big", ProcessorKind::Cpu, (4..8).collect(), 1024, &big),
            processor("gpu", ProcessorKind::Gpu, CpuSet::EMPTY, 0, &[200, 400, 600, 800]),
        ],
        rails: (0..rails)
            .map(|index| PowerRail {
                name: format!("rail{index}"),
                within: None,
            })
            .collect(),
        zones: vec![ThermalZone {
            name: "soc".into(),
            trips: vec![Trip {
                kind: TripKind::Passive,
                temperature: Celsius::new(85.0),
                hysteresis: 2.0,
            }],
        }],
        ..BoardDescription::default()
    }
}

/// A truth that no model of ours has: energy per cycle rises linearly with the clock from a floor, static power is
/// gated with the number of busy units, the regulator loses a share that grows with the load.
struct World {
    board: BoardDescription,
    random: Random,
    at: u64,
    die: f64,
    case: f64,
    ambient: f64,
}

const UNIT: [f64; 3] = [0.31, 1.9, 7.5];

impl World {
    fn new(rails: usize) -> Self {
        Self {
            board: board(rails),
            random: Random(7),
            at: 0,
            die: 31.0,
            case: 31.0,
            ambient: 31.0,
        }
    }

    fn watts(&self, activities: &[Activity]) -> f64 {
        let parts = activities.iter().zip(&self.board.processors).zip(UNIT);
        let parts = parts.map(|((activity, processor), unit)| {
            let highest = processor.opps.last().unwrap().as_hz() as f64;
            let x = processor.opps[activity.opp].as_hz() as f64 / highest;
            // Between linear and quadratic, which no prior of ours is.
            let energy = (0.35 + 0.65 * x) * (0.6 + 0.4 * x);
            let gate = 0.06 * unit * (0.5 + activity.busy).min(2.0) * (1.0 + 0.01 * (self.die - 40.0));
            unit * activity.busy * x * energy + gate
        });
        let load: f64 = parts.sum::<f64>() + 2.1;
        load * (1.04 + 0.002 * load)
    }

    /// What the processors do, until `seconds` later, sampled every 100 ms.
    fn run(&mut self, physics: &mut Physics, activities: &[Activity], seconds: f64) {
        for _ in 0..(seconds * 10.0).round() as usize {
            self.at += 100_000_000;
            let watts = self.watts(activities);
            self.warm(watts, 0.1);
            let sample = self.sample(activities, watts);
            let share = |cpu: u32| {
                let cluster = usize::from(cpu >= 4);
                Some(activities[cluster].busy / 4.0)
            };
            physics.observe(&self.board, &sample, share);
        }
    }

    /// A die of 3 J/K, 2.5 K/W from a case of 60 J/K, 4 K/W from the air.
    fn warm(&mut self, watts: f64, seconds: f64) {
        for _ in 0..(seconds * 10.0).round() as usize {
            let (inner, outer) = ((self.die - self.case) / 2.5, (self.case - self.ambient) / 4.0);
            self.die += 0.1 * (watts - inner) / 3.0;
            self.case += 0.1 * (inner - outer) / 60.0;
        }
    }

    fn sample(&mut self, activities: &[Activity], watts: f64) -> Sample {
        let clock = |(activity, processor): (&Activity, &Processor)| Some(processor.opps[activity.opp]);
        let read = watts * (1.0 + 0.02 * self.random.normal());
        let celsius = ((self.die + 0.1 * self.random.normal()) * 2.0).round() / 2.0;
        Sample {
            at: Timestamp::from_nanos(self.at),
            clocks: activities.iter().zip(&self.board.processors).map(clock).collect(),
            loads: vec![None, None, Some(activities[2].busy)],
            rails: vec![Some(Watts::new((read / 0.04).round() * 0.04)); self.board.rails.len()],
            zones: vec![Some(Celsius::new(celsius))],
            ..Sample::default()
        }
    }

    fn some_activities(&mut self) -> Vec<Activity> {
        let units = [4.0, 4.0, 1.0];
        let processors = 0..self.board.processors.len();
        processors
            .map(|p| Activity {
                opp: self.random.below(self.board.processors[p].opps.len()),
                busy: self.random.uniform() * units[p],
            })
            .collect()
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.at)
    }
}

/// Mean and worst relative error over activities that were not learned from.
fn error(world: &mut World, physics: &Physics) -> (f64, f64) {
    let errors: Vec<f64> = (0..200)
        .map(|_| {
            let activities = world.some_activities();
            let truth = world.watts(&activities);
            let predicted = physics.power().predict(&activities, world.now()).watts.get();
            (predicted - truth).abs() / truth
        })
        .collect();
    let worst = errors.iter().copied().fold(0.0, f64::max);
    (errors.iter().sum::<f64>() / errors.len() as f64, worst)
}

#[test]
fn one_rail_for_all_teaches_the_power_of_every_processor() {
    let mut world = World::new(1);
    let mut physics = Physics::new(&world.board, None);
    assert_eq!(physics.power().grade(world.now()), PowerGrade::Estimated);
    let (before, _) = error(&mut world, &physics);
    for _ in 0..120 {
        let activities = world.some_activities();
        world.run(&mut physics, &activities, 1.0);
    }
    assert_eq!(physics.power().grade(world.now()), PowerGrade::Measured);
    let (mean, worst) = error(&mut world, &physics);
    println!(
        "relative error of predicted power: {before:.3} before, {mean:.3} mean and {worst:.3} worst after"
    );
    assert!(
        before > 0.2,
        "the guess is as good as the truth: the test tests nothing"
    );
    assert!(mean < 0.06, "{mean}");
    assert!(worst < 0.25, "{worst}");
}

#[test]
fn what_is_learned_at_some_clocks_holds_at_their_neighbours() {
    let mut world = World::new(1);
    let mut physics = Physics::new(&world.board, None);
    let busy = |opp, busy| Activity { opp, busy };
    // The big cluster only ever runs at its lowest, fourth and highest clock.
    for round in 0..150 {
        let big = busy([0, 3, 6][round % 3], 4.0 * world.random.uniform());
        world.run(&mut physics, &[busy(0, 0.1), big, busy(0, 0.0)], 1.0);
    }
    for opp in 0..7 {
        let activities = [busy(0, 0.1), busy(opp, 3.0), busy(0, 0.0)];
        let truth = world.watts(&activities);
        let predicted = physics.power().predict(&activities, world.now()).watts.get();
        assert!(
            (predicted - truth).abs() / truth < 0.12,
            "{opp}: {predicted} {truth}"
        );
    }
}

#[test]
fn rails_that_lie_or_fall_silent_do_no_harm() {
    let mut world = World::new(1);
    let mut physics = Physics::new(&world.board, None);
    for _ in 0..60 {
        let activities = world.some_activities();
        world.run(&mut physics, &activities, 1.0);
    }
    let (before, _) = error(&mut world, &physics);
    let activities = world.some_activities();
    for watts in [f64::NAN, f64::INFINITY, -3.0, 1e12, 4000.0] {
        let mut sample = world.sample(&activities, 1.0);
        sample.rails = vec![Some(Watts::new(watts))];
        physics.observe(&world.board, &sample, |_| Some(0.5));
    }
    let (after, _) = error(&mut world, &physics);
    assert!(after < before + 0.02, "{before} {after}");
    world.at += 11_000_000_000;
    assert_eq!(physics.power().grade(world.now()), PowerGrade::Estimated);
}

#[test]
fn a_budget_that_must_be_measured_is_not_kept_by_estimates() {
    let mut world = World::new(0);
    let mut physics = Physics::new(&world.board, None);
    let policy = |power_grade| Policy {
        power_budget: Some(Watts::new(8.0)),
        power_grade,
        ..Policy::default()
    };
    let (strict, lenient) = (policy(PowerGrade::Measured), policy(PowerGrade::Estimated));
    let activities = world.some_activities();
    world.run(&mut physics, &activities, 3.0);
    assert_eq!(
        physics.power_budget(&world.board, &lenient),
        Ok(Some(Watts::new(8.0)))
    );
    let reason = physics.power_budget(&world.board, &strict).unwrap_err();
    assert!(reason.contains("no power sensor"), "{reason}");
    let status = physics.status(&world.board, &strict).power.unwrap();
    assert_eq!(
        (status.grade, status.unenforceable),
        (PowerGrade::Estimated, Some(reason))
    );
    assert!(status.predicted_w.unwrap() > 0.0);

    let mut world = World::new(1);
    let mut physics = Physics::new(&world.board, None);
    assert!(
        physics.power_budget(&world.board, &strict).is_err(),
        "nothing was read yet"
    );
    world.run(&mut physics, &activities, 3.0);
    assert_eq!(
        physics.power_budget(&world.board, &strict),
        Ok(Some(Watts::new(8.0)))
    );
}

fn busy_world() -> (World, Physics, Policy) {
    let world = World::new(1);
    let policy = Policy {
        temperature_limit: Some(Celsius::new(70.0)),
        ..Policy::default()
    };
    let mut physics = Physics::new(&world.board, None);
    physics.govern(&policy);
    (world, physics, policy)
}

#[test]
fn heat_is_foreseen_before_it_is_there() {
    let (mut world, mut physics, policy) = busy_world();
    let level = |opp, busy| {
        [
            Activity { opp: 0, busy: 0.2 },
            Activity { opp, busy },
            Activity { opp: 0, busy: 0.0 },
        ]
    };
    for round in 0..60 {
        let units = 4.0 * (0.2 + 0.8 * world.random.uniform());
        world.run(&mut physics, &level(round % 7, units), 15.0);
    }
    let full = level(6, 4.0);
    let bound = &physics.heat().bounds()[0];
    println!("{bound:?}");
    let heating = physics.power().heating(&full);
    let soon = physics
        .heat()
        .after(0, &heating, Duration::from_secs(20))
        .unwrap()
        .get();
    let steady = physics.heat().steady(0, &heating).unwrap().get();
    let sustainable = physics.heat().sustainable(&heating, world.now()).unwrap().get();
    let status = physics.status(&world.board, &policy).temperature.unwrap();
    assert_eq!((status.zone.as_deref(), status.blind), (Some("soc"), None));

    world.run(&mut physics, &full, 20.0);
    assert!(
        (soon - world.die).abs() < 3.0,
        "in 20 s: foreseen {soon}, came {}",
        world.die
    );
    world.warm(world.watts(&full), 1500.0);
    assert!(
        (steady - world.die).abs() < 0.15 * (world.die - world.ambient),
        "steady: foreseen {steady}, came {}",
        world.die
    );
    let limit_w = (70.0 - world.ambient) / 6.5;
    assert!(
        (sustainable - limit_w).abs() / limit_w < 0.12,
        "{sustainable} against {limit_w} W"
    );
}

#[test]
fn a_lost_sensor_is_taken_for_the_worst_and_the_board_held_at_what_it_bears() {
    let (mut world, mut physics, policy) = busy_world();
    let light = [
        Activity { opp: 1, busy: 0.5 },
        Activity { opp: 2, busy: 1.5 },
        Activity { opp: 0, busy: 0.1 },
    ];
    world.run(&mut physics, &light, 120.0);
    let proven = physics.heat().proven().unwrap().clone();
    assert_eq!(proven.opps, [1, 2, 0]);
    assert!(physics.heat().blind(world.now()).is_none());
    let seen = world.die;
    // From here on the thermometer is silent, while more is done.
    let heavy = [
        Activity { opp: 3, busy: 4.0 },
        Activity { opp: 6, busy: 4.0 },
        Activity { opp: 3, busy: 1.0 },
    ];
    let mut blind_after = None;
    for second in 0..600 {
        world.at += 1_000_000_000;
        let watts = world.watts(&heavy);
        let mut sample = world.sample(&heavy, watts);
        sample.zones = vec![None];
        physics.observe(&world.board, &sample, |_| Some(1.0));
        if physics.heat().blind(world.now()).is_some() {
            blind_after = Some(second);
            break;
        }
    }
    let worst = physics.heat().worst(0, world.now()).unwrap().get();
    assert!(
        blind_after.is_some_and(|second| second > 5),
        "{blind_after:?}, read {seen}, worst {worst}"
    );
    assert!(worst > 70.0);
    assert_eq!(
        physics.heat().proven(),
        Some(&proven),
        "what was never seen to be borne is not"
    );
    let heating = physics.power().heating(&heavy);
    let most = physics.heat().sustainable(&heating, world.now()).unwrap();
    assert!(most <= proven.power, "{most} {}", proven.power);
    assert_eq!(
        physics
            .status(&world.board, &policy)
            .temperature
            .unwrap()
            .blind
            .as_deref(),
        Some("soc")
    );
    world.run(&mut physics, &light, 3.0);
    assert!(physics.heat().blind(world.now()).is_none(), "it is read again");
}

#[test]
fn a_sensor_that_never_changes_bounds_nothing() {
    let (mut world, mut physics, _) = busy_world();
    let light = [Activity::default(); 3];
    for _ in 0..100 {
        world.at += 1_000_000_000;
        let mut sample = world.sample(&light, 3.0);
        sample.zones = vec![Some(Celsius::new(100.0))];
        physics.observe(&world.board, &sample, |_| Some(0.0));
    }
    let heating = physics.power().heating(&light);
    assert!(physics.heat().bounds().is_empty());
    assert_eq!(physics.heat().sustainable(&heating, world.now()), None);
    assert_eq!(physics.heat().hottest(world.now()), None);
}
