//! What the journal costs: Outboard as it is shipped beside one that forgets its runs.
//! How the two take turns stands in `settings`.

use serde_json::{Value, json};

use super::{
    Bench, BenchFailure, Measure,
    calls::{ECHOES, summed},
    settings::{IN_TURN, compare},
};
use crate::{
    gateway::execute,
    records::{PAGE_RECORDS, PAGES, summary},
    samples::Pair,
};

pub(super) fn sequential(bench: &Bench<'_>, measure: &Measure) -> Result<Pair, BenchFailure> {
    let language = measure.language();
    let right = summary(PAGES * PAGE_RECORDS);
    compare(bench, measure, kept(), IN_TURN, &right, |peer| summed(peer, language, language.pages()))
}

pub(super) fn at_once(bench: &Bench<'_>, measure: &Measure) -> Result<Pair, BenchFailure> {
    let language = measure.language();
    let right = ECHOES.to_string();
    compare(bench, measure, kept(), 2, &right, |peer| execute(peer, language, language.echoes()))
}

pub(super) fn bulk(bench: &Bench<'_>, measure: &Measure) -> Result<Pair, BenchFailure> {
    let language = measure.language();
    let right = summary(crate::records::CHUNKS * crate::records::CHUNK_RECORDS);
    compare(bench, measure, kept(), 1, &right, |peer| summed(peer, language, language.chunks()))
}

fn kept() -> [Value; 2] {
    [json!({}), json!({ "journal": { "durability": "memory" } })]
}
