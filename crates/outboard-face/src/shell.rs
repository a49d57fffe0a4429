//! One client's workspace: made when it is first needed, made anew when it was lost, gone with the client.
//! What it is made of is not known here.

use std::{sync::Arc, time::Duration};

use outboard_runtime::{
    ports::workspace::{Command, Workspace, Workspaces},
    present::{self, Answer},
    session::Session,
};
use tokio::sync::Mutex;

/// Bytes of a command's output that are looked at: more than any answer shows.
const OUTPUT: u64 = 4 << 20;

/// The workspace of one session. Clones share it.
#[derive(Clone)]
pub(crate) struct Shell {
    workspaces: Arc<dyn Workspaces>,
    session: Arc<Session>,
    open: Arc<Mutex<Option<Arc<dyn Workspace>>>>,
}

impl Shell {
    pub(crate) fn new(workspaces: Arc<dyn Workspaces>, session: &Arc<Session>) -> Self {
        Self { workspaces, session: Arc::clone(session), open: Arc::default() }
    }

    /// Runs a command of the model's; the answer says how it ended and what it wrote, in about so many tokens.
    pub(crate) async fn run(&self, command: String, deadline: Duration, budget: usize) -> Answer {
        let workspace = match self.workspace().await {
            Ok(workspace) => workspace,
            Err(why) => return failed(&format!("not run: there is no workspace: {why}")),
        };
        // What is in it, the model is about to see.
        self.session.sees_workspace();
        let command = Command {
            argv: vec!["/bin/bash".to_owned(), "-c".to_owned(), command],
            input: None,
            merged: true,
            output: OUTPUT,
            deadline,
        };
        match workspace.run(command).await {
            Ok(ran) => present::shell(&ran, deadline, budget),
            Err(lost) => {
                self.lose(&workspace).await;
                failed(&format!(
                    "the workspace is gone, with its files: {lost}. The next command gets a new one"
                ))
            }
        }
    }

    async fn workspace(&self) -> Result<Arc<dyn Workspace>, String> {
        let mut open = self.open.lock().await;
        if let Some(workspace) = &*open {
            return Ok(Arc::clone(workspace));
        }
        let workspace = self.workspaces.open(&self.session).await.map_err(|refused| refused.to_string())?;
        self.session.opens_workspace();
        *open = Some(Arc::clone(&workspace));
        Ok(workspace)
    }

    async fn lose(&self, lost: &Arc<dyn Workspace>) {
        let mut open = self.open.lock().await;
        if open.as_ref().is_some_and(|open| Arc::ptr_eq(open, lost)) {
            *open = None;
            lost.close().await;
            self.session.loses_workspace();
        }
    }

    /// Takes the workspace away, if there is one.
    pub(crate) async fn close(&self) {
        if let Some(workspace) = self.open.lock().await.take() {
            workspace.close().await;
        }
    }
}

fn failed(why: &str) -> Answer {
    Answer { text: present::clean(why).into_owned(), is_error: true, media: Vec::new() }
}
