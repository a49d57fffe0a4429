//! What each word of a query is worth in each document, and the best documents by it.
//! One pass over the postings of the query's terms. Does not choose among the best.

use hashbrown::HashMap;

use crate::{
    index::Index,
    parts::Parts,
    postings::{PARAMETER_TEXTS, PARAMETERS, Posting, rarity, worth},
    query::{Concept, Query},
};

/// How much of a score is that of the best clause; the rest is that of the whole query.
const CLAUSE: f32 = 0.6;

/// An upstream with more than one in so many of the best places crowds.
const CROWD: usize = 4;

/// A document with some of the query's words.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) place: u32,
    pub(crate) score: f32,
    /// How the query names it: 2 if it is nothing but its name, 1 if the name stands in it.
    pub(crate) named: u8,
    /// What it is worth by concept.
    pub(crate) row: Vec<(usize, f32)>,
}

/// What one concept is worth in the documents that have it.
type Column = Vec<(u32, f32)>;

/// The best documents by score, best first: `most`, and as many again where one upstream crowds these.
pub(crate) fn candidates(index: &Index, query: &Query, most: usize, parts: Parts) -> Vec<Candidate> {
    let mut scratch = vec![0.0_f32; index.places()];
    let columns: Vec<Column> =
        query.concepts.iter().map(|concept| column(index, concept, parts, &mut scratch)).collect();
    let mut best = ranked(index, query, &columns, most, parts);
    // For each place the candidate's number and one, to bring the columns into rows.
    let mut numbers = vec![0_u32; index.places()];
    for (number, candidate) in (1..).zip(&best) {
        numbers[candidate.place as usize] = number;
    }
    for (concept, column) in columns.iter().enumerate() {
        for (place, score) in column {
            if let Some(number) = numbers[*place as usize].checked_sub(1) {
                best[number as usize].row.push((concept, *score));
            }
        }
    }
    best
}

fn column(index: &Index, concept: &Concept, parts: Parts, scratch: &mut [f32]) -> Column {
    let means = index.means();
    // A relative is never rarer than the word itself: whoever repeats a word everywhere must not raise its relatives.
    let own = match concept.terms.first() {
        Some((term, 1.0)) => rarity(index.len(), index.vocabulary.postings(*term).len()),
        _ => f32::INFINITY,
    };
    let mut places = Vec::new();
    for (term, factor) in &concept.terms {
        let postings = index.vocabulary.postings(*term);
        let rare = rarity(index.len(), postings.len()).min(own) * factor * concept.weight;
        for Posting { document, counts } in postings {
            let mut counts = *counts;
            if !parts.parameters {
                (counts[PARAMETERS], counts[PARAMETER_TEXTS]) = (0, 0);
            }
            let score = rare * worth(&counts, &index.lengths[*document as usize], &means);
            let known = &mut scratch[*document as usize];
            if *known == 0.0 && score > 0.0 {
                places.push(*document);
            }
            // One word counts once, by the best of what stands for it: many synonyms are no better than one.
            *known = known.max(score);
        }
    }
    places.into_iter().map(|place| (place, std::mem::take(&mut scratch[place as usize]))).collect()
}

/// The best documents with any of the words, best first, without their rows.
fn ranked(index: &Index, query: &Query, columns: &[Column], most: usize, parts: Parts) -> Vec<Candidate> {
    let clauses = if parts.clauses { query.clauses } else { 1 };
    let mut sums = vec![0.0_f32; index.places() * clauses];
    let mut totals = vec![0.0_f32; index.places()];
    let mut touched = Vec::new();
    for (column, concept) in columns.iter().zip(&query.concepts) {
        for (place, score) in column {
            let total = &mut totals[*place as usize];
            if *total == 0.0 {
                touched.push(*place);
            }
            *total += score;
            if clauses > 1 {
                let sums = &mut sums[*place as usize * clauses..][..clauses];
                for (clause, sum) in sums.iter_mut().enumerate() {
                    if concept.clauses & (1 << clause) != 0 {
                        *sum += score;
                    }
                }
            }
        }
    }
    let mut ranked: Vec<(u8, f32, u32)> = touched
        .into_iter()
        .map(|place| {
            let total = totals[place as usize];
            let best = sums[place as usize * clauses..][..clauses].iter().copied().fold(0.0, f32::max);
            let score = if clauses > 1 { (1.0 - CLAUSE) * total + CLAUSE * best } else { total };
            (named(index, place, query), score, place)
        })
        .collect();
    let order = |a: &(u8, f32, u32), b: &(u8, f32, u32)| {
        let by_key = || index.entry(a.2).key.cmp(&index.entry(b.2).key);
        b.0.cmp(&a.0).then(b.1.total_cmp(&a.1)).then_with(by_key)
    };
    if ranked.len() > most {
        ranked.select_nth_unstable_by(most, order);
        let mut rest = ranked.split_off(most);
        uncrowd(index, &ranked, &mut rest);
        if rest.len() > most {
            rest.select_nth_unstable_by(most, order);
            rest.truncate(most);
        }
        ranked.append(&mut rest);
    }
    ranked.sort_unstable_by(order);
    ranked
        .into_iter()
        .map(|(named, score, place)| Candidate { place, score, named, row: Vec::new() })
        .collect()
}

/// Leaves of the rest only what others than the crowding upstreams have, and nothing if none crowds: the choice needs
/// someone to choose when one upstream has all the best places.
fn uncrowd(index: &Index, best: &[(u8, f32, u32)], rest: &mut Vec<(u8, f32, u32)>) {
    let mut crowds: HashMap<&str, usize> = HashMap::new();
    for (_, _, place) in best {
        *crowds.entry(&*index.entry(*place).key.namespace).or_default() += 1;
    }
    crowds.retain(|_, count| *count * CROWD > best.len());
    if crowds.is_empty() {
        rest.clear();
    }
    rest.retain(|(_, _, place)| !crowds.contains_key(&*index.entry(*place).key.namespace));
}

fn named(index: &Index, place: u32, query: &Query) -> u8 {
    let entry = index.entry(place);
    let is = |text: &String| !text.is_empty() && (*text == entry.name || *text == entry.full_name);
    if is(&query.whole) { 2 } else { u8::from(query.names.iter().any(is)) }
}
