//! First stage: where settings come from, lowest layer first.
//!
//! ```text
//! defaults → DIR/dynd.toml of each directory → DIR/dynd.d/*.toml by file name → DYND_* → flags
//! ```
//! A drop-in hides the one of the same name in an earlier directory. Each layer is checked on its own, so that
//! an unknown key is blamed on the file that holds it even if a later layer repeats it.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use config::{Config, ConfigError, File, FileFormat, Map, Source, Value};

use super::raw::Raw;
use super::{SettingsError, defaults};

/// Everything that can hold a setting.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    /// Directories with `dynd.toml` and `dynd.d`, lowest first.
    pub dirs: Vec<PathBuf>,
    /// The environment.
    pub vars: Vec<(String, String)>,
    /// Keys and values given on the command line.
    pub flags: Vec<(&'static str, Vec<String>)>,
}

/// All layers in one: the values that win, and who set each.
pub(super) struct Merged {
    pub(super) raw: Raw,
    pub(super) origins: BTreeMap<String, String>,
    /// `DYND_*` variables that are no settings of the daemon.
    pub(super) ignored: Vec<String>,
}

impl Layers {
    pub(super) fn merge(&self) -> Result<Merged, SettingsError> {
        let mut builder = Config::builder().add_source(Entries::defaults());
        for path in self.files()? {
            let text = fs::read_to_string(&path).map_err(|source| SettingsError::Open {
                path: path.clone(),
                source,
            })?;
            let file = Text {
                origin: path.display().to_string(),
                text,
            };
            builder = builder.add_source(checked(&file.origin, file.clone())?);
        }
        let (variables, ignored) = Entries::variables(&self.vars);
        builder = builder
            .add_source(checked("the environment", variables)?)
            .add_source(checked("the command line", Entries::flags(&self.flags))?);

        let failed = |source| SettingsError::Read {
            origin: "all layers".into(),
            source: Box::new(source),
        };
        let config = builder.build().map_err(failed)?;
        let table = config.cache.clone().into_table().map_err(failed)?;
        let origins = table
            .into_iter()
            .filter_map(|(key, value)| Some((key, value.origin()?.to_owned())))
            .collect();
        Ok(Merged {
            raw: config.try_deserialize().map_err(failed)?,
            origins,
            ignored,
        })
    }

    fn files(&self) -> Result<Vec<PathBuf>, SettingsError> {
        let mut files: Vec<PathBuf> = self
            .dirs
            .iter()
            .map(|dir| dir.join("dynd.toml"))
            .filter(|path| path.exists())
            .collect();
        let mut drop_ins = BTreeMap::new();
        for dir in &self.dirs {
            for path in toml_files(&dir.join("dynd.d"))? {
                drop_ins.insert(path.file_name().map(ToOwned::to_owned), path);
            }
        }
        files.extend(drop_ins.into_values());
        Ok(files)
    }
}

fn toml_files(dir: &Path) -> Result<Vec<PathBuf>, SettingsError> {
    let failed = |source| SettingsError::Open {
        path: dir.to_owned(),
        source,
    };
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let paths: Result<Vec<PathBuf>, _> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
    let is_toml = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "toml");
    Ok(paths.map_err(failed)?.into_iter().filter(is_toml).collect())
}

/// `source`, if it holds nothing but known keys of the right type.
fn checked<S>(origin: &str, source: S) -> Result<S, SettingsError>
where
    S: Source + Clone + Send + Sync + 'static,
{
    Config::builder()
        .add_source(source.clone())
        .build()
        .and_then(Config::try_deserialize::<Raw>)
        .map_err(|error| SettingsError::Read {
            origin: origin.to_owned(),
            source: Box::new(error),
        })?;
    Ok(source)
}

/// A TOML file; its values remember its path.
#[derive(Clone, Debug)]
struct Text {
    origin: String,
    text: String,
}

impl Source for Text {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        let values = File::from_str(&self.text, FileFormat::Toml).collect()?;
        Ok(values
            .into_iter()
            .map(|(key, value)| (key, Value::new(Some(&self.origin), value.kind)))
            .collect())
    }
}

/// Keys with text values; each remembers where it was given.
#[derive(Clone, Debug, Default)]
struct Entries(Vec<(String, Value)>);

impl Entries {
    fn defaults() -> Self {
        let origin = "the defaults".to_owned();
        Self(
            defaults()
                .map(|(key, value)| (key.to_owned(), Value::new(Some(&origin), value)))
                .collect(),
        )
    }

    fn variables(vars: &[(String, String)]) -> (Self, Vec<String>) {
        let mut entries = Self::default();
        let mut ignored = Vec::new();
        for (name, value) in vars {
            let Some(key) = name
                .strip_prefix("DYND_")
                .map(|key| key.to_lowercase().replace('_', "-"))
            else {
                continue;
            };
            if !Raw::KEYS.contains(&key.as_str()) {
                ignored.push(name.clone());
                continue;
            }
            let values = if key == "socket" {
                value.split(',').collect()
            } else {
                vec![value.as_str()]
            };
            entries.push(&key, &format!("the environment variable {name}"), &values);
        }
        (entries, ignored)
    }

    fn flags(flags: &[(&'static str, Vec<String>)]) -> Self {
        let mut entries = Self::default();
        for (key, values) in flags {
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            entries.push(key, &format!("the flag --{key}"), &values);
        }
        entries
    }

    fn push(&mut self, key: &str, origin: &str, values: &[&str]) {
        let origin = origin.to_owned();
        let value = match values {
            [one] => Value::new(Some(&origin), *one),
            many => Value::new(Some(&origin), many.to_vec()),
        };
        self.0.push((key.to_owned(), value));
    }
}

impl Source for Entries {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.0.iter().cloned().collect())
    }
}
