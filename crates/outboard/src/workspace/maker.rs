//! Makes the workspace of a session: furnished with what the settings say, behind the wall that they name, reachable for this
//! user's commands. It decides nothing about calls.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use futures::future::{BoxFuture, FutureExt as _};
use outboard_jail::{Standing, TOOLS};
use outboard_runtime::{
    Runtime,
    approval::Approvals,
    catalogue::Snapshot,
    journal::Reader,
    ports::workspace::{Command, Ran, Workspace, WorkspaceLost, WorkspaceRefused, Workspaces},
    session::Session,
};
use outboard_socket::{
    Service, Traffic,
    package::{self, Kind, Reach},
};
use outboard_workspace::furnishing::{Furnishing, NODE_PACKAGES, PYTHON_PACKAGES};
use tokio::{
    sync::{Mutex, watch},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use super::{
    desk::Desk,
    inside::Inside,
    readme,
    walls::{Walled, Walls},
};
use crate::{config::WorkspaceSettings, wiring::System};

/// What the packages of tools are called.
const PACKAGE: &str = "mcp_tools";
/// How long the making of a workspace waits for tools that are about to be known.
const SETTLING: Duration = Duration::from_secs(1);

/// Makes workspaces.
pub(super) struct Maker {
    runtime: Arc<Runtime>,
    approvals: Arc<Approvals>,
    settings: WorkspaceSettings,
    walls: Arc<Walls>,
    desk: Desk,
    made: AtomicU32,
}

impl Maker {
    /// Makes workspaces by these settings behind these walls.
    pub(super) fn new(system: &System, settings: WorkspaceSettings, walls: Walls, state: &Path) -> Self {
        Self {
            settings,
            runtime: Arc::clone(&system.runtime),
            approvals: Arc::clone(&system.approvals),
            walls: Arc::new(walls),
            desk: Desk::at(state),
            made: AtomicU32::new(0),
        }
    }
}

/// A workspace by these settings without tools.
pub(super) fn furnishing(settings: &WorkspaceSettings) -> Furnishing {
    Furnishing {
        readme: readme::readme(&settings.limits, None),
        packages: Vec::new(),
        shown: settings.show.clone(),
        limits: settings.limits,
        required: settings.require.clone(),
        tools: false,
    }
}

/// The same with packages of the tools that are known, and their socket.
fn with_tools(settings: &WorkspaceSettings, snapshot: &Snapshot) -> Furnishing {
    let mut furnishing = furnishing(settings);
    let reach = Reach { socket: Some(PathBuf::from(TOOLS)), ..Reach::default() };
    for (kind, folder) in [(Kind::Python, PYTHON_PACKAGES), (Kind::TypeScript, NODE_PACKAGES)] {
        match package::files(snapshot, kind, PACKAGE, &reach) {
            Ok((files, made)) => {
                let folder = Path::new(folder).join(PACKAGE);
                furnishing.packages.extend(files.into_iter().map(|(path, text)| (folder.join(path), text)));
                let tools = readme::tools(PACKAGE, &made.modules);
                furnishing.readme = readme::readme(&settings.limits, Some(&tools));
            }
            Err(error) => tracing::error!(%error, "a workspace has no package of tools"),
        }
    }
    furnishing.tools = true;
    furnishing
}

impl Workspaces for Maker {
    fn open(
        &self,
        session: &Arc<Session>,
    ) -> BoxFuture<'static, Result<Arc<dyn Workspace>, WorkspaceRefused>> {
        let (settings, session, desk) = (self.settings.clone(), Arc::clone(session), self.desk.clone());
        let approvals = Arc::clone(&self.approvals);
        let (runtime, walls) = (Arc::clone(&self.runtime), Arc::clone(&self.walls));
        let name = format!("w{}-{}", self.made.fetch_add(1, Ordering::Relaxed) + 1, std::process::id());
        async move {
            // As with a first list of tools: what is about to be known is worth a moment.
            runtime.catalogue().settled(SETTLING).await;
            let furnishing = if walls.carries_calls() {
                with_tools(&settings, &runtime.catalogue().snapshot())
            } else {
                furnishing(&settings)
            };
            let Walled { workspace, standings, door } = walls.make(&name, furnishing).await?;
            tell_missing(&standings);
            let stop = CancellationToken::new();
            let service = Service {
                runtime: Arc::clone(&runtime),
                session: Arc::clone(&session),
                reader: Reader::Workspace,
                approvals,
            };
            let tools = door.map(|door| {
                let traffic = watch::Sender::new(Traffic::default());
                tokio::spawn(outboard_socket::serve(door, service, traffic, stop.clone()))
            });
            let (ended, counter) = (Arc::new(OnceLock::new()), desk.open(&name));
            let counter = match counter {
                Ok(counter) => {
                    let inside = Inside {
                        workspace: Arc::clone(&workspace),
                        standings,
                        runtime,
                        session,
                        made: Instant::now(),
                        ended: Arc::clone(&ended),
                    };
                    Some(tokio::spawn(inside.attend(counter, stop.clone())))
                }
                Err(error) => {
                    tracing::warn!(%error, "`outboard workspace` cannot reach this workspace");
                    None
                }
            };
            Ok(Arc::new(Furnished {
                workspace,
                tasks: Mutex::new(tools.into_iter().chain(counter).collect()),
                stop,
                ended,
            }) as Arc<dyn Workspace>)
        }
        .boxed()
    }

    fn describe(&self) -> String {
        self.walls.describe().to_owned()
    }
}

/// Says which protections a workspace lacks that it can do without.
fn tell_missing(standings: &[Standing]) {
    let missing: Vec<String> = standings
        .iter()
        .filter(|standing| !standing.in_force)
        .map(|standing| format!("{} ({})", standing.protection.name(), standing.note))
        .collect();
    if missing.is_empty() {
        tracing::info!("a workspace was made, with every protection");
    } else {
        tracing::info!("a workspace was made; not in force: {}", missing.join(", "));
    }
}

/// A workspace and what belongs to it.
struct Furnished {
    workspace: Arc<dyn Workspace>,
    /// Those that answer its tool calls and this user's commands.
    tasks: Mutex<Vec<JoinHandle<()>>>,
    stop: CancellationToken,
    /// Why it has ended, if somebody ended it.
    ended: Arc<OnceLock<&'static str>>,
}

impl Workspace for Furnished {
    fn run(&self, command: Command) -> BoxFuture<'_, Result<Ran, WorkspaceLost>> {
        async move {
            self.workspace.run(command).await.map_err(|lost| match self.ended.get() {
                Some(why) => WorkspaceLost { reason: (*why).to_owned() },
                None => lost,
            })
        }
        .boxed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async move {
            self.stop.cancel();
            for task in std::mem::take(&mut *self.tasks.lock().await) {
                if let Err(error) = task.await {
                    tracing::error!(%error, "a workspace's socket broke");
                }
            }
            self.workspace.close().await;
        }
        .boxed()
    }
}
