//! An attribute that was written, and whether what it reads is still ours. Pure.

use std::path::PathBuf;

/// An attribute that dynd looks after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Its file, relative to the board's root.
    pub(crate) attribute: PathBuf,
    /// What was in force before.
    pub(crate) before: u64,
    /// What was in force before the latest write, which may never have happened; after one that the kernel took
    /// without keeping to it, what is in force instead.
    pub(crate) from: u64,
    /// What the latest write asked for.
    pub(crate) to: u64,
}

/// Who determines what an attribute reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// We: it reads as it was left.
    Ours,
    /// We, but the kernel keeps it lower for now.
    Lowered,
    /// Somebody else wrote to it.
    Foreign,
}

impl Taken {
    /// Who determines that the attribute reads `reads`. `may_be_lower` is asked only of a reading below what was
    /// written: whether the kernel, rather than somebody, can be the reason.
    pub(crate) fn whose(&self, reads: u64, may_be_lower: impl FnOnce() -> bool) -> Whose {
        if reads == self.to || reads == self.from {
            Whose::Ours
        } else if reads < self.to.max(self.from) && may_be_lower() {
            Whose::Lowered
        } else {
            Whose::Foreign
        }
    }

    /// True if the attribute read this before, or can since because of us.
    pub(crate) fn is_known(&self, reads: u64) -> bool {
        [self.before, self.from, self.to].contains(&reads)
    }

    /// True if the kernel may have taken the latest write though the attribute reads `reads`.
    pub(crate) fn may_hide(&self, reads: u64) -> bool {
        self.from != self.to && reads != self.to
    }

    /// What is asked of the attribute by now; unknown after a write that may not have happened.
    pub(crate) fn asked(&self) -> Option<u64> {
        (self.from == self.to).then_some(self.to)
    }

    /// True if it may read other than before because of us.
    pub(crate) fn is_changed(&self) -> bool {
        self.before != self.from || self.before != self.to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_wrote_what_is_read() {
        let taken = Taken {
            attribute: "max".into(),
            before: 9,
            from: 7,
            to: 5,
        };
        let check = |reads, cooled: bool, expect| {
            assert_eq!(taken.whose(reads, || cooled), expect, "{reads} {cooled}");
        };
        check(5, false, Whose::Ours);
        check(7, false, Whose::Ours);
        check(4, true, Whose::Lowered);
        check(4, false, Whose::Foreign);
        check(6, true, Whose::Lowered);
        check(6, false, Whose::Foreign);
        check(8, true, Whose::Foreign);
        check(9, true, Whose::Foreign);
    }
}
