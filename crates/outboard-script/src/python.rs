//! A script as Python: parsed once, checked, and handed on as it was written.
//!
//! The steps are modules in this order: `text` (what of the text is the script), `bounds` (what may be parsed at
//! all), the parser, `explain` (its errors), `names` (which words occur), `sketch` (for the checks against the catalogue). It changes nothing but an indentation that
//! all lines share; how the script's value is found is the guest's matter.

mod bounds;
mod explain;
mod names;
mod sketch;
mod text;
mod value;

use crate::finding::{Finding, Findings, Rejected};
use crate::position::{PositionMap, SourceText};
use crate::preflight::{self, Dialect, Places};
use crate::{CatalogueView, Form, Language, Prepared, stack};
use names::Names;
use ruff_python_ast::{PySourceType, Stmt};
use ruff_python_parser::parse_unchecked_source;
use std::ops::Range;

/// What a text is, taken as Python.
pub(crate) struct Reading {
    /// The program, or what is wrong.
    pub(crate) result: Result<Prepared, Rejected>,
    /// Whether it is well-formed; it may have other mistakes then.
    pub(crate) sound: bool,
    /// Whether it uses names or arguments in a way that can only fail in TypeScript.
    pub(crate) telling: bool,
}

impl Reading {
    fn unsound(rejected: Rejected) -> Self {
        Self { result: Err(rejected), sound: false, telling: false }
    }
}

/// Reads the `script` within `source`, of which `text` is what findings show.
pub(crate) fn read(
    text: &SourceText,
    source: &str,
    script: Range<usize>,
    catalogue: &dyn CatalogueView,
) -> Reading {
    let (program, positions) = text::clean(text, source, script);
    let mut findings = Findings::new(text);
    let Some(stack) = bounds::stack_for(&program, &positions, &mut findings) else {
        return Reading::unsound(findings.into_rejected());
    };
    let parsed = stack::run(stack, text, || parse(text, &program, &positions, catalogue));
    match parsed.flatten() {
        Err(rejected) => Reading::unsound(rejected),
        Ok(Parsed { names: Names { words, telling }, form, mistakes, hints }) => {
            let language = Language::Python;
            let result = match mistakes {
                None => {
                    let written = program.as_str().into();
                    Ok(Prepared { language, program, form, positions, words, written, hints })
                }
                Some(mistakes) => Err(mistakes),
            };
            Reading { result, sound: true, telling }
        }
    }
}

/// What is known of a well-formed script.
struct Parsed {
    names: Names,
    form: Form,
    mistakes: Option<Rejected>,
    hints: Vec<Finding>,
}

fn parse(
    text: &SourceText,
    program: &str,
    positions: &PositionMap,
    catalogue: &dyn CatalogueView,
) -> Result<Parsed, Rejected> {
    let mut findings = Findings::new(text);
    let parsed = parse_unchecked_source(program, PySourceType::Python);
    explain::explain(program, positions, parsed.errors(), &mut findings);
    if !findings.is_empty() {
        return Err(findings.into_rejected());
    }
    let body = &parsed.syntax().body;
    let form = match body.as_slice() {
        [Stmt::Expr(_)] => Form::Expression,
        _ => Form::Statements,
    };
    if body.is_empty() {
        findings.nothing_to_run("end with an expression, or assign the result to `result`");
    }
    let names = names::of(body);
    let mut hints = Vec::new();
    if !names.words.is_empty()
        || body.iter().any(|statement| statement.is_import_stmt() || statement.is_import_from_stmt())
    {
        let dialect = Dialect::of(Language::Python);
        let to_source = |at: u32| positions.copied_from(at).unwrap_or_default();
        let returned = value::statements(body);
        let places = Places { text: program, to_source: &to_source, returned: &returned };
        let sketch = sketch::sketch(body, &names.words, &returned);
        hints = preflight::check(sketch, &dialect, &places, catalogue, &mut findings);
    }
    let mistakes = (!findings.is_empty()).then(|| findings.into_rejected());
    Ok(Parsed { names, form, mistakes, hints })
}
