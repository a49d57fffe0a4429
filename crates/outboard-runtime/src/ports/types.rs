//! A full check of a script's types, by a checker of its language where the machine has one.
//! It judges texts and runs nothing; the checks that are always made are outboard-script's.

use std::sync::Arc;

use futures::future::BoxFuture;
use outboard_script::Language;

/// A script with the declarations of what it calls, ready to be checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typed {
    /// In which language it is written.
    pub language: Language,
    /// The whole text.
    pub text: String,
    /// Lines of the text before the script.
    pub before: u32,
    /// Lines of the script.
    pub lines: u32,
}

/// A mistake in the script's types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeMistake {
    /// Its line in the script, from 1.
    pub line: u32,
    /// Its column in characters, from 1.
    pub column: u32,
    /// What is wrong, in the checker's words, on one line.
    pub message: String,
}

/// Why types were not checked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Unchecked {
    /// For people and models: what is missing and what to do about it.
    pub reason: String,
}

/// Checks types. It answers within a bounded time, whatever the text.
pub trait TypeChecker: Send + Sync + 'static {
    /// The mistakes in the text, in its order.
    fn check(&self, typed: Typed) -> BoxFuture<'static, Result<Vec<TypeMistake>, Unchecked>>;
}

/// How types are checked.
#[derive(Clone)]
pub struct TypeChecks {
    /// By whom.
    pub checker: Arc<dyn TypeChecker>,
    /// A script whose types are wrong, or could not be checked, does not run. Otherwise what is wrong is told when a run
    /// has failed.
    pub required: bool,
}
