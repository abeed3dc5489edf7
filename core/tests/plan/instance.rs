//! Problems without rhyme or reason: any point may be worth anything anywhere.

use dynd_core::plan::{Limit, Micro, Mode, Offers, Place, Point, Problem, Site, Worth, micro};

use super::random::Random;

/// A problem with all its offers in a table.
#[derive(Clone, Debug)]
pub(crate) struct Instance {
    pub(crate) problem: Problem,
    /// Per app and processor, by host mode and then mode, the points.
    pub(crate) table: Vec<Vec<Vec<Vec<Point>>>>,
}

impl Offers for Instance {
    fn points(&self, app: usize, place: Place, into: &mut Vec<Point>) {
        let modes = self.problem.sites[place.processor].modes.len();
        into.extend(&self.table[app][place.processor][place.host_mode * modes + place.mode]);
    }
}

/// At most 4 apps, 2 processors of at most 4 operating points, 8 points per app.
pub(crate) fn any(seed: u64) -> Instance {
    let random = &mut Random::new(seed);
    let hosted = random.chance(0.4);
    let sites: Vec<Site> = (0..2)
        .map(|index| site(random, (index == 1 && hosted).then_some(0)))
        .collect();
    let limits = (0..random.whole(0, 2)).map(|_| limit(random)).collect();
    let apps = random.whole(1, 4);
    let tiers = random.whole(1, 3);
    let problem = Problem {
        sites,
        limits,
        priorities: (0..apps).map(|_| random.whole(1, tiers) as i32).collect(),
    };
    let table = (0..apps).map(|_| {
        let split = random.whole(0, 8);
        let sites = problem.sites.iter().zip([split, 8 - split]);
        let tables = sites.map(|(site, points)| {
            let hosts = site.host.map_or(1, |host| problem.sites[host].modes.len());
            let cells =
                (0..hosts * site.modes.len()).map(|_| (0..points).map(|i| point(random, i)).collect());
            cells.collect()
        });
        tables.collect()
    });
    let table = table.collect();
    Instance { problem, table }
}

fn site(random: &mut Random, host: Option<usize>) -> Site {
    let opps = random.whole(1, 4);
    let mode = |_| Mode {
        capacity: micro(random.whole(0, 5) as f64),
        watts: tenths(random, 10),
        cost: tenths(random, 10),
    };
    Site {
        modes: (0..opps).map(mode).collect(),
        opps,
        host,
    }
}

fn limit(random: &mut Random) -> Limit {
    Limit {
        per_watt: vec![random.between(0.0, 2.0), random.between(0.0, 2.0)],
        room: tenths(random, 60),
    }
}

/// Few distinct values, so that many plans are equal in part.
fn point(random: &mut Random, subnetwork: usize) -> Point {
    let violation = if random.chance(0.6) { 0 } else { tenths(random, 15) };
    Point {
        subnetwork,
        cores: 1,
        worth: Worth {
            violation,
            gain: tenths(random, 10),
            cost: tenths(random, 20),
        },
        demand: micro(random.whole(0, 3) as f64),
        watts: tenths(random, 20),
        host_demand: micro(random.whole(0, 2) as f64 / 2.0),
        host_watts: tenths(random, 5),
    }
}

fn tenths(random: &mut Random, most: usize) -> Micro {
    micro(random.whole(0, most) as f64 / 10.0)
}
