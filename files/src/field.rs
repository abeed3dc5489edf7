//! One key of a table with its value, and what the value is asked to be.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::fault::Fault;

/// A value and the key it stands under; an item of a list stands under the list's key.
#[derive(Clone, Debug)]
pub(crate) struct Field<'t> {
    pub(crate) key: &'t str,
    pub(crate) key_span: Range<usize>,
    pub(crate) span: Range<usize>,
    value: &'t DeValue<'t>,
}

/// The fields of `table` in document order.
pub(crate) fn fields<'t>(table: &'t DeTable<'t>) -> Vec<Field<'t>> {
    let field = |(key, value): (&'t Spanned<_>, &'t Spanned<_>)| Field::new(key, value);
    let mut fields: Vec<_> = table.iter().map(field).collect();
    fields.sort_by_key(|field| field.key_span.start);
    fields
}

impl<'t> Field<'t> {
    fn new(key: &'t Spanned<std::borrow::Cow<'t, str>>, value: &'t Spanned<DeValue<'t>>) -> Self {
        Self {
            key: key.get_ref(),
            key_span: key.span(),
            span: value.span(),
            value: value.get_ref(),
        }
    }

    /// A fault of the value.
    pub(crate) fn fault(&self, message: impl Into<String>) -> Fault {
        Fault::new(self.span.clone(), message)
    }

    /// A fault of the key: the table it stands in knows only `known`.
    pub(crate) fn unknown_key(&self, known: &[&str]) -> Fault {
        Fault::unknown(self.key_span.clone(), "key", self.key, known)
    }

    /// A fault of the key: it is part of the format, but not of what this version does.
    pub(crate) fn unsupported_key(&self) -> Fault {
        Fault::new(
            self.key_span.clone(),
            format!("this version does not support \"{}\" yet", self.key),
        )
        .help("remove it, or install a version that supports it")
    }

    /// The value as text.
    pub(crate) fn text(&self) -> Result<&'t str, Fault> {
        self.value.as_str().ok_or_else(|| self.mistyped("text in quotes"))
    }

    /// The value as text that names something: not empty, no control characters.
    pub(crate) fn name(&self) -> Result<&'t str, Fault> {
        let text = self.text()?;
        if text.trim().is_empty() {
            Err(self.fault(format!("{} must not be empty", self.key)))
        } else if text.chars().any(char::is_control) {
            Err(self.fault(format!("{} must not hold control characters", self.key)))
        } else {
            Ok(text)
        }
    }

    /// The value as a number, whole or not; never infinite, always a number.
    pub(crate) fn number(&self) -> Result<f64, Fault> {
        let number = match self.value {
            DeValue::Integer(_) => self.integer()? as f64,
            DeValue::Float(float) => float.as_str().parse().unwrap_or(f64::NAN),
            _ => return Err(self.mistyped("a number")),
        };
        if number.is_finite() {
            Ok(number)
        } else {
            Err(self.fault(format!("{} must be a finite number", self.key)))
        }
    }

    /// The value as a whole number.
    pub(crate) fn integer(&self) -> Result<i64, Fault> {
        let DeValue::Integer(integer) = self.value else {
            return Err(self.mistyped("a whole number"));
        };
        i64::from_str_radix(integer.as_str(), integer.radix())
            .map_err(|_| self.fault(format!("{} is too large a number", self.key)))
    }

    /// The value as a whole number of at least `min` and at most `max`.
    pub(crate) fn integer_within(&self, min: i64, max: i64) -> Result<i64, Fault> {
        let integer = self.integer()?;
        if (min..=max).contains(&integer) {
            return Ok(integer);
        }
        Err(self.fault(match max {
            i64::MAX => format!("{} must be at least {min}", self.key),
            _ => format!("{} must be from {min} to {max}", self.key),
        }))
    }

    /// The value as a decision.
    pub(crate) fn decision(&self) -> Result<bool, Fault> {
        self.value.as_bool().ok_or_else(|| self.mistyped("true or false"))
    }

    /// The items of the value.
    pub(crate) fn items(&self) -> Result<Vec<Self>, Fault> {
        let items = self.value.as_array().ok_or_else(|| self.mistyped("a list"))?;
        let item = |item: &'t Spanned<DeValue<'t>>| Self {
            span: item.span(),
            value: item.get_ref(),
            ..self.clone()
        };
        Ok(items.iter().map(item).collect())
    }

    /// The fields of the value, in document order.
    pub(crate) fn fields(&self) -> Result<Vec<Self>, Fault> {
        Ok(fields(
            self.value.as_table().ok_or_else(|| self.mistyped("a table"))?,
        ))
    }

    /// True if the value is text.
    pub(crate) fn is_text(&self) -> bool {
        self.value.is_str()
    }

    fn mistyped(&self, wanted: &str) -> Fault {
        let have = match self.value {
            DeValue::String(_) => "text",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a decimal number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.fault(format!("{} must be {wanted}, not {have}", self.key))
    }
}
