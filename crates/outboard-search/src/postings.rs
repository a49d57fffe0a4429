//! Where a term stands: for each document how often, in which field; and what that is worth (BM25F: Robertson and
//! Zaragoza, "The Probabilistic Relevance Framework", 2009, section 3.5). Keeps no texts.

/// The fields of a document.
pub(crate) const FIELDS: usize = 6;
pub(crate) const NAME: usize = 0;
pub(crate) const TITLE: usize = 1;
pub(crate) const NAMESPACE: usize = 2;
pub(crate) const DESCRIPTION: usize = 3;
pub(crate) const PARAMETERS: usize = 4;
pub(crate) const PARAMETER_TEXTS: usize = 5;

/// What a word is worth by the field it stands in.
const WEIGHT: [f32; FIELDS] = [3.0, 1.5, 0.8, 1.0, 0.8, 0.4];
/// How much a field's length counts against it.
const LENGTH: [f32; FIELDS] = [0.4, 0.4, 0.2, 0.4, 0.5, 0.6];
/// How soon repetition stops to pay.
const SATURATION: f32 = 1.2;
/// Takes the edge off rarity: in small catalogues many words are rare that say nothing.
const RARITY: f32 = 0.8;

/// Times that a term stands in each field of one document, each at most 255.
pub(crate) type Counts = [u8; FIELDS];

/// One document of a term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Posting {
    pub(crate) document: u32,
    pub(crate) counts: Counts,
}

/// Words in each field of a document.
pub(crate) type Lengths = [u16; FIELDS];

/// Mean words in each field over all documents.
pub(crate) type Means = [f32; FIELDS];

/// What a term's presence is worth, before its rarity: from 0 to 2.2.
pub(crate) fn worth(counts: &Counts, lengths: &Lengths, means: &Means) -> f32 {
    let mut frequency = 0.0;
    for field in 0..FIELDS {
        if counts[field] > 0 {
            let relative = f32::from(lengths[field]) / means[field];
            frequency +=
                WEIGHT[field] * f32::from(counts[field]) / (1.0 - LENGTH[field] + LENGTH[field] * relative);
        }
    }
    frequency * (SATURATION + 1.0) / (frequency + SATURATION)
}

/// How rare a term is: of `documents`, `with` have it.
pub(crate) fn rarity(documents: usize, with: usize) -> f32 {
    let (documents, with) = (documents as f32, with as f32);
    (1.0 + (documents - with + 0.5) / (with + 0.5)).ln().powf(RARITY)
}
