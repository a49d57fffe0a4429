//! The stream to a jail's first process: one command at a time, its output, its end.
//! What comes is bounded here too, whatever the other side was told.

use std::{future::Future, io, os::unix::net::UnixStream, pin::pin, time::Duration};

use outboard_jail::{
    frame::{self, HEAD, Kind},
    order::{Answer, End as Ending, Ended, Order, Run},
};
use outboard_runtime::ports::workspace::{Command, End, Ran};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::{Instant, sleep_until, timeout},
};

/// How long the first process may take to end all others.
const GRACE: Duration = Duration::from_secs(3);
/// How long it may take to take in a command.
const TAKING: Duration = Duration::from_secs(10);
/// The longest deadline: a day.
const LONGEST: Duration = Duration::from_secs(86_400);
/// How the system says that there may be no more processes (`EAGAIN`).
const NO_MORE: &str = "Resource temporarily unavailable";

pub(super) struct Wire {
    stream: tokio::net::UnixStream,
    /// What was read and is no whole frame yet.
    read: Vec<u8>,
}

/// Something that happens to a command.
enum Event {
    Frame(Kind, Vec<u8>),
    Deadline,
    Nobody,
}

impl Wire {
    pub(super) fn new(stream: UnixStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self { stream: tokio::net::UnixStream::from_std(stream)?, read: Vec::new() })
    }

    /// Has a jail made.
    pub(super) async fn order(&mut self, order: &Order) -> io::Result<Answer> {
        self.send(Kind::Order, &serde_json::to_vec(order)?).await?;
        match self.receive().await? {
            (Kind::Answer, body) => Ok(serde_json::from_slice(&body)?),
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    /// Runs a command to its end, or to its deadline, or until nobody waits for it. An error is the end of the jail.
    pub(super) async fn run(
        &mut self,
        command: &Command,
        nobody: impl Future<Output = ()>,
    ) -> io::Result<Ran> {
        let mut nobody = pin!(nobody);
        let ran = self.run_once(command, &mut nobody).await?;
        match &ran.end {
            // There are as many processes as there may be, all of them left by earlier commands: they give way.
            End::NotStarted(why) if why.contains(NO_MORE) => {
                self.send(Kind::EndAll, b"").await?;
                self.run_once(command, &mut nobody).await
            }
            _ => Ok(ran),
        }
    }

    async fn run_once(
        &mut self,
        command: &Command,
        nobody: &mut (impl Future<Output = ()> + Unpin),
    ) -> io::Result<Ran> {
        let deadline = Instant::now() + command.deadline.min(LONGEST);
        self.begin(command).await?;
        let mut limit = pin!(sleep_until(deadline));
        let (mut cut, mut deserted) = (false, false);
        let (mut output, mut errors) = (Vec::new(), Vec::new());
        loop {
            let event = tokio::select! {
                biased;
                frame = self.receive() => frame.map(|(kind, body)| Event::Frame(kind, body))?,
                () = &mut limit => Event::Deadline,
                () = &mut *nobody, if !deserted => Event::Nobody,
            };
            match event {
                Event::Frame(Kind::Output, bytes) => output.extend(bytes),
                Event::Frame(Kind::Errors, bytes) => errors.extend(bytes),
                Event::Frame(Kind::Ended, body) => {
                    return Ok(told(&serde_json::from_slice(&body)?, cut, output, errors));
                }
                Event::Frame(..) => return Err(io::ErrorKind::InvalidData.into()),
                // It was told to end everything and has not.
                Event::Deadline if cut || deserted => return Err(io::ErrorKind::TimedOut.into()),
                Event::Deadline | Event::Nobody => {
                    cut = matches!(event, Event::Deadline);
                    deserted = !cut;
                    limit.as_mut().reset(Instant::now() + GRACE);
                    timeout(GRACE, self.send(Kind::EndAll, b"")).await??;
                }
            }
            if (output.len() + errors.len()) as u64 > command.output {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "more output than was asked for"));
            }
        }
    }

    async fn begin(&mut self, command: &Command) -> io::Result<()> {
        let run = Run {
            argv: command.argv.clone(),
            input: command.input.is_some(),
            merged: command.merged,
            output: command.output,
        };
        let begun = async {
            if let Some(input) = &command.input {
                self.send(Kind::Input, input).await?;
            }
            self.send(Kind::Run, &serde_json::to_vec(&run)?).await
        };
        timeout(TAKING, begun).await?
    }

    async fn send(&mut self, kind: Kind, body: &[u8]) -> io::Result<()> {
        if body.len() > frame::LONGEST {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        self.stream.write_all(&frame::head(kind, body.len())).await?;
        self.stream.write_all(body).await
    }

    /// The next frame. Dropping the future loses nothing.
    async fn receive(&mut self) -> io::Result<(Kind, Vec<u8>)> {
        loop {
            if let Some(head) = self.read.first_chunk::<HEAD>() {
                let (kind, length) = frame::read_head(*head)
                    .map_err(|malformed| io::Error::new(io::ErrorKind::InvalidData, malformed))?;
                if self.read.len() >= HEAD + length {
                    let rest = self.read.split_off(HEAD + length);
                    let frame = std::mem::replace(&mut self.read, rest);
                    return Ok((kind, frame[HEAD..].to_vec()));
                }
            }
            if self.stream.read_buf(&mut self.read).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

fn told(ended: &Ended, cut: bool, output: Vec<u8>, errors: Vec<u8>) -> Ran {
    let end = match &ended.how {
        _ if ended.out_of_memory => End::Memory,
        // What came to its end by itself in the last moment was cut all the same, with all else that ran.
        _ if cut => End::Deadline,
        Ending::Code(code) => End::Code(*code),
        Ending::Signal(signal) => End::Signal(*signal),
        Ending::NotStarted(why) => End::NotStarted(why.clone()),
    };
    Ran { end, output, errors, dropped: ended.dropped, left: ended.left }
}
