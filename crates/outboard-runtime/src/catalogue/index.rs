//! Lexical search over a snapshot: BM25 with fields (Robertson & Zaragoza, "The Probabilistic
//! Relevance Framework", 2009, section 3.5), with exact names first. It does not format answers.

use std::{collections::HashMap, sync::Arc};

use super::{Member, ToolDefinition};

const K1: f64 = 1.2;
/// Length normalisation.
const B: f64 = 0.6;
/// Weight of a term by the field it stands in.
const NAME: f64 = 4.0;
const NAMESPACE: f64 = 2.0;
const DESCRIPTION: f64 = 1.0;
const PARAMETERS: f64 = 0.5;
/// Words of a description that are indexed: beyond, they only dilute.
const DESCRIPTION_WORDS: usize = 200;

/// A tool that a query found: places in the snapshot, and the score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// Index of the member.
    pub member: usize,
    /// Index of the tool within it.
    pub tool: usize,
    /// Higher is better; comparable within one answer only.
    pub score: f64,
}

#[derive(Debug, Default)]
pub(super) struct Index {
    documents: Vec<Document>,
    postings: HashMap<String, Vec<(u32, f32)>>,
    average_length: f64,
}

#[derive(Debug)]
struct Document {
    member: u32,
    tool: u32,
    length: f32,
    name: String,
}

impl Index {
    pub(super) fn build(members: &[Arc<Member>]) -> Self {
        let mut index = Self::default();
        for (m, member) in members.iter().enumerate() {
            for (t, (identifier, tool)) in member.tools().enumerate() {
                index.add(m, t, member, identifier, tool);
            }
        }
        let total: f64 = index.documents.iter().map(|document| f64::from(document.length)).sum();
        index.average_length = (total / index.documents.len().max(1) as f64).max(1.0);
        index
    }

    fn add(&mut self, m: usize, t: usize, member: &Member, identifier: &str, tool: &ToolDefinition) {
        let mut weights: HashMap<String, f64> = HashMap::new();
        let mut put = |text: &str, weight: f64, most: usize| {
            for word in words(text).take(most) {
                *weights.entry(word).or_default() += weight;
            }
        };
        put(identifier, NAME, usize::MAX);
        put(tool.title.as_deref().unwrap_or_default(), NAME / 2.0, 20);
        put(member.namespace.as_str(), NAMESPACE, usize::MAX);
        put(tool.description.as_deref().unwrap_or_default(), DESCRIPTION, DESCRIPTION_WORDS);
        let properties = tool.input_schema.as_ref().and_then(|schema| schema.get("properties")?.as_object());
        for (name, schema) in properties.into_iter().flatten().take(40) {
            put(name, PARAMETERS, 8);
            put(
                schema.get("description").and_then(|text| text.as_str()).unwrap_or_default(),
                PARAMETERS / 2.0,
                20,
            );
        }
        let document = u32::try_from(self.documents.len()).unwrap_or(u32::MAX);
        let length: f64 = weights.values().sum();
        for (word, weight) in weights {
            self.postings.entry(word).or_default().push((document, weight as f32));
        }
        self.documents.push(Document {
            member: u32::try_from(m).unwrap_or(u32::MAX),
            tool: u32::try_from(t).unwrap_or(u32::MAX),
            length: length as f32,
            name: words(identifier).collect::<Vec<_>>().join(" "),
        });
    }

    /// The best `limit` tools, best first; ties keep the catalogue's order.
    pub(super) fn search(&self, query: &str, limit: usize) -> Vec<Found> {
        let terms: Vec<String> = words(query).take(64).collect();
        let mut scores: HashMap<u32, f64> = HashMap::new();
        for (position, term) in terms.iter().enumerate() {
            if terms[..position].contains(term) {
                continue;
            }
            let Some(postings) = self.postings.get(term) else { continue };
            let (n, df) = (self.documents.len() as f64, postings.len() as f64);
            let idf = (1.0 + (n - df + 0.5) / (df + 0.5)).ln();
            for &(document, weight) in postings {
                let length = f64::from(self.documents[document as usize].length) / self.average_length;
                let tf = f64::from(weight) / (1.0 - B + B * length);
                *scores.entry(document).or_default() += idf * tf * (K1 + 1.0) / (tf + K1);
            }
        }
        let phrase = terms.join(" ");
        let mut found: Vec<(u32, f64)> = scores
            .into_iter()
            .map(|(document, score)| {
                let exact = self.documents[document as usize].name == phrase;
                (document, if exact { score + 1000.0 } else { score })
            })
            .collect();
        found.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        found
            .into_iter()
            .take(limit)
            .map(|(document, score)| {
                let document = &self.documents[document as usize];
                Found { member: document.member as usize, tool: document.tool as usize, score }
            })
            .collect()
    }
}

/// Words of any text: split at anything but letters and digits and at camel-case humps, folded to
/// lower case, plural endings taken off.
fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric()).flat_map(humps).filter_map(|word| {
        let word = stem(&word.to_lowercase());
        (!STOP_WORDS.contains(&word.as_str()) && !word.is_empty()).then_some(word)
    })
}

fn humps(word: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut before = None;
    for (at, c) in word.char_indices() {
        if c.is_uppercase() && before.is_some_and(|b: char| b.is_lowercase() || b.is_numeric()) {
            parts.push(&word[start..at]);
            start = at;
        }
        before = Some(c);
    }
    parts.push(&word[start..]);
    parts
}

/// Plural, -ing and -ed endings taken off, and the silent e that they replace: "stages", "staging" and "stage" are one.
fn stem(word: &str) -> String {
    let singular = singular(word);
    let has_vowel = |rest: &str| rest.len() > 2 && rest.contains(['a', 'e', 'i', 'o', 'u', 'y']);
    let ending = ["ing", "ed", "e"].into_iter().find_map(|ending| singular.strip_suffix(ending));
    let Some(rest) = ending.filter(|rest| has_vowel(rest)) else { return singular };
    let mut last = rest.bytes().rev();
    // "committing" and "commit": a doubled consonant belongs to the ending, except where words end so ("call").
    match (last.next(), last.next()) {
        (Some(a), Some(b)) if a == b && !matches!(a, b'l' | b's' | b'z' | b'e' | b'o') => {
            rest[..rest.len() - 1].to_owned()
        }
        _ => rest.to_owned(),
    }
}

fn singular(word: &str) -> String {
    let cut = |ending: &str| word.strip_suffix(ending).filter(|rest| rest.len() > 2);
    if let Some(rest) = cut("ies") {
        return format!("{rest}y");
    }
    if ["sses", "shes", "ches", "xes"].iter().any(|ending| word.ends_with(ending)) {
        return word[..word.len() - 2].to_owned();
    }
    match cut("s") {
        Some(rest) if !rest.ends_with(['s', 'u', 'i']) => rest.to_owned(),
        _ => word.to_owned(),
    }
}

const STOP_WORDS: [&str; 22] = [
    "a", "an", "and", "are", "for", "from", "i", "in", "is", "it", "me", "my", "of", "on", "or", "that",
    "the", "this", "to", "want", "with", "you",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_one_word_are_one_term() {
        for forms in [
            &["stage", "stages", "staging", "staged"][..],
            &["commit", "commits", "committing", "committed"],
            &["query", "queries"],
            &["file", "files", "filing"],
            &["box", "boxes"],
            &["call", "calling", "called"],
        ] {
            let stems: std::collections::BTreeSet<String> = forms.iter().map(|form| stem(form)).collect();
            assert_eq!(stems.len(), 1, "{forms:?}: {stems:?}");
        }
        for apart in [["string", "str"], ["status", "stat"], ["thing", "the"], ["red", "r"]] {
            assert_ne!(stem(apart[0]), stem(apart[1]));
        }
    }

    #[test]
    fn words_are_split_at_humps_and_marks() {
        let split = |text| words(text).collect::<Vec<_>>();
        assert_eq!(split("listPullRequests"), ["list", "pull", "request"]);
        assert_eq!(split("get_data-chunk v2"), ["get", "data", "chunk", "v2"]);
        assert_eq!(split("the of and"), [""; 0]);
    }
}
