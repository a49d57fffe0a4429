//! `outboard completions`: completion scripts for shells, from the same definitions as the command line.
//! Installing them is the person's choice.

use clap::Args;
use clap_complete::Shell;

use crate::report;

/// Options of `outboard completions`.
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// For this shell
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self, mut command: clap::Command) {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "outboard", &mut script);
        report::bytes(&script);
    }
}
