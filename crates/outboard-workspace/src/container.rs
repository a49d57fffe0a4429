//! The wall of a container, by Docker's or Podman's own command: where Linux's means are not to be had directly, and on systems
//! that have containers in a machine of their own.
//!
//! The container lives as long as its standard input is open here: if Outboard dies in any way, so does the container. Each
//! command is an `exec` in it.

mod arguments;
mod engine;
mod exec;
mod furnish;
mod standing;

use std::{
    io,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use futures::future::{BoxFuture, FutureExt as _};
use outboard_jail::{HOME, Protection, Standing};
use outboard_runtime::ports::workspace::{Command, End, Ran, Workspace, WorkspaceLost};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader},
    process::Child,
    sync::Mutex,
    time::timeout,
};

pub use engine::{Engine, NoEngine};
use exec::Exec;

use crate::furnishing::Furnishing;

/// How long the making of a container may take; an image may have to be fetched.
const MAKING: Duration = Duration::from_secs(300);
/// How long it may take to furnish it.
const FURNISHING: Duration = Duration::from_secs(60);
/// Bytes of what it tells of itself.
const LOOK: u64 = 1 << 20;
/// How long it may take to end.
const ENDING: Duration = Duration::from_secs(15);
/// Bytes of what an engine says of a failure.
const SAID: u64 = 4 << 10;
/// What the first process does: says that it is there, takes in orphans, and ends with its input.
const FIRST: &str = "echo ready; while read -r _; do :; done";
/// What the first process says.
const READY: &str = "ready";
/// Runs what follows, with both of its streams as one.
const ONE_STREAM: &str = "exec \"$@\" 2>&1";
/// Ends all processes but the first, which no signal from within ends.
const END_ALL: &str = "kill -KILL -1";

/// How containers are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Containers {
    /// What makes them.
    pub engine: Engine,
    /// What is in them.
    pub image: Image,
}

/// A file system to work in. It has to have bash and coreutils.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Image {
    /// One that the engine has, or fetches.
    Named(String),
    /// A folder of the host's, which stays as it is; Podman takes such.
    Folder(PathBuf),
}

/// A container was not made.
#[derive(Debug, thiserror::Error)]
pub enum ContainerRefused {
    /// The engine is not there.
    #[error("the engine `{engine}` cannot be started")]
    NoEngine {
        /// Its name.
        engine: String,
        /// Why.
        source: io::Error,
    },
    /// The engine takes images alone.
    #[error("`{engine}` makes no container of a folder: name an image, or use podman")]
    NoFolders {
        /// Its name.
        engine: String,
    },
    /// The engine does not make it.
    #[error("`{engine}` does not make a container: {said}")]
    Engine {
        /// Its name.
        engine: String,
        /// In its words.
        said: String,
    },
    /// It was made and cannot be worked in.
    #[error("the container cannot be furnished: {why}")]
    Furnishing {
        /// Why.
        why: String,
    },
    /// It lacks something that it has to have.
    #[error("the container has not the protection `{}`: {why}", protection.name())]
    Missing {
        /// Which.
        protection: Protection,
        /// Why.
        why: String,
    },
    /// It takes longer than anybody waits.
    #[error("`{engine}` has not made a container in {MAKING:?}")]
    Slow {
        /// Its name.
        engine: String,
    },
}

/// A workspace in a container.
pub struct Container {
    engine: Engine,
    name: String,
    /// The engine's command that holds it, and one command at a time.
    holder: Mutex<Option<Child>>,
    standings: Vec<Standing>,
}

impl Containers {
    /// Makes a container of this name, which nobody else may have. `tools` is the socket for tool calls on this host; whoever
    /// is in the container reaches it, so it has to be open to all and lie where nobody else comes.
    ///
    /// # Errors
    /// If the engine does not, or it is no wall. Then nothing of it is left.
    pub async fn make(
        &self,
        name: &str,
        furnishing: &Furnishing,
        tools: Option<&Path>,
    ) -> Result<Container, ContainerRefused> {
        let engine = || self.engine.name().to_owned();
        if matches!(self.image, Image::Folder(_)) && !self.engine.is_podman() {
            return Err(ContainerRefused::NoFolders { engine: engine() });
        }
        let mut command = self.engine.command();
        command
            .args(arguments::arguments(self, name, furnishing, tools))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut holder =
            command.spawn().map_err(|source| ContainerRefused::NoEngine { engine: engine(), source })?;
        let ready = timeout(MAKING, is_ready(&mut holder)).await;
        if !ready.map_err(|_| ContainerRefused::Slow { engine: engine() })? {
            return Err(ContainerRefused::Engine { engine: engine(), said: last_words(&mut holder).await });
        }
        let mut container = Container {
            engine: self.engine.clone(),
            name: name.to_owned(),
            holder: Mutex::new(Some(holder)),
            standings: Vec::new(),
        };
        match container.furnish(furnishing).await {
            Ok(standings) => container.standings = standings,
            Err(refused) => {
                container.close().await;
                return Err(refused);
            }
        }
        Ok(container)
    }
}

/// Whether the first process says that it is there.
async fn is_ready(holder: &mut Child) -> bool {
    let Some(said) = holder.stdout.take() else { return false };
    let mut line = String::new();
    let read = BufReader::new(said.take(SAID)).read_line(&mut line).await;
    read.is_ok() && line.trim_end() == READY
}

/// What the engine said before it ended.
async fn last_words(holder: &mut Child) -> String {
    let mut said = Vec::new();
    if let Some(errors) = holder.stderr.take() {
        // What came until then is what there is.
        let _ = timeout(ENDING, errors.take(SAID).read_to_end(&mut said)).await;
    }
    let said = String::from_utf8_lossy(&said).trim().to_owned();
    if said.is_empty() { "it says nothing; the image has to have /bin/bash".to_owned() } else { said }
}

impl Workspace for Container {
    fn run(&self, asked: Command) -> BoxFuture<'_, Result<Ran, WorkspaceLost>> {
        async move {
            // One at a time: whoever holds this runs.
            let mut holder = self.holder.lock().await;
            let lives = holder.as_mut().is_some_and(|holder| matches!(holder.try_wait(), Ok(None)));
            if !lives {
                return Err(WorkspaceLost { reason: "the container has ended".to_owned() });
            }
            let mut exec = self.engine.command();
            exec.args(["exec", "--interactive", "--workdir", HOME, &self.name]);
            if asked.merged {
                // An engine brings two streams in any order, one as it was written.
                exec.args(["/bin/bash", "-c", ONE_STREAM, "-"]);
            }
            exec.args(&asked.argv);
            let mut exec = Exec::start(exec, &asked).map_err(|error| lost(&error))?;
            match timeout(asked.deadline, exec.end()).await {
                Ok(ended) => ended.map_err(|error| lost(&error)),
                Err(_) => {
                    self.end_all().await;
                    // What it wrote until then is what there is.
                    let ran = timeout(ENDING, exec.end()).await;
                    let mut ran = match ran {
                        Ok(Ok(ran)) => ran,
                        Ok(Err(error)) => return Err(lost(&error)),
                        Err(_) => {
                            return Err(WorkspaceLost { reason: "the engine does not answer".to_owned() });
                        }
                    };
                    ran.end = End::Deadline;
                    Ok(ran)
                }
            }
        }
        .boxed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async move {
            let Some(mut holder) = self.holder.lock().await.take() else { return };
            drop(holder.stdin.take());
            if timeout(ENDING, holder.wait()).await.is_err() {
                tracing::warn!(name = %self.name, "a container did not end by itself");
                let mut remove = self.engine.command();
                remove.args(["rm", "--force", &self.name]);
                if let Err(error) = remove.output().await {
                    tracing::error!(%error, name = %self.name, "a container may be left");
                }
            }
        }
        .boxed()
    }
}

impl Container {
    /// Which protections it has, and which not, as far as can be seen from within.
    pub fn standings(&self) -> &[Standing] {
        &self.standings
    }

    /// Writes what it is furnished with, and looks what keeps it in.
    async fn furnish(&self, furnishing: &Furnishing) -> Result<Vec<Standing>, ContainerRefused> {
        let command = Command {
            argv: ["/bin/bash", "-c", furnish::RUN].map(str::to_owned).to_vec(),
            input: Some(furnish::script(furnishing).into_bytes()),
            merged: false,
            output: LOOK,
            deadline: FURNISHING,
        };
        let failed = |why: String| ContainerRefused::Furnishing { why };
        let ran = self.run(command).await.map_err(|lost| failed(lost.to_string()))?;
        if ran.end != End::Code(0) {
            let said = String::from_utf8_lossy(&ran.errors);
            return Err(failed(format!("{:?}: {}", ran.end, said.trim())));
        }
        let look = String::from_utf8_lossy(&ran.output);
        let standings = standing::standings(&look, &furnishing.limits, own_namespace);
        match standing::missing(&standings, &furnishing.required) {
            Some((protection, why)) => Err(ContainerRefused::Missing { protection, why }),
            None => Ok(standings),
        }
    }

    /// Ends everything that runs in it but its first process.
    async fn end_all(&self) {
        let mut kill = self.engine.command();
        kill.args(["exec", &self.name, "/bin/bash", "-c", END_ALL]);
        match timeout(ENDING, kill.output()).await {
            // It ends itself too, so its own end says nothing.
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                tracing::warn!(%error, name = %self.name, "could not end what runs in a container");
            }
            Err(_) => tracing::warn!(name = %self.name, "could not end what runs in a container in time"),
        }
    }
}

fn lost(error: &io::Error) -> WorkspaceLost {
    WorkspaceLost { reason: error.to_string() }
}

/// The namespace of this kind that this process is in, where there are such.
fn own_namespace(kind: &str) -> Option<String> {
    let link = std::fs::read_link(Path::new("/proc/self/ns").join(kind)).ok()?;
    link.to_str().map(str::to_owned)
}
