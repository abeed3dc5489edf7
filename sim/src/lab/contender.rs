//! Who plays: controllers by name.

use std::fmt;
use std::str::FromStr;

use dynd_vocab::Blueprint;

/// A controller by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contender {
    /// dynd.
    Dynd,
    /// The run-time manager of Dynamic-OFA.
    DynamicOfaRule,
    /// ALERT.
    Alert,
    /// POET.
    Poet(Margin),
    /// A greedy heuristic for the multi-dimensional knapsack.
    GreedyMmkp,
    /// The bar: knows everything but what is to come.
    Oracle,
    /// Nobody reaches it: knows every sample.
    Clairvoyant,
    /// No controller: a fixed choice under the kernel's governors.
    Static(Choice, Governors),
}

/// How far below its target POET aims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Margin {
    /// Not at all, as its authors do.
    Default,
    /// By what costs least on the very trace that it is judged on.
    Tuned,
}

/// How a fixed choice is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The largest sub-network at home.
    Largest,
    /// The smallest.
    Smallest,
    /// What costs least on the very trace that it is judged on.
    Best,
}

impl Choice {
    const ALL: [Self; 3] = [Self::Largest, Self::Smallest, Self::Best];

    const fn label(self) -> &'static str {
        match self {
            Self::Largest => "static-largest",
            Self::Smallest => "static-smallest",
            Self::Best => "static-best",
        }
    }
}

/// The governors in charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Governors {
    /// Those of the board file.
    OfBoard,
    /// This one, wherever the kernel of the board offers it.
    Named(&'static str),
}

/// The governors of the kernel that the plant has.
const GOVERNORS: [&str; 7] = [
    "performance",
    "powersave",
    "ondemand",
    "conservative",
    "schedutil",
    "simple_ondemand",
    "nvhost_podgov",
];

impl Governors {
    /// By processor of `board` and name.
    pub(crate) fn on(self, board: &Blueprint) -> Vec<(usize, &'static str)> {
        let Self::Named(name) = self else {
            return Vec::new();
        };
        let offered = |(_, silicon): &(usize, &dynd_vocab::blueprint::Silicon)| {
            silicon.governors.iter().any(|each| each == name)
        };
        let processors = board.silicon().enumerate().filter(offered);
        processors.map(|(processor, _)| (processor, name)).collect()
    }
}

impl Contender {
    /// The choice that others are measured against: what a person gets by tuning for this very trace.
    pub const BEST_STATIC: Self = Self::Static(Choice::Best, Governors::OfBoard);

    /// Those that play if nobody says who.
    pub const USUAL: [Self; 11] = [
        Self::Dynd,
        Self::Static(Choice::Largest, Governors::OfBoard),
        Self::Static(Choice::Smallest, Governors::OfBoard),
        Self::BEST_STATIC,
        Self::DynamicOfaRule,
        Self::Alert,
        Self::Poet(Margin::Default),
        Self::Poet(Margin::Tuned),
        Self::GreedyMmkp,
        Self::Oracle,
        Self::Clairvoyant,
    ];

    /// Whether it decides by what has been: everybody but those who see the world itself.
    pub const fn is_causal(self) -> bool {
        !matches!(self, Self::Oracle | Self::Clairvoyant)
    }

    /// Every contender that a scenario on `board` can have.
    pub fn all(board: &Blueprint) -> Vec<Self> {
        let mut all = Self::USUAL.to_vec();
        for name in GOVERNORS {
            if !Governors::Named(name).on(board).is_empty() {
                let of = |choice| Self::Static(choice, Governors::Named(name));
                all.extend(Choice::ALL.map(of));
            }
        }
        all
    }
}

impl fmt::Display for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dynd => f.write_str("dynd"),
            Self::DynamicOfaRule => f.write_str("dynamic-ofa-rule"),
            Self::Alert => f.write_str("alert"),
            Self::Poet(Margin::Default) => f.write_str("poet"),
            Self::Poet(Margin::Tuned) => f.write_str("poet-tuned"),
            Self::GreedyMmkp => f.write_str("greedy-mmkp"),
            Self::Oracle => f.write_str("oracle"),
            Self::Clairvoyant => f.write_str("clairvoyant"),
            Self::Static(choice, Governors::OfBoard) => f.write_str(choice.label()),
            Self::Static(choice, Governors::Named(name)) => write!(f, "{name}/{}", choice.label()),
        }
    }
}

/// Why a text names no contender.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no controller {name:?}; there are {known}")]
pub struct UnknownContender {
    name: String,
    known: String,
}

impl FromStr for Contender {
    type Err = UnknownContender;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let choice = |label: &str| Choice::ALL.into_iter().find(|choice| choice.label() == label);
        let governor = |label: &str| GOVERNORS.into_iter().find(|name| *name == label);
        let found = match text.split_once('/') {
            Some((name, label)) => governor(name)
                .zip(choice(label))
                .map(|(name, choice)| Self::Static(choice, Governors::Named(name))),
            None => Self::USUAL
                .into_iter()
                .find(|contender| contender.to_string() == text),
        };
        found.ok_or_else(|| UnknownContender {
            name: text.into(),
            known: format!(
                "{}, and GOVERNOR/static-largest, -smallest and -best with a governor of the kernel ({})",
                Self::USUAL.map(|each| each.to_string()).join(", "),
                GOVERNORS.join(", ")
            ),
        })
    }
}
