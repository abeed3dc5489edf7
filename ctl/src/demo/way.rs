//! The ways in which the script is run.

use super::cast::Cast;

/// Who chooses the sub-networks while the script runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// The daemon.
    Managed,
    /// Nobody: each app stays with the sub-network of this index.
    Fixed(Cast<usize>),
}

impl Way {
    /// The ways to run for models with so many sub-networks each: managed, then the largest and the smallest pair; if
    /// `every` pair is wanted, those two, then the other ones, then managed, so that the best pair can be run beside it.
    pub(crate) fn all(subnetworks: Cast<usize>, every: bool) -> Vec<Self> {
        let largest = Self::largest(subnetworks);
        let smallest = Self::smallest();
        if !every {
            return vec![Self::Managed, largest, smallest];
        }
        let pairs = (0..subnetworks.camera)
            .flat_map(|camera| (0..subnetworks.reader).map(move |reader| Cast { camera, reader }))
            .map(Self::Fixed);
        let others = pairs.filter(|way| ![largest, smallest].contains(way));
        [largest, smallest]
            .into_iter()
            .chain(others)
            .chain([Self::Managed])
            .collect()
    }

    /// Both apps on their largest sub-network.
    pub(crate) fn largest(subnetworks: Cast<usize>) -> Self {
        Self::Fixed(subnetworks.map(|count| count.saturating_sub(1)))
    }

    /// Both apps on their smallest sub-network.
    pub(crate) const fn smallest() -> Self {
        Self::Fixed(Cast { camera: 0, reader: 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_pair_is_run_twice() {
        let subnetworks = Cast { camera: 4, reader: 3 };
        let ways = Way::all(subnetworks, true);
        assert_eq!(ways.len(), 1 + 12);
        assert!((1..ways.len()).all(|index| !ways[..index].contains(&ways[index])));
        assert_eq!(ways[12], Way::Managed);
        assert_eq!(
            Way::all(subnetworks, false),
            [
                Way::Managed,
                Way::Fixed(Cast { camera: 3, reader: 2 }),
                Way::Fixed(Cast { camera: 0, reader: 0 }),
            ]
        );
    }
}
