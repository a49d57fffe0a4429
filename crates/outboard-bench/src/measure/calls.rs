//! Calls through Outboard and by the raw client, by turns, each side with an upstream process of its own.
//! Every answer is checked against what the formulas say.

use serde_json::json;

use super::{Bench, BenchFailure, Measure, expect, timed};
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

/// The same for each of the 31 calls.
pub(super) fn call_of_pages(bench: &Bench<'_>, measure: &Measure) -> Result<Pair, BenchFailure> {
    let calls = f64::from(PAGES + 1);
    let Pair { ours, other } = pages(bench, measure)?;
    Ok(Pair { ours: ours.divided(calls), other: other.divided(calls) })
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

/// A summary as a script returned it.
pub(super) fn summed(outboard: &mut Peer, language: Language, code: &str) -> Result<Summary, PeerFailure> {
    let text = execute(outboard, language, code)?;
    serde_json::from_str(&text).map_err(|_| PeerFailure::Refused(text))
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
    let mut round = |pair: &mut Pair| -> Result<(), BenchFailure> {
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
    round(&mut Pair::default())?;
    let mut pair = Pair::default();
    for _ in bench.rounds(measure, usize::MAX) {
        round(&mut pair)?;
    }
    Ok(pair)
}
