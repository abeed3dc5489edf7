//! What a misspelt name was probably meant to be.

/// The one of `known` that `name` is nearest to, if it is near at all: at most one edit per three characters or part of three.
pub(crate) fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let name: Vec<char> = name.chars().take(64).flat_map(char::to_lowercase).collect();
    known
        .iter()
        .map(|&candidate| (edits(&name, candidate), candidate))
        .filter(|&(edits, candidate)| edits <= candidate.len().div_ceil(3))
        .min_by_key(|&(edits, _)| edits)
        .map(|(_, candidate)| candidate)
}

/// A name from the file, quoted for a message: control characters escaped, cut where it is very long.
pub(crate) fn quoted(name: &str) -> String {
    match name.char_indices().nth(60) {
        Some((cut, _)) => format!("{:?}…", &name[..cut]),
        None => format!("{name:?}"),
    }
}

/// Levenshtein's distance, without regard to case: the fewest insertions, deletions and replacements.
fn edits(name: &[char], candidate: &str) -> usize {
    let mut row: Vec<usize> = (0..=name.len()).collect();
    for (above, wanted) in candidate.chars().flat_map(char::to_lowercase).enumerate() {
        let mut diagonal = above;
        row[0] = above + 1;
        for (column, &have) in name.iter().enumerate() {
            let replaced = diagonal + usize::from(have != wanted);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[name.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_name_is_found_and_a_far_one_is_not() {
        let known = ["latency", "min-quality", "priority"];
        let check = |name, expect| assert_eq!(nearest(name, &known), expect, "{name}");
        check("latency", Some("latency"));
        check("latancy", Some("latency"));
        check("min_quality", Some("min-quality"));
        check("minquality", Some("min-quality"));
        check("Priority", Some("priority"));
        check("colour", None);
        check("", None);
        check(&"x".repeat(100_000), None);
    }
}
