//! Board files.
//!
//! ```toml
//! name       = "Hardkernel ODROID-XU3"
//! compatible = ["hardkernel,odroid-xu3"]
//!
//! [sources]                         # who found what; every other table names one of these
//! dts = "torvalds/linux exynos5422-cpus.dtsi"
//!
//! [kernel]                          # every table with figures says how far they can be trusted, and who found them
//! release = "5.4.151"
//! era     = "qos"                   # legacy | qos
//! grade   = "measured"              # measured | fitted | assumed
//! source  = "dts"
//! ```
//!
//! followed by `[idle]`, `[base]`, `[[cpu]]`, `[[accelerator]]`, `[memory]`, `[[rail]]`, `[[zone]]`, `[[cooler]]`,
//! `[thermal]` and `[[limit]]`; `boards/*.toml` show them all.

use std::path::Path;

use dynd_vocab::Blueprint;
use dynd_vocab::blueprint::{Grade, Kernel, KernelEra, Origin, StatedPower};

use crate::board_processor::{PlacedCluster, accelerator, cluster, memory};
use crate::board_sensor::{rails, zones};
use crate::board_thermal::{coolers, limits, network};
use crate::error::FileError;
use crate::fault::Fault;
use crate::field::{Field, fields};
use crate::physical::power;
use crate::section::{Section, one_of};
use crate::source::{Source, read};

const KEYS: [&str; 13] = [
    "name",
    "compatible",
    "sources",
    "kernel",
    "idle",
    "base",
    "cpu",
    "accelerator",
    "memory",
    "rail",
    "zone",
    "cooler",
    "thermal",
];
const LIMIT: &str = "limit";

/// The names that other tables of a board file refer to, and the citations.
pub(crate) struct Names<'t> {
    /// Keys of `[sources]` and their texts.
    pub(crate) sources: Vec<(&'t str, &'t str)>,
    /// Processors as the blueprint numbers them: clusters by their first CPU, then accelerators.
    pub(crate) processors: Vec<&'t str>,
    /// Thermal nodes.
    pub(crate) nodes: Vec<&'t str>,
}

/// Reads the board file at `path`.
///
/// # Errors
/// If it cannot be read or says something that does not hold.
pub fn load_board(path: &Path) -> Result<Blueprint, FileError> {
    parse_board(path, &read(path)?)
}

/// Like [`load_board`] for a text already read; `path` names it in messages.
///
/// # Errors
/// If the text says something that does not hold.
pub fn parse_board(path: &Path, text: &str) -> Result<Blueprint, FileError> {
    let source = Source { path, text };
    board(source).map_err(|fault| source.explain(fault))
}

fn board(source: Source<'_>) -> Result<Blueprint, Fault> {
    let tree = source.tree()?;
    let known: Vec<_> = KEYS.into_iter().chain([LIMIT]).collect();
    let root = Section::new(0..0, fields(tree.get_ref()), &known)?;
    let mut names = Names {
        sources: sources(root.need("sources", "[sources]")?)?,
        processors: names_of(root.items("cpu")?.iter().chain(&root.items("accelerator")?))?,
        nodes: nodes(root.need("thermal", "[thermal]")?)?,
    };
    let text = |field: &Field<'_>| field.name().map(String::from);
    let mut clusters = Vec::new();
    for field in root.items("cpu")? {
        clusters.push(cluster(&field, &names)?);
    }
    if clusters.is_empty() {
        return Err(root
            .fault("the board has no CPU")
            .help("describe each cluster below a line [[cpu]]"));
    }
    apart(&clusters)?;
    clusters.sort_by_key(|placed| placed.cluster.cpus.iter().next());
    names.processors[..clusters.len()].sort_by_key(|name| {
        let named = |placed: &PlacedCluster| placed.cluster.silicon.name == *name;
        clusters.iter().position(named)
    });
    let accelerators = root.items("accelerator")?;
    let coolers = coolers(&root.items("cooler")?, &names)?;
    let compatible = root.need("compatible", "compatible = [\"raspberrypi,4-model-b\"]")?;
    Ok(Blueprint {
        name: text(root.need("name", "name = \"Raspberry Pi 4\"")?)?,
        compatible: compatible.items()?.iter().map(text).collect::<Result<_, _>>()?,
        kernel: kernel(root.need("kernel", "[kernel]")?, &names)?,
        idle: stated_power(root.need("idle", "[idle]")?, &names)?,
        base: stated_power(root.need("base", "[base]")?, &names)?,
        clusters: clusters.into_iter().map(|placed| placed.cluster).collect(),
        accelerators: accelerators
            .iter()
            .map(|field| accelerator(field, &names))
            .collect::<Result<_, _>>()?,
        memory: memory(root.need("memory", "[memory]")?, &names)?,
        rails: rails(&root.items("rail")?, &names)?,
        zones: zones(&root.items("zone")?, &names, &coolers)?,
        coolers,
        thermal: network(root.need("thermal", "[thermal]")?, &names)?,
        limits: limits(&root.items(LIMIT)?, &names)?,
    })
}

fn sources<'t>(field: &Field<'t>) -> Result<Vec<(&'t str, &'t str)>, Fault> {
    let citation = |field: &Field<'t>| Ok((field.key, field.name()?));
    field.fields()?.iter().map(citation).collect()
}

/// What the tables `fields` are called, each name once.
pub(crate) fn names_of<'a, 't: 'a>(
    fields: impl Iterator<Item = &'a Field<'t>>,
) -> Result<Vec<&'t str>, Fault> {
    let mut names: Vec<(&'t str, std::ops::Range<usize>)> = Vec::new();
    for field in fields {
        for part in field.fields()?.iter().filter(|part| part.key == "name") {
            let name = part.name()?;
            if let Some((_, first)) = names.iter().find(|(earlier, _)| *earlier == name) {
                return Err(part
                    .fault(format!("the name \"{name}\" is taken already"))
                    .first(first));
            }
            names.push((name, part.span.clone()));
        }
    }
    Ok(names.into_iter().map(|(name, _)| name).collect())
}

fn nodes<'t>(thermal: &Field<'t>) -> Result<Vec<&'t str>, Fault> {
    match thermal.fields()?.iter().find(|part| part.key == "node") {
        Some(list) => names_of(list.items()?.iter()),
        None => Ok(Vec::new()),
    }
}

/// No CPU and no policy belongs to two clusters.
fn apart(clusters: &[PlacedCluster]) -> Result<(), Fault> {
    for (index, placed) in clusters.iter().enumerate() {
        for earlier in &clusters[..index] {
            let shared = placed.cluster.cpus.intersection(earlier.cluster.cpus);
            if let Some(cpu) = shared.iter().next() {
                let message = format!(
                    "CPU {cpu} belongs to \"{}\" already",
                    earlier.cluster.silicon.name
                );
                return Err(Fault::new(placed.cpus.clone(), message).first(&earlier.cpus));
            }
            if placed.cluster.policy == earlier.cluster.policy {
                let message = format!(
                    "policy {} belongs to \"{}\" already",
                    placed.cluster.policy, earlier.cluster.silicon.name
                );
                return Err(Fault::new(placed.policy.clone(), message).first(&earlier.policy));
            }
        }
    }
    Ok(())
}

fn kernel(field: &Field<'_>, names: &Names<'_>) -> Result<Kernel, Fault> {
    let section = Section::open(field, &["release", "era", "grade", "source"])?;
    let era = section.need("era", "era = \"legacy\"")?;
    let eras = [KernelEra::Legacy, KernelEra::Qos];
    Ok(Kernel {
        release: section.need("release", "release = \"5.10.104\"")?.name()?.into(),
        era: one_of(era, "kernel era", &eras, KernelEra::label)?,
        origin: origin(&section, names)?,
    })
}

fn stated_power(field: &Field<'_>, names: &Names<'_>) -> Result<StatedPower, Fault> {
    let section = Section::open(field, &["power", "grade", "source"])?;
    Ok(StatedPower {
        power: power(section.need("power", "power = \"1.2 W\"")?)?,
        origin: origin(&section, names)?,
    })
}

/// How far the figures of `section` can be trusted, and who found them.
pub(crate) fn origin(section: &Section<'_>, names: &Names<'_>) -> Result<Origin, Fault> {
    let grade = section.need("grade", "grade = \"assumed\"")?;
    let source = section.need("source", "source = \"dts\"")?;
    let known: Vec<_> = names.sources.iter().map(|(key, _)| *key).collect();
    let index = crate::section::index_of(source, "source", &known)?;
    Ok(Origin {
        grade: one_of(grade, "grade", &Grade::ALL, Grade::label)?,
        source: names.sources[index].1.into(),
    })
}
