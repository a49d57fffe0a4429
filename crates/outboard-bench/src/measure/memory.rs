//! The memory of `outboard serve`: when it has nothing to do, and for each run that waits for a tool.
//! Memory is counted, not timed, so a few rounds are enough.

use serde_json::json;

use super::{Bench, BenchFailure, Measure, expect};
use crate::{
    floor::HELLO,
    gateway::{Home, arguments, execute},
    machine::Memory,
    peer::{Peer, call_params, request_line},
    samples::Pair,
    scripts::Language,
};

const ROUNDS: usize = 3;
/// Runs that are parked at once. Those of Python take more.
const RUNS: u32 = 1_000;
const PYTHON_RUNS: u32 = 200;

/// After a client has listed the tools, as clients do, and one run has called one.
pub(super) fn idle(bench: &Bench<'_>, measure: &Measure) -> Result<Pair, BenchFailure> {
    let mut pair = Pair::default();
    for _ in bench.rounds(measure, ROUNDS) {
        let home = Home::new(&json!({}))?;
        let mut outboard = Peer::start(home.serve(&bench.outboard)?)?;
        outboard.request("tools/list", "{}")?.good()?;
        let said = execute(&mut outboard, measure.language(), measure.language().echo())?;
        expect("Outboard", &said.as_str(), &HELLO)?;
        pair.ours.push(bytes(memory(&outboard)?.resident));
    }
    Ok(pair)
}

/// What runs that wait for a call add, over their number: the whole process, not the sandbox alone. The last of
/// them is the one that tells that the others wait, and lets them go.
pub(super) fn parked(bench: &Bench<'_>, measure: &Measure) -> Result<Pair, BenchFailure> {
    let language = measure.language();
    let runs = if language == Language::Python { PYTHON_RUNS } else { RUNS };
    let parked = runs - 1;
    let mut pair = Pair::default();
    for _ in bench.rounds(measure, ROUNDS) {
        let home = Home::new(&json!({ "runsAtOnce": runs }))?;
        let mut outboard = Peer::start(home.serve(&bench.outboard)?)?;
        execute(&mut outboard, language, language.echo())?;
        let before = memory(&outboard)?.private;
        let params = call_params("execute", &arguments(language, language.parked()));
        let lines: String =
            (0..parked).map(|_| request_line(outboard.take_id(), "tools/call", &params)).collect();
        outboard.write(lines.as_bytes())?;
        let gathered = execute(&mut outboard, language, &language.gathered(parked))?;
        expect("Outboard", &gathered, &parked.to_string())?;
        let after = memory(&outboard)?.private;
        pair.ours.push(bytes(after.saturating_sub(before)) / f64::from(parked));
        let release = request_line(
            outboard.take_id(),
            "tools/call",
            &call_params("execute", &arguments(language, language.release())),
        );
        outboard.write(release.as_bytes())?;
        for _ in 0..=parked {
            outboard.next_answer()?.good()?;
        }
    }
    Ok(pair)
}

fn memory(outboard: &Peer) -> Result<Memory, BenchFailure> {
    Ok(Memory::of(outboard.process().unwrap_or_default())?)
}

#[expect(clippy::cast_precision_loss, reason = "memory fits the 53 bits of a double")]
fn bytes(count: u64) -> f64 {
    count as f64
}
