//! Anytime inference: an answer early, better ones as time allows.

use crate::answer::Answer;
use crate::error::RuntimeError;
use crate::input::Input;
use crate::model::{DynamicModel, Place};

/// One inference that goes on from sub-network to sub-network. Between sub-networks of one ONNX file (early
/// exits) only what is missing is computed; where another file begins, it starts from the input.
#[derive(Debug)]
pub struct Progressive<'a> {
    model: &'a mut DynamicModel,
    input: &'a Input,
    threads: u32,
    /// The graph that holds what was computed so far.
    graph: Option<usize>,
}

impl<'a> Progressive<'a> {
    pub(crate) fn new(model: &'a mut DynamicModel, input: &'a Input, threads: u32) -> Self {
        Self {
            model,
            input,
            threads,
            graph: None,
        }
    }

    /// Goes on to the sub-network with index `subnetwork` in the table, and returns its answer. Going back to
    /// an exit passed over costs only what that exit has for itself.
    ///
    /// # Errors
    /// If there is no such sub-network, or the inference fails.
    pub fn advance(&mut self, subnetwork: usize) -> Result<Answer, RuntimeError> {
        let Place { graph, exit } = self.model.place(subnetwork)?;
        let fresh = self.graph != Some(graph);
        if fresh {
            self.forget();
            self.graph = Some(graph);
        }
        let input = self.input;
        let (graph, threads) = self.model.graph_and_threads(graph);
        threads.run(self.threads, || {
            if fresh {
                graph.begin(input.value())?;
            }
            graph.advance(exit).map(Answer::new)
        })
    }

    fn forget(&mut self) {
        if let Some(graph) = self.graph.take() {
            self.model.graph(graph).end();
        }
    }
}

impl Drop for Progressive<'_> {
    fn drop(&mut self) {
        self.forget();
    }
}
