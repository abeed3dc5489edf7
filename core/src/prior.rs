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

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use dynd_vocab::blueprint::{
        ClusterPlan, Kernel, KernelEra, MemoryPlan, Opp, Origin, PowerCoefficients, RailConvention, RailPlan,
        StatedPower, ThermalLink, ThermalNode, ZonePlan,
    };
    use dynd_vocab::{Celsius, CpuSet, PowerRail, Role, Seconds, ThermalZone, Watts};

    use super::*;

    fn origin() -> Origin {
        Origin {
            grade: Grade::Fitted,
            source: String::new(),
        }
    }

    fn cluster(name: &str, cpus: CpuSet, volts: [f64; 2]) -> ClusterPlan {
        let opp = |(mhz, volts): (u64, f64)| Opp {
            clock: Hertz::from_khz(mhz * 1000),
            volts,
        };
        ClusterPlan {
            silicon: Silicon {
                name: name.into(),
                opps: [500, 1000].into_iter().zip(volts).map(opp).collect(),
                clocks_origin: origin(),
                voltages_origin: origin(),
                real_clock: [1.0; 2],
                real_clock_origin: origin(),
                power: PowerCoefficients {
                    capacitance: 0.5e-9,
                    uncore: 0.1e-9,
                    leakage: Watts::new(0.2),
                    leakage_growth: 0.02,
                    origin: origin(),
                },
                node: 0,
                governor: String::new(),
                governors: Vec::new(),
                transition_latency: Seconds::ZERO,
                origin: origin(),
            },
            core: String::new(),
            cpus,
            policy: 0,
            capacity: 1024,
            shown_capacity: 1024,
            pmu: None,
        }
    }

    fn rail(name: &str, processors: Vec<usize>, base: bool, within: Option<usize>) -> RailPlan {
        RailPlan {
            name: name.into(),
            processors,
            memory: false,
            base,
            within,
            convention: RailConvention::Ina231Hwmon,
            path: String::new(),
            channel: 0,
            volts: 5.0,
            quantum: 0.0,
            interval: Seconds::ZERO,
            noise: 0.0,
            origin: origin(),
        }
    }

    /// Two clusters on a die of 2 K/W from a board of 3 K/W from the air.
    fn file() -> Blueprint {
        let watts = |watts| StatedPower {
            power: Watts::new(watts),
            origin: origin(),
        };
        let node = |name: &str, capacity| ThermalNode {
            name: name.into(),
            capacity,
        };
        let link = |node, outside, resistance| ThermalLink {
            node,
            outside,
            resistance: vec![resistance, resistance / 2.0],
        };
        Blueprint {
            name: String::new(),
            compatible: Vec::new(),
            kernel: Kernel {
                release: String::new(),
                era: KernelEra::Qos,
                origin: origin(),
            },
            idle: watts(2.0),
            base: watts(1.5),
            clusters: vec![
                cluster("little", (0..4).collect(), [0.9, 1.0]),
                cluster("big", (4..8).collect(), [0.8, 1.2]),
            ],
            accelerators: Vec::new(),
            memory: MemoryPlan {
                name: String::new(),
                clocks: Vec::new(),
                path: None,
                origin: origin(),
                bandwidth: 1e9,
                bandwidth_origin: origin(),
                standby: Watts::new(0.5),
                energy_per_byte: 0.0,
                power_origin: origin(),
                node: 1,
            },
            rails: vec![
                rail("in", vec![0, 1], true, None),
                rail("big", vec![1], false, Some(0)),
            ],
            zones: vec![ZonePlan {
                name: "cpu".into(),
                reading: Reading::Node(0),
                quantum: 0.5,
                noise: 0.0,
                polling: Seconds::ZERO,
                trips: Vec::new(),
                origin: origin(),
            }],
            coolers: Vec::new(),
            thermal: ThermalPlan {
                ambient: Celsius::new(25.0),
                nodes: vec![node("die", 2.0), node("board", 50.0)],
                links: vec![link(0, Outside::Node(1), 2.0), link(1, Outside::Ambient, 3.0)],
                base_node: 1,
                origin: origin(),
            },
            limits: Vec::new(),
        }
    }

    /// The same board as its kernel shows it: clusters by other names, and one more rail.
    fn board() -> BoardDescription {
        let processor = |name: &str, cpus| Processor {
            name: name.into(),
            kind: ProcessorKind::Cpu,
            role: Role::Big,
            cpus,
            capacity: 1024,
            opps: [500_000, 1_000_000].map(Hertz::from_khz).to_vec(),
        };
        let rail = |name: &str, within| PowerRail {
            name: name.into(),
            within,
        };
        BoardDescription {
            processors: vec![
                processor("cpu4", (4..8).collect()),
                processor("cpu0", (0..4).collect()),
            ],
            rails: vec![rail("big", Some(1)), rail("in", None), rail("usb", Some(1))],
            zones: vec![ThermalZone {
                name: "cpu".into(),
                trips: Vec::new(),
            }],
            ..BoardDescription::default()
        }
    }

    fn near(have: f64, want: f64) {
        assert!((have - want).abs() < 1e-9, "{have} {want}");
    }

    #[test]
    fn a_board_file_is_matched_by_what_is_there() {
        let prior = Prior::new(&board(), Some(&file()));
        let big = &prior.processors[0];
        near(big.dynamic[1], 0.5e-9 * 1.44 * 1e9);
        near(big.resting[0], 0.16);
        near(big.uncore, 0.2);
        near(prior.processors[1].dynamic[1], 0.5);
        near(prior.rest, 2.0);
        let feeds = |processors: &[usize], rest| {
            Some(Feeds {
                processors: processors.to_vec(),
                rest,
            })
        };
        assert_eq!(prior.rails, [feeds(&[0], false), feeds(&[1, 0], true), None]);
        let zone = &prior.zones[0];
        zone.gains.iter().for_each(|gain| near(*gain, 5.0));
        near(zone.rest_gain, 3.0);
        near(zone.near.0, 4.0);
        near(zone.near.1, 0.4);
        near(zone.far, 156.0);
        assert!(zone.doubt.0 < Doubt::GUESSED.0);
    }

    #[test]
    fn what_no_file_describes_is_guessed() {
        let mut strange = board();
        strange.processors[0].cpus = (8..10).collect();
        let prior = Prior::new(&strange, Some(&file()));
        assert_eq!(
            prior.processors[0],
            ProcessorPrior::guessed(&strange.processors[0])
        );
        assert_eq!(prior.rails[1], None, "a rail feeds what is not there");
        let guess = Prior::new(&board(), None);
        let watts = &guess.processors[0].dynamic;
        assert!(
            watts[0] < 0.4 * watts[1],
            "slower than half a clock, at less voltage: {watts:?}"
        );
        near(watts[1], CORE_WATTS);
    }
}
