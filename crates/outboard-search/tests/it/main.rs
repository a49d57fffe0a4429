//! What the search finds in small catalogues, written by hand, and what it owes in any.

mod catalogue;
mod difference;
mod finds;
mod hostile;
