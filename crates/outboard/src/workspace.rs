//! Workspaces of sessions: how they are furnished, what they stand behind, and how this user's other commands reach them.
//! What keeps one in is outboard-workspace's matter.

#[cfg(unix)]
mod desk;
#[cfg(unix)]
mod inside;
#[cfg(unix)]
mod maker;
#[cfg(unix)]
mod readme;
#[cfg(unix)]
mod walls;

use std::path::Path;

use outboard_face::Face;
use outboard_jail::Standing;

#[cfg(unix)]
pub(crate) use desk::{Desk, Reply, Request};

use crate::{config::WorkspaceSettings, report::Failure, wiring::System};

/// The face with `bash`, whose workspaces are made by these settings. `programs` are this user's folders of programs.
#[cfg(unix)]
pub(crate) fn offer(
    face: Face,
    system: &System,
    settings: WorkspaceSettings,
    programs: &str,
    state: &Path,
) -> Result<Face, Failure> {
    let walls = walls::Walls::of(&settings, programs, state).map_err(|refused| {
        Failure::new(format_args!("there can be no workspaces: {refused}"))
            .hint("docs/workspace.md says what each runtime takes; without --workspace all else works")
    })?;
    let maker = maker::Maker::new(system, settings, walls.ready(), state);
    Ok(face.with_workspaces(std::sync::Arc::new(maker)))
}

/// The protections that a workspace by these settings has: one is made and taken away.
///
/// # Errors
/// Why none can be made.
#[cfg(unix)]
pub(crate) async fn try_out(
    settings: &WorkspaceSettings,
    programs: &str,
    state: &Path,
) -> Result<Vec<Standing>, String> {
    let walls = walls::Walls::of(settings, programs, state).map_err(|refused| refused.to_string())?;
    let name = format!("tried-{}", std::process::id());
    let walled =
        walls.make(&name, maker::furnishing(settings)).await.map_err(|refused| refused.to_string())?;
    walled.workspace.close().await;
    Ok(walled.standings)
}

/// No wall of this system's holds.
#[cfg(not(unix))]
const NONE: &str = "there are no workspaces on this system: they take Linux, or containers on a Unix system";

/// The same.
///
/// # Errors
/// Always.
#[cfg(not(unix))]
pub(crate) async fn try_out(
    _settings: &WorkspaceSettings,
    _programs: &str,
    _state: &Path,
) -> Result<Vec<Standing>, String> {
    Err(NONE.to_owned())
}

/// The same.
#[cfg(not(unix))]
pub(crate) fn offer(
    _face: Face,
    _system: &System,
    _settings: WorkspaceSettings,
    _programs: &str,
    _state: &Path,
) -> Result<Face, Failure> {
    Err(Failure::new(NONE)
        .hint("run Outboard in a Linux container or virtual machine, or leave out --workspace"))
}
