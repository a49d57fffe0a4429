//! MCP over the stdin and stdout of a child process, one message a line.
//! It moves messages between the pipes and the connection's owner, and answers none of them.

mod child;
mod lines;
mod lookout;
mod stderr;

use std::{convert::Infallible, io, pin::pin, sync::Arc, time::Duration};

use futures::{
    FutureExt,
    future::{FusedFuture, join},
};
use outboard_runtime::ids::UpstreamName;
use tokio::{
    io::{AsyncWriteExt, BufWriter},
    process::{ChildStdin, ChildStdout},
    sync::mpsc,
    time::timeout,
};
use tracing::{debug, warn};

use self::lookout::Lookout;

use self::{
    child::Child,
    lines::{Line, Lines},
};
pub(crate) use self::{child::Command, stderr::Tail};
use crate::connection::{Event, Failure, Message, Outgoing, Wire, message};

/// How long the end of the output waits for the exit code and the last words on stderr.
const LAST_WORDS: Duration = Duration::from_millis(250);
/// Junk lines that are worth a warning each.
const SHOWN_JUNK: u64 = 3;

/// A started child with its pipes.
pub(crate) struct Stdio {
    upstream: UpstreamName,
    child: Child,
    input: ChildStdin,
    output: Lines<ChildStdout>,
    tail: Arc<Tail>,
}

/// Why messages stopped moving.
enum End {
    /// The owner wants no more.
    Closed,
    OutputEnded,
    OutputFailed(io::Error),
    InputFailed(io::Error),
}

impl Stdio {
    /// Starts the child. What it says on stderr goes to `tail`.
    pub(crate) fn start(
        upstream: UpstreamName,
        command: &Command<'_>,
        max_message_bytes: usize,
        tail: Arc<Tail>,
    ) -> io::Result<Self> {
        let (child, pipes) = Child::start(command)?;
        let output = Lines::new(pipes.output, max_message_bytes);
        tail.follow(pipes.errors);
        Ok(Self { upstream, child, input: pipes.input, output, tail })
    }

    /// Moves messages until either side ends, then ends the child and its group.
    pub(crate) async fn run(self, wire: Wire) {
        let Self { upstream, mut child, input, mut output, tail } = self;
        let Wire { mut outgoing, arrivals } = wire;
        let mut input = BufWriter::new(input);
        let mut errors = pin!(tail.read(&upstream).fuse());
        let lookout = Lookout::new();
        let end = beside(&mut errors, async {
            tokio::select! {
                end = read(&upstream, &mut output, &arrivals, &lookout) => end,
                end = write(&mut input, &mut outgoing, &lookout) => end,
            }
        });
        let loss = match end.await {
            End::Closed => None,
            End::OutputEnded => Some("it closed its output".to_owned()),
            End::OutputFailed(error) => Some(format!("its output cannot be read: {error}")),
            End::InputFailed(error) => Some(format!("it reads no input: {error}")),
        };
        if let Some(what) = loss {
            let what = last_words(&mut child, &mut errors).await.unwrap_or(what);
            // The owner may be gone already, and then nobody waits for the reason.
            let _ = arrivals.send(Event::Gone { reason: tail.after(&what) }).await;
        }
        drop((input, arrivals, outgoing));
        beside(&mut errors, async {
            tokio::select! {
                () = child.end() => {}
                // A child that writes its goodbye into a full pipe would not get to its end.
                never = drain(&mut output) => match never {},
            }
        })
        .await;
        debug!(%upstream, "child ended");
    }
}

/// Does `work` while stderr is read, so that the child never waits to complain.
async fn beside<T>(errors: &mut (impl Future<Output = ()> + Unpin), work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    tokio::select! {
        done = &mut work => done,
        () = errors => work.await,
    }
}

/// How the child exited, once it has, with the end of its stderr read as well.
async fn last_words(
    child: &mut Child,
    errors: &mut (impl FusedFuture<Output = ()> + Unpin),
) -> Option<String> {
    let mut exited = None;
    let exit = async { exited = child.exited().await };
    let words = async {
        if !errors.is_terminated() {
            errors.await;
        }
    };
    // A grandchild may hold stderr open for ever.
    let _ = timeout(LAST_WORDS, join(exit, words)).await;
    exited
}

async fn read(
    upstream: &UpstreamName,
    output: &mut Lines<ChildStdout>,
    arrivals: &mpsc::Sender<Event>,
    lookout: &Lookout,
) -> End {
    let mut junk = 0;
    loop {
        let line = match output.next().await {
            Ok(Some(line)) => line,
            Ok(None) => return End::OutputEnded,
            Err(error) => return End::OutputFailed(error),
        };
        lookout.heard();
        for message in messages(upstream, line, &mut junk) {
            if arrivals.send(Event::Arrived(message)).await.is_err() {
                return End::Closed;
            }
        }
    }
}

fn messages(upstream: &UpstreamName, line: Line, junk: &mut u64) -> Vec<Message> {
    match line {
        Line::Whole(bytes) if bytes.trim_ascii().is_empty() => Vec::new(),
        Line::Whole(bytes) => message::read(text(bytes)).unwrap_or_else(|error| {
            *junk += 1;
            if *junk <= SHOWN_JUNK {
                warn!(%upstream, junk = *junk, %error, "skipped a line of stdout that is no MCP message");
            } else {
                debug!(%upstream, junk = *junk, %error, "skipped a line of stdout that is no MCP message");
            }
            Vec::new()
        }),
        Line::TooLong { length, head, tail } => {
            warn!(%upstream, length, "skipped a message that is too long");
            let failure = Failure::Unreadable(format!(
                "it has {length} bytes, more than are read of one (setting `limits.toolResultBytes`)"
            ));
            let id = message::id_of_ends(&head, &tail);
            id.map(|id| Message::Answer { id, answer: Err(failure) }).into_iter().collect()
        }
    }
}

/// Bytes that are not UTF-8 become replacement characters; the message lives.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

async fn write(
    input: &mut BufWriter<ChildStdin>,
    outgoing: &mut mpsc::Receiver<Outgoing>,
    lookout: &Lookout,
) -> End {
    while let Some(next) = outgoing.recv().await {
        if let Err(error) = write_line(input, &next).await {
            return End::InputFailed(error);
        }
        // Messages that wait already go out together.
        if outgoing.is_empty() {
            if let Err(error) = input.flush().await {
                return End::InputFailed(error);
            }
            lookout.watch(|| !outgoing.is_empty()).await;
        }
    }
    // What was queued last is still worth telling, but not worth waiting for.
    let _ = timeout(LAST_WORDS, input.flush()).await;
    End::Closed
}

async fn write_line(input: &mut BufWriter<ChildStdin>, outgoing: &Outgoing) -> io::Result<()> {
    let text = match outgoing {
        Outgoing::Request { request, .. } => &request.text,
        Outgoing::Abandon { text, .. } | Outgoing::Other(text) => text,
        Outgoing::Agreed { .. } => return Ok(()),
    };
    input.write_all(text.as_bytes()).await?;
    input.write_all(b"\n").await
}

async fn drain(output: &mut Lines<ChildStdout>) -> Infallible {
    while let Ok(Some(_)) = output.next().await {}
    std::future::pending().await
}
