//! The walls that workspaces stand behind, as the settings name them, and the way in for tool calls through each.
//! What keeps anybody in is outboard-workspace's matter.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use outboard_jail::{Protection, Standing};
use outboard_runtime::ports::workspace::{Workspace, WorkspaceRefused};
use outboard_socket::{Door, Private};
#[cfg(target_os = "linux")]
use outboard_workspace::jail::{Launcher, order};
use outboard_workspace::{
    container::{Containers, Engine, Image},
    daytona::Daytona,
    furnishing::Furnishing,
};
use sha2::{Digest as _, Sha256};
#[cfg(target_os = "linux")]
use tokio::sync::Mutex;
use tokio::sync::OnceCell;

use crate::{
    config::{DaytonaSettings, Wall, WorkspaceSettings},
    report,
};

/// This program, also when its file was replaced meanwhile.
#[cfg(target_os = "linux")]
const OURSELVES: &str = "/proc/self/exe";
/// What containers are called, with the workspace's name after it.
const CONTAINER: &str = "outboard-";

/// What makes workspaces of one kind.
pub(crate) enum Walls {
    /// Jails; a launcher waits for its order, so that most of the time that a jail takes has passed by then.
    #[cfg(target_os = "linux")]
    Jail(Box<Mutex<Option<Launcher>>>),
    /// Containers, and where their sockets for tool calls lie.
    Container { containers: Containers, sockets: PathBuf },
    /// Remote sandboxes, and where the sockets lie to which their tool calls are carried. What others left is swept once.
    Daytona { daytona: Daytona, sockets: PathBuf, swept: OnceCell<()> },
}

/// A workspace, what keeps it in, and where its tool calls come in.
pub(super) struct Walled {
    pub(super) workspace: Arc<dyn Workspace>,
    pub(super) standings: Vec<Standing>,
    pub(super) door: Option<Door>,
}

impl Walls {
    /// Those that the settings name. `programs` are folders of programs, `state` the state directory.
    ///
    /// # Errors
    /// If there are none of this kind here; the reason says what to do.
    pub(crate) fn of(
        settings: &WorkspaceSettings,
        programs: &str,
        state: &Path,
    ) -> Result<Self, WorkspaceRefused> {
        match settings.wall {
            #[cfg(target_os = "linux")]
            Wall::Jail => Ok(Self::Jail(Box::default())),
            #[cfg(not(target_os = "linux"))]
            Wall::Jail => Err(WorkspaceRefused {
                reason: "a jail takes Linux; `\"runtime\": \"container\"` in the setting `workspace` takes Podman or Docker".to_owned(),
            }),
            Wall::Container => {
                let containers = containers(settings, programs)?;
                Ok(Self::Container { containers, sockets: state.join("containers") })
            }
            Wall::Daytona => {
                let daytona = daytona(&settings.daytona, state)?;
                Ok(Self::Daytona { daytona, sockets: state.join("daytona"), swept: OnceCell::new() })
            }
        }
    }

    /// The same with a launcher that waits, where there are such. If it cannot be started, whoever asks is told.
    pub(crate) fn ready(self) -> Self {
        match self {
            #[cfg(target_os = "linux")]
            Self::Jail(_) => Self::Jail(Box::new(Mutex::new(Launcher::start(Path::new(OURSELVES)).ok()))),
            other => other,
        }
    }

    /// Makes a workspace of this name.
    pub(super) async fn make(&self, name: &str, furnishing: Furnishing) -> Result<Walled, WorkspaceRefused> {
        match self {
            #[cfg(target_os = "linux")]
            Self::Jail(spare) => {
                let ready = spare.lock().await.take();
                let launcher = ready.map_or_else(|| Launcher::start(Path::new(OURSELVES)), Ok);
                let launcher = launcher.map_err(|error| refused(&error))?;
                let made = launcher.make(&order(&furnishing)).await;
                let (jail, listener) = made.map_err(|error| refused(&error))?;
                let door = listener.map(Door::behind_a_wall).transpose();
                let door = door.map_err(|error| unserved(&error))?;
                let standings = jail.standings().to_vec();
                Ok(Walled { workspace: Arc::new(jail), standings, door })
            }
            Self::Container { containers, sockets } => {
                let door = if furnishing.tools { Some(socket(sockets, name)?) } else { None };
                let socket = door.as_ref().and_then(Door::path);
                let made = containers.make(&format!("{CONTAINER}{name}"), &furnishing, socket).await;
                let container = made.map_err(|error| refused(&error))?;
                let standings = container.standings().to_vec();
                Ok(Walled { workspace: Arc::new(container), standings, door })
            }
            Self::Daytona { daytona, sockets, swept } => {
                swept.get_or_init(|| swept_of(daytona)).await;
                let door = if furnishing.tools { Some(socket(sockets, name)?) } else { None };
                let tools = door.as_ref().and_then(Door::path);
                let made = daytona.make(name, &furnishing, tools).await;
                let sandbox = made.map_err(|error| refused(&error))?;
                // Nothing of it can be looked at from here.
                let unseen = |protection| Standing {
                    protection,
                    in_force: false,
                    note: "not looked at: it is the service's word".to_owned(),
                };
                let standings = Protection::ALL.map(unseen).to_vec();
                Ok(Walled { workspace: Arc::new(sandbox), standings, door })
            }
        }
    }

    /// Whether tool calls come out of what is made here. A container in a virtual machine of its own is shown no socket.
    pub(super) fn carries_calls(&self) -> bool {
        match self {
            #[cfg(target_os = "linux")]
            Self::Jail(_) => true,
            Self::Container { .. } => cfg!(target_os = "linux"),
            Self::Daytona { .. } => true,
        }
    }

    /// What a model is told of the place.
    pub(super) fn describe(&self) -> &'static str {
        match self {
            #[cfg(target_os = "linux")]
            Self::Jail(_) => "Linux with bash, Python and the system's programs, in a jail",
            Self::Container { .. } => "Linux with bash and what its image has, in a container",
            Self::Daytona { .. } => "Linux with bash and what its snapshot has, in a remote sandbox",
        }
    }
}

fn daytona(settings: &DaytonaSettings, state: &Path) -> Result<Daytona, WorkspaceRefused> {
    let variable = &settings.key_env;
    let key = std::env::var(variable).ok().filter(|key| !key.is_empty()).ok_or_else(|| WorkspaceRefused {
        reason: format!(
            "the variable {variable} holds no key to Daytona; the setting `workspace.daytona.keyEnv` names another"
        ),
    })?;
    let hash = Sha256::digest(state.as_os_str().as_encoded_bytes());
    let instance: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let (snapshot, target) = (settings.snapshot.clone(), settings.target.clone());
    Daytona::new(&settings.url, &key, &instance, snapshot, target).map_err(|error| WorkspaceRefused {
        reason: format!("{}; see the setting `workspace.daytona`", report::chain(&error)),
    })
}

/// Deletes what killed Outboards of this state directory left. If it cannot be done, the service does it later.
async fn swept_of(daytona: &Daytona) {
    match daytona.sweep(lives).await {
        Ok(0) => {}
        Ok(count) => tracing::info!(count, "remote sandboxes were deleted that killed Outboards had left"),
        Err(error) => {
            tracing::warn!(%error, "remote sandboxes that killed Outboards left may be there still");
        }
    }
}

/// Whether this process lives, as far as can be seen; where it cannot be, it does.
fn lives(process: u32) -> bool {
    if !cfg!(target_os = "linux") {
        return true;
    }
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"));
    // One whose parent has not heard of its end has ended.
    stat.is_ok_and(|stat| !stat.rsplit(')').next().is_some_and(|state| state.starts_with(" Z")))
}

fn containers(settings: &WorkspaceSettings, programs: &str) -> Result<Containers, WorkspaceRefused> {
    let engine = match settings.engine.split_first() {
        Some((program, arguments)) => Engine::of(program, arguments.iter().cloned()),
        None => Engine::find(programs.as_ref()).map_err(|none| WorkspaceRefused {
            reason: format!("{none}; install one, or name it in the setting `workspace.engine`"),
        })?,
    };
    let image = settings.image.as_deref().ok_or_else(|| WorkspaceRefused {
        reason: "no image is named, and none is fetched unasked: set `workspace.image`, for example to \"docker.io/library/python:3.14-slim\", or to the path of a folder with a root file system".to_owned(),
    })?;
    let image = if image.starts_with('/') {
        Image::Folder(PathBuf::from(image))
    } else {
        Image::Named(image.to_owned())
    };
    Ok(Containers { engine, image })
}

/// A socket that can be shown to a container. It lies in a folder that nobody else can enter.
fn socket(folder: &Path, name: &str) -> Result<Door, WorkspaceRefused> {
    let folder = Private::folder(folder).map_err(|error| unserved(&error))?;
    sweep(folder.path());
    outboard_socket::open_to_be_shown(&folder, name).map_err(|error| unserved(&error))
}

/// Takes away the sockets that killed processes left.
fn sweep(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let tried = std::os::unix::net::UnixStream::connect(entry.path());
        if tried.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused) {
            // Another process may have been quicker.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

fn unserved(error: &dyn std::error::Error) -> WorkspaceRefused {
    let reason = format!("its socket for tool calls cannot be served: {}", report::chain(error));
    WorkspaceRefused { reason }
}

fn refused(error: &dyn std::error::Error) -> WorkspaceRefused {
    let reason = format!("{}; `outboard doctor` tells what a workspace takes", report::chain(error));
    WorkspaceRefused { reason }
}
