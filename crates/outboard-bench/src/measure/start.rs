//! From the start of a process to the first right answer. Nothing is kept from an earlier start.
//! Making the directories of the new user is not part of it.

use serde_json::json;

use super::{Bench, BenchFailure, Measure, expect, timed};
use crate::{
    floor::{self, HELLO},
    gateway::{self, Home, execute},
    peer::Peer,
    samples::Pair,
};

pub(super) fn take(bench: &Bench<'_>, measure: &Measure) -> Result<Pair, BenchFailure> {
    let mut pair = Pair::default();
    for _ in bench.rounds(measure, usize::MAX) {
        let command = gateway::upstream()?;
        let (seconds, (upstream, said)) = timed(|| {
            let mut upstream = Peer::start(command)?;
            let said = floor::echo(&mut upstream)?;
            Ok::<_, BenchFailure>((upstream, said))
        })?;
        drop(upstream);
        expect("the upstream", &said.as_str(), &HELLO)?;
        pair.other.push(seconds);

        let home = Home::new(&json!({}))?;
        let command = home.serve(&bench.outboard)?;
        let (seconds, (outboard, said)) = timed(|| {
            let mut outboard = Peer::start(command)?;
            let said = execute(&mut outboard, measure.language(), measure.language().echo())?;
            Ok::<_, BenchFailure>((outboard, said))
        })?;
        drop(outboard);
        expect("Outboard", &said.as_str(), &HELLO)?;
        pair.ours.push(seconds);
    }
    Ok(pair)
}
