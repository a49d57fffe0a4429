//! Whether a workspace can be made here, and which protections it would have. One is made by the settings and taken away;
//! nothing is run in it.

use serde_json::{Map, Value, json};

use super::{
    super::{context::Context, variable},
    Findings,
};
use crate::{
    config::Wall,
    report::{Cell, Table, escaped},
    workspace::try_out,
};

/// Tells of each protection. That none can be made is something to mend only where workspaces are wanted.
pub(super) async fn examine(context: &Context, findings: &mut Findings) {
    let settings = &context.configuration.settings.workspace;
    findings.heading("workspace");
    let wall = settings.wall.name();
    if settings.wall == Wall::Daytona {
        let what = "remote sandboxes are not tried here: each costs one of the service";
        findings.fact("workspace", json!({ "on": settings.on, "runtime": wall, "why": what }));
        let mut table = Table::indented(2);
        table.row([Cell::left(wall), Cell::left(what)]);
        return findings.rows(&table);
    }
    let programs = variable("PATH").unwrap_or_default();
    let standings = match try_out(settings, &programs, &context.places.state).await {
        Ok(standings) => standings,
        Err(why) => {
            let what = format!("no {wall} can be made here: {}", escaped(&why));
            findings.fact("workspace", json!({ "ready": false, "why": what }));
            let fix = "docs/workspace.md says what each runtime takes of a system".to_owned();
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
    let mut protections = Map::new();
    let mut table = Table::indented(2);
    let missing = standings.iter().filter(|standing| !standing.in_force).count();
    let all = standings.len();
    let use_ = if settings.on { "on" } else { "off (serve --workspace, or the setting `workspace`)" };
    table.row([Cell::left("bash"), Cell::left(use_)]);
    table.row([Cell::left(wall), Cell::left(format!("{} of {all} protections in force", all - missing))]);
    for standing in &standings {
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
        json!({ "ready": true, "on": settings.on, "runtime": wall, "protections": Value::Object(protections) }),
    );
}
