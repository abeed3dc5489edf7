//! The real discovery finds on the files of each board what its board file says, with no code for any board.

use dynd_board::{Host, Snapshot};
use dynd_files::board_names;
use dynd_sim::{Tree, export};
use dynd_vocab::blueprint::{RailConvention, RailPlan, Reading, Silicon, ZonePlan};
use dynd_vocab::{Blueprint, Board as _, Hertz, Processor, Sample, Timestamp, Trip};
use tempfile::TempDir;

use crate::{board, held_back};

/// What is said of a processor: name, kind, CPUs, capacity, clocks.
type Said = (String, String, String, u32, Vec<Hertz>);

fn expected_processors(board: &Blueprint) -> Vec<Said> {
    let clocks = |silicon: &Silicon| silicon.opps.iter().map(|opp| opp.clock).collect();
    let clusters = board.clusters.iter().map(|cluster| {
        (
            cluster.silicon.name.clone(),
            "cpu".into(),
            cluster.cpus.to_string(),
            cluster.shown_capacity,
            clocks(&cluster.silicon),
        )
    });
    let accelerators = board.accelerators.iter().map(|accelerator| {
        let kind = accelerator.kind.label().into();
        let name = accelerator.silicon.name.clone();
        (name, kind, String::new(), 0, clocks(&accelerator.silicon))
    });
    sorted(clusters.chain(accelerators))
}

fn found_processors(processors: &[Processor]) -> Vec<Said> {
    sorted(processors.iter().map(|processor| {
        (
            processor.name.clone(),
            processor.kind.label().into(),
            processor.cpus.to_string(),
            processor.capacity,
            processor.opps.clone(),
        )
    }))
}

fn sorted<T: Ord>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut items: Vec<T> = items.into_iter().collect();
    items.sort();
    items
}

/// The name by which the kernel knows a rail: an INA231 has no label, and is known by its address on the bus.
fn known_as(rail: &RailPlan) -> String {
    match rail.convention {
        RailConvention::Ina231Hwmon | RailConvention::Ina231Vendor => {
            let chip = rail.path.split('/').find_map(|part| part.strip_prefix("3-00"));
            format!("ina231@{}", chip.unwrap())
        }
        RailConvention::Ina3221Hwmon | RailConvention::Ina3221Iio => rail.name.clone(),
    }
}

fn check(name: &str, board: &Blueprint) {
    let root = TempDir::new().unwrap();
    export(&mut Tree::new(board, 1), root.path()).unwrap();
    let mut host = Host::discover(root.path()).unwrap();
    let found = host.describe().clone();

    assert_eq!(found.name, board.name, "{name}");
    assert_eq!(
        found_processors(&found.processors),
        expected_processors(board),
        "{name}"
    );
    let rails = sorted(found.rails.iter().map(|rail| rail.name.clone()));
    assert_eq!(rails, sorted(board.rails.iter().map(known_as)), "{name}");
    for rail in &board.rails {
        // Which rail counts which in is what a board file knows better; discovery goes by names.
        let Some(outer) = rail.within else { continue };
        let found_rail = found
            .rails
            .iter()
            .find(|each| each.name == known_as(rail))
            .unwrap();
        let within = found_rail.within.map(|within| found.rails[within].name.clone());
        assert_eq!(
            within,
            Some(known_as(&board.rails[outer])),
            "{name}: {}",
            rail.name
        );
    }
    let trips = |trip: &Trip| (trip.kind, trip.temperature, trip.hysteresis);
    let zones: Vec<_> = found
        .zones
        .iter()
        .map(|zone| {
            (
                zone.name.clone(),
                zone.trips.iter().map(trips).collect::<Vec<_>>(),
            )
        })
        .collect();
    let expect: Vec<_> = board
        .zones
        .iter()
        .map(|zone| {
            let trips = zone.trips.iter();
            let trips = trips.map(|trip| (trip.kind, trip.temperature, trip.hysteresis));
            (zone.name.clone(), trips.collect::<Vec<_>>())
        })
        .collect();
    assert_eq!(zones, expect, "{name}");
    let cooling = found
        .cooling
        .iter()
        .map(|device| (device.name.clone(), device.max_state));
    let expect = board
        .coolers
        .iter()
        .map(|cooler| (cooler.name.clone(), cooler.max_state));
    assert_eq!(cooling.collect::<Vec<_>>(), expect.collect::<Vec<_>>(), "{name}");
    assert_eq!(
        found.memory.len(),
        usize::from(board.memory.path.is_some()),
        "{name}"
    );

    observed(name, board, &mut host);
}

/// Everything that the board has is read, and nothing is complained of but what cannot be read on the real board.
fn observed(name: &str, board: &Blueprint, host: &mut Host) {
    let mut sample = Sample::default();
    host.sample(Timestamp::from_nanos(1), &[], &mut sample);
    let lacking = |readings: usize, of: usize| assert_eq!(readings, of, "{name}: {sample:?}");
    // Clusters whose clock is not asked for while they idle.
    let quiet = board.clusters.iter().filter(|each| each.driver.is_some()).count();
    lacking(
        sample.clocks.iter().flatten().count(),
        board.silicon().count() - quiet,
    );
    let loads = board
        .accelerators
        .iter()
        .filter(|each| each.load.is_some())
        .count();
    lacking(sample.loads.iter().flatten().count(), loads);
    lacking(
        sample.cpus.len(),
        board.clusters.iter().map(|each| each.cpus.len() as usize).sum(),
    );
    lacking(
        sample.memory.iter().flatten().count(),
        usize::from(board.memory.path.is_some()),
    );
    lacking(sample.rails.iter().flatten().count(), board.rails.len());
    lacking(sample.cooling.iter().flatten().count(), board.coolers.len());
    // Sensors that show 100 °C for ever, or nothing, are not believed.
    let alive = |zone: &&ZonePlan| matches!(zone.reading, Reading::Node(_));
    lacking(
        sample.zones.iter().flatten().count(),
        board.zones.iter().filter(alive).count(),
    );
}

#[test]
fn every_board_that_comes_with_dynd_is_found_as_its_file_says() {
    let names: Vec<_> = board_names().collect();
    assert_eq!(names.len(), 11);
    for name in names {
        check(name, &board(name));
    }
}

#[test]
fn a_board_that_dynd_does_not_know_is_found_as_its_file_says() {
    let board = held_back();
    check("held-back", &board);
    let names: Vec<_> = board.silicon().map(|silicon| silicon.name.as_str()).collect();
    assert_eq!(names, ["little", "mid", "big", "gpu", "npu"]);
}

#[test]
fn a_snapshot_of_the_files_is_the_same_board() {
    let board = board("rk3588-rock5b");
    let (root, copy) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    export(&mut Tree::new(&board, 1), root.path()).unwrap();
    let snapshot = Snapshot::take(root.path()).unwrap().to_string();
    Snapshot::parse(&snapshot).unwrap().write(copy.path()).unwrap();
    let discover = |root: &TempDir| Host::discover(root.path()).unwrap().describe().clone();
    assert_eq!(discover(&root), discover(&copy));
}
