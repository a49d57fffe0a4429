//! The one JSON object that `outboard run --json` prints: everything that is known of an ended run.
//! Keys are only ever added.

use outboard_runtime::{
    ids::RunId,
    json::Json,
    limits::Limit,
    ports::engine::ConsoleLine,
    run::{Effect, Failure, FailureKind, Finding, Outcome, RunReport},
};
use serde::Serialize;
use serde_json::Value;

/// A run for a machine.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Told<'a> {
    /// Whether the script came to its end.
    ok: bool,
    run: &'a RunId,
    /// The whole value, whatever the budget of tokens.
    value: Option<&'a Json>,
    /// Mistakes found before anything ran.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_run: Vec<Mistake<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<Failed<'a>>,
    console: &'a [ConsoleLine],
    console_bytes_dropped: u64,
    /// Calls that have or may have changed something.
    effects: &'a [Effect],
    /// What the script could do better.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hints: Vec<Mistake<'a>>,
    /// What a model would see.
    text: &'a str,
    /// As every command tells of its failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Value>,
}

#[derive(Serialize)]
struct Mistake<'a> {
    line: u32,
    column: u32,
    message: &'a str,
    hint: Option<&'a str>,
}

#[derive(Default, Serialize)]
struct Failed<'a> {
    /// `tool`, `threw`, `limit`, `stuck`, `crowded`, `cancelled` or `internal`.
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<Limit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
}

impl<'a> Told<'a> {
    pub(super) fn new(report: &'a RunReport, text: &'a str, error: Option<Value>) -> Self {
        let mut told = Self {
            ok: false,
            run: &report.id,
            value: None,
            not_run: Vec::new(),
            failure: None,
            console: &report.console,
            console_bytes_dropped: report.console_dropped,
            effects: &report.effects,
            hints: report.hints.iter().map(Mistake::of).collect(),
            text,
            error,
        };
        match &report.outcome {
            Outcome::Value(value) => {
                told.ok = true;
                told.value = value.as_ref();
            }
            Outcome::NotRun(findings) => told.not_run = findings.iter().map(Mistake::of).collect(),
            Outcome::Failed(failure) => told.failure = Some(Failed::of(failure)),
        }
        told
    }
}

impl<'a> Mistake<'a> {
    fn of(finding: &'a Finding) -> Self {
        let Finding { position, message, hint, .. } = finding;
        Self { line: position.line, column: position.column, message, hint: hint.as_deref() }
    }
}

impl<'a> Failed<'a> {
    fn of(failure: &'a Failure) -> Self {
        let mut failed = match &failure.kind {
            FailureKind::Tool { tool, code, message } => Self {
                kind: "tool",
                tool: Some(tool),
                code: Some(code.as_str()),
                message: Some(message),
                ..Self::default()
            },
            FailureKind::Threw { name, message } => {
                Self { kind: "threw", name: Some(name), message: Some(message), ..Self::default() }
            }
            FailureKind::Limit(limit) => Self { kind: "limit", limit: Some(*limit), ..Self::default() },
            FailureKind::Stuck => Self { kind: "stuck", ..Self::default() },
            FailureKind::Crowded { .. } => Self { kind: "crowded", ..Self::default() },
            FailureKind::Cancelled => Self { kind: "cancelled", ..Self::default() },
            FailureKind::LetGo => Self { kind: "kept", ..Self::default() },
            FailureKind::Internal(reason) => {
                Self { kind: "internal", message: Some(reason), ..Self::default() }
            }
        };
        failed.line = failure.position.map(|position| position.line);
        failed.column = failure.position.map(|position| position.column);
        failed
    }
}
