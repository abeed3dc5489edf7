//! Model manifests.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use dynd_vocab::{ModelKind, ModelTable};

use crate::error::FileError;
use crate::fault::Fault;
use crate::field::{Field, fields};
use crate::source::{Source, read};
use crate::subnetwork;
use crate::suggestion::quoted;

const FILE: &str = "model.toml";
const KEYS: [&str; 8] = [
    "name",
    "kind",
    "task",
    "quality-metric",
    "source",
    "input",
    "test",
    "subnetwork",
];
const INPUT_KEYS: [&str; 2] = ["shape", "scale"];
const TEST_KEYS: [&str; 2] = ["images", "labels"];
const KINDS: [ModelKind; 2] = [ModelKind::Supernet, ModelKind::Family];
const SCALE_HELP: &str = "write a number or a fraction such as \"1/255\"";

/// More elements than any input has; keeps what the runtime allocates for one input within reason.
const MOST_ELEMENTS: usize = 1 << 28;

/// A dynamic model: the table that planners see, and what a runtime needs to run it.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// The manifest's file.
    pub path: PathBuf,
    /// The sub-networks, in ascending order of MACs.
    pub table: ModelTable,
    /// What the model is for, in words.
    pub task: String,
    /// Where it comes from, in words.
    pub source: String,
    /// What it takes in.
    pub input: InputSpec,
    /// Labelled inputs that its quality can be checked with.
    pub test: Option<TestSet>,
    /// What runs each sub-network, in the order of [`ModelTable::subnetworks`].
    pub artifacts: Vec<SubnetworkArtifacts>,
}

/// What a model takes in: one tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct InputSpec {
    /// The tensor's shape; no dimension is zero.
    pub shape: Vec<usize>,
    /// An element of the tensor is a pixel (0 to 255) times this; positive and finite.
    pub scale: f64,
}

/// Labelled images in the IDX format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestSet {
    /// The images.
    pub images: PathBuf,
    /// Their labels, in the same order.
    pub labels: PathBuf,
}

/// What runs one sub-network.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SubnetworkArtifacts {
    /// A file per back end (`onnx`, `tensorrt`, `rknn`, `tflite`), at least one. Relative paths of the
    /// manifest are resolved against its directory.
    pub files: BTreeMap<String, PathBuf>,
    /// Which output of the file to read; absent where it has only one.
    pub output: Option<String>,
    /// What the sub-network was derived with, for runtimes that can derive it themselves.
    pub knobs: BTreeMap<String, Knob>,
}

/// The value of a knob.
#[derive(Clone, Debug, PartialEq)]
pub enum Knob {
    /// A finite number.
    Number(f64),
    /// Text.
    Text(String),
}

/// Reads the manifest at `path`, a file or a directory that holds `model.toml`. The files it names must
/// exist; what is in them is not looked at.
///
/// # Errors
/// If the file cannot be read, says something that does not hold, or names a file that does not exist.
pub fn load_manifest(path: &Path) -> Result<Manifest, FileError> {
    let path = if path.is_dir() {
        path.join(FILE)
    } else {
        path.to_path_buf()
    };
    let text = read(&path)?;
    let source = Source {
        path: &path,
        text: &text,
    };
    manifest(source)
        .and_then(|draft| {
            draft.mentions.iter().try_for_each(Mention::check)?;
            Ok(draft.manifest)
        })
        .map_err(|fault| source.explain(fault))
}

/// Like [`load_manifest`] for a text already read: `path` names it in messages, and the files it names are
/// resolved against the directory of `path`, but not looked for.
///
/// # Errors
/// If the text says something that does not hold.
pub fn parse_manifest(path: &Path, text: &str) -> Result<Manifest, FileError> {
    let source = Source { path, text };
    manifest(source)
        .map(|draft| draft.manifest)
        .map_err(|fault| source.explain(fault))
}

/// A file that the manifest names, and where.
#[derive(Debug)]
pub(crate) struct Mention {
    /// What kind of file it is, for messages.
    pub(crate) what: &'static str,
    pub(crate) path: PathBuf,
    pub(crate) span: Range<usize>,
}

impl Mention {
    /// The file that `field` names, resolved against `directory`.
    pub(crate) fn new(what: &'static str, field: &Field<'_>, directory: &Path) -> Result<Self, Fault> {
        Ok(Self {
            what,
            path: directory.join(field.name()?),
            span: field.span.clone(),
        })
    }

    fn check(&self) -> Result<(), Fault> {
        let Self { what, path, span } = self;
        let fault = |message| Err(Fault::new(span.clone(), message));
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => fault(format!("{what} {} is a directory", path.display())),
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fault(format!("failed to find {what} {}", path.display()))
            }
            Err(error) => fault(format!("failed to look at {what} {}: {error}", path.display())),
        }
    }
}

struct Draft {
    manifest: Manifest,
    /// In document order.
    mentions: Vec<Mention>,
}

fn manifest(source: Source<'_>) -> Result<Draft, Fault> {
    let directory = source.path.parent().unwrap_or(Path::new(""));
    let tree = source.tree()?;
    let mut mentions = Vec::new();
    let (mut name, mut kind, mut task, mut metric, mut origin) = (None, None, None, None, None);
    let (mut input, mut test, mut subnetworks) = (None, None, None);
    for field in fields(tree.get_ref()) {
        match field.key {
            "name" => name = Some(field.name()?),
            "kind" => kind = Some(model_kind(&field)?),
            "task" => task = Some(field.name()?),
            "quality-metric" => metric = Some(field.name()?),
            "source" => origin = Some(field.name()?),
            "input" => input = Some(input_spec(&field)?),
            "test" => test = Some(test_set(&field, directory, &mut mentions)?),
            "subnetwork" => subnetworks = Some(subnetwork::read_all(&field, directory)?),
            _ => return Err(field.unknown_key(&KEYS)),
        }
    }
    let missing = |key, example| move || Fault::missing(0..0, key, example);
    let name = name.ok_or_else(missing("name", "name = \"slim-mnist\""))?;
    let kind = kind.ok_or_else(missing("kind", "kind = \"supernet\""))?;
    let task = task.ok_or_else(missing("task", "task = \"digit classification\""))?;
    let metric = metric.ok_or_else(missing("quality-metric", "quality-metric = \"top-1\""))?;
    let origin = origin.ok_or_else(missing("source", "source = \"trained by train.py\""))?;
    let input = input.ok_or_else(missing("input", "[input] with shape and scale below it"))?;
    let subnetworks = subnetworks.filter(|all| !all.is_empty()).ok_or_else(|| {
        Fault::new(0..0, "the model has no sub-network").help("describe each one below a line [[subnetwork]]")
    })?;

    subnetwork::tell_apart(&subnetworks, kind)?;
    let mut subnetworks = subnetworks;
    mentions.extend(
        subnetworks
            .iter_mut()
            .flat_map(|placed| std::mem::take(&mut placed.mentions)),
    );
    mentions.sort_by_key(|mention| mention.span.start);
    subnetworks.sort_by_key(|placed| placed.subnetwork.macs);
    let (subnetworks, artifacts) = subnetworks
        .into_iter()
        .map(|placed| (placed.subnetwork, placed.artifacts))
        .unzip();
    let table = ModelTable {
        name: name.into(),
        kind,
        quality_metric: metric.into(),
        subnetworks,
    };
    let manifest = Manifest {
        path: source.path.into(),
        table,
        task: task.into(),
        source: origin.into(),
        input,
        test,
        artifacts,
    };
    Ok(Draft { manifest, mentions })
}

fn model_kind(field: &Field<'_>) -> Result<ModelKind, Fault> {
    let name = field.text()?;
    KINDS
        .into_iter()
        .find(|kind| kind.label() == name)
        .ok_or_else(|| Fault::unknown(field.span.clone(), "kind", name, &KINDS.map(ModelKind::label)))
}

fn input_spec(field: &Field<'_>) -> Result<InputSpec, Fault> {
    let (mut shape_read, mut scale_read) = (None, None);
    for part in field.fields()? {
        match part.key {
            "shape" => shape_read = Some(shape(&part)?),
            "scale" => scale_read = Some(scale(&part)?),
            _ => return Err(part.unknown_key(&INPUT_KEYS)),
        }
    }
    let missing = |key, example| move || Fault::missing(field.span.clone(), key, example);
    Ok(InputSpec {
        shape: shape_read.ok_or_else(missing("shape", "shape = [1, 1, 40, 40]"))?,
        scale: scale_read.ok_or_else(missing("scale", "scale = \"1/255\""))?,
    })
}

fn shape(field: &Field<'_>) -> Result<Vec<usize>, Fault> {
    let items = field.items()?;
    if items.is_empty() {
        return Err(field
            .fault("shape must not be empty")
            .help("write, for instance, shape = [1, 1, 40, 40]"));
    }
    let mut elements = 1_usize;
    let mut shape = Vec::new();
    for item in items {
        let dimension = item.integer()?;
        if dimension < 1 {
            return Err(item.fault("each dimension of shape must be at least 1"));
        }
        let dimension = usize::try_from(dimension).unwrap_or(usize::MAX);
        elements = elements.saturating_mul(dimension);
        shape.push(dimension);
    }
    if elements > MOST_ELEMENTS {
        return Err(field.fault(format!("shape has more than {MOST_ELEMENTS} elements")));
    }
    Ok(shape)
}

fn scale(field: &Field<'_>) -> Result<f64, Fault> {
    let scale = if field.is_text() {
        let text = field.text()?;
        fraction(text).ok_or_else(|| {
            field
                .fault(format!("{} is no fraction", quoted(text)))
                .help(SCALE_HELP)
        })?
    } else {
        field.number().map_err(|fault| fault.help(SCALE_HELP))?
    };
    if scale.is_finite() && scale > 0.0 {
        Ok(scale)
    } else {
        Err(field.fault("scale must be more than zero").help(SCALE_HELP))
    }
}

/// The value of `text` as a number or as one number over another.
fn fraction(text: &str) -> Option<f64> {
    let number = |text: &str| {
        text.trim()
            .parse::<f64>()
            .ok()
            .filter(|number| number.is_finite())
    };
    match text.split_once('/') {
        Some((above, below)) => {
            let below = number(below)?;
            if below == 0.0 {
                None
            } else {
                Some(number(above)? / below)
            }
        }
        None => number(text),
    }
}

fn test_set(field: &Field<'_>, directory: &Path, mentions: &mut Vec<Mention>) -> Result<TestSet, Fault> {
    let (mut images, mut labels) = (None, None);
    for part in field.fields()? {
        let (what, slot) = match part.key {
            "images" => ("test images", &mut images),
            "labels" => ("test labels", &mut labels),
            _ => return Err(part.unknown_key(&TEST_KEYS)),
        };
        let mention = Mention::new(what, &part, directory)?;
        *slot = Some(mention.path.clone());
        mentions.push(mention);
    }
    let missing = |key, example| move || Fault::missing(field.span.clone(), key, example);
    Ok(TestSet {
        images: images.ok_or_else(missing("images", "images = \"images.idx3-ubyte\""))?,
        labels: labels.ok_or_else(missing("labels", "labels = \"labels.idx1-ubyte\""))?,
    })
}
