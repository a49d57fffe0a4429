//! Cases of whole scripts, most of them literate: a text and what it becomes.

mod cases;
mod hostile;
mod python;
mod scripts;
