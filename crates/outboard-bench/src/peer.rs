//! A raw JSON-RPC client over a child's pipes, one message a line: what both sides of a measure are driven by.
//! It blocks, makes no tree that nobody asked for, and knows of MCP only how a connection opens.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Write as _},
    os::fd::OwnedFd,
    process::{Child, Command, Stdio},
};

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::tree::Tree;

/// What went wrong with a server.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PeerFailure {
    #[error("start {program}")]
    Start { program: String, source: io::Error },
    #[error("speak with the server")]
    Stream(#[from] io::Error),
    #[error("read the server's answer")]
    Answer(#[from] serde_json::Error),
    #[error("go on: the server ended")]
    Ended,
    #[error("go on: the server answered {0}")]
    Refused(String),
}

/// An answer; everything that can be borrowed is borrowed from its line.
#[derive(Debug, Deserialize)]
pub(crate) struct Answer<'a> {
    pub(crate) id: u64,
    #[serde(borrow)]
    pub(crate) result: Option<CallResult<'a>>,
    #[serde(borrow)]
    pub(crate) error: Option<&'a RawValue>,
}

/// The result of a tool call. The text is read when it is asked for: a client that has a value needs no text.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CallResult<'a> {
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) structured_content: Option<Tree<'a>>,
    #[serde(default)]
    is_error: bool,
}

impl<'a> Answer<'a> {
    /// The answer in a line.
    pub(crate) fn read(line: &'a [u8]) -> Result<Self, PeerFailure> {
        Ok(serde_json::from_slice(line)?)
    }

    /// The result, unless it is an error.
    pub(crate) fn good(self) -> Result<CallResult<'a>, PeerFailure> {
        match (self.result, self.error) {
            (Some(result), _) if !result.is_error => Ok(result),
            (Some(result), _) => Err(PeerFailure::Refused(result.text()?)),
            (None, error) => Err(PeerFailure::Refused(error.map_or("nothing", RawValue::get).to_owned())),
        }
    }
}

impl CallResult<'_> {
    /// The text of the first block.
    pub(crate) fn text(&self) -> Result<String, PeerFailure> {
        #[derive(Deserialize)]
        struct Block {
            text: String,
        }
        let raw = self.content.map_or("[]", RawValue::get);
        let blocks: Vec<Block> = serde_json::from_str(raw)?;
        Ok(blocks.into_iter().next().map(|block| block.text).unwrap_or_default())
    }
}

/// One end of a connection.
#[derive(Debug)]
pub(crate) struct Peer {
    input: Option<File>,
    output: BufReader<File>,
    line: Vec<u8>,
    next_id: u64,
    child: Option<Child>,
}

impl Peer {
    /// Starts a server and opens the connection as a client of 2025-11-25 does.
    pub(crate) fn start(mut command: Command) -> Result<Self, PeerFailure> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let started = command.spawn().and_then(|mut child| {
            let pipes = child.stdin.take().zip(child.stdout.take()).ok_or(io::ErrorKind::BrokenPipe)?;
            Ok((child, pipes))
        });
        let program = || command.get_program().to_string_lossy().into_owned();
        let (child, (input, output)) =
            started.map_err(|source| PeerFailure::Start { program: program(), source })?;
        let mut peer = Self::over(input.into(), output.into());
        peer.child = Some(child);
        peer.open()?;
        Ok(peer)
    }

    /// A client over two pipes; nothing is said yet.
    pub(crate) fn over(input: OwnedFd, output: OwnedFd) -> Self {
        let output = BufReader::with_capacity(64 << 10, output.into());
        Self { input: Some(input.into()), output, line: Vec::new(), next_id: 1, child: None }
    }

    /// `initialize` and what follows it.
    pub(crate) fn open(&mut self) -> Result<(), PeerFailure> {
        let hello = r#"{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"bench","version":"0"}}"#;
        self.request("initialize", hello)?.good()?;
        self.write(b"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n")
    }

    /// The process id of the server.
    pub(crate) fn process(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Asks and waits for the answer.
    pub(crate) fn request(&mut self, method: &str, params: &str) -> Result<Answer<'_>, PeerFailure> {
        let id = self.take_id();
        let line = request_line(id, method, params);
        self.write(line.as_bytes())?;
        self.answer(id)
    }

    /// Calls a tool and waits for the answer.
    pub(crate) fn call(&mut self, tool: &str, arguments: &str) -> Result<CallResult<'_>, PeerFailure> {
        self.request("tools/call", &call_params(tool, arguments))?.good()
    }

    /// A number for a request.
    pub(crate) fn take_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id - 1
    }

    /// Writes whole lines.
    pub(crate) fn write(&mut self, lines: &[u8]) -> Result<(), PeerFailure> {
        Ok(self.input.as_mut().ok_or(PeerFailure::Ended)?.write_all(lines)?)
    }

    /// The next answer, whichever request it is of. Notifications are passed over.
    pub(crate) fn next_answer(&mut self) -> Result<Answer<'_>, PeerFailure> {
        loop {
            self.line.clear();
            if self.output.read_until(b'\n', &mut self.line)? == 0 {
                return Err(PeerFailure::Ended);
            }
            // Servers write `id` ahead of what may be long; a notification has none.
            let head = &self.line[..self.line.len().min(64)];
            if !head.windows(9).any(|part| part == b"\"method\":") {
                break;
            }
        }
        Answer::read(&self.line)
    }

    fn answer(&mut self, id: u64) -> Result<Answer<'_>, PeerFailure> {
        let answer = self.next_answer()?;
        if answer.id == id {
            Ok(answer)
        } else {
            Err(PeerFailure::Refused(format!("request {} instead of {id}", answer.id)))
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // The end of its input ends a server.
        self.input = None;
        if let Some(child) = &mut self.child {
            // A server that is gone already is what is wanted.
            let _ = child.wait();
        }
    }
}

/// One request as a line.
pub(crate) fn request_line(id: u64, method: &str, params: &str) -> String {
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"{method}\",\"params\":{params}}}\n")
}

/// The params of a tool call.
pub(crate) fn call_params(tool: &str, arguments: &str) -> String {
    format!("{{\"name\":\"{tool}\",\"arguments\":{arguments}}}")
}
