//! Real MCP clients, in Python and on Node, that drive the built binary.
//! Talks to venv, pip and npm. Does not know what the clients test: `tests/clients/run.py` does.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};

use crate::{tools, workspace};

/// The clients' folder in the clone.
const FOLDER: &str = "tests/clients";
/// Written last, so that an environment that was not finished is made anew.
const COMPLETE: &str = ".complete";

/// Where the clients find what they need.
#[derive(Debug)]
pub(crate) struct Clients {
    python: PathBuf,
    node: Option<PathBuf>,
}

/// Whether this clone has clients to run.
pub(crate) fn exist() -> bool {
    script().exists()
}

fn script() -> PathBuf {
    workspace::root().join(FOLDER).join("run.py")
}

/// Makes the environments that the clients' pinned requirements ask for, unless they are there.
///
/// Each lives in a folder of the cache named by the hash of its requirements: clones with other requirements do not
/// disturb it, and a change of them makes a new one.
///
/// # Errors
/// When a tool is missing, or pip or npm fails.
pub(crate) fn set_up() -> Result<Clients> {
    let (folder, cache) = (workspace::root().join(FOLDER), tools::cache()?.join("clients"));
    let mut probes: Vec<(&str, &[&str], &str)> =
        vec![("python3", &["-c", "import ensurepip"], "python3-venv")];
    if folder.join("package.json").exists() {
        probes.extend([("node", ["--version"].as_slice(), "nodejs"), ("npm", &["--version"], "npm")]);
    }
    tools::need(&probes)?;
    let mut python = PathBuf::from("python3");
    if folder.join("requirements.txt").exists() {
        let home = environment(&cache, "python", &folder, &["requirements.txt"], |home| {
            run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(home))?;
            let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
            run(Command::new(venv_python(home)).args(pip).arg(folder.join("requirements.txt")))
        })?;
        python = venv_python(&home);
    }
    let mut node = None;
    if folder.join("package.json").exists() {
        let files = ["package.json", "package-lock.json"];
        let home = environment(&cache, "node", &folder, &files, |home| {
            for file in files.into_iter().filter(|file| folder.join(file).exists()) {
                std::fs::copy(folder.join(file), home.join(file)).with_context(|| format!("copy {file}"))?;
            }
            let how = if home.join("package-lock.json").exists() { "ci" } else { "install" };
            run(Command::new("npm")
                .args([how, "--no-audit", "--no-fund", "--loglevel=error"])
                .current_dir(home))
        })?;
        node = Some(home.join("node_modules"));
    }
    Ok(Clients { python, node })
}

impl Clients {
    /// The command that runs the clients against the binary at `outboard`.
    pub(crate) fn command(&self, outboard: &Path, full: bool) -> Command {
        let mut command = Command::new(&self.python);
        command
            .arg(format!("{FOLDER}/run.py"))
            .arg("--outboard")
            .arg(outboard)
            .current_dir(workspace::root());
        if let Some(node) = &self.node {
            command.env("OUTBOARD_NODE_MODULES", node);
        }
        if full {
            command.env("OUTBOARD_TEST_FULL", "1");
        }
        command
    }
}

fn venv_python(home: &Path) -> PathBuf {
    if cfg!(windows) { home.join("Scripts/python.exe") } else { home.join("bin/python") }
}

/// The folder in `cache` for exactly these requirements, filled by `make` unless it is complete.
fn environment(
    cache: &Path,
    kind: &str,
    folder: &Path,
    files: &[&str],
    make: impl FnOnce(&Path) -> Result<()>,
) -> Result<PathBuf> {
    let mut hash = Sha256::new();
    for file in files {
        hash.update(file.as_bytes());
        hash.update(std::fs::read(folder.join(file)).unwrap_or_default());
    }
    let short: String = hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    let home = cache.join(format!("{kind}-{short}"));
    if !home.join(COMPLETE).exists() {
        std::fs::create_dir_all(&home).with_context(|| format!("make the folder {}", home.display()))?;
        make(&home)?;
        std::fs::write(home.join(COMPLETE), "").with_context(|| format!("write to {}", home.display()))?;
    }
    Ok(home)
}

fn run(command: &mut Command) -> Result<()> {
    let name = command.get_program().display().to_string();
    let output = command.output().with_context(|| format!("start {name}"))?;
    let said =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    ensure!(output.status.success(), "{command:?} failed:\n{}", said.trim_end());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_is_made_once_for_its_requirements_and_again_if_it_was_not_finished() {
        let base = std::env::temp_dir().join(format!("outboard-xtask-clients-{}", std::process::id()));
        std::fs::create_dir_all(&base).unwrap();
        let mut made = Vec::new();
        for (pins, fails) in
            [("a==1", true), ("a==1", false), ("a==1", false), ("a==2", false), ("a==1", false)]
        {
            std::fs::write(base.join("pins"), pins).unwrap();
            let mut ran = false;
            let outcome = environment(&base.join("cache"), "x", &base, &["pins"], |_| {
                ran = true;
                ensure!(!fails, "no network");
                Ok(())
            });
            made.push((ran, outcome.is_ok()));
        }
        std::fs::remove_dir_all(&base).unwrap();
        assert_eq!(made, [(true, false), (true, true), (false, true), (true, true), (false, true)]);
    }
}
