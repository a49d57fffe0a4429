//! Approvals: a person decides about an operation that policy does not decide alone.
//!
//! [`Approvals`] gathers questions, keeps them until a person has answered, and turns a yes into an [`Approval`] that is
//! good for exactly what was shown. How a person is reached is for those who watch it: the face, a terminal, another
//! process. It sends nothing and does not judge.

mod approvals;
mod question;
mod render;
mod shown;
mod token;
mod value;

pub use approvals::{Approvals, NotOpen, Reach, Ticket};
pub use question::{FORMAT, Question, Scope, Sheet, SoFar, Unshowable};
pub use render::{Medium, render, script};
pub use shown::{mixed, name};
pub use token::{Approval, BadToken, Said, SigningKey, Spending, answer};

use futures::future::{BoxFuture, ready};

use crate::operation::Operation;

/// What came of asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A person allowed it.
    Allowed(Approval),
    /// A person refused, or it cannot be asked: the text says which.
    Refused(String),
    /// Nobody could be asked: the text says why.
    Nobody(String),
}

/// Reaches a person.
pub trait Approver: Send + Sync + 'static {
    /// Asks and waits for the answer. Dropping the future takes the question back.
    fn ask(&self, question: Question) -> BoxFuture<'_, Answer>;

    /// Whether the approval is good for this operation now. The journal sees to it that it is used once.
    fn holds(&self, approval: &Approval, scope: &Scope, operation: &Operation) -> bool;
}

/// Where a person's "always" is written down: the user's own configuration.
pub trait Rules: Send + Sync + 'static {
    /// Writes a rule that lets this tool run without asking from now on. Says what was written and where; the error says
    /// why nothing was. It may wait for others who write the same file.
    fn allow(&self, sheet: &Sheet) -> Result<String, String>;
}

/// There is no way to reach a person, so the answer to every question is no.
#[derive(Clone, Copy, Debug, Default)]
pub struct NobodyThere;

impl Approver for NobodyThere {
    fn ask(&self, _: Question) -> BoxFuture<'_, Answer> {
        Box::pin(ready(Answer::Nobody("nobody is there".to_owned())))
    }

    fn holds(&self, _: &Approval, _: &Scope, _: &Operation) -> bool {
        false
    }
}
