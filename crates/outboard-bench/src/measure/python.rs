//! Plain computing in Python, through Outboard and by the CPython of this machine.
//! The other is started once and told to go on by a line, so that its start does not count.

use std::process::{Command, Stdio};

use serde_json::json;

use super::{Bench, BenchFailure, Measure, expect, program::Program, timed};
use crate::{
    gateway::{Home, execute},
    peer::Peer,
    samples::Pair,
    scripts::{FIB, Language},
};

/// What `fib(27)` is.
const RIGHT: &str = "196418";
/// Computes once for each line that it reads.
const LOOP: &str = "import sys\nfor line in sys.stdin: print(fib(27), flush=True)";

/// The native Python, in its own words: `Python 3.12.3`.
pub(crate) fn native_version() -> Option<String> {
    let said = Command::new("python3").arg("--version").stderr(Stdio::null()).output().ok()?;
    Some(String::from_utf8_lossy(&said.stdout).trim().to_owned())
}

pub(super) fn fib(bench: &Bench<'_>, measure: &Measure) -> Result<Pair, BenchFailure> {
    let home = Home::new(&json!({}))?;
    let mut outboard = Peer::start(home.serve(&bench.outboard)?)?;
    let definition = FIB.lines().next().unwrap_or_default();
    let mut native = Command::new("python3");
    native.args(["-c", &format!("{definition}\n{LOOP}")]);
    let mut native = Program::start(native)?;
    let mut pair = Pair::default();
    for round in bench.rounds(measure, usize::MAX) {
        let (theirs, said) = timed(|| native.go())?;
        expect("python3", &said.as_str(), &RIGHT)?;
        let (ours, said) = timed(|| execute(&mut outboard, Language::Python, FIB))?;
        expect("Outboard", &said.as_str(), &RIGHT)?;
        // The first of each is not as warm as the others.
        if round > 0 || bench.rounds == 1 {
            pair.other.push(theirs);
            pair.ours.push(ours);
        }
    }
    Ok(pair)
}
