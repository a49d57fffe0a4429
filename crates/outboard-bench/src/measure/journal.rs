//! What the journal costs: Outboard as it is shipped beside one that forgets its runs, by turns, each with an upstream
//! process of its own.

use serde_json::json;

use super::{
    Bench, BenchFailure, Measure,
    calls::{ECHOES, summed},
    expect, timed,
};
use crate::{
    gateway::{Home, execute},
    peer::{Peer, PeerFailure},
    records::{PAGE_RECORDS, PAGES, summary},
    samples::Pair,
};

/// Runs of one side in a round before it is the other's turn.
const IN_TURN: usize = 10;

pub(super) fn sequential(bench: &Bench<'_>, measure: &Measure) -> Result<Pair, BenchFailure> {
    let language = measure.language();
    let right = summary(PAGES * PAGE_RECORDS);
    compare(bench, measure, IN_TURN, &right, |peer| summed(peer, language, language.pages()))
}

pub(super) fn at_once(bench: &Bench<'_>, measure: &Measure) -> Result<Pair, BenchFailure> {
    let language = measure.language();
    compare(bench, measure, 2, &ECHOES.to_string(), |peer| execute(peer, language, language.echoes()))
}

pub(super) fn bulk(bench: &Bench<'_>, measure: &Measure) -> Result<Pair, BenchFailure> {
    let language = measure.language();
    let right = summary(crate::records::CHUNKS * crate::records::CHUNK_RECORDS);
    compare(bench, measure, 1, &right, |peer| summed(peer, language, language.chunks()))
}

fn compare<T: PartialEq + std::fmt::Debug>(
    bench: &Bench<'_>,
    measure: &Measure,
    in_turn: usize,
    right: &T,
    run: impl Fn(&mut Peer) -> Result<T, PeerFailure>,
) -> Result<Pair, BenchFailure> {
    let homes =
        [json!({}), json!({ "journal": { "durability": "memory" } })].map(|settings| Home::new(&settings));
    let [kept, forgotten] = homes;
    let (kept, forgotten) = (kept?, forgotten?);
    let mut ours = Peer::start(kept.serve(&bench.outboard)?)?;
    let mut other = Peer::start(forgotten.serve(&bench.outboard)?)?;
    let mut round = |pair: &mut Pair| -> Result<(), BenchFailure> {
        for (peer, samples) in [(&mut other, &mut pair.other), (&mut ours, &mut pair.ours)] {
            for _ in 0..in_turn {
                let (seconds, answer) = timed(|| run(peer))?;
                expect("Outboard", &answer, right)?;
                samples.push(seconds);
            }
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
