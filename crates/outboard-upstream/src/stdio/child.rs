//! A child process in its own process group, and the ways to end both. Whatever happens, nobody of the
//! group is left behind. What the child says is not this module's.

use std::{io, path::Path, process::ExitStatus, time::Duration};

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::{
    process::{self, ChildStderr, ChildStdin, ChildStdout},
    time::{sleep, timeout},
};

/// After the end of its input.
const INPUT_GRACE: Duration = Duration::from_millis(500);
/// After SIGTERM.
const TERM_GRACE: Duration = Duration::from_secs(1);
/// After SIGKILL, which only the kernel can delay.
const KILL_GRACE: Duration = Duration::from_secs(1);
/// How often a group without its leader is looked at; nothing announces its end.
const LOOK: Duration = Duration::from_millis(10);

/// What to start.
pub(crate) struct Command<'a> {
    pub(crate) program: &'a str,
    pub(crate) args: &'a [String],
    /// The complete environment.
    pub(crate) env: &'a [(String, String)],
    pub(crate) cwd: Option<&'a Path>,
}

pub(super) struct Child {
    process: process::Child,
    group: Group,
}

pub(super) struct Pipes {
    pub(super) input: ChildStdin,
    pub(super) output: ChildStdout,
    pub(super) errors: ChildStderr,
}

impl Child {
    pub(super) fn start(command: &Command<'_>) -> io::Result<(Self, Pipes)> {
        use std::process::Stdio;
        let mut builder = process::Command::new(command.program);
        builder
            .args(command.args)
            .env_clear()
            .envs(command.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        if let Some(folder) = command.cwd {
            builder.current_dir(folder);
        }
        let mut process = builder.spawn()?;
        let group = Group::led_by(&process);
        let pipes = Pipes {
            input: process.stdin.take().expect("stdin is piped"),
            output: process.stdout.take().expect("stdout is piped"),
            errors: process.stderr.take().expect("stderr is piped"),
        };
        Ok((Self { process, group }, pipes))
    }

    /// How it exited, once it has.
    pub(super) async fn exited(&mut self) -> Option<String> {
        self.process.wait().await.ok().map(describe)
    }

    /// Ends the child and its group. Its input has ended already; then SIGTERM, then SIGKILL.
    pub(super) async fn end(&mut self) {
        if self.gone_within(INPUT_GRACE).await {
            return;
        }
        self.group.signal(Signal::TERM);
        if self.gone_within(TERM_GRACE).await {
            return;
        }
        self.group.signal(Signal::KILL);
        self.gone_within(KILL_GRACE).await;
    }

    async fn gone_within(&mut self, grace: Duration) -> bool {
        let gone = async {
            // Waiting fails only for a child that has been waited for.
            let _ = self.process.wait().await;
            while self.group.is_alive() {
                sleep(LOOK).await;
            }
        };
        let gone = timeout(grace, gone).await.is_ok();
        if gone {
            self.group.forget();
        }
        gone
    }
}

fn describe(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("it exited with code {code}"),
        (None, Some(signal)) => format!("it was killed by signal {signal}"),
        (None, None) => "it ended".to_owned(),
    }
}

/// The processes of one group. Dropping it kills whoever is left.
struct Group(Option<Pid>);

impl Group {
    fn led_by(process: &process::Child) -> Self {
        let id = process.id().and_then(|id| i32::try_from(id).ok());
        Self(id.and_then(Pid::from_raw))
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.0 {
            // It fails only if the group is gone, which is what is wanted.
            let _ = kill_process_group(group, signal);
        }
    }

    fn is_alive(&self) -> bool {
        self.0.is_some_and(|group| test_kill_process_group(group).is_ok())
    }

    /// Its number may be given to others from now on.
    fn forget(&mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}
