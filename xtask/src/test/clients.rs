//! Real MCP clients, in Python and on Node, that drive the built binary.
//! Talks to `tests/clients/run.py`, which makes its own environments in the cache. Does not know what it tests.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::{tools, workspace};

const SCRIPT: &str = "tests/clients/run.py";

/// Whether this clone has clients to run.
pub(crate) fn exist() -> bool {
    workspace::root().join(SCRIPT).exists()
}

/// Sees to it that the programs are there with which the clients' environments are made.
///
/// # Errors
/// When one is missing and cannot be installed.
pub(crate) fn need() -> Result<()> {
    tools::need(&[
        ("python3", &["-c", "import ensurepip, venv"], "python3-venv"),
        ("node", &["--version"], "nodejs"),
        ("npm", &["--version"], "npm"),
    ])
}

/// The command that runs the clients against the binary at `outboard`.
pub(crate) fn command(outboard: &Path) -> Command {
    let mut command = Command::new("python3");
    command.arg(SCRIPT).arg("--outboard").arg(outboard).current_dir(workspace::root());
    command
}
