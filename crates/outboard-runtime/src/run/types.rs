//! The full check of a script's types beside its run: begun when it begins, and asked when it has failed. Where types must
//! be right, the run waits for it. Who checks is behind a port.

use std::{sync::Arc, time::Duration};

use outboard_declare::{
    python,
    typescript::{self, Detail, ToolShape},
};
use outboard_script::{Finding, Form, Language, Position, Prepared};
use tokio::sync::Notify;
use tokio_util::task::AbortOnDropHandle;

use super::{FailureKind, Outcome, report::Failure};
use crate::{
    catalogue::{Member, Snapshot, ToolDefinition},
    ports::types::{TypeChecks, TypeMistake, Typed, Unchecked},
};

/// How long a run goes before its check begins, unless it has failed by then.
const HEAD_START: Duration = Duration::from_millis(20);
/// How long the answer to a failed run waits for a check that is not done yet.
const PATIENCE: Duration = Duration::from_millis(100);
/// Mistakes that are told of a run that has failed.
const TOLD: usize = 3;
/// Mistakes that are told of a script that did not run.
const REFUSED: usize = 10;
/// What the declarations of Python stand on.
const PYTHON_HEAD: &str = "from typing import Any, Literal, Never, NotRequired, Required, TypedDict\n";

/// A check that is under way.
/// Dropping it ends it.
pub(super) struct Checking {
    task: AbortOnDropHandle<Result<Vec<TypeMistake>, Unchecked>>,
    hurry: Arc<Notify>,
}

impl Checking {
    /// Begins the check of a script, unless nobody is there to check it.
    pub(super) fn begin(
        checks: Option<&TypeChecks>,
        prepared: &Prepared,
        snapshot: &Arc<Snapshot>,
    ) -> Option<Self> {
        let checks = checks.filter(|checks| !checks.required)?;
        let (checker, prepared, snapshot) =
            (Arc::clone(&checks.checker), prepared.clone(), Arc::clone(snapshot));
        let hurry = Arc::new(Notify::new());
        let wanted = Arc::clone(&hurry);
        let task = tokio::spawn(async move {
            // A run that is over before that is not to share the processors with its check.
            let _ = tokio::time::timeout(HEAD_START, wanted.notified()).await;
            checker.check(typed(&prepared, &snapshot)).await
        });
        Some(Self { task: AbortOnDropHandle::new(task), hurry })
    }

    /// What the check says of a run that has ended: hints, if it has failed in a way that types may explain.
    pub(super) async fn hints(
        mut self,
        outcome: &Outcome,
        source: &str,
        prepared: &Prepared,
    ) -> Vec<Finding> {
        let explains = matches!(
            outcome,
            Outcome::Failed(Failure { kind: FailureKind::Threw { .. } | FailureKind::Tool { .. }, .. })
        );
        let done = match explains {
            true => {
                self.hurry.notify_one();
                tokio::time::timeout(PATIENCE, &mut self.task).await.ok()
            }
            false => None,
        };
        match done {
            Some(Ok(Ok(mistakes))) => findings(&mistakes, source, prepared, TOLD),
            Some(Ok(Err(unchecked))) => {
                tracing::debug!(%unchecked, "types were not checked");
                Vec::new()
            }
            Some(Err(error)) => {
                tracing::warn!(%error, "the check of types broke");
                Vec::new()
            }
            None => {
                self.task.abort();
                // Aborted, it ends at once.
                let _ = self.task.await;
                Vec::new()
            }
        }
    }
}

/// Where types must be right: how the run ends without having begun, if they are not.
pub(super) async fn require(
    checks: Option<&TypeChecks>,
    source: &str,
    prepared: &Prepared,
    snapshot: &Snapshot,
) -> Result<(), Outcome> {
    let Some(checks) = checks.filter(|checks| checks.required) else { return Ok(()) };
    match checks.checker.check(typed(prepared, snapshot)).await {
        Ok(mistakes) if mistakes.is_empty() => Ok(()),
        Ok(mistakes) => Err(Outcome::NotRun(findings(&mistakes, source, prepared, REFUSED))),
        Err(Unchecked { reason }) => {
            let reason = format!("types must be checked (setting `typeCheck`), but {reason}");
            let kind = FailureKind::Internal(reason);
            Err(Outcome::Failed(Failure { kind, position: None, frames: Vec::new() }))
        }
    }
}

fn findings(mistakes: &[TypeMistake], source: &str, prepared: &Prepared, most: usize) -> Vec<Finding> {
    let place = |mistake: &TypeMistake| match prepared.language {
        Language::TypeScript => Some(Position { line: mistake.line, column: mistake.column }),
        Language::Python => prepared.positions.to_source(mistake.line, mistake.column),
    };
    let placed = mistakes.iter().filter_map(|mistake| Some((place(mistake)?, mistake)));
    placed
        .take(most)
        .map(|(position, mistake)| {
            Finding::at(source, position, format!("type check: {}", mistake.message), None)
        })
        .collect()
}

/// The script with the declarations of the tools whose names occur in it.
fn typed(prepared: &Prepared, snapshot: &Snapshot) -> Typed {
    let words = &prepared.words;
    let members = snapshot.members().iter().filter(|member| words.contains(member.namespace.as_str()));
    let declared: Vec<String> = members.map(|member| declared(member, prepared)).collect();
    let declared = declared.join("\n");
    let lines = u32::try_from(prepared.written.lines().count()).unwrap_or(u32::MAX);
    let count = |text: &str| u32::try_from(text.matches('\n').count()).unwrap_or(u32::MAX);
    match prepared.language {
        Language::TypeScript => {
            // Its own lines come first: declarations are seen from everywhere.
            let (head, tail) = match prepared.form {
                Form::ExportDefault => ("\n", "\nexport {};\n"),
                _ => ("export default async () => {\n", "\n};\n"),
            };
            let text = format!("{head}{}{tail}{declared}\n", prepared.written);
            Typed { language: Language::TypeScript, text, before: 1, lines }
        }
        Language::Python => {
            let head = format!("{PYTHON_HEAD}{declared}\n");
            let before = count(&head);
            Typed { language: Language::Python, text: head + &prepared.written, before, lines }
        }
    }
}

fn declared(member: &Member, prepared: &Prepared) -> String {
    let (words, namespace) = (&prepared.words, member.namespace.as_str());
    if member.listing.is_none() {
        // What it has is known when the first call waits for it.
        return match prepared.language {
            Language::TypeScript => format!("declare const {namespace}: any;"),
            Language::Python => format!("{namespace}: Any"),
        };
    }
    let named = |(identifier, tool): &(&str, &Arc<ToolDefinition>)| {
        words.contains(*identifier) || words.contains(tool.name.as_str())
    };
    // Schemas may be made for this: they are held until the text is written.
    let tools: Vec<_> = member
        .tools()
        .filter(named)
        .map(|(identifier, tool)| (identifier, tool.input(), tool.output()))
        .collect();
    let shapes: Vec<ToolShape<'_>> = tools
        .iter()
        .map(|(identifier, input, output)| ToolShape {
            namespace,
            identifier,
            description: None,
            input: input.as_deref(),
            output: output.as_deref(),
            observed: false,
        })
        .collect();
    match prepared.language {
        Language::TypeScript => typescript::declare_namespace(namespace, &shapes, Detail::Full).text,
        Language::Python => python::declare_namespace(namespace, &shapes, Detail::Full)
            .text
            .replace("\n    async def ", "\n    @staticmethod\n    async def "),
    }
}
