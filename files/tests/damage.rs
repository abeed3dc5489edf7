//! Damaged files are refused at a place that exists, and never cost a panic.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::time::{Duration, Instant};

use dynd_files::{FileError, parse_manifest, parse_policy};

const POLICY: &str = include_str!("../../policies/camera-robot.toml");
const MANIFEST: &str = include_str!("sample-model.toml");

/// Parses `text` as both kinds of file. A refusal must point at a character of the text, or behind the last
/// one of a line.
fn survives(text: &str) {
    let path = Path::new("damaged.toml");
    let refusals = [
        parse_policy(path, text, None).err(),
        parse_manifest(path, text).err(),
    ];
    for error in refusals.into_iter().flatten() {
        let FileError::Invalid(found) = &error else {
            panic!("the disk is not touched: {error}")
        };
        let line = text
            .split('\n')
            .nth(found.line - 1)
            .unwrap_or_else(|| panic!("{error}\nin {text:?}"));
        assert!(found.column <= line.chars().count() + 1, "{error}\nin {text:?}");
        assert!(error.to_string().lines().count() <= 4, "{error}");
    }
}

#[test]
fn every_prefix() {
    for text in [POLICY, MANIFEST] {
        for end in (0..=text.len()).filter(|&end| text.is_char_boundary(end)) {
            survives(&text[..end]);
        }
    }
}

#[test]
fn every_line_left_out_or_doubled() {
    for text in [POLICY, MANIFEST] {
        let lines: Vec<_> = text.lines().collect();
        for at in 0..lines.len() {
            survives(&[&lines[..at], &lines[at + 1..]].concat().join("\n"));
            survives(&[&lines[..=at], &lines[at..]].concat().join("\r\n"));
        }
    }
}

#[test]
fn every_character_replaced() {
    for text in [POLICY, MANIFEST] {
        let used: String = text
            .lines()
            .filter(|line| !line.starts_with('#'))
            .collect::<Vec<_>>()
            .join("\n");
        for (at, old) in used.char_indices() {
            for new in ["", "\"", "é", "{", "]", "\n", "\u{0}", "-"] {
                survives(&format!("{}{new}{}", &used[..at], &used[at + old.len_utf8()..]));
            }
        }
    }
}

#[test]
fn large_and_deep_texts_are_refused_in_time() {
    let start = Instant::now();
    let half = 1 << 19;
    for text in [
        "[".repeat(half),
        format!("a = {}", "[".repeat(half)),
        format!("a = {}", "{a=".repeat(half / 4)),
        format!("{}a = 1", "a.".repeat(half / 2)),
        format!("[{}a]", "a.".repeat(half / 2)),
        "\n".repeat(half),
        "a".repeat(half),
        format!("objective = \"{}\"", "max-quality".repeat(half / 16)),
        "[[app]]\n".repeat(half / 8),
        (0..half / 64)
            .map(|rule| format!("[[app]]\nmatch = {{ name = \"{rule}\" }}\n"))
            .collect(),
        (0..half / 64).map(|key| format!("key{key} = 1\n")).collect(),
    ] {
        survives(&text);
    }
    assert!(
        start.elapsed() < Duration::from_secs(60),
        "took {:?}",
        start.elapsed()
    );
}
