//! Makes the workspace of a session: a jail furnished with what the settings say, reachable for this user's commands.
//! It decides nothing about calls.

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
    policy::Taint,
    ports::workspace::{Command, Ran, Workspace, WorkspaceLost, WorkspaceRefused, Workspaces},
    session::Session,
};
use outboard_socket::{
    Door, Service, Traffic,
    package::{self, Kind, Reach},
};
use outboard_workspace::{
    files,
    jail::{Furnishing, Jail, JailRefused, Launcher, NODE_PACKAGES, PYTHON_PACKAGES, order},
};
use tokio::{
    sync::{Mutex, watch},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use super::{
    desk::{Counter, Desk, Reply, Request},
    readme,
};
use crate::{config::WorkspaceSettings, report, wiring::System};

/// This program, also when its file was replaced meanwhile.
const OURSELVES: &str = "/proc/self/exe";
/// What the packages of tools are called.
const PACKAGE: &str = "mcp_tools";
/// How long the making of a workspace waits for tools that are about to be known.
const SETTLING: Duration = Duration::from_secs(1);

/// Makes workspaces.
pub(super) struct Maker {
    runtime: Arc<Runtime>,
    approvals: Arc<Approvals>,
    settings: WorkspaceSettings,
    /// A launcher that waits for its order.
    spare: Arc<Mutex<Option<Launcher>>>,
    desk: Desk,
    made: AtomicU32,
}

impl Maker {
    /// Makes workspaces by these settings.
    pub(super) fn new(system: &System, settings: WorkspaceSettings, state: &Path) -> Self {
        let runtime = Arc::clone(&system.runtime);
        // One is ready before it is asked for. If it cannot be started, whoever asks is told.
        let spare = Arc::new(Mutex::new(Launcher::start(Path::new(OURSELVES)).ok()));
        let approvals = Arc::clone(&system.approvals);
        Self { settings, runtime, approvals, spare, desk: Desk::at(state), made: AtomicU32::new(0) }
    }
}

/// A workspace by these settings without tools.
fn furnishing(settings: &WorkspaceSettings) -> Furnishing {
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

/// A jail by these settings in which nothing is run.
pub(crate) async fn try_out(settings: &WorkspaceSettings) -> Result<Jail, JailRefused> {
    let launcher = Launcher::start(Path::new(OURSELVES))?;
    Ok(launcher.make(&order(&furnishing(settings))).await?.0)
}

impl Workspaces for Maker {
    fn open(
        &self,
        session: &Arc<Session>,
    ) -> BoxFuture<'static, Result<Arc<dyn Workspace>, WorkspaceRefused>> {
        let (settings, session, desk) = (self.settings.clone(), Arc::clone(session), self.desk.clone());
        let approvals = Arc::clone(&self.approvals);
        let (runtime, spare) = (Arc::clone(&self.runtime), Arc::clone(&self.spare));
        let name = format!("w{}-{}", self.made.fetch_add(1, Ordering::Relaxed) + 1, std::process::id());
        async move {
            let ready = spare.lock().await.take();
            let launcher = ready.map_or_else(|| Launcher::start(Path::new(OURSELVES)), Ok);
            let launcher = launcher.map_err(|error| refused(&error))?;
            // As with a first list of tools: what is about to be known is worth a moment.
            runtime.catalogue().settled(SETTLING).await;
            let furnishing = with_tools(&settings, &runtime.catalogue().snapshot());
            let made = launcher.make(&order(&furnishing)).await;
            let (jail, listener) = made.map_err(|error| refused(&error))?;
            tell_missing(jail.standings());
            let jail = Arc::new(jail);
            let stop = CancellationToken::new();
            let service = Service {
                runtime: Arc::clone(&runtime),
                session: Arc::clone(&session),
                reader: Reader::Workspace,
                approvals,
            };
            let door = listener.map(Door::behind_a_wall).transpose().map_err(|error| WorkspaceRefused {
                reason: format!("its socket for tool calls cannot be served: {error}"),
            })?;
            let tools = door.map(|door| {
                let traffic = watch::Sender::new(Traffic::default());
                tokio::spawn(outboard_socket::serve(door, service, traffic, stop.clone()))
            });
            let (ended, counter) = (Arc::new(OnceLock::new()), desk.open(&name));
            let counter = match counter {
                Ok(counter) => {
                    let inside = Inside {
                        jail: Arc::clone(&jail),
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
                jail,
                tasks: Mutex::new(tools.into_iter().chain(counter).collect()),
                stop,
                ended,
            }) as Arc<dyn Workspace>)
        }
        .boxed()
    }

    fn describe(&self) -> String {
        "Linux with bash, Python and the system's programs, in a jail".to_owned()
    }
}

fn refused(error: &JailRefused) -> WorkspaceRefused {
    let reason = format!("{}; `outboard doctor` tells what a workspace takes", report::chain(error));
    WorkspaceRefused { reason }
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
    jail: Arc<Jail>,
    /// Those that answer its tool calls and this user's commands.
    tasks: Mutex<Vec<JoinHandle<()>>>,
    stop: CancellationToken,
    /// Why it has ended, if somebody ended it.
    ended: Arc<OnceLock<&'static str>>,
}

impl Workspace for Furnished {
    fn run(&self, command: Command) -> BoxFuture<'_, Result<Ran, WorkspaceLost>> {
        async move {
            self.jail.run(command).await.map_err(|lost| match self.ended.get() {
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
            self.jail.close().await;
        }
        .boxed()
    }
}

/// What the desk of a workspace knows of it.
struct Inside {
    jail: Arc<Jail>,
    runtime: Arc<Runtime>,
    session: Arc<Session>,
    made: Instant,
    ended: Arc<OnceLock<&'static str>>,
}

impl Inside {
    /// Does what this user's commands ask for, until told to stop.
    async fn attend(self, counter: Counter, stop: CancellationToken) {
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
            Request::Files => match files::list(&*self.jail).await {
                Ok(entries) => Reply::Files(
                    entries.into_iter().map(|entry| (entry.path, entry.size, entry.plain)).collect(),
                ),
                Err(error) => failed(&error),
            },
            Request::Export { folder } => match files::export(&*self.jail, &folder).await {
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
                match files::write(&*self.jail, &path, bytes).await {
                    Ok(()) => Reply::Done,
                    Err(error) => failed(&error),
                }
            }
            Request::Get { path, host } => {
                let bytes = match files::read(&*self.jail, &path).await {
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
                self.jail.close().await;
                Reply::Done
            }
        }
    }

    fn state(&self) -> Reply {
        let (in_force, missing): (Vec<&Standing>, Vec<&Standing>) =
            self.jail.standings().iter().partition(|standing| standing.in_force);
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
