//! Why a command failed, and what that means for the exit code.

use std::process::ExitCode;

use dynd_client::ClientError;

/// Why a command failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What the user gave does not hold: exit code 2.
    BadInput(anyhow::Error),
    /// Something did not work: exit code 1.
    Failed(anyhow::Error),
    /// What is wrong is said already, and was bad input: exit code 2.
    Reported,
    /// What was looked for was found, and is said already: exit code 1.
    Found,
    /// Nobody reads the answer any more, which is no failure: exit code 0.
    Unheard,
    /// The user or the system wanted it to end: exit code 130.
    Interrupted,
}

/// What most functions that a command calls return fails the command.
impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        Self::Failed(error.into())
    }
}

impl Failure {
    /// That what the user gave does not hold.
    pub(crate) fn bad_input(error: impl Into<anyhow::Error>) -> Self {
        Self::BadInput(error.into())
    }

    /// Says on standard error what is wrong, cause by cause.
    pub(crate) fn print(&self) {
        match self {
            Self::BadInput(error) | Self::Failed(error) => eprintln!("dynctl: {error:#}"),
            Self::Reported | Self::Found | Self::Unheard => {}
            Self::Interrupted => eprintln!("dynctl: interrupted"),
        }
    }

    /// The exit code.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Unheard => 0,
            Self::Failed(_) | Self::Found => 1,
            Self::BadInput(_) | Self::Reported => 2,
            Self::Interrupted => 130,
        })
    }
}
