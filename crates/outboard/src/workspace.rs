//! Workspaces of sessions: how they are furnished, and how this user's other commands reach them.
//! What keeps one in is outboard-workspace's matter.

#[cfg(target_os = "linux")]
mod desk;
#[cfg(target_os = "linux")]
mod maker;
#[cfg(target_os = "linux")]
mod readme;

use std::path::Path;

use outboard_face::Face;

#[cfg(target_os = "linux")]
pub(crate) use desk::{Desk, Reply, Request};
#[cfg(target_os = "linux")]
pub(crate) use maker::try_out;

use crate::{config::WorkspaceSettings, report::Failure, wiring::System};

/// The face with `bash`, whose workspaces are made by these settings.
#[cfg(target_os = "linux")]
pub(crate) fn offer(
    face: Face,
    system: &System,
    settings: WorkspaceSettings,
    state: &Path,
) -> Result<Face, Failure> {
    let maker = maker::Maker::new(system, settings, state);
    Ok(face.with_workspaces(std::sync::Arc::new(maker)))
}

/// Why no workspace can be made by these settings, if so: one is made and taken away, which takes milliseconds.
#[cfg(target_os = "linux")]
pub(crate) async fn can_be_made(settings: &WorkspaceSettings) -> Result<(), String> {
    use outboard_runtime::ports::workspace::Workspace as _;
    let jail = try_out(settings).await.map_err(|refused| crate::report::chain(&refused))?;
    jail.close().await;
    Ok(())
}

/// There is no wall of this system's own that holds.
#[cfg(not(target_os = "linux"))]
pub(crate) async fn can_be_made(_settings: &WorkspaceSettings) -> Result<(), String> {
    Err("there are no workspaces on this system: a jail takes Linux".to_owned())
}

/// The same.
#[cfg(not(target_os = "linux"))]
pub(crate) fn offer(
    _face: Face,
    _system: &System,
    _settings: WorkspaceSettings,
    _state: &Path,
) -> Result<Face, Failure> {
    Err(Failure::new("there are no workspaces on this system: a jail takes Linux")
        .hint("run Outboard in a Linux container or virtual machine, or leave out --workspace"))
}
