//! Turns the text that a model wrote into a program for the sandbox, and the sandbox's positions back into
//! those of the text.
//!
//! A script may come in any form that models write: statements with top-level `await`, a bare expression, a
//! top-level `return`, a function, `export default`, in TypeScript, in a Markdown fence. [`prepare`] locates it,
//! parses it once, blanks its types, and wraps it into an async function that returns its value. All changes
//! are text edits, so that [`PositionMap`] leads from each place of the program to the place it stands for.
//! It runs nothing, does not check types and knows no tools.
//!
//! The steps are modules in this order: `fence` (where the script stands in the text), `limits` (what may be
//! parsed at all), `parse`, `strip`, `form`, `edit`. Checks against a catalogue belong after `parse`, as one more
//! source of [`Finding`]s over the same tree.

mod edit;
mod fence;
mod finding;
mod form;
mod limits;
mod parse;
mod position;
#[cfg(test)]
mod properties;
mod strip;

pub use finding::{Excerpt, Finding, MAX_FINDINGS, Rejected};
pub use form::Form;
pub use limits::Limits;
pub use position::{Position, PositionMap};

use finding::Findings;
use oxc_allocator::Allocator;
use parse::EXPRESSION_PREFIX;
use position::{SourceText, to_u32};
use std::collections::BTreeSet;
use std::ops::Range;

/// A script ready for the sandbox.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// JavaScript whose value is a promise of the script's value: an expression statement that calls an async
    /// arrow function, to be evaluated as a sloppy script, not as a module (a `"use strict"` of the script's own
    /// holds inside). A value that is a function is returned, not called.
    pub program: String,
    /// How the script was written.
    pub form: Form,
    /// The way back from the program's positions.
    pub positions: PositionMap,
    /// The identifiers and member names that occur outside of types, and the literal keys of accesses like
    /// `github["create-issue"]`: what is not among them, the script cannot name except by computed keys.
    pub words: BTreeSet<String>,
}

/// Prepares a script within the default [`Limits`].
///
/// ```
/// let prepared = outboard_script::prepare("const n: number = await demo.count()\nn + 1").unwrap();
/// assert_eq!(prepared.program, "(async()=>{\nconst n         = await demo.count()\nreturn n + 1\n})()");
/// assert_eq!(prepared.positions.to_source(3, 8).unwrap().to_string(), "2:1");
///
/// let rejected = outboard_script::prepare("const n = ;").unwrap_err();
/// assert_eq!(rejected.render(), "1:11  unexpected `;`\n  1 | const n = ;\n    |           ^");
/// ```
///
/// # Errors
/// [`Rejected`] with all that is wrong, if the script cannot be run: syntax errors, constructs that the
/// sandbox does not have, or more text or nesting than is taken. Errors that take knowledge of scopes (a
/// name declared twice, `break` outside of a loop) and bad regular expressions are left to the sandbox, which
/// reports them with a position before it runs anything.
pub fn prepare(source: &str) -> Result<Prepared, Rejected> {
    prepare_within(source, &Limits::default())
}

/// Prepares a script within the given limits.
///
/// # Errors
/// As [`prepare`].
pub fn prepare_within(source: &str, limits: &Limits) -> Result<Prepared, Rejected> {
    let text = SourceText::new(limits.shown(source));
    let mut findings = Findings::new(&text);
    if limits.allow(source, &mut findings)
        && let Some(script) = locate(source, &mut findings)
    {
        let clean = clean(source, script);
        if let Some(stack) = limits::stack_for(&clean, &mut findings) {
            return on_stack(stack, &text, || translate(&text, &clean));
        }
    }
    Err(findings.into_rejected())
}

fn locate(source: &str, findings: &mut Findings<'_>) -> Option<Range<usize>> {
    match fence::locate(source) {
        fence::Located::Script(range) => return Some(range),
        fence::Located::Several(first, second) => {
            let hint =
                format!("the first block begins on line {}", findings.position(to_u32(first.start)).line);
            let message = "there are several code blocks; send one script";
            findings.add(to_u32(second.start), to_u32(second.end), message, Some(hint));
        }
        fence::Located::Foreign(opener, language) => {
            let message =
                format!("the code block is marked `{language}`; the script must be TypeScript or JavaScript");
            findings.add(to_u32(opener.start), to_u32(opener.end), message, None);
        }
    }
    None
}

/// The text with everything but the script blanked, byte for byte, so that offsets are those of the source.
/// A lone CR becomes LF, which means the same and is a line end to everybody.
fn clean(source: &str, script: Range<usize>) -> String {
    let (before, code, after) = (&source[..script.start], &source[script.clone()], &source[script.end..]);
    let stripped = code.strip_prefix('\u{feff}').unwrap_or(code);
    let trimmed = stripped.trim_start();
    let from = if trimmed.starts_with("#!") {
        code.len() - trimmed.len() + trimmed.find(['\n', '\r']).unwrap_or(trimmed.len())
    } else {
        code.len() - stripped.len()
    };
    let (head, code) = code.split_at(from);
    let text = edit::blanked(before) + &edit::blanked(head) + code + &edit::blanked(after);
    if !text.contains('\r') {
        return text;
    }
    let mut chars = text.chars().peekable();
    std::iter::from_fn(|| {
        let c = chars.next()?;
        Some(if c == '\r' && chars.peek() != Some(&'\n') { '\n' } else { c })
    })
    .collect()
}

/// Runs `work` on a thread of its own: parsing recurses, and callers' stacks are small.
fn on_stack(
    stack: usize,
    text: &SourceText,
    work: impl FnOnce() -> Result<Prepared, Rejected> + Send,
) -> Result<Prepared, Rejected> {
    let failed = |message: &str| {
        let mut findings = Findings::new(text);
        findings.add(0, 1, message, None);
        Err(findings.into_rejected())
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("script".to_owned()).stack_size(stack);
        match thread.spawn_scoped(scope, work) {
            Ok(thread) => thread
                .join()
                .unwrap_or_else(|_| failed("the parser failed on this script; write it otherwise")),
            Err(error) => failed(&format!("no thread to parse the script on: {error}")),
        }
    })
}

fn translate(text: &SourceText, clean: &str) -> Result<Prepared, Rejected> {
    let mut findings = Findings::new(text);
    let allocator = Allocator::default();
    let prefixed = [EXPRESSION_PREFIX, clean].concat();
    let Some(parsed) = parse::parse(&allocator, clean, &prefixed, &mut findings) else {
        return Err(findings.into_rejected());
    };
    let (parsed_text, shift) =
        if parsed.as_expression { (&*prefixed, to_u32(EXPRESSION_PREFIX.len())) } else { (clean, 0) };
    let mut strip = strip::Strip::new(parsed_text, clean, shift, &mut findings);
    strip.run(&parsed.program);
    let form = form::shape(&parsed, &mut strip);
    let (edits, words) = (strip.edits, strip.words);
    match form {
        Some(form) if findings.is_empty() => {
            let (program, positions) = edits.apply(text.clone(), &form::WRAPPER);
            Ok(Prepared { program, form, positions, words })
        }
        _ => {
            if findings.is_empty() {
                findings.add(
                    0,
                    1,
                    "there is nothing to run",
                    Some("end with an expression or `return`".to_owned()),
                );
            }
            Err(findings.into_rejected())
        }
    }
}
