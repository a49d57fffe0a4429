//! One command in a container: its input is fed, its output is bounded and counted, its end is told.
//! It does not end it; whoever gives up on it does.

use std::{
    io,
    os::unix::process::ExitStatusExt as _,
    process::{ExitStatus, Stdio},
};

use outboard_runtime::ports::workspace::{Command, End, Ran};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    process::Child,
};

/// Bytes that are read at once.
const PIECE: usize = 64 << 10;
/// What shells and engines make of a program that is not there, or cannot be started.
const NOT_STARTED: [i32; 2] = [126, 127];
/// Codes from here on are those of signals.
const SIGNALS: i32 = 128;

/// A stream of a command, and what was kept of it.
struct Kept<R> {
    stream: Option<R>,
    bytes: Vec<u8>,
}

/// A command under way. What came so far stays if waiting for its end is given up.
pub(super) struct Exec {
    child: Child,
    input: Option<(tokio::process::ChildStdin, Vec<u8>, usize)>,
    output: Kept<Box<dyn AsyncRead + Send + Unpin>>,
    errors: Kept<Box<dyn AsyncRead + Send + Unpin>>,
    left: u64,
    dropped: u64,
    merged: bool,
}

impl Exec {
    pub(super) fn start(mut command: tokio::process::Command, asked: &Command) -> io::Result<Self> {
        command
            .stdin(if asked.input.is_some() { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let boxed = |stream: Option<Box<dyn AsyncRead + Send + Unpin>>| Kept { stream, bytes: Vec::new() };
        let output = boxed(child.stdout.take().map(|stream| Box::new(stream) as _));
        let errors = boxed(child.stderr.take().map(|stream| Box::new(stream) as _));
        let input = child.stdin.take().zip(asked.input.clone()).map(|(pipe, bytes)| (pipe, bytes, 0));
        Ok(Self { child, input, output, errors, left: asked.output, dropped: 0, merged: asked.merged })
    }

    /// Waits for its end, and gives what came of it. Dropping the future loses nothing.
    pub(super) async fn end(&mut self) -> io::Result<Ran> {
        let (mut one, mut other) = (vec![0; PIECE], vec![0; PIECE]);
        while self.output.stream.is_some() || self.errors.stream.is_some() || self.input.is_some() {
            tokio::select! {
                read = read(&mut self.output.stream, &mut one) => {
                    let count = read?;
                    if count == 0 { self.output.stream = None }
                    let kept = keep(&mut self.left, &mut self.dropped, count);
                    self.output.bytes.extend_from_slice(&one[..kept]);
                }
                read = read(&mut self.errors.stream, &mut other) => {
                    let count = read?;
                    if count == 0 { self.errors.stream = None }
                    let kept = keep(&mut self.left, &mut self.dropped, count);
                    let bytes = if self.merged { &mut self.output.bytes } else { &mut self.errors.bytes };
                    bytes.extend_from_slice(&other[..kept]);
                }
                fed = feed(&mut self.input) => if fed { self.input = None },
            }
        }
        let status = self.child.wait().await?;
        Ok(Ran {
            end: told(status, &self.errors.bytes),
            output: std::mem::take(&mut self.output.bytes),
            errors: std::mem::take(&mut self.errors.bytes),
            dropped: self.dropped,
            left: 0,
        })
    }
}

/// How many of `count` bytes are kept.
fn keep(left: &mut u64, dropped: &mut u64, count: usize) -> usize {
    let kept = usize::try_from(*left).unwrap_or(usize::MAX).min(count);
    *left -= kept as u64;
    *dropped += (count - kept) as u64;
    kept
}

async fn read(stream: &mut Option<Box<dyn AsyncRead + Send + Unpin>>, into: &mut [u8]) -> io::Result<usize> {
    match stream {
        Some(stream) => stream.read(into).await,
        None => std::future::pending().await,
    }
}

/// Gives more of the input; true when there is no more, or nobody reads it.
async fn feed(input: &mut Option<(tokio::process::ChildStdin, Vec<u8>, usize)>) -> bool {
    let Some((pipe, bytes, at)) = input else { return std::future::pending().await };
    match pipe.write(&bytes[*at..]).await {
        Ok(count) => {
            *at += count;
            *at == bytes.len()
        }
        Err(_) => true,
    }
}

fn told(status: ExitStatus, errors: &[u8]) -> End {
    match (status.code(), status.signal()) {
        (Some(code), _) if NOT_STARTED.contains(&code) && !errors.is_empty() => {
            End::NotStarted(String::from_utf8_lossy(errors).trim().to_owned())
        }
        (Some(code), _) if code > SIGNALS => End::Signal(code - SIGNALS),
        (Some(code), _) => End::Code(code),
        (None, signal) => End::Signal(signal.unwrap_or_default()),
    }
}
