//! `outboard call`: one tool call, through the same gate as a script's. Only the tool's upstream is started.
//! What comes back is shown to a person as text, to a machine as the value that a script would get.

mod pretty;

use std::{convert::Infallible, sync::Arc, time::Duration};

use clap::Args;
use outboard_runtime::{
    catalogue::{Member, Snapshot, UpstreamState},
    journal::Reader,
    json::Json,
    reply::{FailureCode, ToolFailure},
    run::{ToolOutcome, ToolRequest},
    session::Session,
};
use serde_json::Value;
use tokio::time::{Instant, interval_at};

use super::{
    asking,
    context::Context,
    input, names,
    waiting::{self, Wait},
};
use crate::{
    report::{self, Failure, Terminal, escaped_lines},
    tainted,
};

/// The longest wait for the upstream: longer than it may take to connect.
const START: Duration = Duration::from_secs(90);
const SECOND: Duration = Duration::from_secs(1);

/// Options of `outboard call`.
#[derive(Debug, Args)]
pub(super) struct Call {
    /// The tool, `namespace.tool`, by the names of scripts or the original ones
    name: String,
    /// Its arguments, one JSON object; `-` reads it from standard input, `@FILE` from a file
    #[arg(default_value = "{}", value_name = "JSON|-|@FILE", allow_hyphen_values = true)]
    arguments: String,
    /// Print the value as JSON, exactly as a script gets it
    #[arg(long)]
    json: bool,
}

impl Call {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let arguments = input::json_object(&self.arguments, "the tool's arguments")?;
        let context = Context::load()?;
        // Commands of one call each are guarded as one session.
        let seen =
            tainted::read(&context.places.state).map_err(|problem| Failure::could_not(&problem))?.taint;
        let meant = |member: &Member| names::may_mean(&self.name, member);
        context
            .with(&meant, async |system, stop| {
                let pending = |member: &Member| meant(member) && waiting::is_starting(member);
                let wait = Wait { pending: &pending, patience: START };
                let snapshot = waiting::wait(system.runtime.catalogue(), wait, &stop, |_| ()).await?;
                let request = self.request(&snapshot, arguments.clone())?;
                let called = format!("{}.{}", request.namespace, request.tool);
                let session = Arc::new(Session::new());
                session.saw(seen);
                session.set_client("outboard call".into());
                let report = tokio::select! {
                    report = system.runtime.call(&session, request, stop.clone()) => report,
                    never = tell_progress(&called) => match never {},
                    never = asking::at_terminal(&system.approvals, Terminal::beside()) => match never {},
                };
                report::progress("");
                self.tell(&called, &report.outcome)
            })
            .await
    }

    /// The call that the name means.
    fn request(&self, snapshot: &Snapshot, arguments: Json) -> Result<ToolRequest, Failure> {
        let (namespace, _) = names::split(snapshot, self.name.trim());
        if let Some(member) = snapshot.member(namespace)
            && matches!(member.state, UpstreamState::Failed { .. })
        {
            return Err(names::unavailable(member));
        }
        let Some(tool) = snapshot.resolve_full(&self.name) else {
            return Err(names::unknown(snapshot, &self.name));
        };
        let namespace = tool.member.namespace.as_str().to_owned();
        let tool = tool.identifier.to_owned();
        Ok(ToolRequest {
            id: None,
            namespace,
            tool,
            arguments,
            client: None,
            reader: Reader::Asker,
            advances: None,
        })
    }

    fn tell(&self, called: &str, outcome: &ToolOutcome) -> Result<(), Failure> {
        let failure = match outcome {
            ToolOutcome::Value(value) if self.json => {
                report::verbatim(value.as_str());
                report::flush();
                return Ok(());
            }
            ToolOutcome::Value(value) => {
                report::text(&pretty::text(value));
                report::flush();
                return Ok(());
            }
            ToolOutcome::Cancelled { effect_unknown: false } => return Err(Failure::interrupted()),
            ToolOutcome::Cancelled { effect_unknown: true } => {
                return Err(Failure::interrupted()
                    .hint("the call had been sent: check what it did before you make it again"));
            }
            ToolOutcome::Failed(failure) => failure,
        };
        let content: Vec<Value> = failure.content.iter().map(Json::to_value).collect();
        Err(explain(called, failure)
            .fact("message", failure.message.as_str())
            .fact("code", failure.code.as_str())
            .fact("content", content))
    }
}

/// Lines after the first stand further in, so that an upstream's words cannot pass for Outboard's.
fn set_off(text: &str) -> String {
    text.replace('\n', "\n    ")
}

fn explain(called: &str, failure: &ToolFailure) -> Failure {
    let kind = failure.code.as_str().replace('_', " ");
    let told =
        Failure::new(format_args!("{called}: {} ({kind})", set_off(&escaped_lines(failure.message.trim()))));
    match failure.code {
        FailureCode::InvalidArguments => {
            told.hint(format_args!("outboard describe {called} shows what it takes"))
        }
        FailureCode::UpstreamUnavailable => told.hint("outboard doctor says what to do"),
        code if code.leaves_effect_unknown() => {
            told.hint("it had been sent: check what it did before you make it again")
        }
        _ => told,
    }
}

/// Tells at a terminal how long it has been.
async fn tell_progress(called: &str) -> Infallible {
    let started = Instant::now();
    let mut ticks = interval_at(started + SECOND, SECOND);
    loop {
        ticks.tick().await;
        report::progress(format_args!("{} s, waiting for {called}", started.elapsed().as_secs()));
    }
}
