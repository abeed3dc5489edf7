//! How busy an accelerator is, as its driver says.

use std::path::{Path, PathBuf};

use crate::sensor::{Reader, Sensor};
use crate::{Fault, Loss};

/// What shows how busy an accelerator is.
#[derive(Debug)]
pub(crate) struct LoadMeter {
    sensor: Sensor,
    format: LoadFormat,
}

/// How a driver writes a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoadFormat {
    /// `734`: thousandths (Tegra's nvgpu).
    Permille,
    /// `73`, `73 %`: hundredths (Mali of Arm's own driver, amdgpu).
    Percent,
    /// `73@800000000Hz`: hundredths at a clock (devfreq of Rockchip's kernels).
    AtClock,
    /// `NPU load:  Core0: 12%, Core1:  0%, Core2:  0%,`: hundredths per core (Rockchip's rknpu), whose mean it is.
    PerCore,
}

impl LoadMeter {
    /// The load in the file at `path`.
    pub(crate) fn new(path: PathBuf, format: LoadFormat) -> Self {
        Self {
            sensor: Sensor::new(path, Loss::Load),
            format,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.sensor.path()
    }

    /// The share of time it was busy of late (0 to 1).
    pub(crate) fn read(&mut self, reader: &mut Reader<'_>) -> Option<f64> {
        let format = self.format;
        self.sensor.read(reader, |text| share(text, format))
    }
}

fn share(text: &str, format: LoadFormat) -> Result<f64, Fault> {
    let malformed = || Fault::malformed(text.as_bytes());
    let hundredths = |word: &str| word.trim().trim_end_matches('%').trim_end().parse::<u32>().ok();
    let share = match format {
        LoadFormat::Permille => text.trim().parse::<u32>().ok().map(|load| f64::from(load) / 1e3),
        LoadFormat::Percent => hundredths(text).map(|load| f64::from(load) / 1e2),
        LoadFormat::AtClock => {
            let load = text.split_once('@').and_then(|(load, _)| hundredths(load));
            load.map(|load| f64::from(load) / 1e2)
        }
        LoadFormat::PerCore => {
            let cores = text
                .split(',')
                .filter_map(|core| hundredths(core.rsplit(':').next()?));
            let (sum, count) = cores.fold((0.0, 0), |(sum, count), load| (sum + f64::from(load), count + 1));
            (count > 0).then(|| sum / 1e2 / f64::from(count))
        }
    };
    match share.ok_or_else(malformed)? {
        share if share <= 1.0 => Ok(share),
        share => Err(Fault::Implausible(format!(
            "busy {:.0} % of the time",
            share * 100.0
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(format: LoadFormat, text: &str, expect: Option<f64>) {
        assert_eq!(share(text, format).ok(), expect, "{text}");
    }

    #[test]
    fn drivers_write_loads_in_many_ways() {
        check(LoadFormat::Permille, "734\n", Some(0.734));
        check(LoadFormat::Percent, "73\n", Some(0.73));
        check(LoadFormat::Percent, "73 %\n", Some(0.73));
        check(LoadFormat::AtClock, "73@800000000Hz\n", Some(0.73));
        check(
            LoadFormat::PerCore,
            "NPU load:  Core0: 50%, Core1: 25%, Core2:  0%,\n",
            Some(0.25),
        );
        check(
            LoadFormat::PerCore,
            "NPU load:  Core0: 50%, Core1: 25%,",
            Some(0.375),
        );
        check(LoadFormat::PerCore, "NPU load:  40%\n", Some(0.4));
    }

    #[test]
    fn what_is_no_load_is_refused() {
        for (format, text) in [
            (LoadFormat::Permille, "1001"),
            (LoadFormat::Permille, "-1"),
            (LoadFormat::Percent, "101"),
            (LoadFormat::AtClock, "73"),
            (LoadFormat::AtClock, "x@800000000Hz"),
            (LoadFormat::PerCore, "NPU load: off"),
        ] {
            check(format, text, None);
        }
    }
}
