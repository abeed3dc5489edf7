//! A fault as the readers find it: a place in the text, not yet a line.

use std::ops::Range;

use crate::suggestion::{nearest, quoted};

/// What is wrong at some bytes of the text.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) span: Range<usize>,
    pub(crate) message: String,
    /// Where the same thing stands a first time; its line goes into the message.
    pub(crate) first: Option<usize>,
    pub(crate) help: Option<String>,
}

impl Fault {
    pub(crate) fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            span,
            message: message.into(),
            first: None,
            help: None,
        }
    }

    /// `name`, which stands at `span`, is none of the `known` names of a `what`.
    pub(crate) fn unknown(span: Range<usize>, what: &str, name: &str, known: &[&str]) -> Self {
        let list = format!("known {what}s: {}", known.join(", "));
        Self::new(span, format!("unknown {what} {}", quoted(name))).help(match nearest(name, known) {
            Some(near) => format!("did you mean \"{near}\"? {list}"),
            None => list,
        })
    }

    /// The table at `span` lacks `key`.
    pub(crate) fn missing(span: Range<usize>, key: &str, example: &str) -> Self {
        Self::new(span, format!("the key \"{key}\" is missing")).help(format!("add a line such as {example}"))
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn first(mut self, span: &Range<usize>) -> Self {
        self.first = Some(span.start);
        self
    }
}
