//! Checks of a script against the catalogue before it runs: names, arguments, forgotten `await`s.
//!
//! The languages' own walks make a `sketch` of a script: which names are called, with what, and what becomes of the
//! promise. `names` finds out what a name means, and `check` judges, the same for all languages. It would rather miss
//! a mistake than refuse a script that is right: what cannot be known is left to the run, where the same words appear.

mod absent;
mod check;
mod dialect;
mod functions;
mod names;
mod plural;
mod sketch;
mod waste;

pub(crate) use check::{Places, check};
pub(crate) use dialect::{Dialect, is_python_module};
pub(crate) use sketch::{Bound, Mark, Name, Path, ScopeId, ScopeKind, Sketch, Source, Use};
