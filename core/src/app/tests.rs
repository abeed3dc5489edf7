//! On plain cores (no clock to set, no accelerator, no budget) the joint plan is what sub-networks and cores alone
//! would give: everything is tried.

use dynd_vocab::{CpuSet, ModelKind, OperatingPoint, Policy, Quality, Role, Subnetwork};
use proptest::prelude::*;

use super::points::{SHARING_COST, point};
use super::*;
use crate::forecast::Outlook;
use crate::grant::Offer;
use crate::joint::{Clocks, Joint, Spot};
use crate::physics::Physics;

const CORES: u32 = 3;

fn board() -> BoardDescription {
    BoardDescription {
        processors: alloc::vec![Processor {
            name: "cpu".into(),
            kind: ProcessorKind::Cpu,
            role: Role::Big,
            cpus: (0..CORES).collect(),
            capacity: 1024,
            opps: Vec::new(),
        }],
        ..BoardDescription::default()
    }
}

/// An app of sub-networks that take so many milliseconds on one core, of which a second one saves 30 %; of the one that
/// it runs, so many inferences were seen, and so many of them were late.
fn app(
    id: u32,
    board: &BoardDescription,
    (latencies, target_ms): (&[f64], f64),
    (seen, late): (u32, u32),
) -> App {
    let count = latencies.len() as f64;
    let subnetworks = latencies.iter().enumerate().map(|(index, ms)| Subnetwork {
        name: format!("s{index}"),
        quality: Quality::new(0.6 + 0.3 * index as f64 / count).unwrap(),
        macs: (ms * 30e6) as u64,
        memory_bytes: 0,
    });
    let measured = |(subnetwork, ms): (usize, &f64)| {
        [(1, 1.0), (2, 0.7)].map(|(cores, factor)| OperatingPoint {
            subnetwork,
            processor: "cpu".into(),
            cores,
            clock: None,
            median: Seconds::from_millis(ms * factor),
            p95: Seconds::from_millis(ms * factor * 1.1),
        })
    };
    let hello = Hello {
        name: format!("app{id}"),
        model: ModelTable {
            name: "m".into(),
            kind: ModelKind::Supernet,
            quality_metric: "top-1".into(),
            subnetworks: subnetworks.collect(),
        },
        requirement: Requirement {
            latency: Seconds::from_millis(target_ms),
            percentile: 0.95,
            min_quality: Quality::ZERO,
            period: Some(Seconds::from_millis(1.5 * target_ms)),
        },
        max_threads: 2,
        profile: latencies.iter().enumerate().flat_map(measured).collect(),
        holding: Some(Holding {
            subnetwork: 0,
            processor: "cpu".into(),
            cpus: CpuSet::single(id % CORES),
        }),
    };
    let (profile, holding) = (hello.profile.clone(), hello.holding.clone());
    let mut app = App::new(AppId(id), Identity::default(), hello, Timestamp::default());
    app.profile(board, &profile);
    app.resume(board, &holding.unwrap());
    app.govern(Timestamp::default(), &Policy::default(), board);
    for frame in 0..seen {
        let ms = if frame < late {
            1.2 * target_ms
        } else {
            latencies[0]
        };
        let service = Duration::from_secs_f64(ms * 1e-3);
        let report = Report {
            subnetwork: 0,
            cores: 1,
            ended: Timestamp::from_nanos(u64::from(frame + 1) * 100_000_000),
            service,
            latency: service,
            after_switch: false,
        };
        app.observe(&report, &Conditions::at(0));
    }
    app
}

/// What a planner of sub-networks and cores compares: violation, then utility. Power comes after that.
fn worth(app: &App, offer: &Offer, scene: &Scene<'_>) -> (f64, f64) {
    let relative = app.forecast.undisturbed(point(offer)) / app.requirement.latency;
    let busy = relative * f64::from(offer.cores.max(1));
    let quality = app.model.subnetworks[offer.subnetwork].quality.get();
    let utility = match scene.objective {
        Objective::MaxQuality => app.normalised(quality),
        Objective::MaxTimelyQuality => app.normalised(quality * in_time(app, offer, scene)) - 1e-3 * busy,
        Objective::MinLatency => -relative,
        Objective::MinEnergy => 0.0,
    };
    let sharing = if offer.cores == 0 { SHARING_COST } else { 0.0 };
    (offer.violation, utility - sharing)
}

/// The share of answers that come in time, as it is hoped for.
fn in_time(app: &App, offer: &Offer, scene: &Scene<'_>) -> f64 {
    let Outlook { late, unsure } = app.outlook(offer, scene);
    let runs = app.granted.is_some_and(|grant| {
        let now = grant.offer;
        (now.cores, now.subnetwork) == (offer.cores, offer.subnetwork)
    });
    let hope = if offer.cores == 0 {
        0.0
    } else {
        1.5 * app.budget.curiosity()
    };
    1.0 - if runs { late - 0.01 } else { late - hope * unsure }.max(0.0)
}

/// The best of all combinations.
fn brute_force(apps: &[&App], scene: &Scene<'_>) -> (f64, f64) {
    let spot = Spot::plain(&scene.board.processors[0]);
    let mut sums = alloc::vec![(CORES, 0.0, 0.0)];
    for app in apps {
        let prospects = Prospects::new(app, scene);
        let offers: Vec<(u32, (f64, f64))> = (0..app.model.subnetworks.len())
            .flat_map(|subnetwork| (0..=2).map(move |cores| (subnetwork, cores)))
            .map(|what| (what.1, worth(app, &prospects.offer(&spot, what).unwrap(), scene)))
            .collect();
        let with = |&(left, violation, utility): &(u32, f64, f64)| {
            let fit = offers.iter().filter(move |(cores, _)| *cores <= left);
            let sums = fit.map(move |(cores, (bad, good))| (left - cores, violation + bad, utility + good));
            sums.collect::<Vec<_>>()
        };
        sums = sums.iter().flat_map(with).collect();
    }
    let best = sums
        .into_iter()
        .min_by(|a, b| a.1.total_cmp(&b.1).then(b.2.total_cmp(&a.2)));
    best.map(|(_, violation, utility)| (violation, utility)).unwrap()
}

proptest! {
    #[test]
    fn on_plain_cores_nothing_is_lost_by_planning_clocks_too(
        objective in 0..3_usize,
        apps in prop::collection::vec((2.0..8.0_f64, 1.2..2.5_f64, 4.0..40.0_f64, 0..40_u32, 0..4_u32), 1..4),
    ) {
        let board = board();
        let apps: Vec<App> = apps.iter().enumerate().map(|(index, (first, growth, target, seen, late))| {
            let latencies = [*first, first * growth, first * growth * growth];
            app(index as u32 + 1, &board, (&latencies, *target), (*seen, *late))
        }).collect();
        let apps: Vec<&App> = apps.iter().collect();
        let surroundings = Surroundings::new(&board);
        let scene = Scene {
            board: &board,
            usable: board.cpus(),
            objective: [
                Objective::MaxQuality,
                Objective::MaxTimelyQuality,
                Objective::MinLatency,
            ][objective],
            level: 0,
            surroundings: &surroundings,
            now: Timestamp::from_nanos(5_000_000_000),
        };
        let physics = Physics::new(&board, None);
        let policy = Policy::default();
        let clocks = Clocks { choices: &[Vec::new()], held: &[], stays: &[false] };
        let problem = Joint::new(&apps, &scene, &physics, &policy, &clocks);
        let decision = problem.decide(&clocks);
        let given = apps.iter().zip(&decision.offers).map(|(app, offer)| worth(app, &offer.unwrap(), &scene));
        let given = given.fold((0.0, 0.0), |(violation, utility), (bad, good)| (violation + bad, utility + good));
        let best = brute_force(&apps, &scene);
        prop_assert!(given.0 <= best.0 + 3e-6, "{given:?} {best:?}");
        prop_assert!(given.1 >= best.1 - 1e-5 || given.0 < best.0 - 1e-9, "{given:?} {best:?}");
    }
}

#[test]
fn an_acknowledgement_may_take_two_inferences_and_a_period() {
    let board = board();
    // A target of 400 ms in a period of 600.
    let patience = |seen, late| app(1, &board, (&[100.0, 200.0], 400.0), (seen, late)).patience();
    assert_eq!(
        patience(0, 0),
        Duration::from_millis(600 + 2 * 400),
        "as long as it may take"
    );
    assert_eq!(patience(3, 0), Duration::from_millis(600 + 2 * 400), "in time");
    assert_eq!(patience(3, 3), Duration::from_millis(600 + 2 * 480), "late");
    let slow = app(1, &board, (&[100.0, 200.0], 90_000.0), (0, 0));
    assert_eq!(
        slow.patience(),
        LONGEST_PATIENCE,
        "nobody keeps the others waiting"
    );
}

/// One in six inferences is late under the new load, where one in twenty may be.
#[test]
fn what_was_saved_is_not_spent_on_a_load_that_is_new() {
    let board = board();
    let mut app = app(1, &board, (&[4.0, 8.0], 10.0), (1000, 0));
    let from = Timestamp::from_nanos(100_000_000_000);
    app.load_changed(0, 2, from);
    for frame in 1..=48_u32 {
        let service = Duration::from_millis(if frame.is_multiple_of(6) { 11 } else { 6 });
        let report = Report {
            subnetwork: 0,
            cores: 1,
            ended: from + frame * Duration::from_millis(15),
            service,
            latency: service,
            after_switch: false,
        };
        app.observe(&report, &Conditions::at(2));
    }
    let conditions = Conditions::at(2);
    let runs = Offer {
        processor: 0,
        cores: 1,
        subnetwork: 0,
        violation: 0.0,
        conditions,
        opp: None,
    };
    app.granted = Some(Grant {
        offer: runs,
        cpus: CpuSet::single(0),
    });
    let surroundings = Surroundings::new(&board);
    let excess = |seconds| {
        let scene = Scene {
            board: &board,
            usable: board.cpus(),
            objective: Objective::MaxQuality,
            level: 2,
            surroundings: &surroundings,
            now: from + Duration::from_secs(seconds),
        };
        let spot = Spot::plain(&board.processors[0]);
        Prospects::new(&app, &scene)
            .offer(&spot, (0, 1))
            .unwrap()
            .violation
    };
    assert!(excess(1) > 0.0, "it is left at once");
    assert_eq!(excess(3), 0.0, "noise is paid for");
}

proptest! {
    /// What is left out of a front is dominated by what is in it, and what is in it is among the points as they are found
    /// without it, in whatever order clocks are asked for.
    #[test]
    fn a_front_lacks_nothing(
        objective in 0..4_usize,
        limited in any::<bool>(),
        (first, growth, target) in (2.0..8.0_f64, 1.2..2.5_f64, 4.0..40.0_f64),
        history in (0..40_u32, 0..4_u32),
        clocks in prop::collection::vec(1.0..5.0_f64, 1..12),
    ) {
        let board = board();
        let latencies = [1.0, 1.0, 2.0, 3.0, 4.0].map(|power| first * libm::pow(growth, power));
        let app = app(1, &board, (&latencies, target), history);
        let surroundings = Surroundings::new(&board);
        let scene = Scene {
            board: &board,
            usable: board.cpus(),
            objective: Objective::ALL[objective],
            level: 0,
            surroundings: &surroundings,
            now: Timestamp::from_nanos(5_000_000_000),
        };
        let prospects = Prospects::new(&app, &scene);
        for slowness in clocks {
            let mut spot = Spot::plain(&board.processors[0]);
            spot.speed.slowness = Some(slowness);
            let (mut all, mut front) = (Vec::new(), Vec::new());
            Prospects::new(&app, &scene).points(&spot, &mut all);
            prospects.front(&spot, limited, &mut front);
            prop_assert!(front.iter().all(|point| all.contains(point)), "{front:?} {all:?}");
            for point in &all {
                let made_needless = front.iter().any(|other| other.dominates(point, limited));
                prop_assert!(made_needless, "{point:?} is missing in {front:?}");
            }
        }
    }
}
