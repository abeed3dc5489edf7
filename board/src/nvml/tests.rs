//! Without the library, and with one that stands in for it.

use std::path::Path;
use std::process::Command;

use dynd_vocab::Timestamp;

use super::*;

#[test]
fn without_the_library_there_is_nothing_and_nothing_is_wrong() {
    let mut log = ProblemLog::default();
    assert!(Cards::open("libdynd-no-such-library.so.1", &mut log).is_none());
    assert!(log.current().is_empty());
}

/// A library in `dir` made of `library.c`; absent, and that is said, without a C compiler.
fn library(dir: &Path) -> Option<String> {
    let path = dir.join("library.so").display().to_string();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/nvml/library.c");
    let cc = Command::new("cc")
        .args(["-shared", "-fPIC", "-o", &path])
        .arg(source)
        .output();
    match cc {
        Ok(cc) => {
            assert!(cc.status.success(), "{cc:?}");
            Some(path)
        }
        Err(error) => {
            println!("SKIPPED: no C compiler: {error}");
            None
        }
    }
}

#[test]
fn what_the_library_tells_becomes_processors_rails_and_zones() {
    let dir = tempfile::tempdir().unwrap();
    let Some(library) = library(dir.path()) else {
        return;
    };
    let mut log = ProblemLog::default();
    let cards = Cards::open(&library, &mut log).unwrap();
    let mut board = BoardDescription::default();
    cards.describe(&mut board);
    let names: Vec<_> = board.processors.iter().map(|each| each.name.as_str()).collect();
    assert_eq!(names, ["gpu0", "gpu1"]);
    let mhz: Vec<u64> = board.processors[0]
        .opps
        .iter()
        .map(|opp| opp.as_khz() / 1000)
        .collect();
    assert_eq!(mhz, [210, 1410, 2100]);
    assert_eq!((board.rails.len(), board.zones.len()), (1, 2));
    assert_eq!(board.rails[0].name, "Example GPU0");

    let mut sources = Sources::default();
    cards.trace(&mut sources);
    assert_eq!(sources.processors.len(), 2);
    assert_eq!(sources.rails, [[Path::new("nvml:0/power")]]);
    assert_eq!(
        sources.zones,
        [Path::new("nvml:0/temperature"), Path::new("nvml:1/temperature")]
    );

    let mut sample = Sample::default();
    let mut buffer = Vec::new();
    cards.sample(
        &mut Reader {
            now: Timestamp::from_nanos(1),
            buffer: &mut buffer,
            log: &mut log,
        },
        &mut sample,
    );
    assert_eq!(
        sample.clocks,
        [1410, 1310].map(|mhz| Some(Hertz::from_khz(mhz * 1000)))
    );
    assert_eq!(sample.loads, [Some(0.37), None]);
    assert_eq!(sample.rails, [Some(Watts::new(71.25))]);
    assert_eq!(sample.zones, [Some(Celsius::new(54.0)); 2]);
    assert_eq!(sample.counters, [None, None]);
    let said: Vec<String> = log.shown().iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        ["nvml:1/load cannot be true: 101 % of the time; the load of the accelerator is unknown"]
    );
}
