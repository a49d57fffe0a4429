//! The wall of a container, by Docker's or Podman's own command: where Linux's means are not to be had directly, and on systems
//! that have containers in a machine of their own.
//!
//! The container lives as long as its standard input is open here: if Outboard dies in any way, so does the container. Each
//! command is an `exec` in it.

mod exec;

use std::{io, path::PathBuf, process::Stdio, time::Duration};

use futures::future::{BoxFuture, FutureExt as _};
use outboard_jail::{HOME, order::Limits};
use outboard_runtime::ports::workspace::{Command, End, Ran, Workspace, WorkspaceLost};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader},
    process::Child,
    sync::Mutex,
    time::timeout,
};

use exec::Exec;

/// How long the making of a container may take; an image may have to be fetched.
const MAKING: Duration = Duration::from_secs(300);
/// How long it may take to end.
const ENDING: Duration = Duration::from_secs(15);
/// What the first process does: says that it is there, takes in orphans, and ends with its input.
const FIRST: &str = "echo ready; while read -r _; do :; done";
/// What the first process says.
const READY: &str = "ready";
/// Ends all processes but the first, which no signal from within ends.
const END_ALL: &str = "kill -KILL -1";
/// Processes of the same user in all containers together.
const PROCESSES_OF_USER: u32 = 4_096;
/// Whoever works in it.
const USER: &str = "1000:1000";

/// How containers are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Containers {
    /// `docker`, `podman` or another that takes the same arguments, with arguments that come before all others.
    pub engine: Vec<String>,
    /// What is in it.
    pub image: Image,
    /// What it may use.
    pub limits: Limits,
    /// The complete environment of commands, beside what the image says.
    pub environment: Vec<(String, String)>,
    /// What stands in the workspace's `README.md`.
    pub readme: String,
}

/// A file system to work in. It has to have bash and coreutils.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Image {
    /// One that the engine has, or fetches.
    Named(String),
    /// A folder of the host's; Podman takes such.
    Folder(PathBuf),
}

/// A container was not made.
#[derive(Debug, thiserror::Error)]
pub enum ContainerRefused {
    /// There is no engine of this name.
    #[error("`{engine}` cannot be started")]
    NoEngine {
        /// Its name.
        engine: String,
        /// Why.
        source: io::Error,
    },
    /// The engine does not make it.
    #[error("`{engine}` does not make a container: {said}")]
    Engine {
        /// Its name.
        engine: String,
        /// In its words.
        said: String,
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
    engine: Vec<String>,
    name: String,
    /// The engine's command that holds it, and one command at a time.
    holder: Mutex<Option<Child>>,
}

impl Containers {
    /// Makes a container of this name, which nobody else may have.
    ///
    /// # Errors
    /// If the engine does not. Then nothing of it is left.
    pub async fn make(&self, name: &str) -> Result<Container, ContainerRefused> {
        let engine = || self.engine.first().cloned().unwrap_or_default();
        let mut command = command(&self.engine);
        command
            .args(self.arguments(name))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut holder =
            command.spawn().map_err(|source| ContainerRefused::NoEngine { engine: engine(), source })?;
        let said = holder.stdout.take().map(BufReader::new);
        let first = async {
            let mut line = String::new();
            if let Some(mut said) = said {
                said.read_line(&mut line).await?;
            }
            Ok::<_, io::Error>(line)
        };
        let ready = timeout(MAKING, first).await;
        let ready = ready.map_err(|_| ContainerRefused::Slow { engine: engine() })?;
        if !matches!(&ready, Ok(line) if line.trim_end() == READY) {
            let mut said = Vec::new();
            if let Some(errors) = holder.stderr.take() {
                // What it said before it ended, or nothing.
                let _ = timeout(ENDING, errors.take(4 << 10).read_to_end(&mut said)).await;
            }
            let said = String::from_utf8_lossy(&said).trim().to_owned();
            return Err(ContainerRefused::Engine { engine: engine(), said });
        }
        let container = Container {
            engine: self.engine.clone(),
            name: name.to_owned(),
            holder: Mutex::new(Some(holder)),
        };
        let readme = crate::files::write(&container, "README.md", self.readme.clone().into_bytes()).await;
        if let Err(error) = readme {
            container.close().await;
            return Err(ContainerRefused::Engine { engine: engine(), said: error.to_string() });
        }
        Ok(container)
    }

    /// Everything that keeps it in.
    fn arguments(&self, name: &str) -> Vec<String> {
        let Limits { memory, disk, processes, cpu_percent, open_files, .. } = self.limits;
        let mut arguments: Vec<String> = [
            "run",
            "--rm",
            "--interactive",
            "--name",
            name,
            "--network",
            "none",
            "--read-only",
            "--cap-drop",
            "all",
            "--security-opt",
            "no-new-privileges",
            "--user",
            USER,
            "--workdir",
            HOME,
            "--hostname",
            "workspace",
            "--ulimit",
            "core=0:0",
        ]
        .map(str::to_owned)
        .to_vec();
        // Podman would copy what the image has there, and its owner.
        let podman = self.engine.first().is_some_and(|engine| engine.ends_with("podman"));
        let bare = if podman { ",notmpcopyup" } else { "" };
        let place = |path: &str| format!("{path}:rw,nosuid,nodev,exec,mode=1777,size={disk}{bare}");
        for (option, value) in [
            ("--pids-limit", processes.to_string()),
            ("--memory", memory.to_string()),
            ("--memory-swap", memory.to_string()),
            ("--cpus", format!("{}.{:02}", cpu_percent / 100, cpu_percent % 100)),
            ("--ulimit", format!("nofile={open_files}:{open_files}")),
            // What engines set by themselves is more than some hosts allow. The group bounds this container.
            ("--ulimit", format!("nproc={PROCESSES_OF_USER}:{PROCESSES_OF_USER}")),
            ("--tmpfs", place(HOME)),
            ("--tmpfs", place("/tmp")),
            ("--env", format!("HOME={HOME}")),
        ] {
            arguments.extend([option.to_owned(), value]);
        }
        for (variable, value) in &self.environment {
            arguments.extend(["--env".to_owned(), format!("{variable}={value}")]);
        }
        match &self.image {
            Image::Named(image) => arguments.push(image.clone()),
            Image::Folder(folder) => {
                arguments.extend(["--rootfs".to_owned(), format!("{}", folder.display())]);
            }
        }
        arguments.extend(["/bin/bash", "-c", FIRST].map(str::to_owned));
        arguments
    }
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
            let mut exec = command(&self.engine);
            exec.args(["exec", "--interactive", "--workdir", HOME, &self.name]).args(&asked.argv);
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
                let mut remove = command(&self.engine);
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
    /// Ends everything that runs in it but its first process.
    async fn end_all(&self) {
        let mut kill = command(&self.engine);
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

fn command(engine: &[String]) -> tokio::process::Command {
    let mut words = engine.iter();
    let mut command = tokio::process::Command::new(words.next().map_or("docker", String::as_str));
    command.args(words).stdin(Stdio::null()).kill_on_drop(true);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_container_is_kept_in_and_bounded() {
        let containers = Containers {
            engine: vec!["podman".to_owned(), "--runtime".to_owned(), "runc".to_owned()],
            image: Image::Named("debian:12".to_owned()),
            limits: Limits { cpu_percent: 150, ..Limits::default() },
            environment: vec![("LANG".to_owned(), "C.UTF-8".to_owned())],
            readme: String::new(),
        };
        let line = containers.arguments("outboard-1").join(" ");
        for wanted in [
            "run --rm --interactive --name outboard-1 --network none --read-only --cap-drop all --security-opt no-new-privileges",
            "--user 1000:1000",
            "--pids-limit 256 --memory 2147483648 --memory-swap 2147483648 --cpus 1.50",
            "--tmpfs /home/agent:rw,nosuid,nodev,exec,mode=1777,size=536870912,notmpcopyup",
            "--env LANG=C.UTF-8 debian:12 /bin/bash -c ",
        ] {
            assert!(line.contains(wanted), "{wanted}: {line}");
        }
        let folder = Containers { image: Image::Folder(PathBuf::from("/srv/root")), ..containers };
        assert!(folder.arguments("x").join(" ").contains("--rootfs /srv/root /bin/bash -c "));
    }
}
