//! The workspace: from a session without one to the first output of its shell, and further commands.
//! The shell's own start, outside, stands beside it.

use std::process::{Command, Stdio};

use serde_json::json;

use super::{Bench, BenchFailure, Measure, echo_seconds, expect, timed};
use crate::{
    gateway::{self, Home},
    peer::Peer,
    samples::Pair,
};

const SAID: &str = "exit 0\nhello";
/// Pythons that one command starts, each of which says how long ago it was started.
const PYTHONS: usize = 10;
/// Calls of one sample.
const CALLS: u16 = 100;
/// Makes them, and says what one takes; the first opens the connection and does not count.
const CALLING: &str = "import time
from mcp_tools.bench import echo
assert echo(text='hello') == 'hello'
began = time.perf_counter()
right = sum(echo(text='hello') == 'hello' for _ in range(100))
took = time.perf_counter() - began
assert right == 100
print(took / 100)";
const FIRST_LINES: &str = "for n in {1..10}; do python3 -c 'import sys, time; print(time.time() - float(sys.argv[1]))' $EPOCHREALTIME; done";

/// A new jail and a shell in it.
pub(super) fn first(bench: &Bench<'_>, measure: &Measure) -> Result<Pair, BenchFailure> {
    let home = ready()?;
    let mut pair = Pair::default();
    for _ in bench.rounds(measure, usize::MAX) {
        // A connection of its own has a workspace of its own.
        let mut outboard = Peer::start(home.serve(&bench.outboard)?)?;
        outboard.request("tools/list", "{}")?.good()?;
        pair.ours.push(shell(&mut outboard, "echo hello")?);
        pair.other.push(outside("echo hello")?);
    }
    Ok(pair)
}

/// A shell in a jail that stands.
pub(super) fn further(bench: &Bench<'_>, measure: &Measure) -> Result<Pair, BenchFailure> {
    commands(bench, measure, "echo hello")
}

/// A Python that prints, started by a shell in a jail that stands.
pub(super) fn python(bench: &Bench<'_>, measure: &Measure) -> Result<Pair, BenchFailure> {
    commands(bench, measure, "python3 -c 'print(\"hello\")'")
}

/// From a shell's start of a Python to its first line, in a jail whose interpreter is ready, as both say by the same clock.
pub(super) fn first_line(bench: &Bench<'_>, measure: &Measure) -> Result<Pair, BenchFailure> {
    let home = ready()?;
    let mut outboard = Peer::start(home.serve(&bench.outboard)?)?;
    // The interpreter gets ready after the first command.
    shell(&mut outboard, "echo hello")?;
    shell(&mut outboard, "sleep 1; echo hello")?;
    let mut pair = Pair::default();
    let arguments = json!({ "command": FIRST_LINES }).to_string();
    for _ in bench.rounds(measure, usize::MAX) {
        let said = outboard.call("bash", &arguments)?.text()?;
        let lines = said.lines().skip(1).map(str::parse::<f64>).collect::<Result<Vec<_>, _>>();
        let lines = lines.ok().filter(|lines| lines.len() == PYTHONS);
        let lines = lines.ok_or_else(|| BenchFailure::Wrong {
            what: "the workspace",
            got: said.clone(),
            expected: format!("{PYTHONS} numbers"),
        })?;
        lines.into_iter().for_each(|seconds| pair.ours.push(seconds));
    }
    Ok(pair)
}

/// A tool call by a program in a jail that stands, as the program's own clock says.
pub(super) fn call(bench: &Bench<'_>, measure: &Measure) -> Result<Pair, BenchFailure> {
    let home = ready()?;
    let mut outboard = Peer::start(home.serve(&bench.outboard)?)?;
    let mut upstream = Peer::start(gateway::upstream()?)?;
    let program =
        json!({ "command": format!("cat > calls.py <<'END'\n{CALLING}\nEND\necho hello") }).to_string();
    expect("the workspace", &outboard.call("bash", &program)?.text()?.as_str(), &SAID)?;
    let arguments = json!({ "command": "python3 calls.py" }).to_string();
    bench.by_turns(measure, |pair| {
        let said = outboard.call("bash", &arguments)?.text()?;
        let seconds = said.lines().nth(1).and_then(|line| line.parse::<f64>().ok());
        let seconds = seconds.ok_or_else(|| BenchFailure::Wrong {
            what: "the workspace",
            got: said.clone(),
            expected: "a number".to_owned(),
        })?;
        pair.ours.push(seconds);
        pair.other.push(echo_seconds(&mut upstream, CALLS)?);
        Ok(())
    })
}

fn commands(bench: &Bench<'_>, measure: &Measure, command: &str) -> Result<Pair, BenchFailure> {
    let home = ready()?;
    let mut outboard = Peer::start(home.serve(&bench.outboard)?)?;
    shell(&mut outboard, "echo hello")?;
    let mut pair = Pair::default();
    for _ in bench.rounds(measure, usize::MAX) {
        pair.ours.push(shell(&mut outboard, command)?);
        pair.other.push(outside(command)?);
    }
    Ok(pair)
}

fn ready() -> Result<Home, BenchFailure> {
    if !cfg!(target_os = "linux") {
        return Err(BenchFailure::Absent("there are no workspaces on this system".to_owned()));
    }
    Ok(Home::new(&json!({ "workspace": true }))?)
}

fn shell(outboard: &mut Peer, command: &str) -> Result<f64, BenchFailure> {
    let arguments = json!({ "command": command }).to_string();
    let (seconds, said) = timed(|| outboard.call("bash", &arguments)?.text())?;
    expect("the workspace", &said.as_str(), &SAID)?;
    Ok(seconds)
}

fn outside(command: &str) -> Result<f64, BenchFailure> {
    let mut bash = Command::new("/bin/bash");
    bash.args(["-c", command]).stdin(Stdio::null());
    let (seconds, said) = timed(|| bash.output())?;
    expect("the shell", &&said.stdout[..], &&b"hello\n"[..])?;
    Ok(seconds)
}
