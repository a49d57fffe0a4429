//! What Outboard adds to its approvals on a machine: a key that the Outboards of one user share, a board in the shared store
//! where each finds the others' questions and leaves its answers, and the file where "always" is written down.
//! Who is shown a question, and how, is for the commands.

mod board;
mod key;
mod rules;

pub(crate) use board::{Board, folder};
pub(crate) use key::load as load_key;
pub(crate) use rules::UserRules;
