//! A user of the workplace, as far as commands can tell: who accepted what it declares, wrote one rule, and looks at runs
//! afterwards. Also reads the workplace's log. It talks to no model.

use std::{collections::BTreeMap, fs, path::PathBuf, process::Stdio};

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::process::Command;

use super::found::{Judged, SCHEDULE};
use crate::{
    demo::DemoOptions,
    scratch::Scratch,
    tool_server::{ServerFailure, within},
};

/// The workplace as scripts know it.
const NAMESPACE: &str = "workplace";

/// A user in directories of the demo's own.
pub(super) struct User {
    scratch: Scratch,
}

/// A call that the workplace received.
#[derive(Debug, Deserialize)]
pub(super) struct Received {
    pub(super) tool: String,
    pub(super) arguments: Value,
}

impl User {
    /// A user who has configured the workplace and has not accepted it.
    pub(super) fn prepare(options: &DemoOptions) -> Result<Self, ServerFailure> {
        let failed = |error: std::io::Error| ServerFailure(format!("no place for a user: {error}"));
        let user = Self { scratch: Scratch::prepare(&options.exe).map_err(failed)? };
        let log = user.log().to_string_lossy().into_owned();
        let mut arguments = vec!["demo-upstream", "--workplace", &log];
        if !options.latency {
            arguments.push("--no-latency");
        }
        let server = json!({ "command": user.scratch.exe(), "args": arguments });
        user.scratch.configure(&json!({ "mcpServers": { NAMESPACE: server } })).map_err(failed)?;
        Ok(user)
    }

    /// Accepts what the workplace declares, having seen it, and lets meetings be scheduled. The commands for it, as a
    /// person types them.
    pub(super) async fn set_up(&self) -> Result<Vec<String>, ServerFailure> {
        let shown = self.says(&["accept", NAMESPACE, "--show"]).await?;
        let hash = shown.split("sha256 ").nth(1).and_then(|rest| rest.split_whitespace().next());
        let hash =
            hash.ok_or_else(|| ServerFailure(format!("outboard accept --show shows no hash: {shown}")))?;
        self.says(&["accept", NAMESPACE, "--hash", hash]).await?;
        let tool = format!("{NAMESPACE}.{SCHEDULE}");
        self.says(&["policy", "allow", &tool, "--reason", "meetings may be scheduled"]).await?;
        Ok(vec![
            format!("outboard accept {NAMESPACE}"),
            format!("outboard policy allow {tool} --reason \"meetings may be scheduled\""),
        ])
    }

    /// What the policy in force says of each tool.
    pub(super) async fn policy(&self) -> Result<Vec<Judged>, ServerFailure> {
        let shown = self.json(&["policy", "show", NAMESPACE, "--json"]).await?;
        let tools = shown["upstreams"][0]["tools"].as_array();
        let tools =
            tools.ok_or_else(|| ServerFailure(format!("outboard policy show lists no tools: {shown}")))?;
        let text = |tool: &Value, key: &str| tool[key].as_str().unwrap_or_default().to_owned();
        let judged = |tool| Judged {
            tool: text(tool, "tool"),
            verdict: text(tool, "verdict"),
            reason: text(tool, "reason"),
        };
        Ok(tools.iter().map(judged).collect())
    }

    /// Seconds that a run took by its own clock.
    pub(super) async fn clock(&self, run: &str) -> Result<f64, ServerFailure> {
        let shown = self.json(&["show", run, "--json"]).await?;
        let took = shown["tookMs"].as_f64();
        took.map(|took| took / 1e3)
            .ok_or_else(|| ServerFailure(format!("outboard show tells no time: {shown}")))
    }

    /// What the workplace received so far.
    pub(super) fn received(&self) -> Result<Vec<Received>, ServerFailure> {
        let read = fs::read_to_string(self.log());
        let text = read.map_err(|error| ServerFailure(format!("the workplace has no log: {error}")))?;
        let calls = text.lines().map(serde_json::from_str).collect::<Result<_, _>>();
        calls.map_err(|error| ServerFailure(format!("the workplace's log cannot be read: {error}: {text}")))
    }

    /// An `outboard` command of this user.
    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.scratch.exe());
        command
            .args(arguments)
            .current_dir(self.scratch.work())
            .env_clear()
            .envs(self.scratch.environment())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// Where what `outboard serve` says beside the protocol goes.
    pub(super) fn words(&self) -> PathBuf {
        self.scratch.work().join("serve.log")
    }

    fn log(&self) -> PathBuf {
        self.scratch.work().join("received.jsonl")
    }

    async fn json(&self, arguments: &[&str]) -> Result<Value, ServerFailure> {
        let said = self.says(arguments).await?;
        let read = serde_json::from_str(&said);
        read.map_err(|error| ServerFailure(format!("outboard {}: {error}: {said}", arguments.join(" "))))
    }

    /// What a command says that must end well.
    async fn says(&self, arguments: &[&str]) -> Result<String, ServerFailure> {
        let command = format!("do `outboard {}`", arguments.join(" "));
        let output = within(&command, self.command(arguments).output()).await?;
        let told = |what: &str| ServerFailure(format!("the demo could not {command}: {what}"));
        if !output.status.success() {
            return Err(told(String::from_utf8_lossy(&output.stderr).trim()));
        }
        String::from_utf8(output.stdout).map_err(|error| told(&error.to_string()))
    }
}

/// How many calls there were of each tool.
pub(super) fn by_tool(received: &[Received]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for call in received {
        *counts.entry(call.tool.clone()).or_default() += 1;
    }
    counts
}
