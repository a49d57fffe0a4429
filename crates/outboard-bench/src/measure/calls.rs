//! Calls through Outboard and without it, by turns, each side with an upstream process of its own: without it by the raw
//! client, or by the same script in the machine's own CPython. Every answer is checked against what the formulas say.

use std::process::Command;

use serde_json::json;

use super::{Bench, BenchFailure, Measure, expect, processor::OneProcessor, program::Program, timed};
use crate::{
    floor::{self, HELLO},
    gateway::{Home, execute},
    peer::{Peer, PeerFailure},
    records::{CHUNK_RECORDS, CHUNKS, PAGE_RECORDS, PAGES, Summary, summary},
    samples::Pair,
    scripts::Language,
};

/// Calls of one side in a round before it is the other's turn, where one call is short.
const IN_TURN: usize = 20;
pub(super) const ECHOES: u32 = 1_000;
/// Calls in turn, of which the difference counts: so the run itself does not.
const MANY: u32 = 330;
const FEW: u32 = 30;
/// What lets a script of the measures run by itself.
const DIRECT: &str = include_str!("../scripts/direct.py");

pub(super) fn addition(bench: &Bench<'_>, measure: &Measure) -> Result<Pair, BenchFailure> {
    let language = measure.language();
    let ours = |outboard: &mut Peer| execute(outboard, language, language.addition());
    compare(bench, measure, IN_TURN, ("2".to_owned(), HELLO.to_owned()), ours, floor::echo)
}

pub(super) fn echoes(bench: &Bench<'_>, measure: &Measure) -> Result<Pair, BenchFailure> {
    let language = measure.language();
    let ours = |outboard: &mut Peer| execute(outboard, language, language.echoes());
    let other = |upstream: &mut Peer| floor::echoes(upstream, ECHOES);
    compare(bench, measure, 2, (ECHOES.to_string(), ECHOES), ours, other)
}

pub(super) fn pages(bench: &Bench<'_>, measure: &Measure) -> Result<Pair, BenchFailure> {
    let language = measure.language();
    let right = summary(PAGES * PAGE_RECORDS);
    compare(
        bench,
        measure,
        IN_TURN / 2,
        (right.clone(), right),
        |peer| summed(peer, language, language.pages()),
        floor::pages,
    )
}

/// What one more call in turn takes: many, less what few take, for each that is more. One process is at work at a time, so
/// both sides are kept on one processor: else the system decides which side finds its upstream on another one, asleep.
pub(super) fn one_more(bench: &Bench<'_>, measure: &Measure) -> Result<Pair, BenchFailure> {
    let language = measure.language();
    let [many, few] = [MANY, FEW].map(|count| language.echoes_in_turn(count));
    let more = f64::from(MANY - FEW);
    let home = Home::new(&json!({}))?;
    let _one = OneProcessor::keep();
    let (mut outboard, mut upstream) = bench.sides(&home)?;
    let round = |pair: &mut Pair| -> Result<(), BenchFailure> {
        let (theirs, right) = timed(|| {
            (FEW..MANY).try_fold(0, |right, _| {
                floor::echo(&mut upstream).map(|text| right + u32::from(text == HELLO))
            })
        })?;
        expect("the raw client", &right, &(MANY - FEW))?;
        pair.other.push(theirs / more);
        let mut script = |code: &str, count: u32| -> Result<f64, BenchFailure> {
            let (seconds, right) = timed(|| execute(&mut outboard, language, code))?;
            expect("Outboard", &right, &count.to_string())?;
            Ok(seconds)
        };
        pair.ours.push((script(&many, MANY)? - script(&few, FEW)?) / more);
        Ok(())
    };
    bench.by_turns(measure, round)
}

pub(super) fn chunks(bench: &Bench<'_>, measure: &Measure) -> Result<Pair, BenchFailure> {
    let language = measure.language();
    let right = summary(CHUNKS * CHUNK_RECORDS);
    compare(
        bench,
        measure,
        1,
        (right.clone(), right),
        |peer| summed(peer, language, language.chunks()),
        floor::chunks,
    )
}

/// The same script in the machine's own CPython, which calls the upstream itself.
pub(super) fn echoes_by_cpython(bench: &Bench<'_>, measure: &Measure) -> Result<Pair, BenchFailure> {
    let code = measure.language().echoes();
    by_cpython(bench, measure, code, |text| Ok(text.to_owned()), &ECHOES.to_string())
}

/// The same script in the machine's own CPython, which calls the upstream itself.
pub(super) fn chunks_by_cpython(bench: &Bench<'_>, measure: &Measure) -> Result<Pair, BenchFailure> {
    let code = measure.language().chunks();
    by_cpython(bench, measure, code, read_summary, &summary(CHUNKS * CHUNK_RECORDS))
}

fn by_cpython<A: PartialEq + std::fmt::Debug>(
    bench: &Bench<'_>,
    measure: &Measure,
    code: &str,
    read: impl Fn(&str) -> Result<A, PeerFailure>,
    right: &A,
) -> Result<Pair, BenchFailure> {
    let home = Home::new(&json!({}))?;
    let mut outboard = Peer::start(home.serve(&bench.outboard)?)?;
    let mut command = Command::new("python3");
    command.args(["-c", DIRECT, code]).arg(std::env::current_exe()?).arg("upstream");
    let mut direct = Program::start(command)?;
    let round = |pair: &mut Pair| -> Result<(), BenchFailure> {
        let (seconds, answer) = timed(|| direct.go())?;
        expect("python3", &read(&answer)?, right)?;
        pair.other.push(seconds);
        let (seconds, answer) = timed(|| execute(&mut outboard, measure.language(), code))?;
        expect("Outboard", &read(&answer)?, right)?;
        pair.ours.push(seconds);
        Ok(())
    };
    bench.by_turns(measure, round)
}

/// A summary as a script returned it.
pub(super) fn summed(outboard: &mut Peer, language: Language, code: &str) -> Result<Summary, PeerFailure> {
    read_summary(&execute(outboard, language, code)?)
}

fn read_summary(text: &str) -> Result<Summary, PeerFailure> {
    serde_json::from_str(text).map_err(|_| PeerFailure::Refused(text.to_owned()))
}

/// Takes samples by turns, `in_turn` of each side in a round, after one unmeasured round.
fn compare<A: PartialEq + std::fmt::Debug, B: PartialEq + std::fmt::Debug>(
    bench: &Bench<'_>,
    measure: &Measure,
    in_turn: usize,
    (our_answer, other_answer): (A, B),
    ours: impl Fn(&mut Peer) -> Result<A, PeerFailure>,
    other: impl Fn(&mut Peer) -> Result<B, PeerFailure>,
) -> Result<Pair, BenchFailure> {
    let home = Home::new(&json!({}))?;
    let (mut outboard, mut upstream) = bench.sides(&home)?;
    let round = |pair: &mut Pair| -> Result<(), BenchFailure> {
        for _ in 0..in_turn {
            let (seconds, answer) = timed(|| other(&mut upstream))?;
            expect("the raw client", &answer, &other_answer)?;
            pair.other.push(seconds);
        }
        for _ in 0..in_turn {
            let (seconds, answer) = timed(|| ours(&mut outboard))?;
            expect("Outboard", &answer, &our_answer)?;
            pair.ours.push(seconds);
        }
        Ok(())
    };
    bench.by_turns(measure, round)
}
