//! The oracle is the bar: no causal controller is better by more than noise.

use dynd_sim::lab::Contender;

use super::{costs, scenario};

/// What medians of a few seeds differ by.
const NOISE: f64 = 0.03;

fn check(name: &str) {
    let found = costs(&scenario(name), &Contender::USUAL, 3);
    let of = |wanted: Contender| {
        let index = Contender::USUAL.iter().position(|each| *each == wanted);
        found[index.unwrap()]
    };
    let oracle = of(Contender::Oracle);
    for contender in Contender::USUAL.into_iter().filter(|each| each.is_causal()) {
        let cost = of(contender);
        assert!(
            cost >= oracle - NOISE,
            "{name}: {contender} costs {cost:.3}, the oracle {oracle:.3}"
        );
    }
    let clairvoyant = of(Contender::Clairvoyant);
    assert!(
        clairvoyant <= oracle + NOISE,
        "{name}: the clairvoyant costs {clairvoyant:.3}, the oracle {oracle:.3}"
    );
}

#[test]
fn nobody_beats_the_oracle_on_quality() {
    check("dynamic-ofa-run-time");
    check("gpu-model-and-app");
}

#[test]
fn nobody_beats_the_oracle_with_two_models() {
    check("gpu-two-models");
}

#[test]
fn nobody_beats_the_oracle_on_energy() {
    check("xavier-one-model");
    check("xu3-widths");
}
