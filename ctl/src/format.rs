//! The layout of what is printed: plain tables without lines, and numbers with units.

use comfy_table::{CellAlignment, Table, presets};

/// An empty table below `headings`. Columns are as wide as their widest cell; no cell is wrapped.
pub(crate) fn table(headings: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(headings);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}

/// Aligns the columns from `first` on to the right, as numbers are read.
pub(crate) fn right_align(table: &mut Table, first: usize) {
    for column in table.column_iter_mut().skip(first) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}

/// The lines of `table`, without blanks at their ends.
pub(crate) fn render(table: &Table) -> String {
    table.trim_fmt()
}

/// A share as a percentage: `97.6 %`.
pub(crate) fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".into(), |share| format!("{:.1} %", share * 100.0))
}

/// A clock: `1800 MHz`.
pub(crate) fn clock(khz: Option<u64>) -> String {
    khz.map_or_else(|| "-".into(), |khz| format!("{} MHz", khz / 1000))
}

/// A power: `4.82 W`.
pub(crate) fn watts(watts: Option<f64>) -> String {
    watts.map_or_else(|| "-".into(), |watts| format!("{watts:.2} W"))
}

/// A temperature: `61.5 °C`.
pub(crate) fn celsius(celsius: Option<f64>) -> String {
    celsius.map_or_else(|| "-".into(), |celsius| format!("{celsius:.1} °C"))
}

/// An amount of memory: `3.2 MiB`.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["B", "KiB", "MiB", "GiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let digits = usize::from(unit > 0);
    format!("{value:.digits$} {}", UNITS[unit])
}

/// A number of operations: `310 M`.
pub(crate) fn operations(count: u64) -> String {
    match count {
        0..10_000 => count.to_string(),
        10_000..10_000_000 => format!("{:.1} M", count as f64 * 1e-6),
        _ => format!("{:.0} M", count as f64 * 1e-6),
    }
}

/// How long something has lasted: `2 h 05 min`.
pub(crate) fn span(seconds: f64) -> String {
    let seconds = seconds.max(0.0) as u64;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d {:02} h", seconds / 86_400, seconds / 3600 % 24),
    }
}

/// `text` in at most `width` characters; what is too long loses its beginning.
pub(crate) fn tail(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return text.into();
    }
    let kept = text.chars().skip(length - width.saturating_sub(1));
    std::iter::once('…').chain(kept).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_come_in_the_unit_that_fits() {
        assert_eq!(percent(Some(0.9876)), "98.8 %");
        assert_eq!(percent(None), "-");
        assert_eq!(clock(Some(1_800_000)), "1800 MHz");
        assert_eq!(watts(Some(4.816)), "4.82 W");
        assert_eq!(celsius(Some(-4.25)), "-4.2 °C");
        assert_eq!(bytes(17), "17 B");
        assert_eq!(bytes(3_355_443), "3.2 MiB");
        assert_eq!(operations(310_400_000), "310 M");
        assert_eq!(operations(410_000), "0.4 M");
        assert_eq!(span(59.9), "59 s");
        assert_eq!(span(61.0), "1 min 01 s");
        assert_eq!(span(7500.0), "2 h 05 min");
        assert_eq!(span(90_000.0), "1 d 01 h");
    }

    #[test]
    fn a_long_text_keeps_its_end() {
        assert_eq!(tail("camera", 6), "camera");
        assert_eq!(tail("/usr/bin/camera", 7), "…camera");
    }

    #[test]
    fn tables_have_no_blanks_at_line_ends() {
        let mut table = table(&["a", "b"]);
        table.add_row(["1", "2"]);
        assert_eq!(render(&table), "a  b\n1  2");
    }
}
