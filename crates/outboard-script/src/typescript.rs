//! A script as TypeScript: parsed once, its types blanked, wrapped into an async function that returns its value.
//!
//! The steps are modules in this order: `bounds` (what may be parsed at all), `parse`, `strip`, `form`, `edit`, and
//! `sketch`, from which the checks against the catalogue find more over the same tree.

mod bounds;
mod edit;
mod form;
mod parse;
mod sketch;
mod strip;

pub use form::Form;

use crate::finding::{Findings, Rejected};
use crate::position::{SourceText, to_u32};
use crate::preflight::{self, Dialect, Places};
use crate::{CatalogueView, Language, Prepared, stack};
use oxc_allocator::Allocator;
use parse::EXPRESSION_PREFIX;
use std::ops::Range;

/// A well-formed script.
pub(crate) struct Translated {
    prepared: Prepared,
    /// What the catalogue shows to be wrong with it.
    mistakes: Option<Rejected>,
}

impl Translated {
    /// The program, if it is right.
    pub(crate) fn checked(self) -> Result<Prepared, Rejected> {
        self.mistakes.map_or(Ok(self.prepared), Err)
    }
}

/// The program for the `script` within `source`, of which `text` is what findings show.
pub(crate) fn translate(
    text: &SourceText,
    source: &str,
    script: Range<usize>,
    catalogue: &dyn CatalogueView,
) -> Result<Translated, Rejected> {
    let clean = clean(source, script);
    let mut findings = Findings::new(text);
    match bounds::stack_for(&clean, &mut findings) {
        Some(stack) => stack::run(stack, text, || parsed(text, &clean, catalogue))?,
        None => Err(findings.into_rejected()),
    }
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
    crate::position::with_line_feeds(text)
}

fn parsed(text: &SourceText, clean: &str, catalogue: &dyn CatalogueView) -> Result<Translated, Rejected> {
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
            let mut hints = Vec::new();
            // A script without any words calls nothing.
            if !words.is_empty() {
                let dialect = Dialect::of(Language::TypeScript);
                let to_source = |at: u32| at.saturating_sub(shift);
                let places = Places { text: parsed_text, to_source: &to_source, returned: &edits.returned };
                let sketch = sketch::sketch(&parsed.program);
                hints = preflight::check(sketch, &dialect, &places, catalogue, &mut findings);
            }
            let mistakes = (!findings.is_empty()).then(|| findings.into_rejected());
            let (program, positions) = edits.apply(text.clone(), &form::WRAPPER);
            let language = Language::TypeScript;
            let written = clean.into();
            let prepared = Prepared { language, program, form, positions, words, written, hints };
            Ok(Translated { prepared, mistakes })
        }
        _ => {
            if findings.is_empty() {
                findings.nothing_to_run("end with an expression or `return`");
            }
            Err(findings.into_rejected())
        }
    }
}
