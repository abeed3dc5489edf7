//! The real board on trees of files that stand for machines, and on the machine at hand.

mod boards;
mod machine;
mod sensors;
mod tree;
