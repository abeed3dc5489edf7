//! An attribute that is read at each sample, and left alone for a while when it fails again and again.
//!
//! *Quarantine*: after [`PATIENCE`] faults in a row a sensor is tried only once per [`RETRY`]. Some fail for as long
//! as their unit is switched off (`EAGAIN` of an unpowered zone), some for ever, and each try costs. The first good
//! reading ends it.
//!
//! *Staleness*: a reading is taken anew at each sample and never handed on to the next; what could not be read is
//! absent.

use std::path::{Path, PathBuf};
use std::time::Duration;

use dynd_vocab::Timestamp;

use crate::attribute::Attribute;
use crate::problem::ProblemLog;
use crate::{Fault, Loss};

/// Faults in a row that end regular reading.
const PATIENCE: u32 = 3;

/// Time between two tries of a sensor in quarantine.
const RETRY: Duration = Duration::from_secs(1);

/// What reading a sensor needs.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    /// When the sample began.
    pub(crate) now: Timestamp,
    /// For the text.
    pub(crate) buffer: &'a mut Vec<u8>,
    /// Where faults are noted.
    pub(crate) log: &'a mut ProblemLog,
}

/// A file that is read at each sample.
#[derive(Debug)]
pub(crate) struct Sensor {
    attribute: Attribute,
    lost: Loss,
    faults: u32,
    tried: Timestamp,
}

impl Sensor {
    /// A sensor whose value is lost with the file at `path`.
    pub(crate) fn new(path: PathBuf, lost: Loss) -> Self {
        Self {
            attribute: Attribute::new(path),
            lost,
            faults: 0,
            tried: Timestamp::default(),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.attribute.path()
    }

    /// What `parse` makes of the file's text now; absent if it cannot be read or makes no sense.
    pub(crate) fn read<T>(
        &mut self,
        reader: &mut Reader<'_>,
        parse: impl FnOnce(&str) -> Result<T, Fault>,
    ) -> Option<T> {
        if self.faults >= PATIENCE && reader.now.since(self.tried) < RETRY {
            return None;
        }
        self.tried = reader.now;
        let reading = self.attribute.read_text(reader.buffer).and_then(parse);
        self.faults = match reading {
            Ok(_) => 0,
            Err(_) => self.faults.saturating_add(1),
        };
        reader.log.settle(self.attribute.path(), self.lost, reading)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_sensor_that_fails_is_tried_once_a_second_until_it_answers() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("temp");
        let mut sensor = Sensor::new(path.clone(), Loss::Temperature);
        let (mut buffer, mut log) = (Vec::new(), ProblemLog::default());
        let mut tries = 0;
        let mut read = |millis: u64| {
            let mut reader = Reader {
                now: Timestamp::from_nanos(millis * 1_000_000),
                buffer: &mut buffer,
                log: &mut log,
            };
            sensor.read(&mut reader, |text| {
                tries += 1;
                text.trim()
                    .parse::<i32>()
                    .map_err(|_| Fault::malformed(text.as_bytes()))
            })
        };
        fs::write(&path, "hot\n").unwrap();
        for millis in (0..=2000).step_by(50) {
            assert_eq!(read(millis), None);
        }
        fs::write(&path, "45\n").unwrap();
        assert_eq!(read(2050), None, "not yet tried again");
        assert_eq!(read(3100), Some(45));
        assert_eq!(read(3150), Some(45), "and read regularly from then on");
        // 0, 50, 100, 1100, (2100 is past the loop), then the two good ones.
        assert_eq!(tries, 6);
        assert_eq!(log.current().len(), 1);
    }
}
