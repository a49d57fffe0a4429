//! The wall that Linux itself has: a launcher process, started from this very program, that shuts itself in.
//! Talks to it over one stream, which it trusts with nothing but what it passes on.

mod order;
mod wire;

use std::{
    io,
    os::fd::OwnedFd,
    os::unix::net::{UnixListener, UnixStream},
    path::Path,
    process::Stdio,
    time::Duration,
};

use futures::future::{BoxFuture, FutureExt as _};
use outboard_jail::{
    NAME, Standing,
    order::{Answer, Order, Refusal},
    unbound_socket,
};
use outboard_runtime::ports::workspace::{Command, Ran, Workspace, WorkspaceLost};
use tokio::{
    process::Child,
    sync::{Mutex, mpsc, oneshot},
    task::JoinHandle,
    time::timeout,
};

pub use order::order;
use wire::Wire;

/// How long the making of a jail may take: it takes milliseconds.
const MAKING: Duration = Duration::from_secs(20);
/// How long the kernel may take to end everything.
const ENDING: Duration = Duration::from_secs(5);
/// Commands that wait for others.
const WAITING: usize = 64;

/// A jail was not made.
#[derive(Debug, thiserror::Error)]
pub enum JailRefused {
    /// It could not be made here, or would lack what is required.
    #[error(transparent)]
    Refused(Refusal),
    /// The launcher could not be started.
    #[error("the launcher cannot be started")]
    Start(#[source] io::Error),
    /// It does not answer as it should.
    #[error("the launcher does not answer")]
    Silent(#[source] io::Error),
}

/// A command with where its end is to be told.
struct Request {
    command: Command,
    done: oneshot::Sender<Ran>,
}

/// A workspace in a jail.
pub struct Jail {
    requests: Mutex<Option<mpsc::Sender<Request>>>,
    owner: Mutex<Option<JoinHandle<()>>>,
    standings: Vec<Standing>,
}

/// A launcher that has been started and waits for its order: most of the time that a jail takes has passed by then.
pub struct Launcher {
    child: Child,
    wire: Wire,
    tools: OwnedFd,
}

impl Launcher {
    /// Starts one. `program` hands over to [`outboard_jail::hand_over`] first thing; it is `/proc/self/exe` if it is
    /// this one. It ends by itself when this is dropped.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start(program: &Path) -> Result<Self, JailRefused> {
        let (control, theirs) = UnixStream::pair().map_err(JailRefused::Start)?;
        let tools = unbound_socket().map_err(JailRefused::Start)?;
        let mut command = tokio::process::Command::new(program);
        command
            .arg0(NAME)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::from(tools.try_clone().map_err(JailRefused::Start)?))
            .stderr(Stdio::null());
        let child = command.spawn().map_err(JailRefused::Start)?;
        // The command holds the launcher's ends, whose being closed would not be seen.
        drop(command);
        Ok(Self { child, wire: Wire::new(control).map_err(JailRefused::Start)?, tools })
    }

    /// Has it make a jail. If the order asks for tools, the listener is that of the socket in the jail.
    ///
    /// # Errors
    /// If it cannot be made as it is asked for. Then nothing of it is left.
    pub async fn make(self, order: &Order) -> Result<(Jail, Option<UnixListener>), JailRefused> {
        let Self { child, mut wire, tools } = self;
        let answer = timeout(MAKING, wire.order(order)).await;
        let answer = answer.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let standings = match answer.map_err(JailRefused::Silent)? {
            Answer::Ready(standings) => standings,
            Answer::Refused(refusal) => return Err(JailRefused::Refused(refusal)),
        };
        let (requests, queue) = mpsc::channel(WAITING);
        let owner = tokio::spawn(own(wire, queue, child));
        let jail = Jail { requests: Mutex::new(Some(requests)), owner: Mutex::new(Some(owner)), standings };
        Ok((jail, order.tools.then(|| UnixListener::from(tools))))
    }

    /// Ends one that is not needed, and waits.
    pub async fn dismiss(self) {
        let Self { child, wire, .. } = self;
        end(wire, child).await;
    }
}

impl Jail {
    /// Which protections it has, and which not.
    pub fn standings(&self) -> &[Standing] {
        &self.standings
    }
}

impl Workspace for Jail {
    fn run(&self, command: Command) -> BoxFuture<'_, Result<Ran, WorkspaceLost>> {
        async move {
            let (done, ran) = oneshot::channel();
            let requests = self.requests.lock().await.clone().ok_or_else(lost)?;
            requests.send(Request { command, done }).await.map_err(|_| lost())?;
            ran.await.map_err(|_| lost())
        }
        .boxed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async move {
            drop(self.requests.lock().await.take());
            if let Some(owner) = self.owner.lock().await.take()
                && let Err(error) = owner.await
            {
                tracing::error!(%error, "the owner of a jail broke");
            }
        }
        .boxed()
    }
}

fn lost() -> WorkspaceLost {
    WorkspaceLost { reason: "its first process has ended".to_owned() }
}

/// Owns a jail: runs what is asked for, one after another, until nobody can ask any more or the jail is lost.
async fn own(mut wire: Wire, mut requests: mpsc::Receiver<Request>, child: Child) {
    while let Some(Request { command, mut done }) = requests.recv().await {
        if done.is_closed() {
            continue;
        }
        match wire.run(&command, done.closed()).await {
            // Whoever does not wait any more has given it up.
            Ok(ran) => drop(done.send(ran)),
            Err(error) => {
                tracing::warn!(%error, "a jail is lost");
                break;
            }
        }
    }
    end(wire, child).await;
}

/// Closes the stream, whose end is the end of the first process, and that of all others.
async fn end(wire: Wire, mut child: Child) {
    drop(wire);
    if timeout(ENDING, child.wait()).await.is_err() {
        tracing::warn!("a jail did not end by itself");
        if let Err(error) = child.kill().await {
            tracing::error!(%error, "could not end a jail");
        }
    }
}
