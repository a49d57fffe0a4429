//! What a setting costs: two Outboards that differ in it, each with an upstream process of its own.
//! It does not compare with the raw client, as `calls` does.

use serde_json::Value;

use super::{Bench, BenchFailure, Measure, expect, timed};
use crate::{
    gateway::Home,
    peer::{Peer, PeerFailure},
    samples::Pair,
};

/// Runs of one side in a round before it is the other's turn, where a run is short.
pub(super) const IN_TURN: usize = 10;

/// Takes samples by turns of the same run with the first settings and with the other ones, after one unmeasured round.
pub(super) fn compare<T: PartialEq + std::fmt::Debug>(
    bench: &Bench<'_>,
    measure: &Measure,
    settings: [Value; 2],
    in_turn: usize,
    right: &T,
    run: impl Fn(&mut Peer) -> Result<T, PeerFailure>,
) -> Result<Pair, BenchFailure> {
    let [ours, other] = settings.map(|settings| Home::new(&settings));
    let (our_home, other_home) = (ours?, other?);
    let mut ours = Peer::start(our_home.serve(&bench.outboard)?)?;
    let mut other = Peer::start(other_home.serve(&bench.outboard)?)?;
    let round = |pair: &mut Pair| -> Result<(), BenchFailure> {
        for (peer, samples) in [(&mut other, &mut pair.other), (&mut ours, &mut pair.ours)] {
            for _ in 0..in_turn {
                let (seconds, answer) = timed(|| run(peer))?;
                expect("Outboard", &answer, right)?;
                samples.push(seconds);
            }
        }
        Ok(())
    };
    bench.by_turns(measure, round)
}
