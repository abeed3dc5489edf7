//! One ONNX file as one optimised graph with one or more exits that share its weights.
//!
//! tract's own plan runs a graph whole. Here the plan only gives the order of the nodes; which of them are
//! due is decided per exit:
//!
//! 1. [`Graph::begin`] forgets the last inference and takes the input.
//! 2. [`Graph::advance`] runs the nodes that lead to an exit and were not run yet. So the first exit costs
//!    only its own nodes, and going on to the next costs only the rest.
//! 3. A node's value is dropped as its last user takes it (tract then computes in place); what an exit not
//!    asked for yet needs is kept.

use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::{Path, PathBuf};

use tract_onnx::prelude::*;
use tract_onnx::tract_core::plan::SimpleState;
use tract_onnx::tract_hir::infer::Factoid as _;
use tract_onnx::tract_hir::internal::DimLike as _;

use crate::RuntimeError;
use crate::error::Cause;

type State = SimpleState<TypedFact, Box<dyn TypedOp>>;

/// A loaded graph and the inference it is in the middle of.
#[derive(Debug)]
pub(crate) struct Graph {
    path: PathBuf,
    state: State,
    exits: Vec<Exit>,
    steps: Vec<Step>,
}

/// Where an answer comes out.
#[derive(Debug)]
struct Exit {
    outlet: OutletId,
    /// The steps it needs, as indices in ascending order.
    steps: Vec<usize>,
}

/// One node to run.
#[derive(Debug)]
struct Step {
    node: usize,
    /// Values that nobody needs once this step has taken its inputs, unless a user of them was passed over.
    last_uses: Vec<LastUse>,
    done: bool,
}

/// A value that a step is the last to use.
#[derive(Debug)]
struct LastUse {
    node: usize,
    /// The steps that use it before.
    earlier: Vec<usize>,
}

impl Graph {
    /// Loads the file at `path` for inputs of `shape`. The exits are numbered as `outputs` lists them; `None`
    /// stands for the only output of the file.
    pub(crate) fn load(path: &Path, shape: &[usize], outputs: &[Option<&str>]) -> Result<Self, RuntimeError> {
        let mut model = read(path)?;
        check_input(path, &model, shape)?;
        let outlets = outputs
            .iter()
            .map(|output| find_output(path, &model, *output))
            .collect::<Result<Vec<_>, _>>()?;
        let optimise = |error| RuntimeError::Optimise {
            path: path.into(),
            source: Cause(error),
        };
        model.select_output_outlets(&outlets).map_err(optimise)?;
        model
            .set_input_fact(0, f32::fact(shape).into())
            .map_err(optimise)?;
        let model = model.into_optimized().map_err(optimise)?;
        let state = TypedSimplePlan::new(model)
            .and_then(|plan| plan.spawn())
            .map_err(optimise)?;
        let outlets = state.model().outputs.clone();
        for (outlet, output) in outlets.iter().zip(outputs) {
            check_scores(
                path,
                state.model().outlet_fact(*outlet).map_err(optimise)?,
                *output,
            )?;
        }
        let steps = steps(&state, &outlets);
        let exits = outlets
            .into_iter()
            .map(|outlet| Exit {
                outlet,
                steps: leading_to(outlet.node, &state, &steps),
            })
            .collect();
        Ok(Self {
            path: path.into(),
            state,
            exits,
            steps,
        })
    }

    /// Starts an inference of `input`.
    pub(crate) fn begin(&mut self, input: TValue) -> Result<(), RuntimeError> {
        self.end();
        self.state.set_input(0, input).map_err(|error| self.failed(error))
    }

    /// Runs what leads to `exit` and was not run yet, and returns the scores that come out.
    pub(crate) fn advance(&mut self, exit: usize) -> Result<&[f32], RuntimeError> {
        for at in 0..self.exits[exit].steps.len() {
            let step = self.exits[exit].steps[at];
            if !self.steps[step].done {
                self.run(step).map_err(|error| self.failed(error))?;
            }
        }
        let outlet = self.exits[exit].outlet;
        let value = self.state.turn_state.values[outlet.node]
            .as_ref()
            .and_then(|values| values.get(outlet.slot));
        let scores = match value {
            Some(value) => value.try_as_plain_ram().and_then(|plain| plain.as_slice()),
            None => Err(TractError::msg("the exit has no value")),
        };
        scores.map_err(|error| self.failed(error))
    }

    /// Drops what is left of the last inference, the input included.
    pub(crate) fn end(&mut self) {
        let values = &mut self.state.turn_state.values;
        for step in &mut self.steps {
            step.done = false;
            // Before the first inference there is no room for values yet.
            if let Some(value) = values.get_mut(step.node) {
                *value = None;
            }
        }
    }

    fn run(&mut self, step: usize) -> TractResult<()> {
        let node = self.steps[step].node;
        let inputs = self.state.prepare_inputs(node)?;
        for used in &self.steps[step].last_uses {
            // A user passed over is on the way to another exit, which may be asked for yet.
            if used.earlier.iter().all(|earlier| self.steps[*earlier].done) {
                self.state.turn_state.values[used.node] = None;
            }
        }
        self.state.compute_one_with_inputs(node, inputs)?;
        self.steps[step].done = true;
        Ok(())
    }

    fn failed(&self, error: TractError) -> RuntimeError {
        RuntimeError::Run {
            path: self.path.clone(),
            source: Cause(error),
        }
    }
}

fn read(path: &Path) -> Result<InferenceModel, RuntimeError> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| BufReader::new(file).read_to_end(&mut bytes))
        .map_err(|source| RuntimeError::Read {
            path: path.into(),
            source,
        })?;
    tract_onnx::onnx()
        .model_for_read(&mut bytes.as_slice())
        .map_err(|error| RuntimeError::Parse {
            path: path.into(),
            source: Cause(error),
        })
}

/// Compares what the file says of its one input with the manifest's shape; dimensions it leaves open fit any.
fn check_input(path: &Path, model: &InferenceModel, shape: &[usize]) -> Result<(), RuntimeError> {
    let wrong = |found: String| RuntimeError::InputShape {
        path: path.into(),
        expected: shape.to_vec(),
        found,
    };
    if model.inputs.len() != 1 {
        return Err(wrong(format!("{} inputs", model.inputs.len())));
    }
    let fact = model.input_fact(0).map_err(|error| RuntimeError::Parse {
        path: path.into(),
        source: Cause(error),
    })?;
    let dims: Vec<_> = fact.shape.dims().collect();
    let rank_fits = dims.len() == shape.len() || (fact.shape.is_open() && dims.len() <= shape.len());
    let dims_fit = dims.iter().zip(shape).all(|(dim, wanted)| {
        dim.concretize()
            .and_then(|dim| dim.to_usize().ok())
            .is_none_or(|dim| dim == *wanted)
    });
    if rank_fits && dims_fit {
        Ok(())
    } else {
        Err(wrong(format!("{:?}", fact.shape)))
    }
}

fn find_output(path: &Path, model: &InferenceModel, output: Option<&str>) -> Result<OutletId, RuntimeError> {
    let name = |outlet: &OutletId| match model.outlet_label(*outlet) {
        Some(label) => label.to_string(),
        None => model.node(outlet.node).name.clone(),
    };
    let found = match output {
        Some(wanted) => model.outputs.iter().find(|outlet| name(outlet) == wanted),
        None => model.outputs.first().filter(|_| model.outputs.len() == 1),
    };
    found.copied().ok_or_else(|| RuntimeError::UnknownOutput {
        path: path.into(),
        output: output.map(str::to_string),
        known: model.outputs.iter().map(name).collect(),
    })
}

/// An answer is read from a list of scores: f32, all dimensions but the last 1.
fn check_scores(path: &Path, fact: &TypedFact, output: Option<&str>) -> Result<(), RuntimeError> {
    let classes = fact.shape.as_concrete().and_then(|shape| {
        let (classes, rest) = shape.split_last()?;
        rest.iter().all(|size| *size == 1).then_some(*classes)
    });
    if fact.datum_type == f32::datum_type() && classes.is_some_and(|classes| classes > 0) {
        Ok(())
    } else {
        Err(RuntimeError::Scores {
            path: path.into(),
            output: output.unwrap_or("(the only one)").into(),
            found: format!("{fact:?}"),
        })
    }
}

/// Every node that some exit needs, in an order that respects their edges.
fn steps(state: &State, outlets: &[OutletId]) -> Vec<Step> {
    let order = state.plan().order_without_consts();
    let mut steps: Vec<Step> = order
        .iter()
        .map(|node| Step {
            node: *node,
            last_uses: Vec::new(),
            done: false,
        })
        .collect();
    let is_exit = |node: usize| outlets.iter().any(|outlet| outlet.node == node);
    for node in order.iter().copied().filter(|node| !is_exit(*node)) {
        let uses = |user: &usize| {
            let inputs = &state.model().node(*user).inputs;
            inputs.iter().any(|input| input.node == node)
        };
        let mut earlier: Vec<usize> = (0..order.len()).filter(|step| uses(&order[*step])).collect();
        if let Some(last) = earlier.pop() {
            steps[last].last_uses.push(LastUse { node, earlier });
        }
    }
    steps
}

/// The steps that `node` needs, itself included.
fn leading_to(node: usize, state: &State, steps: &[Step]) -> Vec<usize> {
    let mut needed = vec![false; state.model().nodes.len()];
    needed[node] = true;
    let mut indices = Vec::new();
    for (index, step) in steps.iter().enumerate().rev() {
        if needed[step.node] {
            indices.push(index);
            for input in &state.model().node(step.node).inputs {
                needed[input.node] = true;
            }
        }
    }
    indices.reverse();
    indices
}
