//! A program of the machine's own interpreter that does its work once for each line that it reads, and answers with a line.
//! What it works at is not known here.

use std::{
    io::{BufRead as _, BufReader, Lines, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use super::BenchFailure;

/// A process that is ended with the measure.
pub(super) struct Ended(pub(super) Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // One that is gone already is what is wanted.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(super) struct Program {
    input: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    _process: Ended,
}

impl Program {
    /// Starts it. What it lacks is told as absent.
    pub(super) fn start(mut command: Command) -> Result<Self, BenchFailure> {
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| BenchFailure::Absent(format!("the interpreter does not start: {error}")))?;
        let (input, output) = process.stdin.take().zip(process.stdout.take()).ok_or(BenchFailure::Deaf)?;
        Ok(Self { input, answers: BufReader::new(output).lines(), _process: Ended(process) })
    }

    /// Has it work once.
    pub(super) fn go(&mut self) -> Result<String, BenchFailure> {
        self.input.write_all(b"go\n")?;
        self.answers.next().ok_or(BenchFailure::Deaf)?.map_err(BenchFailure::from)
    }
}
