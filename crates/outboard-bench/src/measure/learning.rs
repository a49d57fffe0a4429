//! What it costs a call that results are learned from: Outboard as it is shipped beside one that learns nothing.
//! How the two take turns stands in `settings`.

use serde_json::json;

use super::{Bench, BenchFailure, Measure, calls::ECHOES, settings::compare};
use crate::{gateway::execute, samples::Pair};

pub(super) fn at_once(bench: &Bench<'_>, measure: &Measure) -> Result<Pair, BenchFailure> {
    let language = measure.language();
    let settings = [json!({}), json!({ "learnResults": false })];
    let right = ECHOES.to_string();
    compare(bench, measure, settings, 2, &right, |peer| execute(peer, language, language.echoes()))
}
