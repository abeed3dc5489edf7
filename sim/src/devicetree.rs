//! What the firmware calls the board.

use dynd_vocab::Blueprint;

use crate::node::{Attribute, Nodes};

const BASE: &str = "sys/firmware/devicetree/base";

/// The strings of the root node, each ended by a zero, and `/proc/device-tree`.
pub(crate) fn list(nodes: &mut Nodes, board: &Blueprint) {
    let property =
        |strings: &[String]| -> String { strings.iter().map(|each| format!("{each}\0")).collect() };
    let model = std::slice::from_ref(&board.name);
    nodes.attribute(format!("{BASE}/model"), Attribute::fixed(property(model)));
    let compatible = property(&board.compatible);
    nodes.attribute(format!("{BASE}/compatible"), Attribute::fixed(compatible));
    nodes.link("proc/device-tree", BASE);
}
