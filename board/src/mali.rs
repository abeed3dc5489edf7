//! A Mali on vendor kernels that govern it without devfreq, such as Hardkernel's 3.10.
//!
//! Its driver shows `clock`, `utilization` and `dvfs_table` in the device's own directory; `mali0` of the class
//! `misc` leads there, and where that is missing the directory is recognised by its name, `ADDRESS.mali`.

use std::path::{Path, PathBuf};

use dynd_vocab::ProcessorKind;

use crate::Loss;
use crate::clock::{self, Clock};
use crate::devfreq;
use crate::load::{LoadFormat, LoadMeter};
use crate::processor::Found;
use crate::survey::Survey;

const MISC: &str = "sys/class/misc/mali0/device";
const PARENTS: &[&str] = &["sys/devices", "sys/devices/platform"];

/// The GPU, if there is one.
pub(crate) fn gpu(survey: &mut Survey<'_>) -> Option<Found> {
    let dir = directory(survey)?;
    let table = ["dvfs_table", "available_frequencies"].map(|name| dir.join(name));
    let opps = table.into_iter().find_map(|path| {
        let text = survey.optional(&path, Loss::Opps)?;
        Some(clock::table(&text, clock::mali, |fault| {
            let _: Option<()> = survey.note(&path, Loss::Opps, Err(fault));
        }))
    });
    let load = ["utilization", "utilisation"].map(|name| dir.join(name));
    let load = load.into_iter().find(|path| survey.exists(path));
    Some(Found {
        processor: devfreq::processor(ProcessorKind::Gpu, opps.unwrap_or_default()),
        clock: Some(Clock::new(
            survey.at(&dir.join("clock")),
            Loss::Clock,
            clock::mali,
        )),
        domains: Vec::new(),
        load: load.map(|path| LoadMeter::new(survey.at(&path), LoadFormat::Percent)),
        dir: Some(survey.at(&dir)),
    })
}

fn directory(survey: &Survey<'_>) -> Option<PathBuf> {
    let named = PARENTS.iter().flat_map(|parent| {
        let names = survey.names(Path::new(parent), "").into_iter();
        let malis = names.filter(|name| name.ends_with(".mali"));
        malis.map(|name| Path::new(parent).join(name))
    });
    let known = std::iter::once(PathBuf::from(MISC)).chain(named);
    known.into_iter().find(|dir| survey.exists(&dir.join("clock")))
}
