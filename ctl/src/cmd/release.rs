//! `dynctl release`.

use std::path::Path;

use dynd_client::Operator;

use crate::failure::Failure;
use crate::output::print;

/// Have the daemon ask anew for what the policy says of a clock that somebody else has changed.
#[derive(clap::Args)]
#[command(after_help = "\
Example:
  dynctl release big

dynd leaves a clock alone that another tool wrote to (nvpmodel, jetson_clocks, a hand), and
\"dynctl status\" shows it as contested. When dynd stops, the clock becomes what that tool set.")]
pub(crate) struct Args {
    /// The processor, as `dynctl board` names it.
    processor: String,
}

impl Args {
    pub(super) async fn run(self, socket: &Path) -> Result<(), Failure> {
        let Self { processor } = self;
        Operator::connect(socket).await?.release(&processor).await?;
        print(&format!(
            "the clock of {processor} is asked for anew; \"dynctl status\" shows what comes of it"
        ))
    }
}
