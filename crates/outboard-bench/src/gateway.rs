//! Outboard as its users have it: `outboard serve` as a process, with a configuration of its own that names the
//! measured upstream, and `execute` called over its pipes.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    peer::{Peer, PeerFailure},
    scripts::Language,
};

/// Directories of a user who has nothing but the measured upstream.
#[derive(Debug)]
pub(crate) struct Home {
    root: TempDir,
}

impl Home {
    /// A user whose configuration has these settings besides the upstream `bench`.
    pub(crate) fn new(settings: &Value) -> io::Result<Self> {
        let root = tempfile::Builder::new().prefix("outboard-bench-").tempdir()?;
        for folder in ["config", "state", "project"] {
            fs::create_dir(root.path().join(folder))?;
        }
        let mut configuration = settings.clone();
        let program = std::env::current_exe()?;
        configuration["mcpServers"] =
            json!({ "bench": { "command": program, "args": ["upstream"], "trust": true } });
        fs::write(root.path().join("config/outboard.json"), configuration.to_string())?;
        Ok(Self { root })
    }

    /// `outboard serve` for this user. What it logs goes to a file beside the configuration.
    pub(crate) fn serve(&self, outboard: &Path) -> io::Result<Command> {
        let mut command = self.command(outboard, &["serve"]);
        command.stderr(self.log()?);
        Ok(command)
    }

    /// A command of this user in the project, with nothing of the environment but where programs are.
    pub(crate) fn command(&self, program: impl AsRef<Path>, arguments: &[&str]) -> Command {
        let mut command = Command::new(program.as_ref());
        let path = |name: &str| -> PathBuf { self.root.path().join(name) };
        command
            .args(arguments)
            .current_dir(path("project"))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.root.path())
            .env("OUTBOARD_CONFIG_DIR", path("config"))
            .env("OUTBOARD_STATE_DIR", path("state"));
        command
    }

    /// A file beside the configuration for what a program logs.
    pub(crate) fn log(&self) -> io::Result<Stdio> {
        Ok(Stdio::from(fs::File::create(self.root.path().join("log"))?))
    }
}

/// What the program under measure says that it is.
pub(crate) fn version(outboard: &Path) -> io::Result<String> {
    let said = Command::new(outboard).arg("--version").stderr(Stdio::inherit()).output()?;
    if !said.status.success() {
        return Err(io::Error::other(format!("it does not tell its version: {}", said.status)));
    }
    Ok(String::from_utf8_lossy(&said.stdout).trim().to_owned())
}

/// The measured upstream on its own.
pub(crate) fn upstream() -> io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("upstream");
    Ok(command)
}

/// Runs a script and gives the text of its answer.
pub(crate) fn execute(outboard: &mut Peer, language: Language, code: &str) -> Result<String, PeerFailure> {
    outboard.call("execute", &arguments(language, code))?.text()
}

/// The arguments of `execute`.
pub(crate) fn arguments(language: Language, code: &str) -> String {
    format!(r#"{{"code":{},"language":"{}"}}"#, Value::from(code), language.argument())
}
