//! `outboard policy suggest`: rules that past runs suggest, each with what it rests on and the command that writes it.
//! It writes none itself.

use clap::Args;
use outboard_runtime::{
    journal::Which,
    policy::{Past, RuleText, Suggestion},
};
use serde_json::json;

use super::super::context::Context;
use crate::report::{self, Failure, counted, escaped, quoted};

/// Options of `outboard policy suggest`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Suggest {
    /// Runs that are looked at, the newest
    #[arg(long, value_name = "COUNT", default_value_t = 500)]
    runs: usize,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Suggest {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let context = Context::load()?;
        let (past, read) = context
            .with(&|_| false, async |system, _| {
                let store = system.runtime.store();
                let failed = |failure| Failure::could_not(&failure);
                let mut past = Past::default();
                let entries = store.runs(Which::Newest(self.runs)).await.map_err(failed)?;
                for entry in &entries {
                    past.read(&store.read(&entry.id).await.map_err(failed)?);
                }
                Ok((past, entries.len()))
            })
            .await?;
        let suggestions = past.suggest();
        if self.json {
            return report::json(&json!({"runs": read, "suggestions": suggestions}));
        }
        if suggestions.is_empty() {
            report::line(format_args!(
                "{} suggest no rule: one is suggested where people decided alike at least twice",
                counted(read, "recorded run")
            ));
            return Ok(());
        }
        for suggestion in &suggestions {
            tell(suggestion);
        }
        Ok(())
    }
}

fn tell(suggestion: &Suggestion) {
    let Suggestion { rule, decisions, runs } = suggestion;
    let done = if rule.verdict.as_str() == "deny" { "refused" } else { "allowed" };
    let tools = rule.tools.as_deref().unwrap_or_default().join(", ");
    report::line(format_args!(
        "{}: {done} {} in {}",
        escaped(&tools),
        counted(*decisions, "time"),
        counted(*runs, "run")
    ));
    report::line(format_args!("  {}", command(rule)));
}

/// The command that writes the rule.
fn command(rule: &RuleText) -> String {
    let mut words = vec![format!("outboard policy {}", rule.verdict.as_str())];
    words.extend(rule.tools.iter().flatten().map(|tool| quoted(tool)));
    let options = [("--when", &rule.when), ("--reason", &rule.reason)];
    for (option, value) in options {
        words.extend(value.as_ref().map(|value| format!("{option} {}", quoted(value))));
    }
    words.join(" ")
}
