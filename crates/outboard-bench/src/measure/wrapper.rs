//! A call by a generated package: a program of the machine's own interpreter, the socket, the daemon, and the upstream behind it.
//! The other side is the raw client; both make calls in turn, one after another.

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use serde_json::json;

use super::{
    Bench, BenchFailure, Measure, echo_seconds, expect,
    program::{Ended, Program},
    timed,
};
use crate::{
    gateway::{self, Home},
    peer::Peer,
    samples::Pair,
    scripts::Language,
};

/// Calls of one sample.
const CALLS: u16 = 100;

/// Makes the calls once for each line that it reads, and says how many came back right.
const PYTHON: &str = "import sys
from tools.bench import echo
for line in sys.stdin:
    print(sum(echo(text='hello') == 'hello' for _ in range(100)), flush=True)";
const NODE: &str = "import { createInterface } from 'node:readline';
import { echo } from './tools/bench.js';
for await (const line of createInterface({ input: process.stdin })) {
  let right = 0;
  for (let n = 0; n < 100; n += 1) right += (await echo({ text: 'hello' })) === 'hello';
  console.log(right);
}";

pub(super) fn call(bench: &Bench<'_>, measure: &Measure) -> Result<Pair, BenchFailure> {
    let home = Home::new(&json!({}))?;
    let (switch, program) = match measure.language() {
        Language::Python => ("--python", home.command("python3", &["-c", PYTHON])),
        Language::TypeScript => ("--typescript", home.command("node", &["--input-type=module", "-e", NODE])),
    };
    let written = home.command(&bench.outboard, &["generate", switch, "tools"]).output()?;
    expect("generate", &written.status.success(), &true)?;
    let daemon = daemon(home.command(&bench.outboard, &["daemon"]))?;
    let mut program = Program::start(program)?;
    let mut upstream = Peer::start(gateway::upstream()?)?;
    let round = |pair: &mut Pair| -> Result<(), BenchFailure> {
        let (seconds, right) = timed(|| program.go())?;
        expect("the package", &right, &CALLS.to_string())?;
        pair.ours.push(seconds / f64::from(CALLS));
        pair.other.push(echo_seconds(&mut upstream, CALLS)?);
        Ok(())
    };
    let pair = bench.by_turns(measure, round);
    drop(daemon);
    pair
}

/// A daemon that listens. It logs what one that was started on demand does: nothing that goes well.
fn daemon(mut command: Command) -> Result<Ended, BenchFailure> {
    command.env("OUTBOARD_LOG", "warn").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut process = command.spawn()?;
    let said = process.stderr.take().ok_or(BenchFailure::Deaf)?;
    let daemon = Ended(process);
    for line in BufReader::new(said).lines() {
        if line?.starts_with("at ") {
            return Ok(daemon);
        }
    }
    Err(BenchFailure::Deaf)
}
