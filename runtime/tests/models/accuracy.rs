//! Every shipped sub-network does over all test images what its manifest says.

use std::thread;

use dynd_files::Manifest;
use dynd_runtime::{DynamicModel, Input, TestImages};

use crate::shipped;

const TOLERANCE: f64 = 0.002;

/// Threads that each run a part of the images.
const PARTS: usize = 2;

/// How many answers of each sub-network are right among every [`PARTS`]th image from `part` on.
fn correct(manifest: &Manifest, images: &TestImages, part: usize) -> Vec<usize> {
    let mut model = DynamicModel::load(manifest, 1).unwrap();
    let mut input = Input::new(&manifest.input).unwrap();
    let mut correct = vec![0; manifest.table.subnetworks.len()];
    for image in (part..images.len()).step_by(PARTS) {
        let (pixels, class) = images.get(image);
        input.fill(pixels).unwrap();
        let mut progressive = model.start(&input, 1);
        for (subnetwork, correct) in correct.iter_mut().enumerate() {
            *correct += usize::from(progressive.advance(subnetwork).unwrap().class == class);
        }
    }
    correct
}

fn check(name: &str) {
    let manifest = shipped(name);
    let images = TestImages::load(manifest.test.as_ref().unwrap(), &manifest.input).unwrap();
    assert_eq!(images.len(), 2000);
    let parts: Vec<Vec<usize>> = thread::scope(|scope| {
        let (manifest, images) = (&manifest, &images);
        let parts: Vec<_> = (0..PARTS)
            .map(|part| scope.spawn(move || correct(manifest, images, part)))
            .collect();
        parts.into_iter().map(|part| part.join().unwrap()).collect()
    });
    for (index, subnetwork) in manifest.table.subnetworks.iter().enumerate() {
        let correct: usize = parts.iter().map(|part| part[index]).sum();
        let measured = correct as f64 / images.len() as f64;
        let expected = subnetwork.quality.get();
        assert!(
            (measured - expected).abs() <= TOLERANCE,
            "{name}/{}: measured {measured:.4}, the manifest says {expected:.4}",
            subnetwork.name
        );
    }
}

#[test]
fn slim_mnist_is_as_good_as_it_says() {
    check("slim-mnist");
}

#[test]
fn exit_mnist_is_as_good_as_it_says() {
    check("exit-mnist");
}
