//! `dynctl doctor`.

use std::time::Duration;

use dynd_board::{Finding, Grade, findings};
use serde::Serialize;

use super::board::Root;
use super::print_json;
use crate::board;
use crate::failure::Failure;
use crate::output::print;

/// Long enough for counters that must move to move.
const SPAN: Duration = Duration::from_millis(100);

/// Say what is missing, unreadable or implausible on this machine, what that costs, and what to do. Needs no daemon.
#[derive(clap::Args)]
#[command(after_help = "\
Example:
  dynctl doctor

Exit codes: 0 nothing is wrong, 1 something needs attention. Notes are about what is so and need none.
Run it as the user that runs dynd: another one may be allowed to read more, or less.")]
pub(crate) struct Args {
    /// Print JSON.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    root: Root,
}

/// What was found, in JSON.
#[derive(Serialize)]
struct Diagnosis<'a> {
    board: &'a str,
    findings: Vec<FindingJson<'a>>,
}

#[derive(Serialize)]
struct FindingJson<'a> {
    grade: &'static str,
    what: &'a str,
    cost: &'a str,
    remedy: &'a str,
}

impl Args {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let root = &self.root.directory;
        let mut host = board::discover(root).map_err(Failure::BadInput)?;
        host.count();
        let status = board::observe(&mut host, SPAN).await;
        let findings = findings(root, &host);
        if self.json {
            print_json(&Diagnosis {
                board: &status.name,
                findings: findings.iter().map(json).collect(),
            })?;
        } else {
            print(&text(&status.name, &findings))?;
        }
        if findings.iter().any(|finding| finding.grade == Grade::Attention) {
            return Err(Failure::Found);
        }
        Ok(())
    }
}

fn json(finding: &Finding) -> FindingJson<'_> {
    FindingJson {
        grade: finding.grade.label(),
        what: &finding.what,
        cost: &finding.cost,
        remedy: &finding.remedy,
    }
}

fn text(board: &str, findings: &[Finding]) -> String {
    let mut text = format!("{board}\n");
    for Finding {
        grade,
        what,
        cost,
        remedy,
    } in findings
    {
        text += &format!(
            "\n{}: {what}\n  costs: {cost}\n  to do: {remedy}\n",
            grade.label()
        );
    }
    if findings.is_empty() {
        text += "\nnothing is wrong\n";
    }
    text.trim_end().into()
}
