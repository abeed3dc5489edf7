//! A dynamic model with all its sub-networks ready to run.

use std::path::Path;

use dynd_files::{InputSpec, Manifest, SubnetworkArtifacts};
use dynd_vocab::ModelTable;

use crate::answer::Answer;
use crate::error::RuntimeError;
use crate::graph::Graph;
use crate::input::Input;
use crate::progressive::Progressive;
use crate::threads::Threads;

/// The artifact that this runtime runs.
const BACK_END: &str = "onnx";

/// Inferences of each sub-network at start, so that the first one asked for finds memory and caches warm.
const WARMUPS: usize = 2;

/// A dynamic model: all sub-networks loaded, optimised and warmed. To switch is to pass another index to
/// [`run`](DynamicModel::run).
#[derive(Debug)]
pub struct DynamicModel {
    table: ModelTable,
    graphs: Vec<Graph>,
    /// Where each sub-network of the table runs.
    places: Vec<Place>,
    threads: Threads,
}

/// An exit of a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) graph: usize,
    pub(crate) exit: usize,
}

impl DynamicModel {
    /// Loads every sub-network that `manifest` lists, for inference on up to `max_threads` threads.
    ///
    /// # Errors
    /// If an ONNX file is missing, incomplete or not what the manifest says; the message names it.
    pub fn load(manifest: &Manifest, max_threads: u32) -> Result<Self, RuntimeError> {
        let (files, places) = place(manifest)?;
        let graphs = files
            .iter()
            .map(|file| Graph::load(file.path, &manifest.input.shape, &file.outputs))
            .collect::<Result<Vec<_>, _>>()?;
        let mut model = Self {
            table: manifest.table.clone(),
            graphs,
            places,
            threads: Threads::start(max_threads)?,
        };
        model.warm(&manifest.input, max_threads)?;
        Ok(model)
    }

    /// The sub-networks.
    pub fn table(&self) -> &ModelTable {
        &self.table
    }

    /// The kernel's numbers of the threads of inference, by team: the one that called [`load`](Self::load), which
    /// must be the one that calls [`run`](Self::run), then for each larger number of threads those that run an
    /// inference together. These are to be pinned.
    pub fn teams(&self) -> &[Vec<i32>] {
        self.threads.teams()
    }

    /// Runs the sub-network with index `subnetwork` in the table on `threads` threads, at most those asked
    /// for at start.
    ///
    /// # Errors
    /// If there is no such sub-network, or the inference fails.
    pub fn run(&mut self, subnetwork: usize, threads: u32, input: &Input) -> Result<Answer, RuntimeError> {
        let Place { graph, exit } = self.place(subnetwork)?;
        let graph = &mut self.graphs[graph];
        self.threads.run(threads, || {
            graph.begin(input.value())?;
            let answer = graph.advance(exit).map(Answer::new);
            graph.end();
            answer
        })
    }

    /// Starts an inference of `input` on `threads` threads that goes from sub-network to sub-network.
    pub fn start<'a>(&'a mut self, input: &'a Input, threads: u32) -> Progressive<'a> {
        Progressive::new(self, input, threads)
    }

    pub(crate) fn place(&self, subnetwork: usize) -> Result<Place, RuntimeError> {
        self.places
            .get(subnetwork)
            .copied()
            .ok_or(RuntimeError::UnknownSubnetwork {
                subnetwork,
                count: self.places.len(),
            })
    }

    pub(crate) fn graph(&mut self, graph: usize) -> &mut Graph {
        &mut self.graphs[graph]
    }

    pub(crate) fn graph_and_threads(&mut self, graph: usize) -> (&mut Graph, &Threads) {
        (&mut self.graphs[graph], &self.threads)
    }

    fn warm(&mut self, input: &InputSpec, max_threads: u32) -> Result<(), RuntimeError> {
        let input = Input::new(input)?;
        for threads in 1..=max_threads.max(1) {
            for subnetwork in 0..self.places.len() {
                for _ in 0..WARMUPS {
                    self.run(subnetwork, threads, &input)?;
                }
            }
        }
        Ok(())
    }
}

/// An ONNX file and the outputs that are read from it.
struct OnnxFile<'a> {
    path: &'a Path,
    outputs: Vec<Option<&'a str>>,
}

/// The distinct ONNX files, and where among them each sub-network finds itself.
fn place(manifest: &Manifest) -> Result<(Vec<OnnxFile<'_>>, Vec<Place>), RuntimeError> {
    let mut files: Vec<OnnxFile<'_>> = Vec::new();
    let mut places = Vec::new();
    for (artifacts, subnetwork) in manifest.artifacts.iter().zip(&manifest.table.subnetworks) {
        let SubnetworkArtifacts {
            files: by_back_end,
            output,
            ..
        } = artifacts;
        let path = by_back_end.get(BACK_END).ok_or_else(|| RuntimeError::NoOnnx {
            manifest: manifest.path.clone(),
            subnetwork: subnetwork.name.clone(),
        })?;
        let graph = match files.iter().position(|file| file.path == path) {
            Some(graph) => graph,
            None => {
                files.push(OnnxFile {
                    path,
                    outputs: Vec::new(),
                });
                files.len() - 1
            }
        };
        let outputs = &mut files[graph].outputs;
        places.push(Place {
            graph,
            exit: outputs.len(),
        });
        outputs.push(output.as_deref());
    }
    Ok((files, places))
}
