//! Virtual boards as files: what discovery finds on them, what they take and what they show.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod alive;
mod captured;
mod discovery;
mod kill;
mod mounted;
mod writes;

use std::path::Path;

use dynd_files::{find_board, load_board};
use dynd_sim::Tree;
use dynd_vocab::Blueprint;
use dynd_vocab::blueprint::KernelEra;

/// A board that comes with dynd.
fn board(name: &str) -> Blueprint {
    find_board(name).unwrap()
}

/// A board that dynd does not know: three clusters, a GPU, an NPU, two rails.
fn held_back() -> Blueprint {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sim/held-back.toml");
    load_board(&path).unwrap()
}

/// The files of `board` with a kernel of this era.
fn tree(board: &Blueprint, era: KernelEra) -> Tree {
    let mut board = board.clone();
    board.kernel.era = era;
    Tree::new(&board, 1)
}
