//! Finds the tools that a few words or a whole task need, best first.
//! Lexical and statistical, with what the program carries itself: BM25 with fields, stems, a thesaurus, near spellings,
//! and a choice that covers all of a task. Does no input or output, and knows nothing of MCP.

mod document;
mod index;
mod parts;
mod postings;
mod query;
mod scores;
mod search;
mod select;
mod spelling;
mod thesaurus;
mod vocabulary;
mod words;

pub use document::{Document, Key};
pub use index::Index;
pub use parts::Parts;
pub use search::Hit;
