//! Places in which a session's model runs commands of a system: a shell, programs, files. What keeps such a place from
//! everything else is its implementor's matter; what it gives back is hostile.

use std::{sync::Arc, time::Duration};

use futures::future::BoxFuture;

use crate::session::Session;

/// Makes workspaces.
pub trait Workspaces: Send + Sync + 'static {
    /// A workspace for this session. Its tool calls are the session's, and pass the gate as any other.
    fn open(
        &self,
        session: &Arc<Session>,
    ) -> BoxFuture<'static, Result<Arc<dyn Workspace>, WorkspaceRefused>>;

    /// What a model is told of the place in one sentence: which system, which languages.
    fn describe(&self) -> String;
}

/// One workspace. Files last until it is closed; commands run one after another.
pub trait Workspace: Send + Sync + 'static {
    /// Runs a command to its end, or ends it at its deadline. Dropping the future ends it too.
    fn run(&self, command: Command) -> BoxFuture<'_, Result<Ran, WorkspaceLost>>;

    /// Ends all that runs in it and takes it away. Done when nothing of it is left.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// A command for a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The program, as an absolute path, and its arguments.
    pub argv: Vec<String>,
    /// What it reads from standard input.
    pub input: Option<Vec<u8>>,
    /// Whether both its streams are one, in the order in which it writes.
    pub merged: bool,
    /// Bytes of output that are kept; what comes after is counted.
    pub output: u64,
    /// How long it may take.
    pub deadline: Duration,
}

/// What became of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// How it ended.
    pub end: End,
    /// What it wrote to standard output.
    pub output: Vec<u8>,
    /// What it wrote to standard error, if the streams are two.
    pub errors: Vec<u8>,
    /// Bytes of output that were dropped.
    pub dropped: u64,
    /// Processes that go on in the background, where they can be counted.
    pub left: u64,
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// At its deadline, and everything else that ran in the workspace with it.
    Deadline,
    /// Because all processes together used more memory than the workspace has; all were ended.
    Memory,
    /// It could not be started.
    NotStarted(String),
}

/// There is no workspace: what could not be done, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct WorkspaceRefused {
    /// For people and models.
    pub reason: String,
}

/// The workspace is gone, and all files in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct WorkspaceLost {
    /// For people and models.
    pub reason: String,
}
