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
pub(crate) struct Steps {
    total: usize,
    done: usize,
    logs: PathBuf,
    echo: bool,
    /// Whether a line may be begun before its step and completed after it.
    live: bool,
    out: Box<dyn Write>,
}

impl Steps {
    /// Counts to `total`; output goes to a file in `logs` while a step runs and, with `echo`, to stderr as it comes.
    pub(crate) fn new(total: usize, logs: &Path, echo: bool) -> Self {
        let live = std::io::stderr().is_terminal() && !echo;
        Self { total, done: 0, logs: logs.to_path_buf(), echo, live, out: Box::new(anstream::stderr()) }
    }

    /// Runs a child process and returns what it wrote, stdout and stderr in one.
    ///
    /// # Errors
    /// [`StepFailed`] when it could not be started or did not end well. Its output has been shown then.
    pub(crate) fn command(&mut self, name: &str, command: &mut Command) -> Result<String> {
        let reproduce = command_line(command);
        let (echo, log) = (self.echo, self.logs.join(format!("{name}-{}.log", std::process::id())));
        self.step(name, &reproduce, |out| {
            let (status, output) = capture(command, &log, echo.then_some(out))?;
            if status.success() {
                return Ok(output);
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
        self.step(name, reproduce, |_| work())
    }

    /// Says that a step is left out, and why.
    pub(crate) fn skip(&mut self, name: &str, why: &str) {
        self.done += 1;
        self.write(&format!("step {}/{} {name} … skipped: {why}\n", self.done, self.total));
    }

    fn step<T>(
        &mut self,
        name: &str,
        reproduce: &str,
        work: impl FnOnce(&mut dyn Write) -> Result<T>,
    ) -> Result<T> {
        self.done += 1;
        let started = Instant::now();
        let head = format!("step {}/{} {name} …", self.done, self.total);
        if self.live {
            self.write(&head);
        } else if self.echo {
            self.write(&format!("{DIM}{head}{DIM:#}\n"));
        }
        let outcome = work(&mut self.out);
        let (mark, word) = if outcome.is_ok() { (GOOD, "") } else { (BAD, " FAILED") };
        let seconds = started.elapsed().as_secs_f64();
        let begun = if self.live { "" } else { &head };
        self.write(&format!("{begun} {mark}{seconds:.0} s{word}{mark:#}\n"));
        outcome.map_err(|error| {
            let failed = error.downcast::<StepFailed>().unwrap_or_else(|error| StepFailed {
                step: name.into(),
                what: format!("{error:#}"),
                reproduce: reproduce.into(),
                output: String::new(),
            });
            if !self.echo {
                self.write(&failed.output);
            }
            failed.into()
        })
    }

    fn write(&mut self, text: &str) {
        // A closed stderr is no reason to fail.
        let _ = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
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

/// Runs `command` with both streams in one file, so that a grandchild that outlives it holds nothing up here.
/// What it writes is copied to `echo` as it comes.
fn capture(
    command: &mut Command,
    log: &Path,
    mut echo: Option<&mut dyn Write>,
) -> Result<(ExitStatus, String)> {
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
        copy_new(&mut reader, echo.as_deref_mut());
    };
    copy_new(&mut reader, echo);
    reader.seek(SeekFrom::Start(0))?;
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes)?;
    std::fs::remove_file(log).with_context(|| format!("remove {}", log.display()))?;
    Ok((status, String::from_utf8_lossy(&bytes).into_owned()))
}

fn copy_new(reader: &mut File, echo: Option<&mut (dyn Write + '_)>) {
    if let Some(mut echo) = echo {
        let _ = std::io::copy(reader, &mut echo);
    }
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
    use std::sync::{Arc, Mutex};

    use super::*;

    /// A terminal that remembers.
    #[derive(Clone, Default)]
    struct Screen(Arc<Mutex<Vec<u8>>>);

    impl Screen {
        /// What stands there without colours, and as if every step took no time.
        fn text(&self) -> String {
            let plain = anstream::adapter::strip_bytes(&self.0.lock().unwrap()).into_vec();
            let text = String::from_utf8(plain).unwrap();
            (1..60).fold(text, |text, second| text.replace(&format!("… {second} s"), "… 0 s"))
        }
    }

    impl Write for Screen {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn steps(total: usize, echo: bool, live: bool) -> (Steps, Screen) {
        let logs = std::env::temp_dir().join(format!("outboard-xtask-steps-{}", std::process::id()));
        let screen = Screen::default();
        (Steps { total, done: 0, logs, echo, live, out: Box::new(screen.clone()) }, screen)
    }

    fn sh(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_failing_command_carries_its_output_and_the_line_that_repeats_it() {
        let (mut steps, _screen) = steps(1, false, false);
        let error = steps.command("odd", &mut sh("echo out; echo err >&2; exit 3"));
        let failed = error.unwrap_err().downcast::<StepFailed>().unwrap();
        assert_eq!(failed.output, "out\nerr\n");
        assert_eq!(failed.reproduce, "sh -c 'echo out; echo err >&2; exit 3'");
        assert!(failed.what.contains('3'), "{}", failed.what);
    }

    #[test]
    fn a_step_is_one_line_and_its_output_is_shown_once_if_it_failed() {
        for (echo, live, expected) in [
            (
                false,
                false,
                "step 1/3 good … 0 s\nstep 2/3 left … skipped: why\nstep 3/3 bad … 0 s FAILED\nlost\n",
            ),
            (
                false,
                true,
                "step 1/3 good … 0 s\nstep 2/3 left … skipped: why\nstep 3/3 bad … 0 s FAILED\nlost\n",
            ),
            (
                true,
                false,
                "step 1/3 good …\nfine\nstep 1/3 good … 0 s\nstep 2/3 left … skipped: why\n\
                 step 3/3 bad …\nlost\nstep 3/3 bad … 0 s FAILED\n",
            ),
        ] {
            let (mut steps, screen) = steps(3, echo, live);
            assert_eq!(steps.command("good", &mut sh("echo fine")).unwrap(), "fine\n");
            steps.skip("left", "why");
            assert!(steps.command("bad", &mut sh("echo lost; exit 1")).is_err());
            assert_eq!(screen.text(), expected, "echo {echo}, live {live}");
        }
    }

    #[test]
    fn a_command_that_cannot_be_started_is_a_failed_step() {
        let (mut steps, _screen) = steps(1, false, false);
        let error = steps.command("absent", &mut Command::new("outboard-no-such-program"));
        let failed = error.unwrap_err().downcast::<StepFailed>().unwrap();
        assert!(failed.what.contains("start outboard-no-such-program"), "{}", failed.what);
    }

    #[test]
    fn a_grandchild_that_lives_on_does_not_hold_a_step_up() {
        let (mut steps, _screen) = steps(1, false, false);
        let started = Instant::now();
        let output = steps.command("leaky", &mut sh("sleep 8 & echo done")).unwrap();
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
