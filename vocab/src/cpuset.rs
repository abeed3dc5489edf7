//! Sets of logical CPUs, in the kernel's list notation.

use alloc::string::String;
use core::fmt::{self, Write as _};
use core::str::FromStr;

use serde::{Deserialize, Serialize};

/// A set of logical CPUs, numbered as the kernel numbers them, at most [`CpuSet::CAPACITY`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CpuSet(u128);

impl CpuSet {
    /// CPUs from this number on cannot be held. No board with a dynamic model on it comes near.
    pub const CAPACITY: u32 = 128;

    /// The set without CPUs.
    pub const EMPTY: Self = Self(0);

    /// The set of `cpu` alone; empty if `cpu` is beyond [`CpuSet::CAPACITY`].
    pub const fn single(cpu: u32) -> Self {
        if cpu < Self::CAPACITY {
            Self(1 << cpu)
        } else {
            Self::EMPTY
        }
    }

    /// How many CPUs the set holds.
    pub const fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// True for the set without CPUs.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// True if `cpu` is in the set.
    pub const fn contains(self, cpu: u32) -> bool {
        cpu < Self::CAPACITY && self.0 & (1 << cpu) != 0
    }

    /// The CPUs in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The CPUs in both sets.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The CPUs in this set and not in `other`.
    #[must_use]
    pub const fn difference(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The CPUs in ascending order.
    pub fn iter(self) -> impl Iterator<Item = u32> {
        (0..Self::CAPACITY).filter(move |&cpu| self.contains(cpu))
    }
}

impl FromIterator<u32> for CpuSet {
    fn from_iter<I: IntoIterator<Item = u32>>(cpus: I) -> Self {
        cpus.into_iter()
            .fold(Self::EMPTY, |set, cpu| set.union(Self::single(cpu)))
    }
}

/// Writes the kernel's list notation, `0-3,6`; nothing for the empty set.
impl fmt::Display for CpuSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut cpus = self.iter().peekable();
        let mut separator = "";
        while let Some(first) = cpus.next() {
            let mut last = first;
            while let Some(next) = cpus.next_if_eq(&(last + 1)) {
                last = next;
            }
            if last > first {
                write!(f, "{separator}{first}-{last}")?;
            } else {
                write!(f, "{separator}{first}")?;
            }
            separator = ",";
        }
        Ok(())
    }
}

/// Why a text is no set of CPUs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CpuSetError {
    /// A part is neither a number nor a range of numbers.
    NotANumber(String),
    /// A range ends before it starts.
    Backwards(String),
    /// A CPU is beyond [`CpuSet::CAPACITY`].
    TooLarge(String),
}

impl fmt::Display for CpuSetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotANumber(part) => write!(f, "'{part}' is neither a CPU number nor a range such as 0-3"),
            Self::Backwards(part) => write!(f, "the range '{part}' ends before it starts"),
            Self::TooLarge(part) => write!(f, "'{part}' names a CPU beyond {}", CpuSet::CAPACITY - 1),
        }
    }
}

impl core::error::Error for CpuSetError {}

/// Reads the kernel's list notation, `0-3,6`; an empty text is the empty set.
impl FromStr for CpuSet {
    type Err = CpuSetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut set = Self::EMPTY;
        for part in text
            .trim()
            .split([',', ' '])
            .map(str::trim)
            .filter(|part| !part.is_empty())
        {
            let number = |digits: &str| {
                digits
                    .parse::<u32>()
                    .map_err(|_| CpuSetError::NotANumber(part.into()))
            };
            let (first, last) = match part.split_once('-') {
                Some((first, last)) => (number(first)?, number(last)?),
                None => (number(part)?, number(part)?),
            };
            if last < first {
                return Err(CpuSetError::Backwards(part.into()));
            }
            if last >= Self::CAPACITY {
                return Err(CpuSetError::TooLarge(part.into()));
            }
            set = set.union((first..=last).collect());
        }
        Ok(set)
    }
}

impl Serialize for CpuSet {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = String::new();
        let _ = write!(text, "{self}");
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for CpuSet {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    fn check(text: &str, expect: &str) {
        assert_eq!(text.parse::<CpuSet>().unwrap().to_string(), expect);
    }

    #[test]
    fn kernel_lists_survive_the_round_trip() {
        check("0-3", "0-3");
        check("0 1 2 3\n", "0-3");
        check("3,0-1,7", "0-1,3,7");
        check("127", "127");
        check("\n", "");
    }

    #[test]
    fn a_bad_list_names_its_bad_part() {
        let fails = |text: &str| text.parse::<CpuSet>().unwrap_err();
        assert_eq!(fails("0,x"), CpuSetError::NotANumber("x".into()));
        assert_eq!(fails("4-2"), CpuSetError::Backwards("4-2".into()));
        assert_eq!(
            fails("0-4000000000"),
            CpuSetError::TooLarge("0-4000000000".into())
        );
    }
}
