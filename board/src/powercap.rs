//! Energy counters of PCs: RAPL, through powercap.
//!
//! `intel-rapl:0` is a package, `intel-rapl:0:1` a part of it; AMD's counters have the same names. The part `dram` is
//! counted beside its package, not in it, and `psys` counts the whole platform (Intel SDM, volume 3B, 16.10). The
//! control type `intel-rapl-mmio` shows the packages a second time and is left out.

use std::path::Path;

use crate::Loss;
use crate::power::PowerMeter;
use crate::survey::Survey;

const POWERCAP: &str = "sys/class/powercap";
const PREFIX: &str = "intel-rapl:";

/// A counter of energy.
#[derive(Debug)]
pub(crate) struct Domain {
    pub(crate) name: String,
    pub(crate) meter: PowerMeter,
    /// Index of the domain that counts this one's energy in.
    pub(crate) within: Option<usize>,
}

/// The domains, packages before their parts.
pub(crate) fn domains(survey: &mut Survey<'_>) -> Vec<Domain> {
    let zones = survey.names(Path::new(POWERCAP), PREFIX);
    let names: Vec<String> = zones
        .iter()
        .map(|zone| {
            let name = survey.word(&Path::new(POWERCAP).join(zone).join("name"));
            name.unwrap_or_else(|| zone.clone())
        })
        .collect();
    let platform = names.iter().position(|name| name == "psys");
    let parent = |index: usize| {
        let package = zones[index][PREFIX.len()..]
            .rsplit_once(':')
            .map(|(package, _)| package);
        let package = package.filter(|_| names[index] != "dram");
        let package =
            package.and_then(|package| zones.iter().position(|zone| zone[PREFIX.len()..] == *package));
        package.or(platform).filter(|parent| *parent != index)
    };
    let within: Vec<Option<usize>> = (0..zones.len()).map(parent).collect();
    let domain = |((zone, name), within): ((&String, String), Option<usize>)| {
        let dir = Path::new(POWERCAP).join(zone);
        let range = survey.number(&dir.join("max_energy_range_uj"), Loss::Power);
        Domain {
            name,
            meter: PowerMeter::energy(survey.at(&dir.join("energy_uj")), range.unwrap_or(0)),
            within,
        }
    };
    zones.iter().zip(names).zip(within).map(domain).collect()
}
