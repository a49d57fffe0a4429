//! The socket by which this user's other commands reach a workspace of a running session: one line of JSON each way.
//! It lies in the state directory, in a folder that is this user's alone, and is gone with the workspace.

use std::{
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{UnixListener, UnixStream},
};

use crate::private_file;

/// Bytes of the longest line.
const LONGEST: u64 = 8 << 20;
/// Longest path of a socket, in bytes: what every system takes.
const LONGEST_PATH: usize = 100;

/// What is asked of a workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Request {
    /// How it stands.
    State,
    /// Which files there are.
    Files,
    /// That all files are written into a folder of the host.
    Export {
        /// Which is not there yet.
        folder: PathBuf,
    },
    /// That a file of the host is put in.
    Put {
        /// Which.
        host: PathBuf,
        /// Where, below the agent's home.
        path: String,
        /// Whether it holds sensitive data.
        private: bool,
        /// Whether it may carry instructions.
        untrusted: bool,
    },
    /// That a file is written to the host.
    Get {
        /// Which, below the agent's home.
        path: String,
        /// Where, in place of nothing.
        host: PathBuf,
    },
    /// That it ends, with all that is in it.
    Reset,
}

/// What a workspace says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Reply {
    /// How it stands.
    State {
        /// On whose behalf.
        client: String,
        /// Seconds since it was made.
        age: u64,
        /// Protections in force, and those that are not with why.
        in_force: Vec<String>,
        /// Each with its reason.
        missing: Vec<(String, String)>,
    },
    /// Its files: path, bytes, whether plain.
    Files(Vec<(String, u64, bool)>),
    /// What was taken out.
    Exported {
        /// Files.
        files: usize,
        /// Their bytes.
        bytes: u64,
        /// What was left, and why.
        left: Vec<(String, String)>,
    },
    /// It is done.
    Done,
    /// It is not, and why.
    Failed(String),
}

/// The folder of sockets.
#[derive(Clone, Debug)]
pub(crate) struct Desk(PathBuf);

impl Desk {
    /// That of this state directory.
    pub(crate) fn at(state: &Path) -> Self {
        Self(state.join("workspaces"))
    }

    /// Opens a socket of this name.
    pub(crate) fn open(&self, name: &str) -> io::Result<Counter> {
        private_file::make_directory(&self.0)?;
        let path = self.0.join(name);
        if path.as_os_str().len() > LONGEST_PATH {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the path of the state directory is too long",
            ));
        }
        Ok(Counter { listener: UnixListener::bind(&path)?, path })
    }

    /// The names of all workspaces whose sockets answer. What a killed process left is taken away.
    pub(crate) fn names(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(&self.0) else { return Vec::new() };
        let mut names: Vec<String> = entries
            .flatten()
            .filter(|entry| match std::os::unix::net::UnixStream::connect(entry.path()) {
                Ok(_) => true,
                Err(error) => {
                    if error.kind() == io::ErrorKind::ConnectionRefused {
                        let _ = std::fs::remove_file(entry.path());
                    }
                    false
                }
            })
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        names.sort();
        names
    }

    /// Asks the workspace of this name.
    pub(crate) async fn ask(&self, name: &str, request: &Request) -> io::Result<Reply> {
        let mut stream = UnixStream::connect(self.0.join(name)).await?;
        write(&mut stream, request).await?;
        read(&mut stream).await
    }
}

/// An open socket.
#[derive(Debug)]
pub(crate) struct Counter {
    listener: UnixListener,
    path: PathBuf,
}

impl Counter {
    /// The next request, with where its reply goes. Whoever says nothing sensible is passed over.
    pub(crate) async fn next(&self) -> io::Result<(Request, UnixStream)> {
        loop {
            let (mut stream, _) = self.listener.accept().await?;
            // Whoever looks whether the socket answers says nothing.
            let asked = tokio::time::timeout(std::time::Duration::from_secs(5), read(&mut stream)).await;
            if let Ok(Ok(request)) = asked {
                return Ok((request, stream));
            }
        }
    }

    /// Gives a reply. Who asked may be gone.
    pub(crate) async fn reply(mut stream: UnixStream, reply: &Reply) {
        if let Err(error) = write(&mut stream, reply).await {
            tracing::debug!(%error, "nobody hears a workspace's reply");
        }
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        // Whoever lists workspaces takes away what stays.
        let _ = std::fs::remove_file(&self.path);
    }
}

async fn write(stream: &mut UnixStream, message: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    stream.write_all(&line).await
}

async fn read<T: for<'a> Deserialize<'a>>(stream: &mut UnixStream) -> io::Result<T> {
    let mut line = Vec::new();
    BufReader::new(stream.take(LONGEST)).read_until(b'\n', &mut line).await?;
    Ok(serde_json::from_slice(&line)?)
}
