//! Turns an ended run into the text that the model reads: value, console, and what went wrong.
//!
//! One token budget covers the whole text; what does not fit is kept in the [`Session`] and named.
//! It reads [`RunReport`]s and decides nothing about the run itself.

mod answer;
mod console;
mod cut;
mod failure;
mod fit;
mod hints;
mod layout;
mod long;
mod media;
mod note;
mod plain;
mod render;
mod scan;
mod shell;
mod string;
#[cfg(test)]
mod tests;
mod tokens;

pub use answer::{Answer, DEFAULT_BUDGET, SMALLEST_BUDGET, answer, answer_once};
pub use cut::{Cut, Unit};
pub use fit::{Fitted, fit};
pub(crate) use hints::undefined_name;
pub use long::{not_here, not_lost, still_running, waiting_for_approval};
pub(crate) use media::without_media;
pub use plain::{clean, counted, grouped};
pub(crate) use plain::{clipped, limit_size};
pub use shell::shell;
pub use tokens::{count_tokens, estimate_tokens};

#[cfg(doc)]
use crate::{run::RunReport, session::Session};
