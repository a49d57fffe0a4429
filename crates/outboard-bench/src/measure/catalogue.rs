//! A catalogue of 10,000 tools: from the kept listings' text to the first answer, and each answer after it.
//! It works on the library, in this process; no upstream and no disk takes part.

use outboard_runtime::{
    catalogue::{Catalogue, Listing, SearchRequest},
    ids::UpstreamName,
};

use super::{Bench, BenchFailure, Measure, expect, timed};
use crate::{
    samples::Pair,
    tools::{self, QUERIES, UPSTREAMS},
};

/// Loads the listings as Outboard keeps them on disk, and indexes them.
pub(super) fn load(bench: &Bench<'_>, measure: &Measure) -> Result<Pair, BenchFailure> {
    let listings = tools::listings();
    let mut pair = Pair::default();
    for _ in bench.rounds(measure, usize::MAX) {
        let (seconds, catalogue) = timed(|| {
            let catalogue = loaded(&listings)?;
            // Makes the index.
            answer(&catalogue, QUERIES[0]);
            Ok::<_, BenchFailure>(catalogue)
        })?;
        expect("the catalogue", &catalogue.snapshot().tool_count(), &tools::TOOLS)?;
        pair.ours.push(seconds);
    }
    Ok(pair)
}

/// Each query in turn; a sample is one answer as the model gets it.
pub(super) fn search(bench: &Bench<'_>, measure: &Measure) -> Result<Pair, BenchFailure> {
    let catalogue = loaded(&tools::listings())?;
    let mut pair = Pair::default();
    for _ in bench.rounds(measure, usize::MAX) {
        for query in QUERIES {
            let (seconds, text) = timed(|| Ok::<_, BenchFailure>(answer(&catalogue, query)))?;
            expect("a search that finds something", &text.contains('('), &true)?;
            pair.ours.push(seconds);
        }
    }
    Ok(pair)
}

/// A catalogue with these listings.
pub(super) fn loaded(listings: &[String]) -> Result<Catalogue, BenchFailure> {
    let name = |number: usize| UpstreamName::new(UPSTREAMS[number]);
    let catalogue = Catalogue::new((0..listings.len()).map(name));
    for (number, text) in listings.iter().enumerate() {
        let listing: Listing =
            serde_json::from_str(text).map_err(|error| BenchFailure::GuestEnded(error.to_string()))?;
        catalogue.publish(&name(number), listing);
    }
    Ok(catalogue)
}

fn answer(catalogue: &Catalogue, query: &str) -> String {
    catalogue.snapshot().answer(&SearchRequest {
        query: query.to_owned(),
        limit: None,
        detail: None,
        language: None,
    })
}
