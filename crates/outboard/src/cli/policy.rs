//! `outboard policy`: what the policy in force says of the tools that there are, of one operation, and of saved
//! catalogues; and rules written into the user's own file.

mod catalogs;
mod clear;
mod show;
mod suggest;
mod test;
mod write;

use clap::{Args, Subcommand};

use crate::report::Failure;

/// Options of `outboard policy`.
#[derive(Debug, Args)]
#[command(after_help = "The rules stand in your own outboard.json; docs/policy.md explains them.")]
pub(super) struct Policy {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show which tools would run, ask or be denied
    Show(show::Show),
    /// Say what the policy says of one operation, and what decides
    Test(test::Test),
    /// Propose rules from what people allowed and refused in past runs
    Suggest(suggest::Suggest),
    /// Say that what sessions have seen may leave the organisation
    Clear(clear::Clear),
    /// Let a tool run without asking: writes a rule into your own file
    Allow(write::Write),
    /// Ask before each call of a tool: writes a rule into your own file
    Ask(write::Write),
    /// Let no call of a tool pass: writes a rule into your own file
    Deny(write::Write),
}

impl Policy {
    pub(super) async fn run(self) -> Result<(), Failure> {
        use outboard_runtime::policy::Word;
        match self.command {
            Command::Show(show) => show.run().await,
            Command::Test(test) => test.run().await,
            Command::Suggest(suggest) => suggest.run().await,
            Command::Clear(clear) => clear.run(),
            Command::Allow(write) => write.run(Word::Allow).await,
            Command::Ask(write) => write.run(Word::Ask).await,
            Command::Deny(write) => write.run(Word::Deny).await,
        }
    }
}
