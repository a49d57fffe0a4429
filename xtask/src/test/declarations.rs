//! Type checkers that read the declarations which models are shown: a few in the quick tier, all in the long one.
//! Talks to `tests/declarations/run.py`, which installs them in the cache. Does not know what they check.

use std::path::Path;
use std::process::Command;

use crate::workspace;

/// The command that has the checkers read what the built program prints.
pub(crate) fn command(program: &Path, full: bool) -> Command {
    let mut command = Command::new("python3");
    command.arg("tests/declarations/run.py").arg("--declarations").arg(program);
    if !full {
        command.arg("--quick");
    }
    command.current_dir(workspace::root());
    command
}
