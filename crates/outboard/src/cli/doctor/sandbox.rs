//! Whether scripts run here, in each language: one is run in each, and Python is loaded for it.
//! It calls no tool.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use outboard_runtime::{
    Language, RunRequest,
    run::{FailureKind, Outcome},
    session::Session,
};
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use super::{super::standing::short, Findings};
use crate::{
    report::{Cell, Failure, Table, escaped},
    wiring::System,
};

/// Runs a script that adds in each language, and tells whether it did and how long it took. Python is loaded for it.
pub(super) async fn examine(
    system: &System,
    stop: &CancellationToken,
    findings: &mut Findings,
) -> Result<(), Failure> {
    findings.heading("sandbox");
    let mut facts = Map::new();
    for (language, code, note) in
        [(Language::TypeScript, "return 1 + 1", ""), (Language::Python, "1 + 1", ", loading it included")]
    {
        let (took, wrong) = tried(system, stop, language, code).await?;
        let mut table = Table::indented(2).least([Language::TypeScript.as_str().len()]);
        let state = match &wrong {
            None => format!("ready, a first script took {}{note}", short(took)),
            Some(wrong) => escaped(wrong),
        };
        table.row([Cell::left(language.as_str()), Cell::left(state)]);
        findings.rows(&table);
        let tried = json!({"ready": wrong.is_none(), "tookMs": took.as_secs_f64() * 1e3, "reason": wrong});
        facts.insert(language.as_str().to_owned(), tried);
        if let Some(wrong) = wrong {
            findings.problem(format!("{language} scripts do not run: {}", escaped(&wrong)), advice(&wrong));
        }
    }
    findings.fact("sandbox", Value::Object(facts));
    Ok(())
}

/// Tells that there is no sandbox, so that nothing could be tried and no upstream was started.
pub(super) fn absent(failure: &Failure, findings: &mut Findings) {
    let wrong = escaped(&failure.to_string());
    findings.heading("sandbox");
    findings.told(format!("no script runs and no upstream is started: {wrong}"), advice(&wrong));
}

/// How long the script took, and what went wrong.
async fn tried(
    system: &System,
    stop: &CancellationToken,
    language: Language,
    code: &str,
) -> Result<(Duration, Option<String>), Failure> {
    let started = Instant::now();
    let request = RunRequest { code: code.to_owned(), language: Some(language), ..RunRequest::default() };
    let report = system.runtime.run(&Arc::new(Session::new()), request, stop.clone()).await;
    if stop.is_cancelled() {
        return Err(Failure::interrupted());
    }
    let took = started.elapsed();
    let wrong = match &report.outcome {
        Outcome::Value(Some(value)) if value.as_str() == "2" => None,
        Outcome::Failed(failure) => Some(match &failure.kind {
            FailureKind::Internal(reason) => reason.clone(),
            other => format!("a script that adds failed: {other:?}"),
        }),
        other => Some(format!("a script that adds gave {other:?}")),
    };
    Ok((took, wrong))
}

/// What to do about it: a guess from the words of the reason.
fn advice(wrong: &str) -> String {
    if wrong.contains("belongs to another user") {
        "see whose that directory is, and make it yours alone: chmod 700".to_owned()
    } else if wrong.contains("no Python in this build") {
        "write scripts in TypeScript, or install a build that has Python".to_owned()
    } else if wrong.starts_with("types must be checked") {
        "do as it says, or set `typeCheck` to \"beside\"".to_owned()
    } else {
        "a sandbox needs address space and room on the disk: look at `ulimit -v`, the memory limits of a container, and `df`"
            .to_owned()
    }
}
