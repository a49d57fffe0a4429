//! Takes connections, within bounds, and ends them in order: first new requests are refused, then what waits ends, then what
//! is under way has its time, then all else. It looks into no request.

use std::{convert::Infallible, io, sync::Arc, time::Duration};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
#[cfg(target_os = "linux")]
use tokio::io::Interest;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{MissedTickBehavior, interval},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::Server;

/// Bytes, and number, of a request's headers.
const HEAD: usize = 64 << 10;
const HEADERS: usize = 64;
/// How often unused sessions are looked for.
const LOOK: Duration = Duration::from_secs(30);
/// How long clients have to take the last words.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// How long it may take to read what a client that says no more has said.
#[cfg(target_os = "linux")]
const LAST_READ: Duration = Duration::from_millis(250);
/// How long nothing is accepted after that failed, for example for want of descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves connections until `stop` is cancelled and everything has ended.
pub(super) async fn listen(server: &Arc<Server>, listener: TcpListener, stop: CancellationToken) {
    let connections = TaskTracker::new();
    let room = Arc::new(Semaphore::new(server.options.connections));
    tokio::select! {
        () = accept(server, &listener, &connections, &room) => {}
        () = look_after(server) => {}
        () = stop.cancelled() => {}
    }
    // The listener is still there, so that whoever comes now is told.
    server.draining.cancel();
    server.under_way.close();
    tokio::select! {
        () = accept(server, &listener, &connections, &room) => {}
        () = server.under_way.wait() => {}
        () = tokio::time::sleep(server.options.drain) => {
            tracing::warn!(requests = server.under_way.len(), "requests did not end in time");
        }
    }
    drop(listener);
    server.over.cancel();
    server.visitors.end_all(server);
    server.tasks.close();
    server.tasks.wait().await;
    connections.close();
    if tokio::time::timeout(LAST_WORDS, connections.wait()).await.is_err() {
        tracing::debug!(connections = connections.len(), "clients did not take the last words");
    }
}

async fn accept(
    server: &Arc<Server>,
    listener: &TcpListener,
    connections: &TaskTracker,
    room: &Arc<Semaphore>,
) {
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "could not accept a connection");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(room).try_acquire_owned() else {
            tracing::warn!("refused a connection: there are too many");
            // What fits into the empty buffer of a new connection is sent at once.
            let _ = stream.try_write(
                b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\nretry-after: 5\r\n\r\n",
            );
            continue;
        };
        let server = Arc::clone(server);
        connections.spawn(async move {
            serve(&server, stream).await;
            drop(place);
        });
    }
}

/// Serves one connection to its end, or until its client has gone.
async fn serve(server: &Arc<Server>, stream: TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "answers may be held back");
    }
    let (stream, watched) = match watched(stream) {
        Ok(both) => both,
        Err(error) => {
            tracing::warn!(%error, "could not serve a connection");
            return;
        }
    };
    let answer = service_fn(|request| {
        let server = Arc::clone(server);
        async move { Ok::<_, Infallible>(server.answer(request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(server.options.head_within)
        .max_headers(HEADERS)
        .max_buf_size(HEAD)
        // Where `gone` sees that a client has gone, what it said last is read first.
        .half_close(cfg!(target_os = "linux"))
        .serve_connection(TokioIo::new(stream), answer);
    tokio::pin!(connection);
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = gone(&watched) => Ok(()),
        () = server.over.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let ended = tokio::time::timeout(LAST_WORDS, connection).await;
            ended.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended");
    }
}

/// The connection, and another hold of it to see its end by.
fn watched(stream: TcpStream) -> io::Result<(TcpStream, TcpStream)> {
    let stream = stream.into_std()?;
    let other = TcpStream::from_std(stream.try_clone()?)?;
    Ok((TcpStream::from_std(stream)?, other))
}

/// Done when the client says no more, and what it has said is read: hyper sees that only while it reads, and it does not read on
/// while it holds bytes that come behind the request under way.
#[cfg(target_os = "linux")]
async fn gone(stream: &TcpStream) {
    // Nothing that can be read ends this wait, only that nothing more will come.
    match stream.ready(Interest::PRIORITY).await {
        Ok(_) => tokio::time::sleep(LAST_READ).await,
        Err(error) => {
            tracing::debug!(%error, "a client's end will not be seen at once");
            std::future::pending::<()>().await;
        }
    }
}

/// As far as hyper sees it.
#[cfg(not(target_os = "linux"))]
async fn gone(_stream: &TcpStream) {
    std::future::pending::<()>().await;
}

/// Ends sessions that nobody uses.
async fn look_after(server: &Arc<Server>) {
    let mut ticks = interval(LOOK.min(server.options.idle / 2).max(PAUSE));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        server.sessions.end_unused(server);
        server.visitors.end_unused(server);
    }
}
