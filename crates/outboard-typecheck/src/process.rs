//! A checker as a child process: its own process group, an environment of our making, bounded memory. Whatever happens,
//! nobody of the group is left behind. What is said over the pipes is not this module's.

use std::{io, path::Path, process::Stdio};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::BufReader,
    process::{ChildStdin, ChildStdout, Command},
};

use crate::find::Program;

pub(crate) struct Process {
    child: tokio::process::Child,
    group: Option<Pid>,
    pub(crate) input: ChildStdin,
    pub(crate) output: BufReader<ChildStdout>,
}

impl Process {
    /// Starts a checker in its folder, which is all that it is told of this machine.
    pub(crate) fn start(program: &Program, folder: &Path, memory: u64) -> io::Result<Self> {
        let mut command = Command::new(&program.path);
        command
            .args(&program.arguments)
            .env_clear()
            .env("HOME", folder)
            .env("TMPDIR", folder)
            .env("XDG_CACHE_HOME", folder)
            .env("XDG_CONFIG_HOME", folder)
            .env("VIRTUAL_ENV", folder.join("environment"))
            // Beside a run there is a run, which needs the processors more.
            .env("GOMAXPROCS", "2")
            .env("TY_MAX_PARALLELISM", "2")
            .env("GOMEMLIMIT", (memory / 2).to_string())
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .kill_on_drop(true);
        let mut child = command.spawn()?;
        let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(process) = group {
            limit(process, memory)?;
        }
        let input = child.stdin.take().expect("stdin is piped");
        let output = BufReader::new(child.stdout.take().expect("stdout is piped"));
        Ok(Self { child, group, input, output })
    }

    /// Ends the whole group at once: it holds nothing that would be lost.
    pub(crate) async fn end(mut self) {
        self.kill();
        // Waiting fails only for a child that has been waited for.
        let _ = self.child.wait().await;
        self.group = None;
    }

    fn kill(&self) {
        if let Some(group) = self.group {
            // It fails only if the group is gone, which is what is wanted.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

#[cfg(target_os = "linux")]
fn limit(process: Pid, memory: u64) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, prlimit};
    let most = |most| Rlimit { current: Some(most), maximum: Some(most) };
    prlimit(Some(process), Resource::Data, most(memory))?;
    // It writes nothing, and a dump of its memory is of use to nobody.
    prlimit(Some(process), Resource::Core, most(0))?;
    Ok(())
}

/// Elsewhere nobody limits another process; time is limited everywhere.
#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "on Linux it can fail")]
fn limit(_: Pid, _: u64) -> io::Result<()> {
    Ok(())
}
