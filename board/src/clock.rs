//! Clocks: what shows them, and the units they come in.

use std::path::{Path, PathBuf};
use std::time::Duration;

use dynd_vocab::{CpuSet, CpuTimes, Hertz};

use crate::sensor::{Reader, Sensor};
use crate::{Fault, Loss};

/// No processor's clock comes near 20 GHz; what claims to is a driver's error value.
const FASTEST_KHZ: u64 = 20_000_000;

/// When a clock may be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// At each sample.
    Always,
    /// Only if these CPUs did something since the last sample: asking would wake them.
    WhileBusy(CpuSet),
}

/// What shows a clock.
#[derive(Debug)]
pub(crate) struct Clock {
    sensor: Sensor,
    parse: fn(&str) -> Result<Hertz, Fault>,
    reading: Reading,
    /// The time its CPUs had been busy at the last sample.
    busy: Option<Duration>,
}

impl Clock {
    /// The clock that `parse` makes of the file at `path`.
    pub(crate) fn new(path: PathBuf, lost: Loss, parse: fn(&str) -> Result<Hertz, Fault>) -> Self {
        Self {
            sensor: Sensor::new(path, lost),
            parse,
            reading: Reading::Always,
            busy: None,
        }
    }

    /// The same clock, asked for as `reading` says.
    pub(crate) fn when(self, reading: Reading) -> Self {
        Self { reading, ..self }
    }

    pub(crate) fn path(&self) -> &Path {
        self.sensor.path()
    }

    /// The clock now; absent if it may not be asked for, by what the sample says of the CPUs.
    pub(crate) fn read(&mut self, reader: &mut Reader<'_>, cpus: &[CpuTimes]) -> Option<Hertz> {
        if let Reading::WhileBusy(own) = self.reading {
            let times = cpus.iter().filter(|times| own.contains(times.cpu));
            let busy = times.map(|times| times.busy).reduce(|sum, busy| sum + busy);
            let before = std::mem::replace(&mut self.busy, busy);
            before.zip(busy).filter(|(before, now)| now > before)?;
        }
        self.sensor.read(reader, self.parse)
    }
}

/// A CPU's clock in kHz, the unit of cpufreq.
pub(crate) fn khz(text: &str) -> Result<Hertz, Fault> {
    match number(text)? {
        khz @ 1..=FASTEST_KHZ => Ok(Hertz::from_khz(khz)),
        khz => Err(Fault::Implausible(format!("{khz} kHz"))),
    }
}

/// A device's clock in Hz, the unit of devfreq; 0 while it is switched off.
pub(crate) fn hz(text: &str) -> Result<Hertz, Fault> {
    match number(text)? {
        hz if hz <= FASTEST_KHZ * 1000 => Ok(Hertz::from_hz(hz)),
        hz => Err(Fault::Implausible(format!("{hz} Hz"))),
    }
}

/// The clock of a Mali of the vendor kernels before devfreq: the first number of the text, which is in MHz up to
/// Linux 3.4 and again on Hardkernel's 3.10 (`Current sclk_g3d[G3D_BLK] = 177Mhz`, `177`), and in Hz between
/// (`177000000`).
pub(crate) fn mali(text: &str) -> Result<Hertz, Fault> {
    let first = text.lines().next().unwrap_or_default();
    let value = first.rsplit('=').next().unwrap_or_default().trim();
    let end = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
    let malformed = || Fault::malformed(text.as_bytes());
    let number: u64 = value[..end].parse().map_err(|_| malformed())?;
    // No GPU runs at 100 kHz or at 100 GHz.
    let number = if number < 100_000 {
        number * 1_000_000
    } else {
        number
    };
    if number <= FASTEST_KHZ * 1000 {
        Ok(Hertz::from_hz(number))
    } else {
        Err(Fault::Implausible(format!("{number} Hz")))
    }
}

/// The clocks that `text` lists, ascending; each word that is none goes to `fault`.
pub(crate) fn table(
    text: &str,
    parse: fn(&str) -> Result<Hertz, Fault>,
    mut fault: impl FnMut(Fault),
) -> Vec<Hertz> {
    let words = text.split([' ', '\t', '\n', ',']).filter(|word| !word.is_empty());
    let parsed = words.filter_map(|word| parse(word).map_err(&mut fault).ok());
    let mut clocks: Vec<Hertz> = parsed.filter(|clock| clock.as_hz() > 0).collect();
    clocks.sort_unstable();
    clocks.dedup();
    clocks
}

fn number(text: &str) -> Result<u64, Fault> {
    text.trim().parse().map_err(|_| Fault::malformed(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_come_in_many_units() {
        let mhz = |clock: Result<Hertz, Fault>| clock.ok().map(|clock| clock.as_khz() / 1000);
        assert_eq!(mhz(khz("1400000\n")), Some(1400));
        assert_eq!(mhz(hz("921600000\n")), Some(921));
        assert_eq!(mhz(hz("0\n")), Some(0));
        for text in [
            "Current sclk_g3d[G3D_BLK] = 177Mhz\nPossible settings : 533, 177Mhz\n",
            "177\n",
            "177000000\n",
        ] {
            assert_eq!(mhz(mali(text)), Some(177), "{text}");
        }
    }

    #[test]
    fn what_is_no_clock_is_refused() {
        for (parse, text) in [
            (khz as fn(&str) -> Result<Hertz, Fault>, "0"),
            (khz, "<unknown>"),
            (khz, "20000001"),
            (hz, "18446744073709551615"),
            (hz, "-1"),
            (mali, ""),
            (mali, "off"),
            (mali, "99999999999999"),
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_table_is_sorted_and_keeps_what_makes_sense() {
        let mut faults = 0;
        let clocks = table("600000000 177000000 x 0 177000000 \n", hz, |_| faults += 1);
        assert_eq!(clocks, [Hertz::from_hz(177_000_000), Hertz::from_hz(600_000_000)]);
        assert_eq!(faults, 1);
    }
}
