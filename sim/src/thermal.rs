//! Thermal zones, their trips, and what cools.

use dynd_vocab::Blueprint;
use dynd_vocab::blueprint::ZonePlan;

use crate::machine::line;
use crate::node::{Attribute, Nodes};
use crate::number::strict;
use crate::refusal::Refusal;

const CLASS: &str = "sys/class/thermal";
const DEVICES: &str = "sys/devices/virtual/thermal";

/// The zones and the cooling devices, numbered as in the board file.
pub(crate) fn list(nodes: &mut Nodes, board: &Blueprint) {
    for (index, zone) in board.zones.iter().enumerate() {
        self::zone(nodes, index, zone);
    }
    for (index, cooler) in board.coolers.iter().enumerate() {
        let dir = register(nodes, &format!("cooling_device{index}"));
        let mut put = |name: &str, attribute: Attribute| nodes.attribute(format!("{dir}/{name}"), attribute);
        put("type", Attribute::fixed(line(&cooler.name)));
        put("max_state", Attribute::fixed(line(cooler.max_state)));
        put(
            "cur_state",
            Attribute::shown(move |machine| Ok(line(machine.plant.cooling_state(index)))),
        );
    }
}

fn register(nodes: &mut Nodes, name: &str) -> String {
    let dir = format!("{DEVICES}/{name}");
    nodes.link(format!("{CLASS}/{name}"), &dir);
    dir
}

fn zone(nodes: &mut Nodes, index: usize, zone: &ZonePlan) {
    let dir = register(nodes, &format!("thermal_zone{index}"));
    let mut put = |name: &str, attribute: Attribute| nodes.attribute(format!("{dir}/{name}"), attribute);
    put("type", Attribute::fixed(line(&zone.name)));
    put("mode", Attribute::fixed("enabled\n"));
    put("policy", Attribute::fixed("step_wise\n"));
    put("available_policies", Attribute::fixed("step_wise \n"));
    put("temp", temperature(index));
    put(
        "emul_temp",
        Attribute::command(move |machine, text| {
            machine.emulate(index, strict(text)?);
            Ok(())
        }),
    );
    for (number, trip) in zone.trips.iter().enumerate() {
        let millis = |kelvins: f64| line((kelvins * 1e3).round());
        let mut part = |name: &str, text: String| {
            put(&format!("trip_point_{number}_{name}"), Attribute::fixed(text));
        };
        part("type", line(trip.kind.label()));
        part("temp", millis(trip.temperature.get()));
        part("hyst", millis(trip.hysteresis));
    }
    let bindings = zone.trips.iter().enumerate();
    let bindings =
        bindings.flat_map(|(trip, plan)| plan.cooling.iter().map(move |range| (trip, range.cooler)));
    for (number, (trip, cooler)) in bindings.enumerate() {
        let trip = Attribute::fixed(line(trip));
        nodes.attribute(format!("{dir}/cdev{number}_trip_point"), trip);
        let device = format!("{DEVICES}/cooling_device{cooler}");
        nodes.link(format!("{dir}/cdev{number}"), device);
    }
}

fn temperature(zone: usize) -> Attribute {
    Attribute::shown(move |machine| {
        let celsius = machine.plant.read_zone(zone).ok_or(Refusal::Again)?;
        Ok(line((celsius.get() * 1e3).round()))
    })
}
