//! Whether a workspace can be made here, and which protections it would have. One is made by the settings and taken away;
//! nothing is run in it.

use outboard_runtime::ports::workspace::Workspace as _;
use serde_json::{Map, Value, json};

use super::{super::context::Context, Findings};
use crate::{
    report::{self, Cell, Table, escaped},
    workspace::try_out,
};

/// Tells of each protection. That none can be made is something to mend only where workspaces are wanted.
pub(super) async fn examine(context: &Context, findings: &mut Findings) {
    let settings = &context.configuration.settings.workspace;
    findings.heading("workspace");
    let jail = match try_out(settings).await {
        Ok(jail) => jail,
        Err(error) => {
            let what = format!("no jail can be made here: {}", escaped(&report::chain(&error)));
            findings.fact("workspace", json!({ "ready": false, "why": what }));
            let fix = "docs/workspace.md says what a jail takes of a system".to_owned();
            if settings.on {
                findings.told(what, fix);
            } else {
                let mut table = Table::indented(2);
                table.row([Cell::left(what)]);
                findings.rows(&table);
            }
            return;
        }
    };
    jail.close().await;
    let mut protections = Map::new();
    let mut table = Table::indented(2);
    let missing = jail.standings().iter().filter(|standing| !standing.in_force).count();
    let all = jail.standings().len();
    let use_ = if settings.on { "on" } else { "off (serve --workspace, or the setting `workspace`)" };
    table.row([Cell::left("bash"), Cell::left(use_)]);
    table.row([Cell::left("jail"), Cell::left(format!("{} of {all} protections in force", all - missing))]);
    for standing in jail.standings() {
        if !standing.in_force {
            let name = standing.protection.name();
            table.row([Cell::left(""), Cell::left(format!("without {name}: {}", escaped(&standing.note)))]);
        }
        let state = json!({ "inForce": standing.in_force, "note": standing.note });
        protections.insert(standing.protection.name().to_owned(), state);
    }
    findings.rows(&table);
    findings.fact(
        "workspace",
        json!({ "ready": true, "on": settings.on, "protections": Value::Object(protections) }),
    );
}
