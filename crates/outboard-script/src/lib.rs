//! Turns the text that a model wrote into a program for the sandbox, and the sandbox's positions back into
//! those of the text.
//!
//! A script may be TypeScript or Python, and come in any form that models write: statements with top-level `await`, a
//! bare expression, a function, in a Markdown fence. [`prepare`] locates it, recognises its language and parses it
//! once. All changes are text edits, so that [`PositionMap`] leads from each place of the program to the place it
//! stands for. It runs nothing and does not check types; of tools it knows what a [`CatalogueView`] tells.
//!
//! The steps are modules in this order: `limits` (how much text is taken), `fence` (where the script stands in it),
//! `recognise` (its language), then `typescript` or `python`.

mod argument;
mod catalogue;
mod fence;
mod finding;
mod fit;
mod language;
mod limits;
mod near;
mod position;
mod preflight;
#[cfg(test)]
mod properties;
mod python;
mod recognise;
mod shape;
mod stack;
mod typescript;

pub use argument::{Argument, Member, Value};
pub use catalogue::{Advice, CatalogueView, NoTools, ToolView};
pub use finding::{Excerpt, Finding, MAX_FINDINGS, Rejected};
pub use fit::{Mistake, mistakes};
pub use language::{Language, UnknownLanguage};
pub use limits::Limits;
pub use position::{Position, PositionMap};
pub use shape::{Choice, Kinds, Members, Others, Shape};
pub use typescript::Form;

use finding::Findings;
use position::{SourceText, to_u32};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A script ready for the sandbox.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The language that it is written in, and whose guest runs it.
    pub language: Language,
    /// Of a TypeScript script, JavaScript whose value is a promise of the script's value: an expression statement
    /// that calls an async arrow function, to be evaluated as a sloppy script, not as a module (a `"use strict"` of
    /// the script's own holds inside). A value that is a function is returned, not called.
    ///
    /// Of a Python script, its text: lines have the numbers that they have in the text as sent, what stands around
    /// the script is left out, and so is an indentation that the whole script has. Its value is to be found by the
    /// guest.
    pub program: String,
    /// How the script was written.
    pub form: Form,
    /// The way back from the program's positions.
    pub positions: PositionMap,
    /// The identifiers and member names that occur outside of types, and the literal keys of accesses like
    /// `github["create-issue"]`: what is not among them, the script cannot name except by computed keys.
    pub words: BTreeSet<String>,
    /// The script as it was written. Of TypeScript, what stands around it is blank, so that places in it are those in the
    /// text as sent; of Python, it is the program.
    pub written: Arc<str>,
    /// What it could do better, though it is right: at most a few.
    pub hints: Vec<Finding>,
}

/// How a script is to be prepared.
#[derive(Clone, Copy)]
pub struct Preparation<'a> {
    /// Its language, where it is known; otherwise it is recognised.
    pub language: Option<Language>,
    /// Bounds on its text.
    pub limits: Limits,
    /// The tools that it can call.
    pub catalogue: &'a dyn CatalogueView,
}

impl Default for Preparation<'_> {
    /// Language unknown, limits as usual, no tools known.
    fn default() -> Self {
        Self { language: None, limits: Limits::default(), catalogue: &NoTools }
    }
}

/// Prepares a script within the default [`Limits`], without knowledge of any tools.
///
/// ```
/// use outboard_script::{Language, prepare};
/// let prepared = prepare("const n: number = await demo.count()\nn + 1", None).unwrap();
/// assert_eq!(prepared.program, "(async()=>{\nconst n         = await demo.count()\nreturn n + 1\n})()");
/// assert_eq!(prepared.positions.to_source(3, 8).unwrap().to_string(), "2:1");
///
/// let rejected = prepare("const n = ;", None).unwrap_err();
/// assert_eq!(rejected.render(), "1:11  unexpected `;`\n  1 | const n = ;\n    |           ^");
///
/// let prepared = prepare("```py\nn = await demo.count()\nn + 1\n```", None).unwrap();
/// assert_eq!(prepared.language, Language::Python);
/// assert_eq!(prepared.program, "\nn = await demo.count()\nn + 1\n");
/// ```
///
/// # Errors
/// [`Rejected`] with all that is wrong, if the script cannot be run: syntax errors, constructs that the
/// sandbox does not have, or more text or nesting than is taken. Errors that take knowledge of scopes (a
/// name declared twice, `break` outside of a loop) and bad regular expressions are left to the sandbox, which
/// reports them with a position before it runs anything.
pub fn prepare(source: &str, language: Option<Language>) -> Result<Prepared, Rejected> {
    prepare_with(source, &Preparation { language, ..Preparation::default() })
}

/// Prepares a script.
///
/// # Errors
/// As [`prepare`], and mistakes that knowledge of the tools shows.
pub fn prepare_with(source: &str, preparation: &Preparation<'_>) -> Result<Prepared, Rejected> {
    let Preparation { language, limits, catalogue } = *preparation;
    let text = SourceText::new(limits.shown(source));
    let mut findings = Findings::new(&text);
    if !limits.allow(source, &mut findings) {
        return Err(findings.into_rejected());
    }
    match fence::locate(source, language) {
        fence::Located::Script(script, named) => match language.or(named) {
            Some(Language::TypeScript) => {
                return typescript::translate(&text, source, script, catalogue)?.checked();
            }
            Some(Language::Python) => return python::read(&text, source, script, catalogue).result,
            None => return recognise::read(&text, source, script, catalogue),
        },
        fence::Located::Several(first, second) => {
            let hint =
                format!("the first block begins on line {}", findings.position(to_u32(first.start)).line);
            let message = "there are several code blocks; send one script";
            findings.add(to_u32(second.start), to_u32(second.end), message, Some(hint));
        }
        fence::Located::Foreign(opener, label) => {
            let wanted = match language {
                None => "TypeScript, JavaScript or Python",
                Some(Language::TypeScript) => "TypeScript or JavaScript",
                Some(Language::Python) => "Python",
            };
            let message = format!("the code block is marked `{label}`; the script must be {wanted}");
            findings.add(to_u32(opener.start), to_u32(opener.end), message, None);
        }
    }
    Err(findings.into_rejected())
}
