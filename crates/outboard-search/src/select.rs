//! The choice among the best documents: what the chosen ones cover counts less for the next, so that a task's several
//! tools are found and not ten variants of one; and no upstream fills an answer alone. Does not read texts.

use hashbrown::HashMap;

use crate::{index::Index, parts::Parts, query::Query, scores::Candidate};

/// How far a word of a task is done with once the best document for it is chosen.
const COVERED: f32 = 0.45;
/// The same for a query of one clause: it mostly asks for one tool, and its variants are worth knowing.
const COVERED_ALONE: f32 = 0.1;
/// What each chosen document takes from the others of its upstream.
const CROWDED: f32 = 0.1;

/// Chooses up to `limit` of the candidates, best first, each with its worth at that moment.
pub(crate) fn choose(
    index: &Index,
    query: &Query,
    mut candidates: Vec<Candidate>,
    limit: usize,
    parts: Parts,
) -> Vec<(u32, f32)> {
    let covered = match (parts.cover, query.clauses) {
        (false, _) => 0.0,
        (true, 1) => COVERED_ALONE,
        (true, _) => COVERED,
    };
    let crowded = if parts.spread { CROWDED } else { 0.0 };
    let mut room = Room {
        left: vec![1.0; query.concepts.len()],
        best: best(&candidates, query.concepts.len()),
        crowds: HashMap::new(),
    };
    let mut chosen = Vec::new();
    while chosen.len() < limit {
        let mut first: Option<(usize, u8, f32)> = None;
        for (place, candidate) in candidates.iter().enumerate() {
            let value = room.value(index, candidate, crowded);
            let better = first.is_none_or(|(_, named, most)| {
                candidate.named > named || (candidate.named == named && value > most)
            });
            if better {
                first = Some((place, candidate.named, value));
            }
        }
        let Some((place, _, value)) = first else { break };
        let taken = candidates.remove(place);
        room.take(index, &taken, covered);
        chosen.push((taken.place, value));
    }
    chosen
}

/// What is still to be covered, and how crowded it is.
struct Room<'a> {
    /// By concept, from 1 to 0.
    left: Vec<f32>,
    /// The most that a candidate has, by concept.
    best: Vec<f32>,
    /// Chosen documents by namespace.
    crowds: HashMap<&'a str, i32>,
}

impl<'a> Room<'a> {
    fn value(&self, index: &Index, candidate: &Candidate, crowded: f32) -> f32 {
        let (mut total, mut kept) = (0.0, 0.0);
        for (concept, score) in &candidate.row {
            total += score;
            kept += score * self.left[*concept];
        }
        let share = if total > 0.0 { kept / total } else { 1.0 };
        let crowd = self.crowds.get(&*index.entry(candidate.place).key.namespace).copied().unwrap_or(0);
        candidate.score * share * (1.0 - crowded).powi(crowd)
    }

    fn take(&mut self, index: &'a Index, taken: &Candidate, covered: f32) {
        for (concept, score) in &taken.row {
            if self.best[*concept] > 0.0 {
                self.left[*concept] *= 1.0 - covered * score / self.best[*concept];
            }
        }
        *self.crowds.entry(&*index.entry(taken.place).key.namespace).or_default() += 1;
    }
}

fn best(candidates: &[Candidate], concepts: usize) -> Vec<f32> {
    let mut best = vec![0.0_f32; concepts];
    for (concept, score) in candidates.iter().flat_map(|candidate| &candidate.row) {
        best[*concept] = best[*concept].max(*score);
    }
    best
}
