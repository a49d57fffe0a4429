//! What this user's commands ask of one workspace, answered: its state, its files in and out, and its end.
//! It moves files through the workspace's own programs alone.

use std::{
    sync::{Arc, OnceLock},
    time::Instant,
};

use outboard_jail::Standing;
use outboard_runtime::{Runtime, policy::Taint, ports::workspace::Workspace, session::Session};
use outboard_workspace::files;
use tokio_util::sync::CancellationToken;

use super::desk::{Counter, Reply, Request};
use crate::report;

/// What the desk of a workspace knows of it.
pub(super) struct Inside {
    pub(super) workspace: Arc<dyn Workspace>,
    pub(super) standings: Vec<Standing>,
    pub(super) runtime: Arc<Runtime>,
    pub(super) session: Arc<Session>,
    pub(super) made: Instant,
    pub(super) ended: Arc<OnceLock<&'static str>>,
}

impl Inside {
    /// Does what this user's commands ask for, until told to stop.
    pub(super) async fn attend(self, counter: Counter, stop: CancellationToken) {
        loop {
            let next = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                next = counter.next() => next,
            };
            match next {
                Ok((request, stream)) => {
                    let reply = tokio::select! {
                        biased;
                        () = stop.cancelled() => return,
                        reply = self.answer(request) => reply,
                    };
                    Counter::reply(stream, &reply).await;
                }
                Err(error) => {
                    tracing::warn!(%error, "`outboard workspace` cannot reach this workspace any more");
                    return;
                }
            }
        }
    }

    async fn answer(&self, request: Request) -> Reply {
        let failed = |error: &dyn std::error::Error| Reply::Failed(report::chain(error));
        match request {
            Request::State => self.state(),
            Request::Files => match files::list(&*self.workspace).await {
                Ok(entries) => Reply::Files(
                    entries.into_iter().map(|entry| (entry.path, entry.size, entry.plain)).collect(),
                ),
                Err(error) => failed(&error),
            },
            Request::Export { folder } => match files::export(&*self.workspace, &folder).await {
                Ok(exported) => Reply::Exported {
                    files: exported.files,
                    bytes: exported.bytes,
                    left: exported.left.into_iter().map(|(path, why)| (path, why.to_owned())).collect(),
                },
                Err(error) => failed(&error),
            },
            Request::Put { host, path, private, untrusted } => {
                let bytes = match tokio::fs::read(&host).await {
                    Ok(bytes) => bytes,
                    Err(error) => return Reply::Failed(format!("{}: {error}", host.display())),
                };
                // What is there is seen with the next command.
                self.runtime.brought(&self.session, Taint { private, untrusted });
                match files::write(&*self.workspace, &path, bytes).await {
                    Ok(()) => Reply::Done,
                    Err(error) => failed(&error),
                }
            }
            Request::Get { path, host } => {
                let bytes = match files::read(&*self.workspace, &path).await {
                    Ok(bytes) => bytes,
                    Err(error) => return failed(&error),
                };
                let new = tokio::fs::OpenOptions::new().write(true).create_new(true).open(&host).await;
                let written = match new {
                    Ok(mut file) => {
                        use tokio::io::AsyncWriteExt as _;
                        match file.write_all(&bytes).await {
                            Ok(()) => file.flush().await,
                            Err(error) => Err(error),
                        }
                    }
                    Err(error) => Err(error),
                };
                match written {
                    Ok(()) => Reply::Done,
                    Err(error) => Reply::Failed(format!("{}: {error}", host.display())),
                }
            }
            Request::Reset => {
                // Who set it first has said why.
                let _ = self.ended.set("a person began it anew (`outboard workspace reset`)");
                self.workspace.close().await;
                Reply::Done
            }
        }
    }

    fn state(&self) -> Reply {
        let (in_force, missing): (Vec<&Standing>, Vec<&Standing>) =
            self.standings.iter().partition(|standing| standing.in_force);
        Reply::State {
            client: self.session.client().to_string(),
            age: self.made.elapsed().as_secs(),
            in_force: in_force.iter().map(|standing| standing.protection.name().to_owned()).collect(),
            missing: missing
                .iter()
                .map(|standing| (standing.protection.name().to_owned(), standing.note.clone()))
                .collect(),
        }
    }
}
