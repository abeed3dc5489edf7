//! What a device is for, from the words by which the kernel knows it.
//!
//! The name of its devfreq device comes first, then the name of its node in the device tree, what that is compatible
//! with, and its driver; the first of them that holds a known word decides. The board's name never does. Within one
//! of them memory comes first: `bus-g3d` is a bus. A device without a known word (a video codec, a disk) is nothing
//! that dynd plans with.

use dynd_vocab::ProcessorKind;

/// What a device is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// It computes.
    Processor(ProcessorKind),
    /// It is the clock of memory, or of a bus to it.
    Memory,
}

/// Words of memory controllers and buses: Exynos and Rockchip `dmc`, Tegra `emc` (whose governor is `actmon`).
const MEMORY: &[&str] = &[
    "dmc",
    "emc",
    "memory",
    "ddr",
    "dram",
    "actmon",
    "bus",
    "noc",
    "cci",
    "mif",
    "interconnect",
];

/// Words of GPUs: generic ones, chips of Tegra, drivers.
const GPU: &[&str] = &[
    "gpu", "mali", "g3d", "adreno", "kgsl", "gk20a", "gm20b", "gp10b", "gv11b", "ga10b", "nvgpu", "panfrost",
    "panthor", "lima", "powervr", "etnaviv",
];

/// Words of processors for neural networks.
const NPU: &[&str] = &["npu", "rknpu", "ethos"];

/// Words of other accelerators: Tegra's deep-learning and vision accelerators, signal processors.
const ACCELERATOR: &[&str] = &["dla", "nvdla", "pva", "dsp", "apu", "fpga"];

/// The purpose of a device known by `names`, in order of their weight.
pub(crate) fn purpose<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<Purpose> {
    names.into_iter().find_map(of_name)
}

fn of_name(name: &str) -> Option<Purpose> {
    let name = name.to_ascii_lowercase();
    let words = || {
        let words = name.split(|c: char| !c.is_ascii_alphanumeric());
        // Instances are numbered: gpu0, nvdla1.
        words.flat_map(|word| [word, word.trim_end_matches(|c: char| c.is_ascii_digit())])
    };
    let any = |known: &[&str]| words().any(|word| known.contains(&word));
    let kinds = [
        (MEMORY, Purpose::Memory),
        (GPU, Purpose::Processor(ProcessorKind::Gpu)),
        (NPU, Purpose::Processor(ProcessorKind::Npu)),
        (ACCELERATOR, Purpose::Processor(ProcessorKind::Accelerator)),
    ];
    kinds
        .into_iter()
        .find(|(known, _)| any(known))
        .map(|(_, purpose)| purpose)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(names: &[&str], expect: Option<Purpose>) {
        assert_eq!(purpose(names.iter().copied()), expect, "{names:?}");
    }

    #[test]
    fn devices_of_known_boards() {
        let gpu = Some(Purpose::Processor(ProcessorKind::Gpu));
        for name in [
            "57000000.gpu",
            "17000000.gv11b",
            "17000000.gp10b",
            "17000000.ga10b",
            "11800000.mali",
        ] {
            check(&[name], gpu);
        }
        check(&["fdab0000.npu"], Some(Purpose::Processor(ProcessorKind::Npu)));
        check(
            &["15880000.nvdla0"],
            Some(Purpose::Processor(ProcessorKind::Accelerator)),
        );
        for name in [
            "10c20000.memory-controller",
            "dmc",
            "bus-wcore",
            "soc:bus_wcore",
            "bus-g3d",
        ] {
            check(&[name], Some(Purpose::Memory));
        }
    }

    #[test]
    fn the_heaviest_evidence_decides() {
        check(
            &["devfreq0", "mali", "arm,mali-midgard"],
            Some(Purpose::Processor(ProcessorKind::Gpu)),
        );
        check(&["dmc", "rk3588-npu"], Some(Purpose::Memory));
    }

    #[test]
    fn what_is_not_known_is_nothing() {
        for name in ["15340000.vic", "154c0000.nvenc", "1d84000.ufshc", "", "business"] {
            check(&[name], None);
        }
    }
}
