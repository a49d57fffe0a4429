//! From the client's cancellation of a script that computes for ever to its end: only one run may be under way, and the
//! next one is answered.

use serde_json::json;

use super::{Bench, BenchFailure, Measure, expect, timed};
use crate::{
    gateway::{Home, arguments, execute},
    peer::{Peer, call_params, request_line},
    samples::Pair,
};

pub(super) fn take(bench: &Bench<'_>, measure: &Measure) -> Result<Pair, BenchFailure> {
    let language = measure.language();
    let home = Home::new(&json!({ "runsAtOnce": 1 }))?;
    let mut outboard = Peer::start(home.serve(&bench.outboard)?)?;
    let endless = call_params("execute", &arguments(language, language.endless()));
    let mut pair = Pair::default();
    for _ in bench.rounds(measure, usize::MAX) {
        let id = outboard.take_id();
        outboard.write(request_line(id, "tools/call", &endless).as_bytes())?;
        // A request that is answered beside it: by then it is under way.
        outboard.request("tools/list", "{}")?.good()?;
        let cancelled = format!(
            "{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{{\"requestId\":{id}}}}}\n"
        );
        let (seconds, said) = timed(|| {
            outboard.write(cancelled.as_bytes())?;
            execute(&mut outboard, language, language.addition())
        })?;
        expect("Outboard", &said.as_str(), &"2")?;
        pair.ours.push(seconds);
    }
    Ok(pair)
}
