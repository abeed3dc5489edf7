//! What is believed of a board's power and heat before anything was measured on it.
//!
//! Steps:
//! 1. Of each processor that the board file describes (a cluster by its CPUs, an accelerator by its kind), watts per
//!    OPP from four coefficients and the voltages: `capacitance · V² · f` per busy unit, `uncore · V² · f` while any
//!    is busy, `leakage · V` always, growing by `growth` per kelvin. (Switched capacitance and leakage: Rabaey,
//!    "Digital Integrated Circuits", 2nd ed., § 5.5.)
//! 2. Of every other one a guess by kind and capacity, good to a factor of two or so: the voltage is taken to rise
//!    with the clock above 60 % of the highest, as the tables of the boards that we have files of do, so that the
//!    power grows with f³ there.
//! 3. Which processors a rail feeds, where the file says so; kelvins per watt between processors and zones from its
//!    thermal network.
//!
//! A prior is corrected by measurements as far as it is doubted; see [`Doubt`].

use alloc::vec;
use alloc::vec::Vec;

use dynd_vocab::blueprint::{Blueprint, Grade, Outside, Reading, Silicon, ThermalPlan};
use dynd_vocab::{BoardDescription, Hertz, Processor, ProcessorKind};

/// Watts of one core of capacity 1024, busy at its highest clock. Cortex-A72 to A78 and Carmel on 16 to 8 nm lie
/// between 0.6 and 2 W in the board files that we have.
const CORE_WATTS: f64 = 1.2;

/// Watts of a whole accelerator, busy at its highest clock: 3 W (Mali-G52) to 10 W (Orin) in the same files.
const GPU_WATTS: f64 = 5.0;
const ACCELERATOR_WATTS: f64 = 2.5;

/// The share of a processor's full power that it draws idle.
const RESTING_SHARE: f64 = 0.05;

/// The clock over the highest below which the voltage falls no more, and the voltage there over the highest.
const VOLTAGE_FLOOR: f64 = 0.6;

/// The growth of leakage per kelvin where no file tells it: it doubles every 35 to 40 K on these processes.
const GROWTH: f64 = 0.018;

/// Watts of all that is no processor, where no file tells it.
const REST_WATTS: f64 = 1.5;

/// Temperature around the board and kelvins per watt from all power to a zone, where no file tells them: passively
/// cooled boards of a hand's size have 5 to 20.
const AMBIENT: f64 = 30.0;
const RESISTANCE: f64 = 9.0;

/// The temperature at which leakage is stated.
pub(crate) const REFERENCE: f64 = 45.0;

/// How far figures are doubted: relative standard deviation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Doubt(pub(crate) f64);

impl Doubt {
    /// Nobody said anything: right to a factor of two or so.
    const GUESSED: Self = Self(0.7);

    /// A board file that says *measured* can be 10 % off, and one that says *assumed* as a matter of course 40 %.
    const fn of(grade: Grade) -> Self {
        Self(match grade {
            Grade::Measured => 0.1,
            Grade::Fitted => 0.2,
            Grade::Assumed => 0.4,
        })
    }
}

/// What is believed of a board.
#[derive(Clone, Debug)]
pub(crate) struct Prior {
    /// Per processor of the board.
    pub(crate) processors: Vec<ProcessorPrior>,
    /// Per rail of the board, what it feeds if that is known.
    pub(crate) rails: Vec<Option<Feeds>>,
    /// Per zone of the board.
    pub(crate) zones: Vec<ZonePrior>,
    /// Watts of all that is no processor.
    pub(crate) rest: f64,
}

/// What is believed of a processor, per OPP (one, if the kernel tells no clocks).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ProcessorPrior {
    /// Watts that one busy unit (core, or accelerator as a whole) adds.
    pub(crate) dynamic: Vec<f64>,
    /// Watts at 45 °C whatever it does.
    pub(crate) resting: Vec<f64>,
    /// Watts while any unit is busy, over those of one busy unit.
    pub(crate) uncore: f64,
    /// The share by which the latter grow per kelvin.
    pub(crate) growth: f64,
    pub(crate) doubt: Doubt,
}

/// What a rail feeds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Feeds {
    /// Indices of processors.
    pub(crate) processors: Vec<usize>,
    /// Whether it feeds anything else.
    pub(crate) rest: bool,
}

/// What is believed of how a zone heats.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ZonePrior {
    /// Degrees without any power.
    pub(crate) ambient: f64,
    /// Kelvins per watt of each processor, for ever.
    pub(crate) gains: Vec<f64>,
    /// Kelvins per watt of the rest.
    pub(crate) rest_gain: f64,
    /// Seconds in which what is nearest to the sensor heats, and the share of the gain that it makes.
    pub(crate) near: (f64, f64),
    /// Seconds in which the whole board does.
    pub(crate) far: f64,
    pub(crate) doubt: Doubt,
}

impl Prior {
    /// What is believed of `board`, by `file` as far as it describes what is there.
    pub(crate) fn new(board: &BoardDescription, file: Option<&Blueprint>) -> Self {
        let found: Vec<Option<(usize, &Silicon)>> = match file {
            Some(file) => board
                .processors
                .iter()
                .map(|p| describes(file, p, board))
                .collect(),
            None => vec![None; board.processors.len()],
        };
        let processors = board.processors.iter().zip(&found);
        Self {
            processors: processors
                .map(|(processor, known)| match known {
                    Some((_, silicon)) => ProcessorPrior::known(processor, silicon),
                    None => ProcessorPrior::guessed(processor),
                })
                .collect(),
            rails: board
                .rails
                .iter()
                .map(|rail| feeds(file?, &rail.name, &found))
                .collect(),
            zones: board
                .zones
                .iter()
                .map(|zone| {
                    let known = file.and_then(|file| ZonePrior::known(file, &zone.name, &found));
                    known.unwrap_or_else(|| ZonePrior::guessed(board.processors.len()))
                })
                .collect(),
            rest: file.map_or(REST_WATTS, |file| {
                file.base.power.get() + file.memory.standby.get()
            }),
        }
    }
}

/// The silicon of `file` that `processor` of `board` is, and its index there.
fn describes<'f>(
    file: &'f Blueprint,
    processor: &Processor,
    board: &BoardDescription,
) -> Option<(usize, &'f Silicon)> {
    let index = if processor.kind == ProcessorKind::Cpu {
        file.clusters
            .iter()
            .position(|cluster| cluster.cpus == processor.cpus)?
    } else {
        // Accelerators of a kind stand in the same order here and there.
        let alike = board
            .processors
            .iter()
            .filter(|other| other.kind == processor.kind);
        let nth = alike.take_while(|other| *other != processor).count();
        let mut plans = file.accelerators.iter().enumerate();
        let (at, _) = plans
            .by_ref()
            .filter(|(_, plan)| plan.kind == processor.kind)
            .nth(nth)?;
        file.clusters.len() + at
    };
    Some((index, file.silicon().nth(index)?))
}

impl ProcessorPrior {
    fn known(processor: &Processor, silicon: &Silicon) -> Self {
        let power = &silicon.power;
        let nearest = |clock: Hertz| {
            let distance = |opp: &&dynd_vocab::blueprint::Opp| opp.clock.as_hz().abs_diff(clock.as_hz());
            silicon
                .opps
                .iter()
                .min_by_key(distance)
                .map_or(1.0, |opp| opp.volts)
        };
        let highest = silicon.opps.last().map_or(Hertz::default(), |opp| opp.clock);
        let opps = if processor.opps.is_empty() {
            vec![highest]
        } else {
            processor.opps.clone()
        };
        let square = |volts: f64| volts * volts;
        Self {
            dynamic: opps
                .iter()
                .map(|clock| power.capacitance * square(nearest(*clock)) * clock.as_hz() as f64)
                .collect(),
            resting: opps
                .iter()
                .map(|clock| power.leakage.get() * nearest(*clock))
                .collect(),
            uncore: if power.capacitance > 0.0 {
                power.uncore / power.capacitance
            } else {
                0.0
            },
            growth: power.leakage_growth,
            doubt: Doubt::of(power.origin.grade),
        }
    }

    fn guessed(processor: &Processor) -> Self {
        let (unit, units) = match processor.kind {
            ProcessorKind::Cpu => {
                let relative = f64::from(processor.capacity.max(1)) / 1024.0;
                let core = CORE_WATTS * libm::pow(relative, 1.5);
                (core, f64::from(processor.cpus.len().max(1)))
            }
            ProcessorKind::Gpu => (GPU_WATTS, 1.0),
            ProcessorKind::Npu | ProcessorKind::Accelerator => (ACCELERATOR_WATTS, 1.0),
        };
        let highest = processor.opps.last().map_or(1.0, |clock| clock.as_hz() as f64);
        let relative: Vec<f64> = if processor.opps.is_empty() {
            vec![1.0]
        } else {
            processor
                .opps
                .iter()
                .map(|clock| clock.as_hz() as f64 / highest)
                .collect()
        };
        let volts = |relative: f64| relative.max(VOLTAGE_FLOOR);
        Self {
            dynamic: relative.iter().map(|&f| unit * f * volts(f) * volts(f)).collect(),
            resting: relative
                .iter()
                .map(|&f| RESTING_SHARE * unit * units * volts(f))
                .collect(),
            uncore: 0.0,
            growth: GROWTH,
            doubt: Doubt::GUESSED,
        }
    }
}

/// What the rail of this name feeds; nothing if `file` does not know it, or if a processor that it feeds is not there.
fn feeds(file: &Blueprint, name: &str, found: &[Option<(usize, &Silicon)>]) -> Option<Feeds> {
    let rail = file.rails.iter().find(|rail| rail.name == name)?;
    let here = |plan: &usize| {
        found
            .iter()
            .position(|known| known.is_some_and(|(index, _)| index == *plan))
    };
    Some(Feeds {
        processors: rail.processors.iter().map(here).collect::<Option<_>>()?,
        rest: rail.memory || rail.base,
    })
}

impl ZonePrior {
    /// From the thermal network of `file`, its fan at rest: the steady rise at the zone's node per watt at another node
    /// is that at the other per watt at the zone's, so that one system of equations tells all (reciprocity of linear
    /// networks).
    fn known(file: &Blueprint, name: &str, found: &[Option<(usize, &Silicon)>]) -> Option<Self> {
        let zone = file.zones.iter().find(|zone| zone.name == name)?;
        let Reading::Node(node) = zone.reading else {
            return None;
        };
        let plan = &file.thermal;
        let rise = rises(plan, node)?;
        let own = rise[node];
        // What every watt on the board must pass through to get away.
        let shared = rise.iter().copied().fold(own, f64::min);
        let capacity: f64 = plan.nodes.iter().map(|node| node.capacity).sum();
        let near = own - shared;
        let gain =
            |known: &Option<(usize, &Silicon)>| known.map_or(shared, |(_, silicon)| rise[silicon.node]);
        Some(Self {
            ambient: plan.ambient.get(),
            gains: found.iter().map(gain).collect(),
            rest_gain: rise[plan.base_node],
            near: (plan.nodes[node].capacity * near, near / own),
            far: capacity * shared,
            doubt: Doubt::of(plan.origin.grade),
        })
    }

    fn guessed(processors: usize) -> Self {
        Self {
            ambient: AMBIENT,
            gains: vec![RESISTANCE; processors],
            rest_gain: RESISTANCE,
            near: (5.0, 0.4),
            far: 120.0,
            doubt: Doubt::GUESSED,
        }
    }
}

/// Per node, how much it rises per watt at `heated`: G·x = e, with the conductances G, by Gauss elimination. G is
/// diagonally dominant: no row needs to be exchanged.
fn rises(plan: &ThermalPlan, heated: usize) -> Option<Vec<f64>> {
    let count = plan.nodes.len();
    let mut rows = vec![vec![0.0; count + 1]; count];
    rows[heated][count] = 1.0;
    for link in &plan.links {
        let conductance = 1.0 / link.resistance.first()?;
        rows[link.node][link.node] += conductance;
        if let Outside::Node(other) = link.outside {
            rows[other][other] += conductance;
            rows[link.node][other] -= conductance;
            rows[other][link.node] -= conductance;
        }
    }
    for pivot in 0..count {
        let upper = rows[pivot].clone();
        for row in rows.iter_mut().skip(pivot + 1) {
            let factor = row[pivot] / upper[pivot];
            for (cell, above) in row.iter_mut().zip(&upper) {
                *cell -= factor * above;
            }
        }
    }
    let mut rise = vec![0.0; count];
    for index in (0..count).rev() {
        let later = index + 1..count;
        let known: f64 = later.map(|other| rows[index][other] * rise[other]).sum();
        rise[index] = (rows[index][count] - known) / rows[index][index];
    }
    rise.iter()
        .all(|rise| rise.is_finite() && *rise > 0.0)
        .then_some(rise)
}
