//! `dynctl simulate`.

use std::path::PathBuf;

use dynd_files::{Scenario, load_scenario};
use dynd_sim::lab::{Contender, Contest};

use super::print_json;
use crate::failure::Failure;
use crate::output::print;
use crate::simulation::{Progress, report, text};

/// Let dynd and other controllers play scenarios on virtual boards. Needs no daemon.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  dynctl simulate scenarios/dynamic-ofa-run-time.toml
  dynctl simulate scenarios/*.toml --json
  dynctl simulate FILE --controllers dynd,schedutil/static-best

Every controller plays in the same world with the same seeds, in virtual time. The exit code is 2 if a
scenario is refused; it is refused with file, line, column and reason.")]
pub(crate) struct Args {
    /// Scenario files.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// Print JSON.
    #[arg(long)]
    json: bool,

    /// How many seeds every controller plays.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=1000))]
    seeds: u64,

    /// Who plays; "all" for everybody.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    controllers: Vec<String>,
}

impl Args {
    pub(super) fn run(self) -> Result<(), Failure> {
        let mut scenarios = Vec::new();
        for file in &self.files {
            scenarios.push(load_scenario(file).map_err(Failure::bad_input)?);
        }
        let contenders: Vec<Vec<Contender>> = scenarios
            .iter()
            .map(|scenario| self.contenders(scenario))
            .collect::<Result<_, _>>()?;
        let runs: usize = contenders.iter().map(Vec::len).sum();
        let progress = Progress::new(runs as u64 * self.seeds);
        let mut contests = Vec::new();
        for (scenario, contenders) in scenarios.iter().zip(&contenders) {
            progress.begin(&scenario.name);
            let ran = |contender| progress.ran(&scenario.name, contender);
            let contest = Contest::hold(scenario, contenders, self.seeds, ran).map_err(anyhow::Error::new)?;
            contests.push(contest);
        }
        progress.end();
        let report = report(&contests);
        match self.json {
            true => print_json(&report),
            false => print(&text(&report)),
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
