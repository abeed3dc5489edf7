//! A table whose keys are known beforehand, read by name.

use std::ops::Range;

use crate::fault::Fault;
use crate::field::Field;

/// The fields of a table that holds no key but the known ones.
pub(crate) struct Section<'t> {
    span: Range<usize>,
    fields: Vec<Field<'t>>,
}

impl<'t> Section<'t> {
    /// `field` as a table.
    pub(crate) fn open(field: &Field<'t>, known: &[&str]) -> Result<Self, Fault> {
        Self::new(field.span.clone(), field.fields()?, known)
    }

    /// `fields`, which stand at `span`.
    pub(crate) fn new(span: Range<usize>, fields: Vec<Field<'t>>, known: &[&str]) -> Result<Self, Fault> {
        match fields.iter().find(|field| !known.contains(&field.key)) {
            Some(stranger) => Err(stranger.unknown_key(known)),
            None => Ok(Self { span, fields }),
        }
    }

    /// The field under `key`, if it is there.
    pub(crate) fn get(&self, key: &str) -> Option<&Field<'t>> {
        self.fields.iter().find(|field| field.key == key)
    }

    /// The field under `key`; `example` is a line that holds one.
    pub(crate) fn need(&self, key: &str, example: &str) -> Result<&Field<'t>, Fault> {
        self.get(key)
            .ok_or_else(|| Fault::missing(self.span.clone(), key, example))
    }

    /// The items under `key`; none if it is absent.
    pub(crate) fn items(&self, key: &str) -> Result<Vec<Field<'t>>, Fault> {
        self.get(key).map_or(Ok(Vec::new()), Field::items)
    }

    /// A fault of the table as a whole.
    pub(crate) fn fault(&self, message: impl Into<String>) -> Fault {
        Fault::new(self.span.clone(), message)
    }
}

/// The one of `all` whose label is the text of `field`, which says what a `what` is.
pub(crate) fn one_of<T: Copy>(
    field: &Field<'_>,
    what: &str,
    all: &[T],
    label: fn(T) -> &'static str,
) -> Result<T, Fault> {
    let name = field.text()?;
    all.iter()
        .copied()
        .find(|&each| label(each) == name)
        .ok_or_else(|| {
            let known: Vec<_> = all.iter().map(|&each| label(each)).collect();
            Fault::unknown(field.span.clone(), what, name, &known)
        })
}

/// The index of the one of `names` that `field` names; they are the names of all that a `what` can be.
pub(crate) fn index_of(field: &Field<'_>, what: &str, names: &[&str]) -> Result<usize, Fault> {
    let name = field.text()?;
    names
        .iter()
        .position(|&each| each == name)
        .ok_or_else(|| Fault::unknown(field.span.clone(), what, name, names))
}
