//! Policy: may this operation happen? It judges claims and arguments; it does not ask anyone
//! (that is [`crate::approval`]) and sends nothing.

use crate::{catalogue::Annotations, operation::Operation};

/// What policy says of an operation, with the reason that scripts and people see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may be sent.
    Allow(String),
    /// A person decides.
    Ask(String),
    /// It may not be sent.
    Deny(String),
}

/// Judges operations.
pub trait Policy: Send + Sync + 'static {
    /// The verdict on an operation of a tool with these claimed annotations.
    fn judge(&self, operation: &Operation, annotations: &Annotations) -> Verdict;

    /// One line about the policy in force, for people.
    fn describe(&self) -> String;
}

/// Lets every call of a configured tool pass.
#[derive(Clone, Copy, Debug, Default)]
pub struct AllowAll;

impl Policy for AllowAll {
    fn judge(&self, _: &Operation, _: &Annotations) -> Verdict {
        Verdict::Allow("policy allows all".to_owned())
    }

    fn describe(&self) -> String {
        "policy allows all: every tool of every configured upstream may be called without asking".to_owned()
    }
}
