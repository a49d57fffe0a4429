//! Serves a socket: lets in programs of the user whose socket it is, a task for each, and ends them when it is told to. What a
//! connection says is `connection`'s; that a call may be made is the gate's.

mod connection;
mod load;

use std::{sync::Arc, time::Duration};

use outboard_runtime::{Runtime, approval::Approvals, ids::Principal, journal::Reader, session::Session};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixStream,
    sync::watch,
    task::{JoinError, JoinSet},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Door,
    message::{self, Refused},
};
use connection::Connection;
use load::Load;

/// Programs that are connected at once; further ones are refused.
const MOST_CONNECTIONS: usize = 256;
/// Calls of all programs under way at once; further ones are refused.
const MOST_CALLS: usize = 16_384;
/// Bytes that are held for all programs, from which on further calls are refused.
const MOST_HELD: usize = 1 << 30;
/// Those that are being told that they are refused, besides.
const MOST_REFUSALS: usize = 64;
/// How long a refusal may take to be written and read.
const REFUSING: Duration = Duration::from_secs(1);
/// Bytes that are heard of whoever is refused.
const HEARD: u64 = 64 << 10;
/// Between two looks whether the socket's name is still its own.
const LOOK: Duration = Duration::from_secs(1);
/// Between two tries where the system does not let in anybody: it may have no descriptors left.
const AGAIN: Duration = Duration::from_millis(100);

/// What programs reach through a socket, and as whom. Everyone who comes in through one door is the same session, and so the
/// same client: what one of them has seen, all have.
#[derive(Clone)]
pub struct Service {
    /// Makes the calls.
    pub runtime: Arc<Runtime>,
    /// Whose calls they are. Its client is what a person is told when one of them asks.
    pub session: Arc<Session>,
    /// Who reads what the programs print that make them.
    pub reader: Reader,
    /// Where calls ask, so that a program can be told that its call waits for a person.
    pub approvals: Arc<Approvals>,
}

/// What goes on at a socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Programs that are connected.
    pub connections: usize,
    /// Connections so far.
    pub so_far: u64,
}

/// Serves until told to stop, or until the socket's name is gone or another's, so that nobody finds it: then nobody is let in any
/// more, calls under way are given up, and each program is told what became of its own. The socket's name is gone when nobody can come in, unless it is another's; `traffic` says what goes on.
pub async fn serve(door: Door, service: Service, traffic: watch::Sender<Traffic>, stop: CancellationToken) {
    let Door { listener, name, admits } = door;
    // Whoever told it to stop is not told in turn.
    let stop = stop.child_token();
    let whole = Load::new(MOST_CALLS, MOST_HELD);
    let mut looks = tokio::time::interval(LOOK);
    let mut programs = JoinSet::new();
    let mut refusals = JoinSet::new();
    let mut so_far = 0;
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            _ = looks.tick() => if let Some(name) = name.as_ref().filter(|name| !name.is_own()) {
                tracing::warn!(socket = %name.path.display(), "the socket's name is gone or another's");
                stop.cancel();
            },
            Some(ended) = programs.join_next(), if !programs.is_empty() => tell(&ended),
            Some(_) = refusals.join_next(), if !refusals.is_empty() => {}
            came = listener.accept() => match came {
                Ok((stream, _)) => {
                    so_far += 1;
                    match refused(&stream, admits, programs.len()) {
                        None => {
                            // Where anybody of this machine may come in, the session's client is not enough to know one by.
                            let client = admits.map(|_| named(&service.session.client(), &stream));
                            let connection = Connection::new(service.clone(), client, stop.child_token(), &whole);
                            programs.spawn(connection.run(stream));
                        }
                        Some(why) => {
                            tracing::warn!(%why, "a program was not let in");
                            if refusals.len() < MOST_REFUSALS {
                                refusals.spawn(refuse(stream, why));
                            }
                        }
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "nobody can come in");
                    tokio::time::sleep(AGAIN).await;
                }
            },
        }
        let now = Traffic { connections: programs.len(), so_far };
        traffic.send_if_modified(|before| std::mem::replace(before, now) != now);
    }
    // The name goes first: whoever finds none knows that nobody serves it.
    if let Some(name) = name
        && let Err(error) = name.take_away()
    {
        tracing::warn!(%error, socket = %name.path.display(), "the socket is left behind");
    }
    drop(listener);
    while let Some(ended) = programs.join_next().await {
        tell(&ended);
    }
    refusals.shutdown().await;
}

fn tell(ended: &Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "serving a program broke");
    }
}

/// Why whoever is at the other end is not served, if so. Who they are, the system says.
fn refused(stream: &UnixStream, admits: Option<u32>, connected: usize) -> Option<Refused> {
    let known = match (admits, stream.peer_cred()) {
        (None, _) => true,
        (Some(user), Ok(peer)) => peer.uid() == user,
        (Some(_), Err(_)) => false,
    };
    if !known {
        return Some(Refused::Stranger);
    }
    (connected >= MOST_CONNECTIONS).then_some(Refused::Crowded(MOST_CONNECTIONS))
}

/// The client, with the program at the other end as the system knows it. The name of its file is its own choice.
fn named(client: &Principal, stream: &UnixStream) -> Principal {
    let Some(process) = stream.peer_cred().ok().and_then(|peer| peer.pid()) else { return client.clone() };
    let file = std::fs::read_link(format!("/proc/{process}/exe")).unwrap_or_default();
    let program = file.file_name().map(|name| format!("{}, ", name.to_string_lossy())).unwrap_or_default();
    Principal::new(format!("{client} ({program}process {process})"))
}

/// Says so and hangs up. Whoever does not read it is not waited for.
async fn refuse(mut stream: UnixStream, why: Refused) {
    let told = async {
        stream.write_all(&message::refusal(&why)).await?;
        stream.shutdown().await?;
        // Whoever is greeting meanwhile would be cut off, and take nobody to be here.
        tokio::io::copy(&mut (&mut stream).take(HEARD), &mut tokio::io::sink()).await
    };
    let _ = tokio::time::timeout(REFUSING, told).await;
}
