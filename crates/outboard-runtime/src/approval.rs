//! Approvals: asking a person about an operation. How a person is reached is the implementor's
//! matter; an approval binds to the exact operation shown.

use futures::future::{BoxFuture, ready};

use crate::operation::Operation;

/// What a person is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The exact operation.
    pub operation: Operation,
    /// Why policy asks.
    pub reason: String,
    /// The line of the script that makes the call.
    pub line: Option<u32>,
}

/// What came of asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A person allowed it.
    Allowed,
    /// A person refused, or nobody could be asked: the text says which.
    Refused(String),
}

/// Reaches a person.
pub trait Approver: Send + Sync + 'static {
    /// Asks and waits for the answer.
    fn ask(&self, question: Question) -> BoxFuture<'_, Answer>;
}

/// There is no way to reach a person, so the answer to every question is no.
#[derive(Clone, Copy, Debug, Default)]
pub struct NobodyThere;

impl Approver for NobodyThere {
    fn ask(&self, _: Question) -> BoxFuture<'_, Answer> {
        Box::pin(ready(Answer::Refused("nobody could be asked".to_owned())))
    }
}
