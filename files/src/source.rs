//! A text with positions: byte offsets to lines and columns.

use std::fs::File;
use std::io::Read as _;
use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::DeTable;

use crate::error::{Diagnostic, FileError};
use crate::fault::Fault;

/// The largest file taken, in bytes: generous for people, harmless for the daemon.
const LIMIT: u64 = 1 << 20;

/// The longest excerpt shown, in characters, and how much of it stands before the offending text.
const EXCERPT: usize = 160;
const LEAD: usize = 60;

/// A text and the file that messages name as its origin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source<'a> {
    pub(crate) path: &'a Path,
    pub(crate) text: &'a str,
}

/// The text of the file at `path`.
pub(crate) fn read(path: &Path) -> Result<String, FileError> {
    let failed = |source| FileError::Read {
        path: path.into(),
        source,
    };
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LIMIT + 1).read_to_end(&mut bytes))
        .map_err(failed)?;
    if bytes.len() as u64 > LIMIT {
        return Err(FileError::TooLarge {
            path: path.into(),
            limit: LIMIT,
        });
    }
    String::from_utf8(bytes).map_err(|error| {
        let start = error.utf8_error().valid_up_to();
        let text = String::from_utf8_lossy(error.as_bytes());
        let end = start + char::REPLACEMENT_CHARACTER.len_utf8();
        Source { path, text: &text }.explain(Fault::new(start..end, "the text is not UTF-8 here"))
    })
}

impl<'a> Source<'a> {
    /// The text as a tree. Where it is no TOML, the first fault by position.
    pub(crate) fn tree(self) -> Result<Spanned<DeTable<'a>>, Fault> {
        let (tree, errors) = DeTable::parse_recoverable(self.text);
        let end = self.text.len();
        let span = |error: &toml::de::Error| error.span().unwrap_or(end..end);
        match errors.iter().min_by_key(|error| span(error).start) {
            Some(error) => Err(Fault::new(span(error), self.plain(error, span(error)))),
            None => Ok(tree),
        }
    }

    /// The parser's message, without its grammar where it speaks of a value: it takes all that is no other
    /// kind of value, even nothing, for text that lacks its quotes.
    fn plain(self, error: &toml::de::Error, span: Range<usize>) -> String {
        let message = error.message().replace('\n', " ");
        match message.strip_suffix(", expected literal string") {
            Some(_) if span.is_empty() => "the value is missing".into(),
            Some(cause) => cause.into(),
            None => message,
        }
    }

    /// `fault` with everything that people need to find it.
    pub(crate) fn explain(self, fault: Fault) -> FileError {
        let (line, range) = self.line(fault.span.start);
        let content = &self.text[range.clone()];
        let start = self.boundary(fault.span.start).clamp(range.start, range.end);
        let end = self.boundary(fault.span.end).clamp(start, range.end);
        let before = self.text[range.start..start].chars().count();
        let width = self.text[start..end].chars().count();

        let skipped = if before > EXCERPT - LEAD { before - LEAD } else { 0 };
        let visible = |c: char| {
            if c.is_control() && c != '\t' {
                char::REPLACEMENT_CHARACTER
            } else {
                c
            }
        };
        let excerpt: String = content.chars().skip(skipped).take(EXCERPT).map(visible).collect();
        let indent = before - skipped;

        let mut message = fault.message;
        if let Some(first) = fault.first {
            message.push_str(&format!(" on line {}", self.line(first).0));
        }
        FileError::Invalid(Box::new(Diagnostic {
            path: self.path.into(),
            line,
            column: before + 1,
            message,
            excerpt,
            indent,
            width: width.clamp(1, EXCERPT - indent),
            help: fault.help,
        }))
    }

    /// The number of the line that holds the byte at `offset`, from 1, and its bytes without the line's end.
    /// The end of the text belongs to its last line that is not empty.
    fn line(self, offset: usize) -> (usize, Range<usize>) {
        let used = self.text.trim_end_matches(['\n', '\r']).len();
        let offset = self.boundary(offset.min(used));
        let start = self.text[..offset].rfind('\n').map_or(0, |newline| newline + 1);
        let end = self.text[offset..]
            .find('\n')
            .map_or(self.text.len(), |length| offset + length);
        let content = self.text[start..end].trim_end_matches('\r');
        (
            self.text[..start].matches('\n').count() + 1,
            start..start + content.len(),
        )
    }

    /// `offset`, moved back to where a character starts.
    fn boundary(self, offset: usize) -> usize {
        let offset = offset.min(self.text.len());
        (0..=offset)
            .rev()
            .find(|&at| self.text.is_char_boundary(at))
            .unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, span: Range<usize>, expect: &str) {
        let source = Source {
            path: Path::new("f"),
            text,
        };
        let shown = source.explain(Fault::new(span, "no")).to_string();
        assert_eq!(shown, expect, "{text:?}");
    }

    #[test]
    fn carets_stand_below_the_text() {
        check("a = 1\nb = 2\n", 10..11, "f:2:5: no\n  2 | b = 2\n    |     ^");
        check(
            "a = \"é\" x",
            9..10,
            "f:1:9: no\n  1 | a = \"é\" x\n    |         ^",
        );
        check("a = \"é\" x", 6..7, "f:1:6: no\n  1 | a = \"é\" x\n    |      ^");
        check("\ta\tb", 3..4, "f:1:4: no\n  1 | \ta\tb\n    | \t \t^");
        check("a\r\nb\r\n", 3..4, "f:2:1: no\n  2 | b\n    | ^");
    }

    #[test]
    fn a_fault_over_several_lines_shows_the_first() {
        check("a = [\n1]", 4..8, "f:1:5: no\n  1 | a = [\n    |     ^");
    }

    #[test]
    fn the_end_of_the_text_is_the_end_of_its_last_line() {
        check("", 0..0, "f:1:1: no\n  1 |\n    | ^");
        check("a =", 3..3, "f:1:4: no\n  1 | a =\n    |    ^");
        check("a =\n\n\n", 6..6, "f:1:4: no\n  1 | a =\n    |    ^");
        check("a", 70..90, "f:1:2: no\n  1 | a\n    |  ^");
    }

    #[test]
    fn escapes_never_reach_the_terminal() {
        check("\u{1b}[31m", 0..1, "f:1:1: no\n  1 | \u{fffd}[31m\n    | ^");
    }

    #[test]
    fn a_long_line_is_cut() {
        let text = format!("{}!{}", "a".repeat(5000), "b".repeat(5000));
        let expect = format!(
            "f:1:5001: no\n  1 | {}!{}\n    | {}^",
            "a".repeat(60),
            "b".repeat(99),
            " ".repeat(60)
        );
        check(&text, 5000..5001, &expect);
    }
}
