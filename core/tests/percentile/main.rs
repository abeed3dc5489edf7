//! Is the share of late inferences, in the long run, what the percentile says? `examples/percentile.rs` prints the table.

#![allow(clippy::unwrap_used)]

mod world;

use world::{Noise, Outcome, RUNGS, dynd, fixed, gaussian};

/// 40 minutes at 25 inferences per second.
const FRAMES: usize = 60_000;

/// 1 point.
const POINT: f64 = 0.01;

#[test]
fn the_long_run_miss_rate_is_what_the_percentile_says() {
    for noise in [Noise::Light, Noise::Heavy] {
        for percentile in [0.9, 0.95, 0.99] {
            let Outcome { late, bound, .. } = dynd(noise, percentile, 3, FRAMES);
            let may = 1.0 - percentile;
            println!("{noise:?} {percentile}: {late:.4} late, at most {bound:?}");
            assert!((late - may).abs() <= POINT, "{noise:?} {percentile}: {late}");
            assert!(bound.unwrap() >= late, "{noise:?} {percentile}: {late} {bound:?}");
            let smallest = fixed(noise, 0, FRAMES);
            let largest = fixed(noise, RUNGS.len() - 1, FRAMES);
            assert!(
                smallest < may && may < largest,
                "no rung changes it: the test tests nothing"
            );
        }
    }
}

/// What nobody can see coming is answered inference by inference, which costs quality but no punctuality.
#[test]
fn regimes_never_make_it_worse() {
    for percentile in [0.8, 0.9, 0.95, 0.99] {
        let Outcome {
            late, bound, rung, ..
        } = dynd(Noise::Regimes, percentile, 3, FRAMES);
        let may = 1.0 - percentile;
        assert!(late <= may + POINT, "{percentile}: {late}");
        assert!(bound.unwrap() >= late, "{percentile}: {late} {bound:?}");
        assert!(rung > 3.0, "{percentile}: it hides on small sub-networks: {rung}");
    }
}

#[test]
fn stationary_noise_is_no_reason_to_plan_or_switch_all_the_time() {
    for noise in [Noise::Light, Noise::Heavy] {
        let (ours, theirs) = (dynd(noise, 0.9, 3, FRAMES), gaussian(noise, 0.9, 3, FRAMES));
        let (o, t) = (ours.switches, theirs.switches);
        println!(
            "{noise:?}: {o:.1} switches a minute against {t:.1}, {:.1} plans",
            ours.plans
        );
        assert!(
            o <= 1.0 && ours.plans <= 1.0,
            "{o} switches against {t}, {} plans",
            ours.plans
        );
    }
}

/// Taking heavy tails for Gaussian ones breaks the promise where it matters most.
#[test]
fn the_gaussian_choice_does_not_keep_it() {
    let heavy = gaussian(Noise::Heavy, 0.99, 3, FRAMES).late;
    assert!(heavy > 0.01 + POINT, "{heavy}");
    let light = gaussian(Noise::Light, 0.9, 3, FRAMES).late;
    assert!(light < 0.1 - POINT, "{light}");
}
