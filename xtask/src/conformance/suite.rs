//! The suite as npm has it, installed once for its pin, and the Node.js that it takes.
//! Reads nothing of what it writes.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};
use sha2::{Digest as _, Sha256};

use crate::{
    steps::say,
    tools::{self, works},
    workspace,
};

const PINS: &str = "tests/conformance";
const FILES: [&str; 3] = ["package.json", "package-lock.json", ".npmrc"];
const PROGRAM: &str = "node_modules/@modelcontextprotocol/conformance/dist/index.js";
/// It does not start on earlier ones.
const NODE: &str = "node@22";
const IS_NEW: &str = "process.exit(Number(process.versions.node.split('.')[0]) < 22)";
/// Written when everything is there.
const COMPLETE: &str = ".complete";

/// The suite.
pub(super) struct Suite {
    program: PathBuf,
}

impl Suite {
    /// Installs it unless that was done.
    ///
    /// # Errors
    /// When Node.js or npm is missing and cannot be installed, or npm fails.
    pub(super) fn installed() -> Result<Self> {
        tools::need(&[("node", &["--version"], "nodejs"), ("npm", &["--version"], "npm")])?;
        let pins = workspace::root().join(PINS);
        let lock = fs::read(pins.join("package-lock.json")).context("read the suite's pins")?;
        let hash: String = Sha256::digest(&lock).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        let home = tools::cache()?.join("clients").join(format!("conformance-{hash}"));
        if !home.join(COMPLETE).exists() {
            say("installing MCP's conformance suite");
            install(&pins, &home)?;
        }
        Ok(Self { program: home.join(PROGRAM) })
    }

    /// Runs what a revision requires of servers, and gives what the suite wrote. A failing scenario is no error.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(super) fn against_server(&self, url: &str, revision: &str, verbose: bool) -> Result<String> {
        say(&format!("what {revision} requires of a server"));
        let mut command = if works("node", &["-e", IS_NEW]) {
            Command::new("node")
        } else {
            let mut npx = Command::new("npx");
            npx.args(["--yes", NODE]);
            npx
        };
        command.arg(&self.program).args(["server", "--url", url, "--requirements", revision]);
        let output = command.output().context("start the suite")?;
        let written = String::from_utf8_lossy(&output.stdout).into_owned();
        if verbose {
            say(&written);
            say(&String::from_utf8_lossy(&output.stderr));
        }
        Ok(written)
    }
}

fn install(pins: &Path, home: &Path) -> Result<()> {
    fs::create_dir_all(home).with_context(|| format!("make {}", home.display()))?;
    for file in FILES {
        fs::copy(pins.join(file), home.join(file)).with_context(|| format!("copy {file}"))?;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(home);
    let output = npm.output().context("start npm")?;
    ensure!(output.status.success(), "npm failed:\n{}", String::from_utf8_lossy(&output.stderr).trim_end());
    fs::write(home.join(COMPLETE), "").context("say that the suite is installed")
}
