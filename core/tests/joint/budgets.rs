//! Budgets of power and heat are kept, whatever was believed of the board before.

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
    for share in [0.8, 0.6, 0.4] {
        let budget = least + share * (free.power(5.0) - least);
        let kept = Plant::new(measured(), within(budget), &apps()).run(10.0);
        let (power, quality) = (kept.power(5.0), kept.quality());
        println!(
            "{budget:.2} W: {power:.2} W, quality {quality:.3}, {:?} changes",
            kept.changes
        );
        assert!(power <= 1.02 * budget, "{power} W of {budget} W");
        assert!(quality < QUALITY[2] - 1e-9, "{budget} W is not enough for that");
        assert!(power >= 0.6 * budget, "{power} W: {budget} W would allow more");
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

#[test]
fn a_temperature_limit_is_kept_before_it_is_reached() {
    let board = || BoardDescription {
        zones: vec![ThermalZone {
            name: "soc".into(),
            trips: Vec::new(),
        }],
        ..measured()
    };
    let free = Plant::new(board(), policy(Objective::MaxQuality), &apps()).run(60.0);
    let limit = free.hottest() - 8.0;
    let policy = Policy {
        temperature_limit: Some(Celsius::new(limit)),
        ..policy(Objective::MaxQuality)
    };
    let kept = Plant::new(board(), policy, &apps()).run(60.0);
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
