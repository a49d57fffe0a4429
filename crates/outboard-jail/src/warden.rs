//! The first process of the jail: runs one command after another for Outboard, takes in whoever lost its parent, and
//! ends, and everything with it, when its stream does.
//!
//! It has no more rights than what it runs. What it reads from the jail's files and processes it passes on unread.

use std::{
    fs::File,
    io::{self, Read as _, Write as _},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    os::unix::{net::UnixStream, process::CommandExt as _},
    process::{ChildStdin, Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    fcntl::{FcntlArg, OFlag, fcntl},
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        signal::{SigSet, Signal, kill, killpg},
        signalfd::{SfdFlags, SignalFd},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::{Pid, getpid},
};

use crate::{
    HOME,
    frame::{self, Kind},
    order::{End, Ended, Run},
    python::{self, Interpreter},
    watch,
};

/// Bytes that are read from a pipe at once.
const PIECE: usize = 64 << 10;
/// Pieces that are read from each pipe after the end of a command: more than a pipe holds.
const LAST_PIECES: usize = 16;
/// How long those that are ended may take to be gone, and the pause between two looks. Nothing else is done meanwhile.
const DYING: Duration = Duration::from_secs(2);
const MOMENT: Duration = Duration::from_millis(1);

/// The first process of a jail.
pub(crate) struct Warden {
    control: UnixStream,
    environment: Vec<(String, String)>,
    /// Bytes of memory that all processes may have together, if nobody else sees to it.
    watched: Option<u64>,
    input: Vec<u8>,
    under_way: Option<UnderWay>,
    looked: Instant,
    /// The Python that is to be kept ready, if any, and the process that is.
    interpreter: Option<Interpreter>,
    ready: Option<Pid>,
}

/// A command that has not ended.
struct UnderWay {
    pid: Pid,
    input: Option<(ChildStdin, Vec<u8>, usize)>,
    output: Option<File>,
    errors: Option<File>,
    /// Bytes that may still be passed on.
    left: u64,
    dropped: u64,
    out_of_memory: bool,
    end: Option<End>,
}

impl Warden {
    pub(crate) fn new(
        control: UnixStream,
        environment: Vec<(String, String)>,
        watched: Option<u64>,
        interpreter: Option<Interpreter>,
    ) -> Self {
        let (input, looked) = (Vec::new(), Instant::now());
        Self { control, environment, watched, input, under_way: None, looked, interpreter, ready: None }
    }

    /// Does as it is told until Outboard says no more. The end of the first process is the end of all.
    pub(crate) fn run(mut self) -> ExitCode {
        let children = children();
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        let signals = children.thread_block().and_then(|()| SignalFd::with_flags(&children, flags));
        let Ok(signals) = signals else { return ExitCode::FAILURE };
        loop {
            match self.turn(&signals) {
                Ok(true) => {}
                Ok(false) => return ExitCode::SUCCESS,
                Err(_) => return ExitCode::FAILURE,
            }
        }
    }

    /// Waits for something and does what it asks for. False at the end of the stream.
    fn turn(&mut self, signals: &SignalFd) -> io::Result<bool> {
        let ready = self.wait(signals)?;
        if ready.contains(&Source::Children) {
            while let Ok(Some(_)) = signals.read_signal() {}
            self.take_in_the_dead();
        }
        if ready.contains(&Source::Input) {
            self.feed();
        }
        for source in [Source::Output, Source::Errors] {
            if ready.contains(&source) {
                self.pass_on(source, 1)?;
            }
        }
        self.look_at_memory();
        if self.under_way.as_ref().is_some_and(|run| run.end.is_some()) {
            self.finish()?;
        }
        if ready.contains(&Source::Control) { self.obey() } else { Ok(true) }
    }

    /// Waits for one of the streams, and tells which.
    fn wait(&self, signals: &SignalFd) -> io::Result<Vec<Source>> {
        let mut waits: Vec<(Source, BorrowedFd<'_>, PollFlags)> = vec![
            (Source::Control, self.control.as_fd(), PollFlags::POLLIN),
            (Source::Children, signals.as_fd(), PollFlags::POLLIN),
        ];
        if let Some(run) = &self.under_way {
            waits
                .extend(run.input.iter().map(|(pipe, ..)| (Source::Input, pipe.as_fd(), PollFlags::POLLOUT)));
            waits.extend(run.output.iter().map(|pipe| (Source::Output, pipe.as_fd(), PollFlags::POLLIN)));
            waits.extend(run.errors.iter().map(|pipe| (Source::Errors, pipe.as_fd(), PollFlags::POLLIN)));
        }
        let mut polled: Vec<PollFd<'_>> =
            waits.iter().map(|(_, fd, flags)| PollFd::new(*fd, *flags)).collect();
        let is_over = self.under_way.as_ref().is_some_and(|run| run.end.is_some());
        let until = match self.watched {
            _ if is_over => PollTimeout::ZERO,
            Some(_) => PollTimeout::try_from(watch::TURN).unwrap_or(PollTimeout::MAX),
            None => PollTimeout::NONE,
        };
        match poll(&mut polled, until) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let ready = polled.iter().zip(&waits).filter(|(fd, _)| fd.any().unwrap_or(true));
        Ok(ready.map(|(_, (source, ..))| *source).collect())
    }

    /// Reads one message and does what it says.
    fn obey(&mut self) -> io::Result<bool> {
        match frame::read(&mut self.control)? {
            None => return Ok(false),
            Some((Kind::Input, bytes)) => self.input = bytes,
            Some((Kind::Run, body)) => {
                let run: Run = serde_json::from_slice(&body)?;
                self.start(&run)?;
            }
            Some((Kind::EndAll, _)) => self.end_all(),
            Some(_) => return Err(io::ErrorKind::InvalidData.into()),
        }
        Ok(true)
    }

    /// Sees to it that a Python is ready, if there is one to be had. Whoever asks before it is, or if there is none, starts one.
    fn keep_ready(&mut self) {
        let Some(interpreter) = self.interpreter.as_ref().filter(|_| self.ready.is_none()) else { return };
        let mut command = Command::new(interpreter.name());
        command
            .arg(python::NOTHING)
            .env_clear()
            .envs(Interpreter::environment(&self.environment))
            .current_dir(HOME)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        // Where nothing more can be started, it is tried again after the next command.
        let started = spawn(&mut command).ok().and_then(|child| i32::try_from(child.id()).ok());
        self.ready = started.map(Pid::from_raw);
    }

    fn start(&mut self, run: &Run) -> io::Result<()> {
        let input = std::mem::take(&mut self.input);
        let started = if self.under_way.is_some() {
            Err(io::Error::other("another command is under way"))
        } else {
            self.spawn(run, input)
        };
        match started {
            Ok(under_way) => {
                self.under_way = Some(under_way);
                // Nothing was told of who ended while it was started.
                self.take_in_the_dead();
                Ok(())
            }
            Err(error) => {
                let how = End::NotStarted(error.to_string());
                self.tell(&Ended { how, dropped: 0, left: self.left(), out_of_memory: false })
            }
        }
    }

    fn spawn(&self, run: &Run, input: Vec<u8>) -> io::Result<UnderWay> {
        let (program, arguments) =
            run.argv.split_first().ok_or_else(|| io::Error::other("there is no program"))?;
        let (output, for_output) = pipe()?;
        let (errors, for_errors) = if run.merged {
            (None, for_output.try_clone()?)
        } else {
            let (errors, for_errors) = pipe()?;
            (Some(errors), for_errors)
        };
        let output = Some(output);
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(HOME)
            .process_group(0)
            .stdin(if run.input { Stdio::piped() } else { Stdio::null() })
            .stdout(for_output)
            .stderr(for_errors);
        let mut child = spawn(&mut command)?;
        // It holds the writing ends, whose being closed would not be seen.
        drop(command);
        let pid = Pid::from_raw(i32::try_from(child.id()).map_err(io::Error::other)?);
        let stdin = child.stdin.take();
        let pipes = [
            stdin.as_ref().map(AsFd::as_fd),
            output.as_ref().map(AsFd::as_fd),
            errors.as_ref().map(AsFd::as_fd),
        ];
        for pipe in pipes.into_iter().flatten() {
            fcntl(pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        }
        let input = stdin.map(|pipe| (pipe, input, 0));
        Ok(UnderWay {
            pid,
            input,
            output,
            errors,
            left: run.output,
            dropped: 0,
            out_of_memory: false,
            end: None,
        })
    }

    /// Ends every process but this one, and takes them in: until then each counts as one, and no other fits in its place.
    /// They are the jail's: nobody else is in this namespace.
    fn end_all(&mut self) {
        if getpid() != Pid::from_raw(1) {
            // Only where the pid namespace is switched off for a test: others live beside the jail. There is nobody to
            // be ended if this fails.
            let _ = self.under_way.as_ref().map_or(Ok(()), |run| killpg(run.pid, Signal::SIGKILL));
            return;
        }
        let until = Instant::now() + DYING;
        // There is nobody to be ended if this fails.
        let _ = kill(Pid::from_raw(-1), Signal::SIGKILL);
        while self.take_in_the_dead() && Instant::now() < until {
            let moment = PollTimeout::try_from(MOMENT).unwrap_or(PollTimeout::ZERO);
            // It ends with the time, or with a signal: then it is looked sooner.
            let _ = poll(&mut [], moment);
        }
    }

    /// Takes in every process that has ended, whosever child it was. Tells whether others are left.
    fn take_in_the_dead(&mut self) -> bool {
        while let Ok(status) = waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            let (pid, end) = match status {
                WaitStatus::Exited(pid, code) => (pid, End::Code(code)),
                WaitStatus::Signaled(pid, signal, _) => (pid, End::Signal(signal as i32)),
                WaitStatus::StillAlive => return true,
                _ => continue,
            };
            if self.ready == Some(pid) {
                self.ready = None;
                if matches!(end, End::Code(_)) {
                    // Nobody has ended it: it cannot be kept ready here.
                    self.interpreter = None;
                }
            }
            if let Some(run) = self.under_way.as_mut().filter(|run| run.pid == pid) {
                run.end = Some(end);
            }
        }
        false
    }

    /// Gives the command more of its input.
    fn feed(&mut self) {
        let Some(run) = &mut self.under_way else { return };
        let Some((pipe, bytes, at)) = &mut run.input else { return };
        match pipe.write(&bytes[*at..]) {
            Ok(count) => *at += count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
            // It reads no more.
            Err(_) => *at = bytes.len(),
        }
        if *at == bytes.len() {
            run.input = None;
        }
    }

    /// Passes on what a command wrote, in at most so many pieces.
    fn pass_on(&mut self, source: Source, pieces: usize) -> io::Result<()> {
        let Some(run) = &mut self.under_way else { return Ok(()) };
        let kind = if source == Source::Output { Kind::Output } else { Kind::Errors };
        let mut buffer = [0; PIECE];
        for _ in 0..pieces {
            let read = match source {
                Source::Output => run.output.as_mut().map(|pipe| pipe.read(&mut buffer)),
                _ => run.errors.as_mut().map(|pipe| pipe.read(&mut buffer)),
            };
            let count = match read {
                Some(Ok(count @ 1..)) => count,
                Some(Err(error)) if error.kind() == io::ErrorKind::Interrupted => continue,
                Some(Err(error)) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                None => return Ok(()),
                Some(_) => {
                    if source == Source::Output {
                        run.output = None;
                    } else {
                        run.errors = None;
                    }
                    return Ok(());
                }
            };
            let passed = usize::try_from(run.left).unwrap_or(usize::MAX).min(count);
            run.left -= passed as u64;
            run.dropped += (count - passed) as u64;
            if passed > 0 {
                frame::write(&mut self.control, kind, &buffer[..passed])?;
            }
        }
        Ok(())
    }

    /// Tells the end of a command, with what is left in its pipes. Whoever else holds these writes to nobody from now on.
    fn finish(&mut self) -> io::Result<()> {
        for source in [Source::Output, Source::Errors] {
            self.pass_on(source, LAST_PIECES)?;
        }
        let Some(run) = self.under_way.take() else { return Ok(()) };
        let how = run.end.unwrap_or(End::Code(0));
        let left = self.left();
        self.tell(&Ended { how, dropped: run.dropped, left, out_of_memory: run.out_of_memory })?;
        // Now rather than before the first command, which would wait for it: whoever runs commands thinks between them.
        self.keep_ready();
        Ok(())
    }

    /// Processes that commands have left, as far as they can be counted.
    fn left(&self) -> u64 {
        let ready = self.ready.map(|pid| pid.as_raw().unsigned_abs());
        let processes = watch::processes().unwrap_or_default();
        processes.iter().filter(|pid| Some(**pid) != ready).count() as u64
    }

    fn tell(&mut self, ended: &Ended) -> io::Result<()> {
        frame::write(&mut self.control, Kind::Ended, &serde_json::to_vec(ended)?)
    }

    /// Where no group limits memory, ends all processes that together have too much.
    fn look_at_memory(&mut self) {
        let Some(most) = self.watched.filter(|_| self.looked.elapsed() >= watch::TURN) else { return };
        self.looked = Instant::now();
        let Some(processes) = watch::processes() else { return };
        if watch::memory(&processes) > most {
            if let Some(run) = &mut self.under_way {
                run.out_of_memory = true;
            }
            self.end_all();
        }
    }
}

/// Starts a program as any shell does: without the signal blocked that this process waits for by reading. Meanwhile nothing is told
/// of children that end.
fn spawn(command: &mut Command) -> io::Result<std::process::Child> {
    let children = children();
    children.thread_unblock()?;
    let child = command.spawn();
    children.thread_block()?;
    child
}

/// The signal that tells of children that have ended.
fn children() -> SigSet {
    let mut children = SigSet::empty();
    children.add(Signal::SIGCHLD);
    children
}

/// A pipe: the end that is read, and the end for a command.
fn pipe() -> io::Result<(File, OwnedFd)> {
    let (reader, writer) = io::pipe()?;
    Ok((File::from(OwnedFd::from(reader)), writer.into()))
}

/// Where something is to be read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Control,
    Children,
    Input,
    Output,
    Errors,
}
