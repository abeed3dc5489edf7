//! How far the demo is, on standard error: bars on a terminal, else a line per phase.

use std::cell::RefCell;
use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::cast::{Cast, NAMES};
use super::script::Script;

/// What a run takes beside its script: starting and ending processes.
const OVERHEAD: Duration = Duration::from_secs(3);

/// How far the demo is.
pub(crate) struct Progress {
    script: Script,
    runs: usize,
    bars: Option<Bars>,
    place: RefCell<Place>,
}

struct Bars {
    whole: ProgressBar,
    apps: Cast<ProgressBar>,
}

/// Where the demo is.
#[derive(Default)]
struct Place {
    /// Runs begun.
    begun: usize,
    /// What the current one is called.
    way: String,
    /// The current phase, by index.
    phase: usize,
    /// What each app said last.
    apps: Cast<Option<String>>,
}

impl Progress {
    /// The progress of so many runs of `script`.
    pub(crate) fn new(script: &Script, runs: usize) -> Self {
        Self {
            script: script.clone(),
            runs,
            bars: std::io::stderr().is_terminal().then(|| Bars::new(script, runs)),
            place: RefCell::default(),
        }
    }

    /// The next run begins; `way` is what it is called.
    pub(crate) fn begin(&self, way: &str) {
        let mut place = self.place.borrow_mut();
        *place = Place {
            begun: place.begun + 1,
            way: way.into(),
            ..Place::default()
        };
        if let Some(bars) = &self.bars {
            bars.whole
                .set_message(format!("{} of {}, {way}: apps load", place.begun, self.runs));
            bars.apps.as_ref().map(|bar| bar.set_message("-"));
        } else {
            eprintln!("dynctl: {} of {}, {way}", place.begun, self.runs);
        }
    }

    /// The script is at `offset` from its start.
    pub(crate) fn at(&self, offset: Duration) {
        let mut place = self.place.borrow_mut();
        let phase = self.script.phase_at(offset);
        let over = offset >= self.script.end();
        match &self.bars {
            Some(bars) => bars.show(self, &place, offset),
            None if phase != place.phase || over => eprintln!("dynctl:   {}", self.line(&place)),
            None => {}
        }
        place.phase = phase;
    }

    /// What the app of this name runs now.
    pub(crate) fn app(&self, name: &str, now: &str) {
        let mut place = self.place.borrow_mut();
        for (index, slot) in place.apps.each_mut().into_iter().enumerate() {
            if NAMES.each()[index] == name {
                *slot = Some(now.into());
                if let Some(bars) = &self.bars {
                    bars.apps.as_ref().each()[index].set_message(now.to_owned());
                }
            }
        }
    }

    /// All runs are done.
    pub(crate) fn finish(&self) {
        if let Some(bars) = &self.bars {
            bars.apps.as_ref().map(ProgressBar::finish_and_clear);
            bars.whole.finish_and_clear();
        }
    }

    /// What the apps ran at the end of a phase, where the reader may have left already.
    fn line(&self, place: &Place) -> String {
        let phase = &self.script.phases[place.phase];
        let present = Cast {
            camera: true,
            reader: phase.reader,
        };
        let apps = NAMES.zip(present).zip(place.apps.as_ref()).each();
        let said: Vec<_> = apps
            .into_iter()
            .filter(|((_, present), _)| *present)
            .filter_map(|((name, _), said)| Some(format!("{name} {}", said.as_ref()?)))
            .collect();
        format!("{}: {}", phase.name, said.join("; "))
    }
}

impl Bars {
    fn new(script: &Script, runs: usize) -> Self {
        let all = MultiProgress::new();
        let length = millis(total(script, runs));
        let whole = all.add(ProgressBar::new(length).with_style(style("{wide_bar} {prefix}\n{msg}")));
        let apps = NAMES.map(|name| {
            let bar = all.add(ProgressBar::new_spinner().with_style(style("  {prefix} {msg}")));
            bar.with_prefix(name)
        });
        Self { whole, apps }
    }

    fn show(&self, progress: &Progress, place: &Place, offset: Duration) {
        let done = total(&progress.script, place.begun.saturating_sub(1)) + offset;
        let left = total(&progress.script, progress.runs)
            .saturating_sub(done)
            .as_secs();
        let phase = progress.script.phases[progress.script.phase_at(offset)].name;
        self.whole.set_position(millis(done));
        self.whole
            .set_prefix(format!("{}:{:02} left", left / 60, left % 60));
        self.whole.set_message(format!(
            "{} of {}, {}: {phase}",
            place.begun, progress.runs, place.way
        ));
    }
}

/// How long so many runs take.
fn total(script: &Script, runs: usize) -> Duration {
    (script.end() + OVERHEAD) * u32::try_from(runs).unwrap_or(u32::MAX)
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// The style of a template that is known to be right.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
