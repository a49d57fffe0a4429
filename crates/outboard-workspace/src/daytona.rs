//! The wall of a remote sandbox, by Daytona's documented HTTP API. It is tested against a fake, and untested against the service.
//!
//! A sandbox would outlive an Outboard that is killed. So the service ends it by itself after a while, and it is labelled,
//! so that the next start deletes it. What keeps it in is the service's word. Tool calls are carried by a relay in it.

mod api;
mod relay;
mod script;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

use futures::future::{BoxFuture, FutureExt as _};
use outboard_jail::TOOLS;
use outboard_runtime::ports::workspace::{Command, Ran, Workspace, WorkspaceLost};
use serde_json::json;
use tokio::{
    sync::Mutex,
    task::JoinSet,
    time::{Instant, sleep, timeout_at},
};

pub use api::ApiFailed;
use api::{Api, PROCESS, Told};
use relay::Relay;

use crate::furnishing::Furnishing;

/// How long the making of a sandbox may take.
const MAKING: Duration = Duration::from_secs(300);
/// How long its end may take.
const ENDING: Duration = Duration::from_secs(30);
/// Between two looks at it.
const LOOKS: Duration = Duration::from_millis(250);
/// Minutes without a request after which the service stops it, and deletes it with that.
const IDLE: u64 = 15;
/// Where scripts and inputs lie there.
const OWN: &str = "/tmp/outboard";
/// The label that every sandbox of this Outboard has.
const LABEL: &str = "outboard";
/// The label of its name.
const NAME: &str = "outboard-workspace";
/// Seconds that a script has beside its command's.
const BESIDE: u64 = 30;
/// Bytes of an answer beside what a command wrote.
const FRAME: usize = 64 << 10;
/// Programs are looked for here.
const PROGRAMS: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// How remote sandboxes are made.
#[derive(Clone, Debug)]
pub struct Daytona {
    api: Api,
    instance: String,
    snapshot: Option<String>,
    target: Option<String>,
}

/// A remote sandbox was not made.
#[derive(Debug, thiserror::Error)]
pub enum DaytonaRefused {
    /// A request came to nothing.
    #[error(transparent)]
    Api(#[from] ApiFailed),
    /// It became something else than a sandbox that runs.
    #[error("the sandbox is in the state `{state}` and does not start")]
    State {
        /// In the service's words.
        state: String,
    },
    /// It takes longer than anybody waits.
    #[error("Daytona has not made a sandbox in {MAKING:?}")]
    Slow,
    /// Something is required that nobody can see from here.
    #[error("a remote sandbox's protections are the service's word, and these are required: {names}")]
    Unseen {
        /// Which.
        names: String,
    },
    /// It was made and cannot be worked in.
    #[error("the sandbox cannot be furnished: {said}")]
    Furnishing {
        /// In its words.
        said: String,
    },
}

impl Daytona {
    /// The service at this address. `instance` labels the sandboxes of one Outboard; the key is kept from all that is shown.
    ///
    /// # Errors
    /// If the address is neither https nor on the loopback, or the key is none.
    pub fn new(
        url: &str,
        key: &str,
        instance: &str,
        snapshot: Option<String>,
        target: Option<String>,
    ) -> Result<Self, ApiFailed> {
        Ok(Self { api: Api::new(url, key)?, instance: instance.to_owned(), snapshot, target })
    }

    /// Deletes what Outboards of this instance left that do not live any more, and tells how many there were.
    ///
    /// # Errors
    /// If the service does not tell, or does not delete.
    pub async fn sweep(&self, lives: impl Fn(u32) -> bool) -> Result<usize, ApiFailed> {
        let mut left = self.api.labelled(&json!({ LABEL: self.instance })).await?;
        left.retain(|sandbox| sandbox.process.is_none_or(|process| !lives(process)));
        for sandbox in &left {
            self.api.delete(&sandbox.id).await?;
        }
        Ok(left.len())
    }

    /// Makes a sandbox of this name, which no other of the instance may have, and furnishes it. `tools` is the socket for tool
    /// calls here.
    ///
    /// # Errors
    /// If the service does not, or something is required that cannot be seen. Then what was made is deleted.
    pub async fn make(
        &self,
        name: &str,
        furnishing: &Furnishing,
        tools: Option<&Path>,
    ) -> Result<Sandbox, DaytonaRefused> {
        if !furnishing.required.is_empty() {
            let names: Vec<_> = furnishing.required.iter().map(|protection| protection.name()).collect();
            return Err(DaytonaRefused::Unseen { names: names.join(", ") });
        }
        let mut asked = json!({
            "labels": { LABEL: self.instance, PROCESS: std::process::id().to_string(), NAME: name },
            "public": false,
            "networkBlockAll": true,
            "autoStopInterval": IDLE,
            "autoDeleteInterval": 0,
        });
        for (name, value) in [("snapshot", &self.snapshot), ("target", &self.target)] {
            if let Some(value) = value {
                asked[name] = json!(value);
            }
        }
        let until = Instant::now() + MAKING;
        let told = match timeout_at(until, self.api.create(&asked)).await {
            Ok(Ok(told)) => told,
            // It may have been made all the same.
            Ok(Err(failed)) => {
                self.forget(name).await;
                return Err(failed.into());
            }
            Err(_) => {
                self.forget(name).await;
                return Err(DaytonaRefused::Slow);
            }
        };
        let mut environment = furnishing.environment();
        environment.push(("PATH".to_owned(), PROGRAMS.to_owned()));
        let mut sandbox = Sandbox {
            api: self.api.clone(),
            told,
            environment,
            next: AtomicU64::new(0),
            closed: AtomicBool::new(false),
            turn: Mutex::new(()),
            relay: Mutex::default(),
        };
        let made = match timeout_at(until, sandbox.started()).await {
            Ok(Ok(())) => sandbox.furnish(furnishing, tools).await,
            Ok(Err(refused)) => Err(refused),
            Err(_) => Err(DaytonaRefused::Slow),
        };
        if let Err(refused) = made {
            sandbox.close().await;
            return Err(refused);
        }
        Ok(sandbox)
    }
}

impl Daytona {
    /// Deletes what was asked for under this name and may have been made.
    async fn forget(&self, name: &str) {
        let forgotten = async {
            for sandbox in self.api.labelled(&json!({ LABEL: self.instance, NAME: name })).await? {
                self.api.delete(&sandbox.id).await?;
            }
            Ok::<(), ApiFailed>(())
        };
        match timeout_at(Instant::now() + ENDING, forgotten).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "a remote sandbox may be left"),
            Err(_) => tracing::error!("a remote sandbox may be left: the service does not answer in time"),
        }
    }
}

/// A workspace in a remote sandbox.
pub struct Sandbox {
    api: Api,
    told: Told,
    environment: Vec<(String, String)>,
    next: AtomicU64,
    closed: AtomicBool,
    /// Whoever holds it runs.
    turn: Mutex<()>,
    /// What carries tool calls, at most one; it ends with this.
    relay: Mutex<JoinSet<()>>,
}

/// Ends what runs if nobody waits for it any more.
struct Waited<'a> {
    sandbox: &'a Sandbox,
    done: bool,
}

impl Drop for Waited<'_> {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        let (api, told) = (self.sandbox.api.clone(), self.sandbox.told.clone());
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = api.execute(&told, &end_line(&told.id), BESIDE, FRAME).await {
                    tracing::warn!(%error, id = %told.id, "could not end what runs in a remote sandbox");
                }
            });
        }
    }
}

impl Sandbox {
    async fn started(&mut self) -> Result<(), DaytonaRefused> {
        loop {
            match self.told.state.as_str() {
                "started" => return Ok(()),
                "error" | "build_failed" | "destroyed" | "destroying" | "stopped" | "archived" => {
                    let state = self.told.state.clone();
                    return Err(DaytonaRefused::State { state });
                }
                _ => sleep(LOOKS).await,
            }
            let told = self.api.look(&self.told.id).await?;
            // What is looked for, and later deleted, stays what was made.
            self.told = Told { id: self.told.id.clone(), ..told };
        }
    }

    async fn furnish(&self, furnishing: &Furnishing, tools: Option<&Path>) -> Result<(), DaytonaRefused> {
        let mut folders: BTreeSet<PathBuf> =
            furnishing.written().filter_map(|(path, _)| path.parent().map(Path::to_owned)).collect();
        folders.extend(tools.and(Path::new(TOOLS).parent()).map(Path::to_owned));
        let mut script = "set -e\nas=; [ \"$(id -u)\" = 0 ] || as='sudo -n'\n".to_owned();
        for folder in folders {
            let folder = script::quoted(&folder.to_string_lossy());
            script.push_str(&format!("$as mkdir -p -- {folder}\n$as chown \"$(id -u)\" -- {folder}\n"));
        }
        script.push_str("echo made\n");
        let path = format!("{OWN}/furnish.sh");
        self.api.upload(&self.told, &path, script.as_bytes()).await?;
        let said = self.api.execute(&self.told, &format!("/bin/bash {path}"), BESIDE, FRAME).await?;
        if said.trim() != "made" {
            return Err(DaytonaRefused::Furnishing { said: api::shown(&said) });
        }
        for (path, text) in furnishing.written() {
            self.api.upload(&self.told, &path.to_string_lossy(), text.as_bytes()).await?;
        }
        if let Some(tools) = tools {
            self.carry(tools).await?;
        }
        Ok(())
    }

    /// Starts the relay there, and what fetches from it here.
    async fn carry(&self, tools: &Path) -> Result<(), DaytonaRefused> {
        let (program, desk) = (format!("{OWN}/relay.py"), format!("{OWN}/relay"));
        self.api.upload(&self.told, &program, relay::PROGRAM.as_bytes()).await?;
        let words = [&program, "serve", TOOLS, &desk].map(script::quoted).join(" ");
        let start = format!(
            "setsid python3 {words} </dev/null >/dev/null 2>&1 & \
             for n in $(seq 50); do [ -S {desk} ] && echo up && exit; sleep 0.1; done; command -v python3 || echo no python3"
        );
        let said = self
            .api
            .execute(&self.told, &format!("/bin/bash -c {}", script::quoted(&start)), BESIDE, FRAME)
            .await?;
        if said.trim() != "up" {
            return Err(DaytonaRefused::Furnishing { said: api::shown(&said) });
        }
        let relay =
            Relay { api: self.api.clone(), told: self.told.clone(), program, desk, tools: tools.to_owned() };
        self.relay.lock().await.spawn(relay.carry());
        Ok(())
    }

    async fn run_one(&self, asked: &Command) -> Result<Ran, ApiFailed> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (path, input) = (format!("{OWN}/{number}.sh"), format!("{OWN}/{number}.in"));
        if let Some(bytes) = &asked.input {
            self.api.upload(&self.told, &input, bytes).await?;
        }
        let script = script::script(
            &self.told.id,
            asked,
            &self.environment,
            asked.input.as_ref().map(|_| input.as_str()),
        );
        self.api.upload(&self.told, &path, script.as_bytes()).await?;
        // Two streams in base64, each of as much as is kept.
        let output = usize::try_from(asked.output).unwrap_or(usize::MAX);
        let bound = output.saturating_mul(3).saturating_add(FRAME);
        let seconds = asked.deadline.as_secs().saturating_add(BESIDE);
        let mut waited = Waited { sandbox: self, done: false };
        let line = format!("/bin/bash {path}; rm -f {path} {input}");
        let answer = self.api.execute(&self.told, &line, seconds, bound).await?;
        waited.done = true;
        script::ran(&answer, asked).ok_or(ApiFailed::Nonsense { what: "a command's end is not told" })
    }
}

impl Workspace for Sandbox {
    fn run(&self, asked: Command) -> BoxFuture<'_, Result<Ran, WorkspaceLost>> {
        async move {
            let _turn = self.turn.lock().await;
            if self.closed.load(Ordering::Acquire) {
                return Err(WorkspaceLost { reason: "the remote sandbox is closed".to_owned() });
            }
            self.run_one(&asked).await.map_err(|error| WorkspaceLost { reason: error.to_string() })
        }
        .boxed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async move {
            if self.closed.swap(true, Ordering::AcqRel) {
                return;
            }
            self.relay.lock().await.shutdown().await;
            let id = &self.told.id;
            match timeout_at(Instant::now() + ENDING, gone(&self.api, id)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!(%error, %id, "a remote sandbox may be left"),
                Err(_) => tracing::error!(%id, "a remote sandbox may be left: its end is not told in time"),
            }
        }
        .boxed()
    }
}

/// Deletes it, and waits until it is gone.
async fn gone(api: &Api, id: &str) -> Result<(), ApiFailed> {
    api.delete(id).await?;
    loop {
        match api.look(id).await {
            Err(ApiFailed::Refused { status: 404, .. }) => return Ok(()),
            Err(failed) => return Err(failed),
            Ok(told) if told.state == "destroyed" => return Ok(()),
            Ok(_) => sleep(LOOKS).await,
        }
    }
}

fn end_line(id: &str) -> String {
    format!("/bin/bash -c {}", script::quoted(&script::end_all(id)))
}
