//! Numbers and words as the kernel reads them from what is written to an attribute.

use std::str::FromStr;

use crate::refusal::Refusal;

/// `sscanf("%lu")`: blanks before the number and anything behind it are passed over.
pub(crate) fn scanned(text: &[u8]) -> Result<u64, Refusal> {
    let start = text.iter().position(|byte| !byte.is_ascii_whitespace());
    let digits = start.map_or(&[][..], |start| &text[start..]);
    let end = digits.iter().position(|byte| !byte.is_ascii_digit());
    number(&digits[..end.unwrap_or(digits.len())])
}

/// `kstrtoul`: the number and at most a line feed.
pub(crate) fn strict<N: FromStr>(text: &[u8]) -> Result<N, Refusal> {
    number(text.strip_suffix(b"\n").unwrap_or(text))
}

/// `sscanf("%15s")`: the first word, cut off.
pub(crate) fn word(text: &[u8]) -> Result<&str, Refusal> {
    let text = std::str::from_utf8(text).map_err(|_| Refusal::Invalid)?;
    let word = text.split_ascii_whitespace().next().ok_or(Refusal::Invalid)?;
    Ok(word.get(..LONGEST_WORD).unwrap_or(word))
}

/// `CPUFREQ_NAME_LEN` and `DEVFREQ_NAME_LEN` less the final zero.
const LONGEST_WORD: usize = 15;

fn number<N: FromStr>(digits: &[u8]) -> Result<N, Refusal> {
    let text = std::str::from_utf8(digits).map_err(|_| Refusal::Invalid)?;
    text.parse().map_err(|_| Refusal::Invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_kernels_take_the_head_of_a_number_and_new_ones_do_not() {
        for (text, scan, whole) in [
            ("1400000\n", Some(1_400_000), Some(1_400_000)),
            ("1400000", Some(1_400_000), Some(1_400_000)),
            ("  7x", Some(7), None),
            ("5 6\n", Some(5), None),
            ("5\n\n", Some(5), None),
            ("-1", None, None),
            ("abc", None, None),
            ("\n", None, None),
            ("", None, None),
            ("99999999999999999999", None, None),
        ] {
            assert_eq!(scanned(text.as_bytes()).ok(), scan, "{text:?}");
            assert_eq!(strict::<u64>(text.as_bytes()).ok(), whole, "{text:?}");
        }
        assert_eq!(strict::<i32>(b"-274000\n"), Ok(-274_000));
        assert_eq!(scanned(b"\xff\xfe"), Err(Refusal::Invalid));
    }

    #[test]
    fn a_word_is_cut_off() {
        assert_eq!(word(b"  powersave now\n"), Ok("powersave"));
        assert_eq!(word(b"performance_and_more"), Ok("performance_and"));
        assert_eq!(word(b" \n"), Err(Refusal::Invalid));
        assert_eq!(word(b"\xff"), Err(Refusal::Invalid));
    }
}
