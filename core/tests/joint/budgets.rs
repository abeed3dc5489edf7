//! Budgets of power and heat are kept, whatever was believed of the board before.

use dynd_core::Input;
use dynd_vocab::{
    BoardDescription, Celsius, Objective, Policy, PowerGrade, PowerRail, Standing, ThermalZone, Watts,
};

use crate::plant::{Plant, REST, RESTING, apps};
use crate::told::{QUALITY, board, policy};

fn measured() -> BoardDescription {
    BoardDescription {
        rails: vec![PowerRail {
            name: "board".into(),
            within: None,
        }],
        ..board()
    }
}

fn within(watts: f64) -> Policy {
    Policy {
        power_budget: Some(Watts::new(watts)),
        ..policy(Objective::MaxQuality)
    }
}

#[test]
fn a_power_budget_is_kept_by_what_the_rail_measures() {
    let free = Plant::new(measured(), policy(Objective::MaxQuality), &apps()).run(10.0);
    assert!(free.quality() > QUALITY[2] - 1e-9, "{}", free.quality());
    let least = REST + RESTING;
    // What the watts are for: of the same quality, the fewer the better.
    for (share, worth) in [(0.8, 0.72), (0.6, 0.7), (0.4, 0.7)] {
        let budget = least + share * (free.power(5.0) - least);
        let kept = Plant::new(measured(), within(budget), &apps()).run(10.0);
        let (power, quality) = (kept.power(5.0), kept.quality());
        println!(
            "{budget:.2} W: {power:.2} W, quality {quality:.3}, {:?} changes",
            kept.changes
        );
        assert!(power <= 1.02 * budget, "{power} W of {budget} W");
        assert!(quality < QUALITY[2] - 1e-9, "{budget} W is not enough for that");
        assert!(quality > worth - 1e-9, "{quality}: {budget} W allow {worth}");
        assert!(
            kept.told
                .assignments
                .iter()
                .flatten()
                .all(|told| told.standing == Standing::Met)
        );
    }
}

#[test]
fn without_a_rail_it_is_kept_by_estimates_and_says_so() {
    let kept = Plant::new(board(), within(3.0), &apps()).run(10.0);
    let status = kept.told.controller.board().budget.power.unwrap();
    assert_eq!(
        (status.grade, status.unenforceable),
        (PowerGrade::Estimated, None)
    );
    let predicted = status.predicted_w.unwrap();
    assert!(predicted <= 3.0 * 1.02, "{predicted} W");
    assert!(kept.quality() < QUALITY[2] - 1e-9);
}

pub(crate) fn with_zone() -> BoardDescription {
    BoardDescription {
        zones: vec![ThermalZone {
            name: "soc".into(),
            trips: Vec::new(),
        }],
        ..measured()
    }
}

#[test]
fn a_temperature_limit_is_kept_before_it_is_reached() {
    let free = Plant::new(with_zone(), policy(Objective::MaxQuality), &apps()).run(60.0);
    let limit = free.hottest() - 8.0;
    let policy = Policy {
        temperature_limit: Some(Celsius::new(limit)),
        ..policy(Objective::MaxQuality)
    };
    let kept = Plant::new(with_zone(), policy, &apps()).run(60.0);
    let (hottest, quality) = (kept.hottest(), kept.quality());
    println!(
        "{limit:.1} °C: {hottest:.1} °C, quality {quality:.3}, {:?} changes",
        kept.changes
    );
    assert!(hottest <= limit + 0.5, "{hottest} °C of {limit} °C");
    assert!(
        quality > QUALITY[0],
        "{limit} °C would allow more than the smallest"
    );
}

#[test]
fn while_the_heat_cannot_be_read_no_clock_is_above_what_was_borne() {
    let limited = |objective| Policy {
        temperature_limit: Some(Celsius::new(110.0)),
        ..policy(objective)
    };
    let modest = || Plant::new(with_zone(), limited(Objective::MinEnergy), &apps()).run(60.0);
    let borne = modest().told.mhz(0).unwrap();
    let after = |is_read| {
        let mut plant = modest();
        plant.is_read = is_read;
        // At worst it is above the limit by now.
        let mut plant = plant.run(120.0);
        plant.step(Input::Policy(limited(Objective::MaxQuality)));
        plant.run(10.0)
    };
    let (seen, blind) = (
        after(true).told.mhz(0).unwrap(),
        after(false).told.mhz(0).unwrap(),
    );
    assert!(seen > borne, "{seen} MHz would do no more than {borne}");
    assert!(blind <= borne, "{blind} MHz, {borne} MHz was borne");
}
