//! The server that the suite is run against: Outboard over HTTP, tools as they are, all allowed, and before it the test kit's
//! server with what the suite asks for. It lasts as long as its owner.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, Result};
use serde_json::json;

/// What stands before the address in the line that says it.
const SERVING: &str = "serving MCP at ";

pub(super) struct Server {
    child: Child,
    pub(super) url: String,
}

impl Server {
    /// Starts it with a home of its own, and waits until it serves.
    ///
    /// # Errors
    /// When it cannot be started or ends before that.
    pub(super) fn start(outboard: &Path, fixture: &Path, home: &Path) -> Result<Self> {
        let configuration = home.join("config/outboard");
        fs::create_dir_all(&configuration).context("make a home for Outboard")?;
        let servers = json!({ "suite": { "command": fixture, "args": ["--suite"] } });
        let settings = json!({ "mcpServers": servers, "policy": { "otherwise": "allow" } });
        fs::write(configuration.join("outboard.json"), settings.to_string())
            .context("write its configuration")?;
        let mut child = Command::new(outboard)
            .args(["serve", "--passthrough", "--http", "127.0.0.1:0"])
            .current_dir(home)
            .env("HOME", home)
            .env("XDG_CONFIG_HOME", home.join("config"))
            .env("XDG_STATE_HOME", home.join("state"))
            .env("XDG_CACHE_HOME", home.join("cache"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("start {}", outboard.display()))?;
        let errors = child.stderr.take().context("read what Outboard says")?;
        let mut said = BufReader::new(errors).lines();
        let mut before = Vec::new();
        let url = loop {
            let Some(line) = said.next() else {
                anyhow::bail!("Outboard ended before it served:\n{}", before.join("\n"));
            };
            let line = line.context("read what Outboard says")?;
            match line.strip_prefix(SERVING) {
                Some(url) => break url.trim().to_owned(),
                None => before.push(line),
            }
        };
        // Nobody else reads it, and a full pipe would hold Outboard up.
        std::thread::spawn(move || said.for_each(drop));
        Ok(Self { child, url })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended; whatever it left ends with its upstream's input.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
