//! The face over HTTP: one endpoint for clients of both eras (MCP's Streamable HTTP), many at once and kept apart.
//!
//! hyper carries the bytes, `guard` says who may speak, `endpoint` what a request is; clients of 2025-11-25 and before have
//! `sessions`, later ones are `visitors`. It speaks no TLS and knows no tools.

mod accept;
mod answer;
mod body;
mod endpoint;
mod guard;
mod headers;
mod link;
mod listen;
mod sessions;
mod stream;
mod streams;
mod visitors;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{net::TcpListener, sync::Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::Face;
use guard::Hosts;
pub use guard::{Keys, WeakKey};
use sessions::Sessions;
use visitors::Visitors;

/// The path of the endpoint.
pub const PATH: &str = "/mcp";

/// How many long bodies are in memory at once. What a text becomes when it is understood takes many times its length.
const LONG_AT_ONCE: usize = 16;

/// What clients over HTTP are held to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpOptions {
    /// Names, besides those of this machine's loopback, under which clients reach the endpoint.
    pub hosts: Vec<String>,
    /// Bytes of a request's body.
    pub body: usize,
    /// How long the head of a request may take, and a connection may be silent between requests.
    pub head_within: Duration,
    /// How long the body of a request may take.
    pub body_within: Duration,
    /// Connections at once; further ones are refused.
    pub connections: usize,
    /// Sessions of one principal, and names under which its clients without sessions come; further ones take the place of
    /// those that nobody has used for a minute, and are refused if there are none.
    pub sessions: usize,
    /// How long a session lasts that nobody uses and in which nothing runs.
    pub idle: Duration,
    /// How long an answer is waited for before a stream is begun for it.
    pub patience: Duration,
    /// Time between two comments that keep a stream alive.
    pub keep_alive: Duration,
    /// How long requests under way may take once the end has begun.
    pub drain: Duration,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            hosts: Vec::new(),
            body: 4 << 20,
            head_within: Duration::from_secs(30),
            body_within: Duration::from_secs(30),
            connections: 512,
            sessions: 256,
            idle: Duration::from_secs(30 * 60),
            patience: Duration::from_millis(500),
            keep_alive: Duration::from_secs(15),
            drain: Duration::from_secs(8),
        }
    }
}

/// Clients could not be served over HTTP.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// Everybody on the network could run code.
    #[error("listen at {0}: only this machine's own addresses may be served without a token")]
    Exposed(SocketAddr),
    /// The listener is no good.
    #[error("learn where it listens")]
    Listener(#[source] io::Error),
}

/// Serves a [`Face`] over HTTP.
pub struct HttpFace {
    face: Arc<Face>,
    keys: Keys,
    options: HttpOptions,
}

impl HttpFace {
    /// Serves whoever shows one of these keys, or everybody on this machine if there are none.
    pub fn new(face: Face, keys: Keys, options: HttpOptions) -> Self {
        Self { face: Arc::new(face), keys, options }
    }

    /// Serves clients until `stop` is cancelled. Then new requests are refused, those under way have
    /// [`HttpOptions::drain`] to end, and all else is ended. Nothing of any client is left when this returns.
    pub async fn serve(self, listener: TcpListener, stop: CancellationToken) -> Result<(), HttpError> {
        let address = listener.local_addr().map_err(HttpError::Listener)?;
        self.keys.may_serve(address)?;
        let server = Arc::new(Server {
            hosts: Hosts::new(address, &self.options.hosts),
            face: self.face,
            keys: self.keys,
            sessions: Sessions::default(),
            visitors: Visitors::default(),
            long: Semaphore::new(LONG_AT_ONCE),
            draining: CancellationToken::new(),
            over: CancellationToken::new(),
            under_way: TaskTracker::new(),
            tasks: TaskTracker::new(),
            options: self.options,
        });
        listen::listen(&server, listener, stop).await;
        Ok(())
    }
}

/// What all connections share.
struct Server {
    face: Arc<Face>,
    keys: Keys,
    hosts: Hosts,
    options: HttpOptions,
    sessions: Sessions,
    visitors: Visitors,
    /// Bodies that are long are read and understood a few at a time.
    long: Semaphore,
    /// New requests are refused from then on, and streams that only wait end.
    draining: CancellationToken,
    /// Everything ends.
    over: CancellationToken,
    /// Each request under way holds a token of it, until its answer is sent.
    under_way: TaskTracker,
    /// All tasks but those of connections.
    tasks: TaskTracker,
}
