//! How an upstream is reached, as the caller's configuration says. The caller has already resolved
//! variables and decided what the child may see; nothing is added here.

use std::{fmt, path::PathBuf, time::Duration};

use outboard_runtime::ids::UpstreamName;
use url::Url;

/// One upstream to connect to.
#[derive(Clone, Debug)]
pub struct UpstreamSpec {
    /// Its configured name.
    pub name: UpstreamName,
    /// How it is reached.
    pub transport: Transport,
    /// From the start of the connection to its first list of tools. It does not limit calls: the
    /// deadline of a call is kept by whoever drops the call's future.
    pub connect_timeout: Duration,
    /// When it is started.
    pub start: Start,
    /// How long the calls that it has may still take once it is replaced or removed. What is not over then is lost.
    pub last_calls: Duration,
    /// The longest message read from the upstream, in bytes. A longer one costs its own call only.
    pub max_message_bytes: usize,
}

/// Bytes of the longest message that is read, unless set otherwise.
pub const LONGEST_MESSAGE: usize = 256 << 20;

impl UpstreamSpec {
    /// A minute to connect and for last calls, started at once, messages of up to [`LONGEST_MESSAGE`].
    pub fn new(name: UpstreamName, transport: Transport) -> Self {
        Self {
            name,
            transport,
            connect_timeout: Duration::from_secs(60),
            start: Start::AtOnce,
            last_calls: Duration::from_secs(60),
            max_message_bytes: LONGEST_MESSAGE,
        }
    }
}

/// When an upstream is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// When the fleet gets it.
    AtOnce,
    /// When the first call wants it. Until then nobody hears of changes to its tools: what it lists is known only from
    /// an earlier time, and read again when it starts.
    WhenUsed,
}

/// How an upstream is reached. `Debug` shows neither values of variables nor of headers: they are secrets.
#[derive(Clone, PartialEq, Eq)]
pub enum Transport {
    /// A child process that speaks over its stdin and stdout.
    Stdio {
        /// The program, looked up on the `PATH` of `env`.
        command: String,
        /// Its arguments.
        args: Vec<String>,
        /// The complete environment of the child.
        env: Vec<(String, String)>,
        /// Its working folder; ours if `None`.
        cwd: Option<PathBuf>,
    },
    /// MCP Streamable HTTP.
    Http {
        /// The endpoint.
        url: Url,
        /// Headers of every request.
        headers: Vec<(String, String)>,
    },
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names =
            |pairs: &[(String, String)]| pairs.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        match self {
            Self::Stdio { command, args, env, cwd } => f
                .debug_struct("Stdio")
                .field("command", command)
                .field("args", args)
                .field("env", &names(env))
                .field("cwd", cwd)
                .finish(),
            Self::Http { url, headers } => f
                .debug_struct("Http")
                .field("host", &url.host_str())
                .field("headers", &names(headers))
                .finish(),
        }
    }
}
