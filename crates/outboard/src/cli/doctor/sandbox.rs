//! Whether scripts run here: one is run.
//! It calls no tool.

use std::{sync::Arc, time::Instant};

use outboard_runtime::{
    RunRequest,
    run::{FailureKind, Outcome},
    session::Session,
};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{super::standing::short, Findings};
use crate::{
    report::{Cell, Failure, Table, escaped},
    wiring::System,
};

/// Runs a script that adds, and tells whether it did and how long it took.
pub(super) async fn examine(
    system: &System,
    stop: &CancellationToken,
    findings: &mut Findings,
) -> Result<(), Failure> {
    let started = Instant::now();
    let request = RunRequest { code: "return 1 + 1".to_owned(), ..RunRequest::default() };
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
    findings.heading("sandbox");
    let mut table = Table::indented(2);
    let state = match &wrong {
        None => format!("ready, a first script took {}", short(took)),
        Some(wrong) => escaped(wrong),
    };
    table.row([Cell::left("typescript"), Cell::left(state)]);
    findings.rows(&table);
    findings.fact(
        "sandbox",
        json!({"typescript": {"ready": wrong.is_none(), "tookMs": took.as_secs_f64() * 1e3, "reason": wrong}}),
    );
    if let Some(wrong) = wrong {
        findings.problem(
            format!("scripts do not run: {}", escaped(&wrong)),
            "a sandbox needs address space: look at `ulimit -v` and the memory limits of a container"
                .to_owned(),
        );
    }
    Ok(())
}
