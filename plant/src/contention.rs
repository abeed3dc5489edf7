//! Contention for memory.
//!
//! What runs at the same moment shares one memory. A strand alone moves `traffic` bytes in its own time, which
//! is its demand. Where others use the share `u` of the bandwidth, the memory serves a strand's stalls in `1 + u` of their time
//! (each access finds the memory busy with that probability and waits for about one other), and where all together ask
//! for more than there is, every stall takes as much longer as there is too little. Only the part of the work
//! that waits for memory is stretched.
//!
//! The form is the linear part of an M/D/1 queue and its saturation (Jain, "The Art of Computer Systems Performance
//! Analysis", ch. 31); its single figure is the board's measured bandwidth.

/// By how much stalls are stretched where this strand uses `own` bytes per second and all together `total`, of
/// `bandwidth`.
pub(crate) fn stretch(own: f64, total: f64, bandwidth: f64) -> f64 {
    let others = (total - own).max(0.0) / bandwidth;
    let shortage = if others > 0.0 { total / bandwidth } else { 1.0 };
    (1.0 + others.min(1.0)).max(shortage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_stretch_stalls() {
        let near = |have: f64, want: f64| assert!((have - want).abs() < 1e-12, "{have} {want}");
        // Alone, even a strand that asks for all of it is not stretched: its stall was measured so.
        near(stretch(9e9, 9e9, 9e9), 1.0);
        near(stretch(3e9, 6e9, 10e9), 1.3);
        near(stretch(8e9, 24e9, 8e9), 3.0);
        near(stretch(0.0, 0.0, 8e9), 1.0);
    }
}
