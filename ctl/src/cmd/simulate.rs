//! `dynctl simulate`.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::ScopedJoinHandle;

use anyhow::Context as _;
use dynd_files::{Scenario, load_scenario};
use dynd_sim::lab::{Contender, Contest, PlayError, Stage, play_on_random_plant};

use super::print_json;
use crate::failure::Failure;
use crate::output::print;
use crate::simulation::{Progress, page, plants_report, plants_text, report, text};

/// Where there is no terminal, plants are told of so many times.
const STEPS: u64 = 20;

/// Let dynd and other controllers play scenarios on virtual boards. Needs no daemon.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  dynctl simulate scenarios/dynamic-ofa-run-time.toml
  dynctl simulate scenarios/*.toml --json
  dynctl simulate FILE --controllers dynd,schedutil/static-best --report simulation.html
  dynctl simulate scenarios/*.toml --random-plants 200

Every controller plays in the same world with the same seeds, in virtual time. The exit code is 2 if a
scenario is refused; it is refused with file, line, column and reason.")]
pub(crate) struct Args {
    /// Scenario files.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// Print JSON.
    #[arg(long)]
    json: bool,

    /// Write a page that draws every run with the first seed.
    #[arg(long, value_name = "FILE", conflicts_with = "random_plants")]
    report: Option<PathBuf>,

    /// How many seeds every controller plays.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=1000))]
    seeds: u64,

    /// Who plays; "all" for everybody.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    controllers: Vec<String>,

    /// Play the scenarios in turn on so many boards whose every figure differs by up to 30 %, with other noise.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_000))]
    random_plants: Option<u64>,

    /// Only read the files, and say whether they hold.
    #[arg(long, conflicts_with_all = ["report", "random_plants", "json"])]
    check: bool,
}

impl Args {
    pub(super) fn run(self) -> Result<(), Failure> {
        let mut scenarios = Vec::new();
        for file in &self.files {
            scenarios.push(load_scenario(file).map_err(Failure::bad_input)?);
        }
        if self.check {
            return check(&scenarios);
        }
        match self.random_plants {
            Some(count) => self.on_random_plants(&scenarios, count),
            None => self.contests(&scenarios),
        }
    }

    fn contests(&self, scenarios: &[Scenario]) -> Result<(), Failure> {
        let contenders: Vec<Vec<Contender>> = scenarios
            .iter()
            .map(|scenario| self.contenders(scenario))
            .collect::<Result<_, _>>()?;
        let runs: usize = contenders.iter().map(Vec::len).sum();
        let progress = Progress::new(runs as u64 * self.seeds);
        let mut contests = Vec::new();
        for (scenario, contenders) in scenarios.iter().zip(&contenders) {
            progress.begin(&scenario.name);
            let stages = Stage::seeded(scenario, self.seeds).map_err(anyhow::Error::new)?;
            let ran = |contender| progress.ran(&format!("{}: {contender}", scenario.name));
            contests.push(Contest::hold(&stages, contenders, ran).map_err(|error| failed(scenario, error))?);
        }
        progress.end();
        if let Some(path) = &self.report {
            let page = page(&contests).context("failed to write JSON")?;
            std::fs::write(path, page).with_context(|| format!("failed to write {}", path.display()))?;
        }
        let report = report(&contests);
        match self.json {
            true => print_json(&report),
            false => print(&text(&report)),
        }
    }

    fn on_random_plants(&self, scenarios: &[Scenario], count: u64) -> Result<(), Failure> {
        let contenders: Vec<Vec<Contender>> = scenarios
            .iter()
            .map(|scenario| self.contenders(scenario))
            .collect::<Result<_, _>>()?;
        let progress = Progress::new(count);
        let play = |number: u64| {
            let index = number as usize % scenarios.len();
            if number.is_multiple_of(count.div_ceil(STEPS)) {
                progress.begin(&format!("plant {number} of {count}: {}", scenarios[index].name));
            }
            let played = play_on_random_plant(&scenarios[index], number, &contenders[index]);
            progress.ran(&format!("plant {number}: {}", scenarios[index].name));
            played.map_err(|error| failed(&scenarios[index], error))
        };
        let results = side_by_side(count, play)?;
        progress.end();
        let report = plants_report(&results);
        match self.json {
            true => print_json(&report),
            false => print(&plants_text(&report)),
        }
    }

    /// Who plays in `scenario`; the best static choice always does, since the others are measured against it.
    fn contenders(&self, scenario: &Scenario) -> Result<Vec<Contender>, Failure> {
        let mut contenders = match self.controllers.as_slice() {
            [] => Contender::USUAL.to_vec(),
            [all] if all == "all" => Contender::all(&scenario.board.1),
            names => {
                let named: Result<Vec<Contender>, _> = names.iter().map(|name| name.parse()).collect();
                named.map_err(Failure::bad_input)?
            }
        };
        if !contenders.contains(&Contender::BEST_STATIC) {
            contenders.push(Contender::BEST_STATIC);
        }
        Ok(contenders)
    }
}

/// What `play` says of each number below `count`, in order; every processor plays one at a time.
fn side_by_side<T: Send>(
    count: u64,
    play: impl Fn(u64) -> Result<T, Failure> + Sync,
) -> Result<Vec<T>, Failure> {
    let next = AtomicU64::new(0);
    let player = || {
        let mut played = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return Ok(played);
            }
            // One that fails ends the others.
            let one = play(number).inspect_err(|_| next.store(count, Ordering::Relaxed))?;
            played.push((number, one));
        }
    };
    let players = std::thread::available_parallelism().map_or(1, usize::from);
    let mut all: Vec<(u64, T)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..players).map(|_| scope.spawn(player)).collect();
        let join = |thread: ScopedJoinHandle<'_, Result<Vec<(u64, T)>, Failure>>| match thread.join() {
            Ok(played) => played,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        let played: Result<Vec<_>, Failure> = threads.into_iter().map(join).collect();
        played.map(|played| played.into_iter().flatten().collect())
    })?;
    all.sort_by_key(|(number, _)| *number);
    Ok(all.into_iter().map(|(_, one)| one).collect())
}

fn check(scenarios: &[Scenario]) -> Result<(), Failure> {
    for scenario in scenarios {
        print(&format!(
            "{}: ok: {} apps, {} loads, {} events in {} on {}",
            scenario.path.display(),
            scenario.apps.len(),
            scenario.loads.len(),
            scenario.events.len(),
            scenario.duration,
            scenario.board.0
        ))?;
    }
    Ok(())
}

fn failed(scenario: &Scenario, error: PlayError) -> Failure {
    let what = format!("failed to simulate {}", scenario.path.display());
    Failure::Failed(anyhow::Error::new(error).context(what))
}
