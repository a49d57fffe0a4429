//! What clients are told that the tools may do. `execute` may do what the tools of the catalogue may, so its hints
//! are the worst of theirs; while any of them is unknown, the worst there is.
//!
//! Upstreams' hints are claims. They are passed on here as a client would get them without Outboard between;
//! the broker's policy does not rest on this.

use outboard_runtime::catalogue::{Annotations, Snapshot};
use rmcp::model::ToolAnnotations;

/// `search` reads what is known already.
pub(super) fn of_search() -> ToolAnnotations {
    ToolAnnotations::with_title("Find tools")
        .read_only(true)
        .destructive(false)
        .idempotent(true)
        .open_world(false)
}

pub(super) fn of_execute(snapshot: &Snapshot) -> ToolAnnotations {
    let members = snapshot.members();
    let known = members.iter().all(|member| member.listing.is_some()) && snapshot.tool_count() > 0;
    let all = |claim: fn(&Annotations) -> bool| {
        known && members.iter().flat_map(|member| member.tools()).all(|(_, tool)| claim(&tool.annotations))
    };
    let reads = |claims: &Annotations| claims.read_only_hint == Some(true);
    ToolAnnotations::with_title("Run a script")
        .read_only(all(reads))
        .destructive(!all(|claims| {
            claims.read_only_hint == Some(true) || claims.destructive_hint == Some(false)
        }))
        // A script is more than one call: doing it twice is harmless only if nothing in it changes anything.
        .idempotent(all(reads))
        .open_world(!all(|claims| claims.open_world_hint == Some(false)))
}

/// A command may do in the workspace what it likes, and call any tool.
pub(super) fn of_bash(snapshot: &Snapshot) -> ToolAnnotations {
    let worst = of_execute(snapshot);
    ToolAnnotations::with_title("Run a command in the workspace")
        .read_only(false)
        .destructive(worst.destructive_hint.unwrap_or(true))
        .idempotent(false)
        .open_world(worst.open_world_hint.unwrap_or(true))
}
