//! Every figure of a board file, how far it can be trusted, and who found it.

use dynd_vocab::blueprint::{
    AcceleratorPlan, ClusterPlan, FirmwareLimit, Grade, LimitTrigger, MemoryPlan, Origin, RailPlan, Silicon,
    ThermalPlan, ZonePlan,
};
use dynd_vocab::{Blueprint, Hertz};
use serde::Serialize;

/// One figure, or one row of figures that share an origin.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Figure {
    /// What it is a figure of: the board, a processor, a sensor.
    pub(crate) of: String,
    /// Which.
    pub(crate) what: &'static str,
    /// Its value with its unit.
    pub(crate) value: String,
    /// How far it can be trusted: `measured`, `fitted` or `assumed`.
    pub(crate) grade: &'static str,
    /// Who found it.
    pub(crate) source: String,
}

/// Every figure of `board`, in the order of its file.
pub(crate) fn figures(board: &Blueprint) -> Vec<Figure> {
    let mut list = List::default();
    let era = format!("{}, {}", board.kernel.release, board.kernel.era.label());
    list.put("board", &board.kernel.origin, [("kernel", era)]);
    list.put(
        "board",
        &board.idle.origin,
        [("idle power", board.idle.power.to_string())],
    );
    list.put(
        "board",
        &board.base.origin,
        [("base power", board.base.power.to_string())],
    );
    board.clusters.iter().for_each(|cluster| list.cluster(cluster));
    board
        .accelerators
        .iter()
        .for_each(|accelerator| list.accelerator(accelerator));
    list.memory(&board.memory);
    board.rails.iter().for_each(|rail| list.rail(rail));
    for cooler in &board.coolers {
        list.put(
            &cooler.name,
            &cooler.origin,
            [("highest state", cooler.max_state.to_string())],
        );
    }
    board.zones.iter().for_each(|zone| list.zone(zone));
    list.thermal(&board.thermal);
    board.limits.iter().for_each(|limit| list.limit(limit));
    list.0
}

/// What is known of the power of `board`, as sentences: what was measured, and whether it can be.
pub(crate) fn power_said(board: &Blueprint) -> String {
    let is_known = |origin: &&Origin| origin.grade != Grade::Assumed;
    let drawn = board
        .silicon()
        .map(|silicon| (silicon.name.as_str(), &silicon.power.origin));
    let drawn: Vec<_> = drawn.chain([("memory", &board.memory.power_origin)]).collect();
    let names = |known: bool| {
        let of = drawn.iter().filter(|(_, origin)| is_known(origin) == known);
        of.map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    };
    let (known, assumed) = (names(true), names(false));
    let idle = is_known(&&board.idle.origin);
    let figures = match (known.is_empty(), assumed.is_empty()) {
        (true, _) if idle => {
            "Of its power only that at idle was measured; what each processor draws is assumed.".into()
        }
        (true, _) => "Its power was never measured: every figure of it is assumed.".into(),
        (false, true) => "What each processor draws was measured, or fitted to measurements.".into(),
        (false, false) => format!(
            "What these draw was measured, or fitted to measurements: {known}. What these draw is assumed: {assumed}."
        ),
    };
    let sensors = match board.rails.len() {
        0 => "It has no power sensor.".to_owned(),
        1 => "It has one power sensor.".to_owned(),
        count => format!("It has {count} power sensors."),
    };
    format!("{figures} {sensors}")
}

#[derive(Default)]
struct List(Vec<Figure>);

impl List {
    fn put<const N: usize>(&mut self, of: &str, origin: &Origin, figures: [(&'static str, String); N]) {
        self.0.extend(figures.map(|(what, value)| Figure {
            of: of.into(),
            what,
            value,
            grade: origin.grade.label(),
            source: origin.source.clone(),
        }));
    }

    fn cluster(&mut self, cluster: &ClusterPlan) {
        let silicon = &cluster.silicon;
        let capacity = match cluster.shown_capacity {
            shown if shown == cluster.capacity => shown.to_string(),
            shown => format!("{} (shown as {shown})", cluster.capacity),
        };
        let figures = [
            ("core", cluster.core.clone()),
            ("cpus", cluster.cpus.to_string()),
            ("capacity", capacity),
            ("transition", silicon.transition_latency.to_string()),
        ];
        self.put(&silicon.name, &silicon.origin, figures);
        self.silicon(silicon);
    }

    fn accelerator(&mut self, accelerator: &AcceleratorPlan) {
        let silicon = &accelerator.silicon;
        let figures = [
            ("part", accelerator.part.clone()),
            ("polling", accelerator.polling.to_string()),
            ("turn", accelerator.turn.to_string()),
        ];
        self.put(&silicon.name, &silicon.origin, figures);
        self.silicon(silicon);
    }

    fn silicon(&mut self, silicon: &Silicon) {
        let name = &silicon.name;
        let clocks: Vec<Hertz> = silicon.opps.iter().map(|opp| opp.clock).collect();
        self.put(name, &silicon.clocks_origin, [("clocks", range(&clocks))]);
        let volts = silicon.opps.iter().map(|opp| opp.volts);
        let (low, high) = volts.fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(v), high.max(v)));
        self.put(
            name,
            &silicon.voltages_origin,
            [("voltages", format!("{low:.3} to {high:.3} V"))],
        );
        let [low, high] = silicon.real_clock.map(|share| share * 100.0);
        let real = format!("{low:.1} to {high:.1} % of the reported one");
        self.put(name, &silicon.real_clock_origin, [("real clock", real)]);
        let power = &silicon.power;
        let figures = [
            ("capacitance", format!("{:.4} nF", power.capacitance * 1e9)),
            ("uncore", format!("{:.4} nF", power.uncore * 1e9)),
            ("leakage", format!("{:.1} mW", power.leakage.get() * 1e3)),
            (
                "leakage growth",
                format!("{:.2} %/K", power.leakage_growth * 100.0),
            ),
        ];
        self.put(name, &power.origin, figures);
    }

    fn memory(&mut self, memory: &MemoryPlan) {
        let name = &memory.name;
        self.put(name, &memory.origin, [("clocks", range(&memory.clocks))]);
        let copy = format!("{:.1} GB/s", memory.bandwidth / 1e9);
        self.put(name, &memory.bandwidth_origin, [("bandwidth", copy)]);
        let figures = [
            ("standby power", memory.standby.to_string()),
            ("traffic", format!("{:.0} mJ/GB", memory.energy_per_byte * 1e12)),
        ];
        self.put(name, &memory.power_origin, figures);
    }

    fn rail(&mut self, rail: &RailPlan) {
        let figures = [
            ("voltage", format!("{} V", rail.volts)),
            ("quantum", format!("{:.1} mA", rail.quantum * 1e3)),
            ("interval", rail.interval.to_string()),
            ("noise", format!("{:.1} %", rail.noise * 100.0)),
        ];
        self.put(&rail.name, &rail.origin, figures);
    }

    fn zone(&mut self, zone: &ZonePlan) {
        let trips = zone.trips.iter();
        let trips = trips.map(|trip| format!("{} at {}", trip.kind.label(), trip.temperature));
        let trips: Vec<_> = trips.collect();
        let figures = [
            ("quantum", format!("{:.0} mK", zone.quantum * 1e3)),
            ("noise", format!("{:.0} mK", zone.noise * 1e3)),
            ("polling", zone.polling.to_string()),
            ("trips", or_none(&trips)),
        ];
        self.put(&zone.name, &zone.origin, figures);
    }

    fn thermal(&mut self, thermal: &ThermalPlan) {
        let ambient = ("around", thermal.ambient.to_string());
        self.put("heat", &thermal.origin, [ambient]);
        for node in &thermal.nodes {
            let capacity = ("capacity", format!("{} J/K", node.capacity));
            self.put(&node.name, &thermal.origin, [capacity]);
        }
        for link in &thermal.links {
            let resistance: Vec<_> = link.resistance.iter().map(ToString::to_string).collect();
            let figure = ("resistance", format!("{} K/W", resistance.join(", ")));
            self.put(&thermal.nodes[link.node].name, &thermal.origin, [figure]);
        }
    }

    fn limit(&mut self, limit: &FirmwareLimit) {
        let (from, to) = match limit.trigger {
            LimitTrigger::Heat { at, release, .. } => (at.to_string(), release.to_string()),
            LimitTrigger::Power { above, release } => (above.to_string(), release.to_string()),
        };
        let figures = [
            ("begins", from),
            ("ends", to),
            ("floor", limit.floor.to_string()),
            ("period", limit.period.to_string()),
        ];
        self.put(&limit.name, &limit.origin, figures);
    }
}

/// How many clocks, and from where to where.
pub(crate) fn range(clocks: &[Hertz]) -> String {
    match clocks {
        [] => "none".into(),
        [only] => only.to_string(),
        [first, .., last] => format!("{} from {first} to {last}", clocks.len()),
    }
}

fn or_none(parts: &[String]) -> String {
    if parts.is_empty() {
        "none".into()
    } else {
        parts.join(", ")
    }
}
