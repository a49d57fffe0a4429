//! `outboard daemon`: serves the programs that use generated packages, for one user and, if it has files with effect, one
//! project. The programs start it where nobody serves them (`--start`), and it ends when none was there for a while.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use clap::Args;
use outboard_runtime::{journal::Reader, session::Session};
use outboard_socket::{Service, Traffic};
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{context::Context, log, serve::tell_unaccepted, signals, variable};
use crate::{
    config::Places,
    daemon::{Holding, Post, SOCKET},
    private_file,
    report::{self, Failure, counted},
    tainted,
    wiring::{Followed, Purpose, Source, System, Wanted},
};

/// How long a daemon that was started on demand stays without a program.
const IDLE: Duration = Duration::from_secs(600);
/// How long whoever starts one waits until it can be reached.
const STARTING: Duration = Duration::from_secs(30);
/// Between two looks whether it can be.
const LOOK: Duration = Duration::from_millis(10);
/// A log that is longer begins anew, in bytes.
const LONGEST_LOG: u64 = 1 << 20;
/// How much of what a daemon said is told when it could not be started, in bytes.
const LAST_SAID: usize = 4_000;
/// On whose behalf the calls are: every program of this user that has the socket.
const CLIENT: &str = "a program with a generated package";

/// Options of `outboard daemon`.
#[derive(Debug, Args)]
pub(super) struct Daemon {
    /// End when no program was connected for so long
    #[arg(long, value_name = "SECONDS")]
    idle: Option<u64>,
    /// See to it that one is there, in the background, and end
    #[arg(long)]
    start: bool,
    /// Serve the servers of this project too, wherever this is started
    #[arg(long, value_name = "DIR", conflicts_with = "no_project")]
    project: Option<PathBuf>,
    /// Serve the user's own servers alone, wherever this is started
    #[arg(long)]
    no_project: bool,
    /// What `--start` starts
    #[arg(long, hide = true, conflicts_with = "start")]
    detached: bool,
}

impl Daemon {
    pub(super) async fn run(self) -> Result<(), Failure> {
        if self.start {
            return self.begin().await;
        }
        if self.detached {
            // Away from the terminal of whoever needed it first. It may lead a session already.
            let _ = rustix::process::setsid();
        }
        log::to_stderr(if self.detached { "warn" } else { "warn,outboard=info,outboard_socket=info" });
        let context = self.context()?;
        // Servers are started where they are started for everybody else here, wherever this was started.
        std::env::set_current_dir(&context.directory).map_err(|error| {
            Failure::new(format_args!("could not go to {}: {error}", context.directory.display()))
        })?;
        let post = self.post(&context)?;
        let folder = post.folder().map_err(|error| Failure::could_not(&error))?;
        let Some(holding) = hold(&post).await? else {
            if self.detached {
                return Ok(());
            }
            let who = post.holder().map(|process| format!(" (process {process})")).unwrap_or_default();
            let served = Failure::new(format_args!("a daemon serves this already{who}"));
            return Err(served.hint("it ends by itself when it is not used; kill that process to end it now"));
        };
        let door = outboard_socket::open(&folder, SOCKET).map_err(|error| Failure::could_not(&error))?;
        self.serve(context, post, door, holding).await
    }

    async fn serve(
        self,
        context: Context,
        post: Post,
        door: outboard_socket::Door,
        holding: Holding,
    ) -> Result<(), Failure> {
        let Context { places, directory, program, trust, configuration } = context;
        let stop = CancellationToken::new();
        let signals = signals::cancel(stop.clone())?;
        let session = Session::new().until(stop.child_token());
        // Programs come and go, and what one of them has read another may send. So may what commands of one call have read:
        // that is followed.
        let seen = tainted::read(&places.state).map_err(|problem| Failure::could_not(&problem))?;
        session.saw(seen.taint);
        session.set_client(CLIENT.into());
        let session = Arc::new(session);
        let system = System::start(
            &configuration,
            &places,
            Purpose { command: "daemon", directory: &directory },
            &variable,
            Wanted::AsConfigured,
        )?;
        tell_unaccepted(&system, &configuration);
        let idle = self.idle.map(Duration::from_secs).or(self.detached.then_some(IDLE));
        if !self.detached {
            tell(&post, &places, configuration.upstreams.len(), idle);
        }
        let service = Service {
            runtime: Arc::clone(&system.runtime),
            session: Arc::clone(&session),
            reader: Reader::Unknown,
            approvals: Arc::clone(&system.approvals),
        };
        let system = system.follow(
            Source { places, directory, program, trust, configuration },
            variable,
            Followed::Kept(session),
        );
        let (traffic, goes_on) = watch::channel(Traffic::default());
        let ending = stop.clone();
        let idling = tokio::spawn(async move {
            tokio::select! {
                () = ending.cancelled() => {}
                () = quiet(goes_on, idle) => ending.cancel(),
            }
        });
        outboard_socket::serve(door, service, traffic, stop.clone()).await;
        // It may have ended because its socket's name is another's.
        stop.cancel();
        // Nobody can come in any more: whoever wants a daemon starts the next one while this one ends its servers.
        drop(holding);
        system.shutdown().await;
        signals.abort();
        if let Err(error) = idling.await {
            tracing::error!(%error, "looking for programs broke");
        }
        Ok(())
    }

    /// What holds where it serves.
    fn context(&self) -> Result<Context, Failure> {
        match (&self.project, self.no_project) {
            (Some(project), _) => {
                Context::load_in(std::fs::canonicalize(project).unwrap_or_else(|_| project.clone()))
            }
            (None, true) => {
                let places = Places::of_user(variable).map_err(|error| Failure::could_not(&error))?;
                // No project's files are looked for in either.
                Context::load_in(places.home().map_or_else(|| PathBuf::from("/"), PathBuf::from))
            }
            (None, false) => Context::load(),
        }
    }

    fn post(&self, context: &Context) -> Result<Post, Failure> {
        // What was asked for is served, also if its files have no effect any more: whoever asks is told so.
        let project = if self.no_project { None } else { self.project.clone().or_else(|| context.project()) };
        Post::here(project, &context.places)
    }

    /// Sees to it that the socket is served: starts a daemon, unless there is one or it was started by somebody else meanwhile.
    async fn begin(self) -> Result<(), Failure> {
        let context = self.context()?;
        let post = self.post(&context)?;
        post.folder().map_err(|error| Failure::could_not(&error))?;
        if post.is_served() {
            return Ok(());
        }
        let log = post.log();
        let failed = |error: std::io::Error| Failure::could_not(&error);
        let output = private_file::append(&log).map_err(failed)?;
        let before = output.metadata().map_err(failed)?.len();
        if before > LONGEST_LOG {
            output.set_len(0).map_err(failed)?;
        }
        let mut command = Command::new(std::env::current_exe().map_err(failed)?);
        command.args(["daemon", "--detached"]);
        match &post.project {
            Some(project) => command.arg("--project").arg(project),
            None => command.arg("--no-project"),
        };
        if let Some(idle) = self.idle {
            command.args(["--idle", &idle.to_string()]);
        }
        let mut child = command
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(output)
            .spawn()
            .map_err(failed)?;
        let until = Instant::now() + STARTING;
        let mut ended = false;
        while !post.is_served() {
            // Of one that found another at work there is nothing to hear: that one is waited for.
            let status = if ended { None } else { child.try_wait().map_err(failed)? };
            ended |= status.is_some_and(|status| status.success());
            if status.is_some_and(|status| !status.success()) || Instant::now() >= until {
                return Err(not_started(&log, before));
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }
}

/// The right to serve, as soon as nobody has it; none if somebody serves. One that is just ending is waited for.
async fn hold(post: &Post) -> Result<Option<Holding>, Failure> {
    let until = Instant::now() + STARTING;
    loop {
        if let Some(holding) = post.hold().map_err(|error| Failure::could_not(&error))? {
            return Ok(Some(holding));
        }
        if post.is_served() || Instant::now() >= until {
            return Ok(None);
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// What it has said since the log had this length.
fn not_started(log: &Path, before: u64) -> Failure {
    let said = std::fs::read(log).unwrap_or_default();
    let said = said.get(usize::try_from(before).unwrap_or_default()..).unwrap_or(&said);
    let said = String::from_utf8_lossy(&said[said.len().saturating_sub(LAST_SAID)..]).into_owned();
    let said = said.trim();
    let said = if said.is_empty() { "it did not say why".to_owned() } else { said.to_owned() };
    Failure::new(format_args!("the daemon could not be started: {}", report::escaped_lines(&said)))
}

/// Waits until no program was there for so long; for ever without such a time.
async fn quiet(mut traffic: watch::Receiver<Traffic>, idle: Option<Duration>) {
    let Some(idle) = idle else { return std::future::pending().await };
    loop {
        let is_quiet = traffic.borrow_and_update().connections == 0;
        tokio::select! {
            changed = traffic.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(idle), if is_quiet => return,
        }
    }
}

fn tell(post: &Post, places: &Places, servers: usize, idle: Option<Duration>) {
    let of = match &post.project {
        Some(project) => format!("{} and the project {}", places.user_file().display(), project.display()),
        None => places.user_file().display().to_string(),
    };
    let end = match idle {
        Some(idle) => format!("ends after {} s without a program, or with Ctrl-C", idle.as_secs()),
        None => "ends with Ctrl-C".to_owned(),
    };
    report::note(format_args!(
        "serving {} of {of} to programs with generated packages",
        counted(servers, "server")
    ));
    report::note(format_args!("at {}; {end}", post.socket().display()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_daemon_ends_when_no_program_was_there_for_a_while() {
        let (traffic, goes_on) = watch::channel(Traffic::default());
        let started = Instant::now();
        let idle = tokio::spawn(quiet(goes_on, Some(Duration::from_secs(60))));
        let now = |connections, so_far| traffic.send_replace(Traffic { connections, so_far });
        tokio::time::sleep(Duration::from_secs(50)).await;
        now(1, 1);
        tokio::time::sleep(Duration::from_secs(500)).await;
        now(0, 1);
        tokio::time::sleep(Duration::from_secs(50)).await;
        // One that came and went counts too.
        now(0, 2);
        idle.await.unwrap();
        assert_eq!(started.elapsed().as_secs(), 660);
    }
}
