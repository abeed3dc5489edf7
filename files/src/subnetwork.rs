//! The `[[subnetwork]]`s of a manifest.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use dynd_vocab::{ModelKind, Subnetwork};

use crate::fault::Fault;
use crate::field::Field;
use crate::manifest::{Knob, Mention, SubnetworkArtifacts};
use crate::quantity;
use crate::rule::quality;
use crate::suggestion::quoted;

const KEYS: [&str; 7] = [
    "name",
    "quality",
    "macs",
    "memory",
    "knobs",
    "artifacts",
    "output",
];
const BACK_ENDS: [&str; 4] = ["onnx", "tensorrt", "rknn", "tflite"];
const ARTIFACTS_EXAMPLE: &str = "artifacts = { onnx = \"w25.onnx\" }";

/// More sub-networks than any table needs; keeps planning over an untold table within reason.
const MOST: usize = 1000;

/// A sub-network and where it stands.
#[derive(Debug)]
pub(crate) struct Placed {
    pub(crate) subnetwork: Subnetwork,
    pub(crate) artifacts: SubnetworkArtifacts,
    /// The files it names, in document order.
    pub(crate) mentions: Vec<Mention>,
    name_span: Range<usize>,
}

/// Reads all of them, in document order.
pub(crate) fn read_all(field: &Field<'_>, directory: &Path) -> Result<Vec<Placed>, Fault> {
    let items = field
        .items()
        .map_err(|fault| fault.help("start each sub-network with a line [[subnetwork]]"))?;
    if let Some(item) = items.get(MOST) {
        return Err(item.fault(format!("more than {MOST} sub-networks")));
    }
    let mut names: BTreeMap<String, Range<usize>> = BTreeMap::new();
    let mut all = Vec::with_capacity(items.len());
    for item in &items {
        let placed = read(item, directory)?;
        let name = &placed.subnetwork.name;
        if let Some(first) = names.get(name) {
            let message = format!(
                "the sub-network {} is defined a second time; the first stands",
                quoted(name)
            );
            return Err(Fault::new(placed.name_span, message).first(first));
        }
        names.insert(name.clone(), placed.name_span.clone());
        all.push(placed);
    }
    Ok(all)
}

/// Refuses two sub-networks that would run the same thing. In a family each one is a network of its own; in a
/// supernet several may share an output of a file if their knobs differ.
pub(crate) fn tell_apart(all: &[Placed], kind: ModelKind) -> Result<(), Fault> {
    let mut seen: BTreeMap<Target<'_>, Vec<(&Placed, &Mention)>> = BTreeMap::new();
    for placed in all {
        for mention in &placed.mentions {
            let others = seen
                .entry((&mention.path, placed.artifacts.output.as_deref()))
                .or_default();
            let same =
                |other: &Placed| kind == ModelKind::Family || other.artifacts.knobs == placed.artifacts.knobs;
            if let Some((other, first)) = others.iter().find(|(other, _)| same(other)) {
                let name = quoted(&other.subnetwork.name);
                let message = format!("the sub-network {name} runs the same: its file is named");
                return Err(Fault::new(mention.span.clone(), message)
                    .first(&first.span)
                    .help("name another file, or another output of this one with the key output"));
            }
            others.push((placed, mention));
        }
    }
    Ok(())
}

/// A file and which of its outputs.
type Target<'a> = (&'a PathBuf, Option<&'a str>);

fn read(item: &Field<'_>, directory: &Path) -> Result<Placed, Fault> {
    let (mut name, mut quality_read, mut macs, mut memory, mut named) = (None, None, None, None, None);
    let mut artifacts = SubnetworkArtifacts::default();
    for field in item.fields()? {
        match field.key {
            "name" => name = Some((field.name()?, field.span)),
            "quality" => quality_read = Some(quality(&field)?),
            "macs" => macs = Some(field.integer_within(1, i64::MAX)?.unsigned_abs()),
            "memory" => memory = Some(quantity::bytes(&field)?),
            "knobs" => artifacts.knobs = knobs(&field)?,
            "artifacts" => named = Some(files(&field, directory)?),
            "output" => artifacts.output = Some(field.name()?.into()),
            _ => return Err(field.unknown_key(&KEYS)),
        }
    }
    let missing = |key, example| move || Fault::missing(item.span.clone(), key, example);
    let (name, name_span) = name.ok_or_else(missing("name", "name = \"w25\""))?;
    let subnetwork = Subnetwork {
        name: name.into(),
        quality: quality_read.ok_or_else(missing("quality", "quality = 0.97"))?,
        macs: macs.ok_or_else(missing("macs", "macs = 17_200_000"))?,
        memory_bytes: memory.ok_or_else(missing("memory", "memory = \"0.4 MiB\""))?,
    };
    let (files, mentions) = named.ok_or_else(missing("artifacts", ARTIFACTS_EXAMPLE))?;
    artifacts.files = files;
    Ok(Placed {
        subnetwork,
        artifacts,
        mentions,
        name_span,
    })
}

fn files(field: &Field<'_>, directory: &Path) -> Result<(BTreeMap<String, PathBuf>, Vec<Mention>), Fault> {
    let example = format!("write, for instance, {ARTIFACTS_EXAMPLE}");
    let fields = field.fields().map_err(|fault| fault.help(&example))?;
    if fields.is_empty() {
        return Err(field.fault("artifacts names no file").help(example));
    }
    let mut files = BTreeMap::new();
    let mut mentions = Vec::new();
    for file in fields {
        if !BACK_ENDS.contains(&file.key) {
            return Err(Fault::unknown(file.key_span, "back end", file.key, &BACK_ENDS));
        }
        let mention = Mention::new("model file", &file, directory)?;
        files.insert(file.key.to_string(), mention.path.clone());
        mentions.push(mention);
    }
    Ok((files, mentions))
}

fn knobs(field: &Field<'_>) -> Result<BTreeMap<String, Knob>, Fault> {
    let knob = |knob: &Field<'_>| {
        let value = if knob.is_text() {
            Knob::Text(knob.text()?.into())
        } else {
            Knob::Number(
                knob.number()
                    .map_err(|fault| fault.help("a knob is a number or text"))?,
            )
        };
        Ok((knob.key.to_string(), value))
    };
    field.fields()?.iter().map(knob).collect()
}
