//! `outboard policy test`: what the policy says of one operation and what decides. It judges as the gate judges a command,
//! without starting an upstream whose tools are known, and sends nothing.

use std::{path::Path, time::Duration};

use clap::Args;
use outboard_runtime::{
    catalogue::Member,
    operation::{Operation, Request, Requested},
    policy::{Counts, Decider, Facts, Policy as _, Standing, Taint, Verdict},
};
use serde_json::json;

use super::super::{
    context::Context,
    input, names,
    waiting::{self, Wait},
};
use crate::{
    report::{self, Failure, USAGE, escaped},
    tainted,
};

/// Options of `outboard policy test`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Test {
    /// The tool, `namespace.tool`; with --resource, the upstream
    name: String,
    /// Its arguments, one JSON object; `-` reads it from standard input, `@FILE` from a file
    #[arg(default_value = "{}", value_name = "JSON|-|@FILE", allow_hyphen_values = true)]
    arguments: String,
    /// Judge the reading of this resource instead of a tool call, taken for a listed one
    #[arg(long, value_name = "URI")]
    resource: Option<String>,
    /// As if private data and untrusted content had been read, whatever was read until now
    #[arg(long)]
    tainted: bool,
    /// As if the tool had been called so often in the run and in the hour
    #[arg(long, value_name = "CALLS", default_value_t = 0)]
    after: u32,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// The longest wait for an upstream of which nothing is known yet.
const FIRST: Duration = Duration::from_secs(30);

impl Test {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let arguments = input::json_object(&self.arguments, "the tool's arguments")?;
        let context = Context::load()?;
        let meant = |member: &Member| names::may_mean(&self.name, member) && waiting::is_unlisted(member);
        let snapshot = context
            .with(&meant, async |system, stop| {
                let wait = Wait { pending: &meant, patience: FIRST };
                waiting::wait(system.runtime.catalogue(), wait, &stop, |_| ()).await
            })
            .await?;
        // As `outboard call` would be judged: by what all sessions have seen.
        let seen =
            tainted::read(&context.places.state).map_err(|problem| Failure::could_not(&problem))?.taint;
        let taint = seen.and(Taint { private: self.tainted, untrusted: self.tainted });
        let counts = Counts { run: self.after, tool: self.after, hour: self.after };
        let run = |facts: Facts<'_>| {
            let facts = Facts { counts, taint, ..facts };
            context.configuration.settings.policy.judge(&facts)
        };
        let (operation, verdict) = match &self.resource {
            None => {
                let tool = snapshot.resolve_full(&self.name);
                let tool = tool.ok_or_else(|| names::unknown(&snapshot, &self.name))?;
                let operation = tool.call(arguments);
                let verdict = run(tool.facts(&operation));
                (tool.called(), verdict)
            }
            Some(uri) => {
                let Some(member) = snapshot.member(&self.name) else {
                    return Err(Failure::new(format_args!(
                        "no upstream has the name `{}`",
                        escaped(&self.name)
                    ))
                    .code(USAGE));
                };
                let operation = Operation::Request(Request {
                    upstream: member.upstream.clone(),
                    namespace: member.namespace.clone(),
                    what: Requested::ReadResource { uri: uri.clone() },
                });
                let accepted = member.terms.accepted.is_some();
                let standing = if accepted { Standing::Accepted } else { Standing::NotAccepted };
                let (trusted, labels) = (member.terms.trusted, member.terms.labels);
                let verdict = run(Facts { standing, trusted, labels, ..Facts::of(&operation) });
                (format!("{} {uri}", member.namespace), verdict)
            }
        };
        self.tell(&operation, &verdict, &context.places.user_file())
    }

    fn tell(&self, operation: &str, verdict: &Verdict, file: &Path) -> Result<(), Failure> {
        let reason = verdict.reason();
        // What a person has written, as against what holds without.
        let is_written = matches!(reason.by, Decider::Rule(_) | Decider::Limit(_) | Decider::Otherwise);
        let file = is_written.then(|| file.display().to_string());
        if self.json {
            return report::json(&json!({
                "operation": operation, "verdict": verdict.word(), "by": reason.by, "reason": reason.text,
                "remedy": reason.remedy, "file": file,
            }));
        }
        report::line(format_args!(
            "{}: {}, because {}",
            escaped(operation),
            verdict.word(),
            escaped(&reason.text)
        ));
        if let Some(file) = file {
            report::line(format_args!("  it stands in {file}"));
        }
        if let Some(remedy) = &reason.remedy {
            report::hint(remedy);
        }
        Ok(())
    }
}
