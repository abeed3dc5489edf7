//! What is written is taken as the kernel of the board's era takes it.

use std::time::Duration;

use dynd_sim::{Refusal, Tree};
use dynd_vocab::blueprint::KernelEra;

use crate::{board, held_back, tree};

const BIG: &str = "sys/devices/system/cpu/cpufreq/policy4";
const GPU: &str = "sys/class/devfreq/11800000.gpu";
const MS: Duration = Duration::from_millis(1);

/// Writes `text` to `file` in `dir`, then expects what the files of `expect` say.
fn check(
    tree: &mut Tree,
    dir: &str,
    write: (&str, &str),
    taken: Result<(), Refusal>,
    expect: &[(&str, &str)],
) {
    let (file, text) = write;
    assert_eq!(
        tree.write(format!("{dir}/{file}"), text),
        taken,
        "{text:?} to {file}"
    );
    tree.advance(MS);
    for (file, text) in expect {
        let shown = tree.read(format!("{dir}/{file}")).unwrap();
        assert_eq!(shown.trim_end(), *text, "{file} after {write:?}");
    }
}

#[test]
fn bounds_hold_the_clock() {
    for era in [KernelEra::Legacy, KernelEra::Qos] {
        let mut tree = tree(&board("odroid-xu3"), era);
        let (min, max, now) = ("scaling_min_freq", "scaling_max_freq", "scaling_cur_freq");
        check(
            &mut tree,
            BIG,
            ("scaling_governor", "performance\n"),
            Ok(()),
            &[(now, "2000000")],
        );
        check(
            &mut tree,
            BIG,
            (max, "1400000\n"),
            Ok(()),
            &[(max, "1400000"), (now, "1400000")],
        );
        check(
            &mut tree,
            BIG,
            ("scaling_governor", "powersave"),
            Ok(()),
            &[(now, "200000")],
        );
        check(
            &mut tree,
            BIG,
            (min, "800000"),
            Ok(()),
            &[(min, "800000"), (now, "800000")],
        );
        check(
            &mut tree,
            BIG,
            (max, "99999999"),
            Ok(()),
            &[(max, "2000000"), (min, "800000")],
        );
        check(
            &mut tree,
            BIG,
            (min, "1"),
            Ok(()),
            &[(min, "200000"), (now, "200000")],
        );
        check(
            &mut tree,
            BIG,
            (min, "fast"),
            Err(Refusal::Invalid),
            &[(min, "200000")],
        );

        let (min, max, now) = ("min_freq", "max_freq", "cur_freq");
        check(
            &mut tree,
            GPU,
            ("governor", "performance"),
            Ok(()),
            &[(now, "600000000")],
        );
        check(
            &mut tree,
            GPU,
            (max, "420000000"),
            Ok(()),
            &[(max, "420000000"), (now, "420000000")],
        );
        check(&mut tree, GPU, (min, "266000000"), Ok(()), &[(min, "266000000")]);
        check(
            &mut tree,
            GPU,
            (max, "0"),
            Ok(()),
            &[(max, "600000000"), (now, "600000000")],
        );
        check(
            &mut tree,
            GPU,
            (max, "-5"),
            Err(Refusal::Invalid),
            &[(max, "600000000")],
        );
    }
}

#[test]
fn a_minimum_above_the_maximum_is_refused_by_old_kernels_and_lowered_by_new_ones() {
    for (dir, min, max, low, high) in [
        (BIG, "scaling_min_freq", "scaling_max_freq", "1000000", "1600000"),
        (GPU, "min_freq", "max_freq", "350000000", "480000000"),
    ] {
        let mut legacy = tree(&board("odroid-xu3"), KernelEra::Legacy);
        check(&mut legacy, dir, (max, low), Ok(()), &[]);
        check(
            &mut legacy,
            dir,
            (min, high),
            Err(Refusal::Invalid),
            &[(max, low)],
        );

        let mut qos = tree(&board("odroid-xu3"), KernelEra::Qos);
        check(&mut qos, dir, (max, low), Ok(()), &[]);
        check(&mut qos, dir, (min, high), Ok(()), &[(min, low), (max, low)]);
        let ends = |tree: &mut Tree| tree.read(format!("{dir}/{max}")).unwrap();
        check(&mut qos, dir, (max, "0999999999"), Ok(()), &[(min, high)]);
        assert_ne!(ends(&mut qos).trim_end(), low);
    }
}

#[test]
fn what_is_read_is_what_cooling_leaves() {
    for era in [KernelEra::Legacy, KernelEra::Qos] {
        let mut tree = tree(&board("odroid-xu3"), era);
        let zone = "sys/class/thermal/thermal_zone0";
        let (min, max) = ("scaling_min_freq", "scaling_max_freq");
        check(&mut tree, BIG, ("scaling_governor", "performance"), Ok(()), &[]);
        check(&mut tree, BIG, (max, "1900000"), Ok(()), &[]);
        check(&mut tree, BIG, (min, "1900000"), Ok(()), &[(min, "1900000")]);
        // Emulated heat rises, as step_wise wants it: a state more each time.
        for celsius in 86..90 {
            tree.write(format!("{zone}/emul_temp"), format!("{celsius}000\n"))
                .unwrap();
            tree.advance(Duration::from_millis(500));
        }
        assert_eq!(tree.read(format!("{zone}/temp")).unwrap(), "89000\n");
        let cooled: u64 = tree.read(format!("{BIG}/{max}")).unwrap().trim().parse().unwrap();
        assert!(cooled < 1_900_000, "{era:?}: {cooled}");
        let cooled = cooled.to_string();
        check(
            &mut tree,
            BIG,
            (max, "1900000"),
            Ok(()),
            &[(max, &cooled), (min, &cooled), ("scaling_cur_freq", &cooled)],
        );

        tree.write(format!("{zone}/emul_temp"), "0").unwrap();
        tree.advance(Duration::from_secs(60));
        for file in [min, max, "scaling_cur_freq"] {
            assert_eq!(
                tree.read(format!("{BIG}/{file}")).unwrap(),
                "1900000\n",
                "{era:?}: {file}"
            );
        }
    }
}

#[test]
fn old_devfreq_shows_a_minimum_above_what_cooling_leaves() {
    let gpu = "sys/class/devfreq/29000000.npu";
    for (era, min_shown) in [(KernelEra::Legacy, "1000000000"), (KernelEra::Qos, "200000000")] {
        let mut tree = tree(&held_back(), era);
        check(&mut tree, gpu, ("min_freq", "1000000000"), Ok(()), &[]);
        for celsius in 80..90 {
            let path = "sys/class/thermal/thermal_zone0/emul_temp";
            tree.write(path, format!("{celsius}000")).unwrap();
            tree.advance(Duration::from_millis(200));
        }
        let expect = [
            ("max_freq", "200000000"),
            ("min_freq", min_shown),
            ("cur_freq", "200000000"),
        ];
        check(&mut tree, gpu, ("max_freq", "1000000000"), Ok(()), &expect);
    }
}

#[test]
fn governors_are_known_by_name() {
    let mut tree = tree(&board("odroid-xu3"), KernelEra::Qos);
    let (governor, speed) = ("scaling_governor", "scaling_setspeed");
    assert_eq!(
        tree.read(format!("{BIG}/scaling_available_governors")).unwrap(),
        "powersave userspace conservative ondemand performance schedutil \n"
    );
    check(
        &mut tree,
        BIG,
        (speed, "1000000"),
        Err(Refusal::Invalid),
        &[(speed, "<unsupported>")],
    );
    check(
        &mut tree,
        BIG,
        (governor, "fastest"),
        Err(Refusal::Invalid),
        &[(governor, "ondemand")],
    );
    check(
        &mut tree,
        BIG,
        (governor, "userspace\n"),
        Ok(()),
        &[(governor, "userspace"), (speed, "200000")],
    );
    check(
        &mut tree,
        BIG,
        (speed, "1000000\n"),
        Ok(()),
        &[(speed, "1000000"), ("scaling_cur_freq", "1000000")],
    );
    check(
        &mut tree,
        BIG,
        (speed, "x"),
        Err(Refusal::Invalid),
        &[(speed, "1000000")],
    );
    check(
        &mut tree,
        GPU,
        ("governor", "schedutil"),
        Err(Refusal::Invalid),
        &[("governor", "simple_ondemand")],
    );
    // The names of one vendor for governors that decide as others do.
    let mut rock = Tree::new(&board("rk3588-rock5b"), 1);
    let npu = "sys/class/devfreq/fdab0000.npu";
    check(
        &mut rock,
        npu,
        ("governor", "rknpu_ondemand\n"),
        Ok(()),
        &[("governor", "rknpu_ondemand")],
    );
}

#[test]
fn numbers_with_a_tail_are_taken_by_old_kernels_only() {
    let write = |era| {
        let mut tree = tree(&board("odroid-xu3"), era);
        let taken = tree.write(format!("{BIG}/scaling_max_freq"), "1200000 kHz\n");
        (taken, tree.read(format!("{BIG}/scaling_max_freq")).unwrap())
    };
    assert_eq!(write(KernelEra::Legacy), (Ok(()), "1200000\n".into()));
    assert_eq!(write(KernelEra::Qos), (Err(Refusal::Invalid), "2000000\n".into()));
}

#[test]
fn what_is_only_shown_cannot_be_written() {
    let mut tree = tree(&board("odroid-xu3"), KernelEra::Qos);
    for (path, refusal) in [
        (
            "sys/devices/system/cpu/cpufreq/policy4/scaling_cur_freq",
            Refusal::Denied,
        ),
        (
            "sys/devices/system/cpu/cpu5/cpufreq/cpuinfo_max_freq",
            Refusal::Denied,
        ),
        ("sys/class/thermal/thermal_zone0/temp", Refusal::Denied),
        ("sys/class/thermal/thermal_zone9/temp", Refusal::Absent),
        ("sys/class/thermal", Refusal::Directory),
        ("sys/class/thermal/thermal_zone0", Refusal::Directory),
    ] {
        assert_eq!(tree.write(path, "1"), Err(refusal), "{path}");
    }
    let zone = "sys/class/thermal/thermal_zone0/emul_temp";
    assert_eq!(tree.read(zone), Err(Refusal::Denied));
    assert_eq!(tree.write(zone, "hot"), Err(Refusal::Invalid));
}
