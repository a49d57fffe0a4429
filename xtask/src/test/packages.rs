//! Checkers and interpreters that read the packages which `outboard generate` writes: a few in the quick tier, all in the long
//! one. Talks to `tests/packages/run.py`. Does not know what they check.

use std::path::Path;
use std::process::Command;

use crate::workspace;

/// The command that has them read what the built program writes.
pub(crate) fn command(outboard: &Path, full: bool) -> Command {
    let mut command = Command::new("python3");
    command.arg("tests/packages/run.py").arg("--outboard").arg(outboard);
    if !full {
        command.arg("--quick");
    }
    command.current_dir(workspace::root());
    command
}
