//! `dynctl models`.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use dynd_vocab::{AppStatus, ModelTable};
use serde::Serialize;

use super::print_json;
use crate::failure::Failure;
use crate::output::print;
use crate::{daemon, format};

/// The file that describes a model in its directory.
const MANIFEST: &str = "model.toml";

/// Show models and their sub-networks: those of the registered apps, or those described in a directory.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  dynctl models           what the registered apps run
  dynctl models models/   manifests DIR/model.toml and DIR/*/model.toml; needs no daemon")]
pub(crate) struct Args {
    /// Directory to look for manifests in.
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,

    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// A model, and where it comes from.
#[derive(Serialize)]
struct Listed {
    #[serde(flatten)]
    table: ModelTable,
    #[serde(skip_serializing_if = "Option::is_none")]
    manifest: Option<PathBuf>,
    /// The apps that run it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    apps: Vec<String>,
}

impl Args {
    pub(super) async fn run(self, socket: &Path) -> Result<(), Failure> {
        let models = match &self.directory {
            Some(directory) => in_directory(directory)?,
            None => of_apps(&daemon::status(socket).await?.apps),
        };
        if self.json {
            return print_json(&models);
        }
        if models.is_empty() {
            return print("no app is registered");
        }
        let texts: Vec<_> = models.iter().map(text).collect();
        print(&texts.join("\n\n"))
    }
}

fn in_directory(directory: &Path) -> Result<Vec<Listed>, Failure> {
    let manifests = manifests(directory).map_err(Failure::BadInput)?;
    let list = |manifest: &PathBuf| {
        let table = dynd_files::load_manifest(manifest)
            .map_err(Failure::bad_input)?
            .table;
        Ok(Listed {
            table,
            manifest: Some(manifest.clone()),
            apps: Vec::new(),
        })
    };
    manifests.iter().map(list).collect()
}

/// The manifest of `directory` itself and those of its sub-directories, by name.
fn manifests(directory: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let failed = || format!("failed to list {}", directory.display());
    let mut found = vec![directory.join(MANIFEST)];
    for entry in std::fs::read_dir(directory).with_context(failed)? {
        found.push(entry.with_context(failed)?.path().join(MANIFEST));
    }
    found.retain(|manifest| manifest.is_file());
    found.sort();
    if found.is_empty() {
        return Err(anyhow!("no {MANIFEST} in {} or below it", directory.display()));
    }
    Ok(found)
}

fn of_apps(apps: &[AppStatus]) -> Vec<Listed> {
    let mut models: Vec<Listed> = Vec::new();
    for app in apps {
        let name = format!("{} ({})", app.name, app.id);
        match models.iter_mut().find(|model| model.table == app.table) {
            Some(model) => model.apps.push(name),
            None => models.push(Listed {
                table: app.table.clone(),
                manifest: None,
                apps: vec![name],
            }),
        }
    }
    models
}

fn text(model: &Listed) -> String {
    let Listed {
        table: model,
        manifest,
        apps,
    } = model;
    let origin = match manifest {
        Some(manifest) => manifest.display().to_string(),
        None => format!("run by {}", apps.join(", ")),
    };
    let mut table = format::table(&["  sub-network", &model.quality_metric, "MACs", "weights"]);
    for subnetwork in &model.subnetworks {
        table.add_row([
            format!("  {}", subnetwork.name),
            format::percent(Some(subnetwork.quality.get())),
            format::operations(subnetwork.macs),
            format::bytes(subnetwork.memory_bytes),
        ]);
    }
    format::right_align(&mut table, 1);
    format!(
        "{} ({}), {origin}\n{}",
        model.name,
        model.kind.label(),
        format::render(&table)
    )
}
