//! Lists of CPUs as the kernel writes them, on machines that have more CPUs than a [`CpuSet`] holds.

use dynd_vocab::CpuSet;

use crate::Fault;

/// The CPUs of `text` (`0-3,6` or `0 1 2 3`) that a [`CpuSet`] can hold, and the number of those it cannot.
pub(crate) fn parse(text: &str) -> Result<(CpuSet, u32), Fault> {
    let (mut set, mut beyond) = (CpuSet::EMPTY, 0_u32);
    for part in text.split([',', ' ', '\n', '\t']).filter(|part| !part.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (Ok(first), Ok(last)) = (first.parse::<u32>(), last.parse::<u32>()) else {
            return Err(Fault::malformed(text.as_bytes()));
        };
        if last < first {
            return Err(Fault::malformed(text.as_bytes()));
        }
        let held = last.min(CpuSet::CAPACITY - 1);
        set = set.union((first..=held).collect());
        let unheld = (u64::from(last) + 1).saturating_sub(u64::from(first.max(CpuSet::CAPACITY)));
        beyond = beyond.saturating_add(u32::try_from(unheld).unwrap_or(u32::MAX));
    }
    Ok((set, beyond))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str, beyond: u32) {
        let (set, left_out) = parse(text).unwrap();
        assert_eq!((set.to_string().as_str(), left_out), (expect, beyond), "{text}");
    }

    #[test]
    fn what_a_set_cannot_hold_is_counted() {
        check("0-3,6\n", "0-3,6", 0);
        check("4 5 6 7 \n", "4-7", 0);
        check("\n", "", 0);
        check("126-129,191", "126-127", 3);
        check("128-191", "", 64);
        check("0-4294967295", "0-127", u32::MAX - 127);
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for text in ["3-1", "0-", "-1", "a", "0-3;5", "0-99999999999"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
