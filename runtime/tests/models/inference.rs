//! Whichever way a sub-network is run, it says the same.

use dynd_runtime::{Answer, DynamicModel, Input, RuntimeError, TestImages};

use crate::shipped;

const IMAGES: usize = 4;

/// A loaded model and its first test images.
struct Bench {
    model: DynamicModel,
    inputs: Vec<Input>,
}

impl Bench {
    fn new(name: &str) -> Self {
        let manifest = shipped(name);
        let images = TestImages::load(manifest.test.as_ref().unwrap(), &manifest.input).unwrap();
        let inputs = (0..IMAGES)
            .map(|image| {
                let mut input = Input::new(&manifest.input).unwrap();
                input.fill(images.get(image).0).unwrap();
                input
            })
            .collect();
        Self {
            model: DynamicModel::load(&manifest, 2).unwrap(),
            inputs,
        }
    }

    fn subnetworks(&self) -> usize {
        self.model.table().subnetworks.len()
    }

    /// What each sub-network says of `input`, each run by itself on `threads` threads.
    fn direct(&mut self, input: usize, threads: u32) -> Vec<Answer> {
        (0..self.subnetworks())
            .map(|subnetwork| self.model.run(subnetwork, threads, &self.inputs[input]).unwrap())
            .collect()
    }
}

const MODELS: [&str; 2] = ["slim-mnist", "exit-mnist"];

#[test]
fn going_on_says_the_same_as_starting_over() {
    for name in MODELS {
        let mut bench = Bench::new(name);
        let last = bench.subnetworks() - 1;
        for image in 0..IMAGES {
            let direct = bench.direct(image, 1);
            for path in [vec![0, 1, 2], vec![0, last], vec![last, 0], vec![1, 1, last, 0]] {
                let mut progressive = bench.model.start(&bench.inputs[image], 1);
                for subnetwork in path {
                    let answer = progressive.advance(subnetwork).unwrap();
                    assert_eq!(answer, direct[subnetwork], "{name} {subnetwork}");
                }
            }
        }
    }
}

#[test]
fn two_threads_say_the_same_as_one() {
    for name in MODELS {
        let mut bench = Bench::new(name);
        for image in 0..IMAGES {
            let one = bench.direct(image, 1);
            let two = bench.direct(image, 2);
            for (one, two) in one.iter().zip(&two) {
                assert_eq!(one.class, two.class, "{name}");
                let close = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-4;
                assert!(
                    one.scores.iter().zip(&two.scores).all(close),
                    "{name}: {one:?} {two:?}"
                );
            }
        }
    }
}

#[test]
fn switching_back_and_forth_changes_no_answer() {
    for name in MODELS {
        let mut bench = Bench::new(name);
        let expected: Vec<Vec<Answer>> = (0..IMAGES).map(|image| bench.direct(image, 1)).collect();
        let distinct = (0..IMAGES).any(|image| expected[image][0] != expected[0][0]);
        assert!(distinct, "the images are too alike for this test");
        for round in 0..3 * bench.subnetworks() {
            let subnetwork = (round * 7 + round / 3) % bench.subnetworks();
            let image = round % IMAGES;
            // Half of the inferences before it are abandoned on their way.
            if round % 2 == 0 {
                let mut abandoned = bench.model.start(&bench.inputs[(image + 1) % IMAGES], 1);
                abandoned.advance(0).unwrap();
            }
            let answer = bench.model.run(subnetwork, 1, &bench.inputs[image]).unwrap();
            assert_eq!(answer, expected[image][subnetwork], "{name} round {round}");
        }
    }
}

#[test]
fn every_thread_of_inference_is_told() {
    let manifest = shipped("exit-mnist");
    let teams = |max| DynamicModel::load(&manifest, max).unwrap().teams().to_vec();
    let me = nix::unistd::gettid().as_raw();
    assert_eq!(teams(1), [[me]]);
    let three = teams(3);
    assert_eq!(three[0], [me]);
    assert_eq!(three.iter().map(Vec::len).collect::<Vec<_>>(), [1, 2, 3]);
    let mut three = three.concat();
    three.sort_unstable();
    three.dedup();
    assert_eq!(
        three.len(),
        1 + 2 + 3,
        "the caller, a pool of two, a pool of three"
    );
}

#[test]
fn what_the_model_has_not_is_an_error() {
    let mut bench = Bench::new("exit-mnist");
    let beyond = bench.subnetworks();
    assert!(matches!(
        bench.model.run(beyond, 1, &bench.inputs[0]),
        Err(RuntimeError::UnknownSubnetwork { .. })
    ));
    assert!(matches!(
        bench.inputs[0].fill(&[0; 3]),
        Err(RuntimeError::InputLength { found: 3, .. })
    ));
}
