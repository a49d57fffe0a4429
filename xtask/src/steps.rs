//! Runs the steps of a command one after another: a line for each on stderr, with the seconds it took.
//! Talks to child processes and to the terminal. Keeps nothing of a step that went well.

use std::fs::File;
use std::io::{IsTerminal, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anstyle::{AnsiColor, Style};
use anyhow::{Context, Result};

const DIM: Style = Style::new().dimmed();
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
/// How long a look at a running child's output waits for the next one.
const LOOK: Duration = Duration::from_millis(50);

/// A step that failed, with what a person needs to see it fail again.
#[derive(Debug)]
pub(crate) struct StepFailed {
    /// The step's name.
    pub(crate) step: String,
    /// What went wrong, in one line.
    pub(crate) what: String,
    /// The command line that fails in the same way.
    pub(crate) reproduce: String,
    /// Everything that the step wrote.
    pub(crate) output: String,
}

impl std::fmt::Display for StepFailed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "step `{}` failed: {}\n  reproduce: {}", self.step, self.what, self.reproduce)
    }
}

impl std::error::Error for StepFailed {}

/// The steps of one command.
#[derive(Debug)]
pub(crate) struct Steps {
    total: usize,
    done: usize,
    logs: PathBuf,
    echo: bool,
}

impl Steps {
    /// Counts to `total`; output goes to a file in `logs` while a step runs and, with `echo`, to stderr as it comes.
    pub(crate) fn new(total: usize, logs: &Path, echo: bool) -> Self {
        Self { total, done: 0, logs: logs.to_path_buf(), echo }
    }

    /// Runs a child process and returns what it wrote, stdout and stderr in one.
    ///
    /// # Errors
    /// [`StepFailed`] when it could not be started or did not end well. Its output has been shown then.
    pub(crate) fn command(&mut self, name: &str, command: &mut Command) -> Result<String> {
        let reproduce = command_line(command);
        let (echo, log) = (self.echo, self.logs.join(format!("{name}-{}.log", std::process::id())));
        self.step(name, &reproduce, || {
            let (status, output) = capture(command, &log, echo)?;
            if status.success() {
                return Ok(output);
            }
            if !echo {
                show(&output);
            }
            let what = status.to_string();
            Err(StepFailed { step: name.into(), what, reproduce: reproduce.clone(), output }.into())
        })
    }

    /// Runs work that is done in this process; `reproduce` is the command line that does the same.
    ///
    /// # Errors
    /// [`StepFailed`] around whatever `work` failed with.
    pub(crate) fn task<T>(
        &mut self,
        name: &str,
        reproduce: &str,
        work: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        self.step(name, reproduce, work)
    }

    /// Says that a step is left out, and why.
    pub(crate) fn skip(&mut self, name: &str, why: &str) {
        self.done += 1;
        say(&format!("step {}/{} {name} … skipped: {why}", self.done, self.total));
    }

    fn step<T>(&mut self, name: &str, reproduce: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        self.done += 1;
        let started = Instant::now();
        let head = format!("step {}/{} {name} …", self.done, self.total);
        // On a terminal the line is begun at once and completed later; elsewhere it is written whole, twice when
        // output comes between.
        let live = std::io::stderr().is_terminal() && !self.echo;
        if live {
            begin(&head);
        } else if self.echo {
            say(&format!("{DIM}{head}{DIM:#}"));
        }
        let outcome = work();
        let (mark, word) = if outcome.is_ok() { (GOOD, "") } else { (BAD, " FAILED") };
        let seconds = started.elapsed().as_secs_f64();
        let tail = format!("{mark}{seconds:.0} s{word}{mark:#}");
        say(&if live { format!(" {tail}") } else { format!("{head} {tail}") });
        outcome.map_err(|error| match error.downcast::<StepFailed>() {
            Ok(failed) => failed.into(),
            Err(error) => StepFailed {
                step: name.into(),
                what: format!("{error:#}"),
                reproduce: reproduce.into(),
                output: String::new(),
            }
            .into(),
        })
    }
}

/// Writes one line for a person to stderr.
pub(crate) fn say(line: &str) {
    // A closed stderr is no reason to fail.
    let _ = writeln!(anstream::stderr(), "{line}");
}

/// Writes an error for a person to stderr.
pub(crate) fn report_error(error: &anyhow::Error) {
    say(&format!("{BAD}error{BAD:#}: {error:#}"));
}

fn begin(text: &str) {
    let mut stderr = anstream::stderr();
    let _ = write!(stderr, "{text}").and_then(|()| stderr.flush());
}

fn show(output: &str) {
    let mut stderr = anstream::stderr();
    let _ = write!(stderr, "\n{output}")
        .and_then(|()| if output.ends_with('\n') { Ok(()) } else { writeln!(stderr) });
}

/// Runs `command` with both streams in one file, so that a grandchild that outlives it holds nothing up here.
fn capture(command: &mut Command, log: &Path, echo: bool) -> Result<(ExitStatus, String)> {
    let folder = log.parent().context("name a folder for logs")?;
    std::fs::create_dir_all(folder).with_context(|| format!("make the folder {}", folder.display()))?;
    let file = File::create(log).with_context(|| format!("write {}", log.display()))?;
    let mut reader = File::open(log).with_context(|| format!("read {}", log.display()))?;
    command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
    let mut child = command.spawn().with_context(|| format!("start {}", command.get_program().display()))?;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        std::thread::park_timeout(LOOK);
        if echo {
            copy_new(&mut reader);
        }
    };
    if echo {
        copy_new(&mut reader);
    }
    reader.seek(SeekFrom::Start(0))?;
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes)?;
    std::fs::remove_file(log).with_context(|| format!("remove {}", log.display()))?;
    Ok((status, String::from_utf8_lossy(&bytes).into_owned()))
}

fn copy_new(reader: &mut File) {
    let _ = std::io::copy(reader, &mut std::io::stderr());
}

/// The command as it can be typed at the workspace root.
fn command_line(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = match std::env::var_os("CARGO") {
        Some(cargo) if program == Path::new(&cargo) => "cargo".into(),
        _ => program.to_string_lossy(),
    };
    let settings = command.get_envs().filter_map(|(name, value)| {
        Some(format!("{}={}", name.to_string_lossy(), quoted(&value?.to_string_lossy())))
    });
    let words = std::iter::once(quoted(&program))
        .chain(command.get_args().map(|argument| quoted(&argument.to_string_lossy())));
    settings.chain(words).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@+%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps() -> (Steps, PathBuf) {
        let logs = std::env::temp_dir().join(format!("outboard-xtask-steps-{}", std::process::id()));
        (Steps::new(1, &logs, false), logs)
    }

    #[test]
    fn a_failing_command_carries_its_output_and_the_line_that_repeats_it() {
        let (mut steps, _logs) = steps();
        let error = steps.command("odd", Command::new("sh").args(["-c", "echo out; echo err >&2; exit 3"]));
        let failed = error.unwrap_err().downcast::<StepFailed>().unwrap();
        assert_eq!(failed.output, "out\nerr\n");
        assert_eq!(failed.reproduce, "sh -c 'echo out; echo err >&2; exit 3'");
        assert!(failed.what.contains('3'), "{}", failed.what);
    }

    #[test]
    fn a_command_that_cannot_be_started_is_a_failed_step() {
        let (mut steps, _logs) = steps();
        let error = steps.command("absent", &mut Command::new("outboard-no-such-program"));
        let failed = error.unwrap_err().downcast::<StepFailed>().unwrap();
        assert!(failed.what.contains("start outboard-no-such-program"), "{}", failed.what);
    }

    #[test]
    fn a_grandchild_that_lives_on_does_not_hold_a_step_up() {
        let (mut steps, _logs) = steps();
        let started = Instant::now();
        let output = steps.command("leaky", Command::new("sh").args(["-c", "sleep 8 & echo done"])).unwrap();
        assert_eq!(output, "done\n");
        assert!(started.elapsed() < Duration::from_secs(7), "{:?}", started.elapsed());
    }

    #[test]
    fn words_are_quoted_only_where_a_shell_needs_it() {
        for (word, expected) in [("a-b=c", "a-b=c"), ("", "''"), ("a b", "'a b'"), ("it's", r"'it'\''s'")] {
            assert_eq!(quoted(word), expected);
        }
    }
}
