//! Decides in which language a script is written when nobody says it, and whose mistakes to tell when it is
//! well-formed in neither.
//!
//! What TypeScript can be stays TypeScript, except where it could only fail. It parses nothing itself.

use crate::finding::Rejected;
use crate::position::SourceText;
use crate::{CatalogueView, Language, Prepared, python, typescript};
use std::ops::Range;

/// Reads the `script` within `source` in the language that it is written in.
pub(crate) fn read(
    text: &SourceText,
    source: &str,
    script: Range<usize>,
    catalogue: &dyn CatalogueView,
) -> Result<Prepared, Rejected> {
    let code = &source[script.clone()];
    let evidence = Evidence::of(code);
    let as_typescript = typescript::translate(text, source, script.clone(), catalogue);
    // What only TypeScript writes is never read twice.
    if !evidence.leaves_open(code) && as_typescript.is_ok() {
        return as_typescript?.checked();
    }
    let as_python = python::read(text, source, script, catalogue);
    match as_typescript {
        Ok(translated) if !(as_python.sound && as_python.telling) => translated.checked(),
        Err(rejected) if !as_python.sound && evidence.language() != Some(Language::Python) => Err(rejected),
        _ => as_python.result,
    }
}

/// Lines that only one of the languages has, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Evidence {
    typescript: usize,
    python: usize,
    /// `return` at the margin. Python has it in functions only, but scripts in both languages are written as if they
    /// were the body of one.
    returns: usize,
}

impl Evidence {
    pub(crate) fn of(code: &str) -> Self {
        let mut evidence = Self::default();
        for (raw, line) in code.lines().map(|line| (line, line.trim())).filter(|(_, line)| !line.is_empty()) {
            let typescript = is_typescript(line);
            evidence.typescript += usize::from(typescript);
            evidence.returns += usize::from(!typescript && returns_from_script(raw));
            evidence.python += usize::from(is_python(line));
        }
        evidence
    }

    /// The language that more lines speak for.
    pub(crate) fn language(self) -> Option<Language> {
        match self.python.cmp(&(self.typescript + self.returns)) {
            std::cmp::Ordering::Greater => Some(Language::Python),
            std::cmp::Ordering::Less => Some(Language::TypeScript),
            std::cmp::Ordering::Equal => None,
        }
    }

    /// Whether code that is well-formed TypeScript may be meant as Python. If nothing but a `return` speaks for it,
    /// there must be a sign of Python: an argument by name (`f(page=1)`) at least.
    fn leaves_open(self, code: &str) -> bool {
        self.typescript == 0 && (self.returns == 0 || self.python > 0 || code.contains('='))
    }
}

/// Whether a line that is not set in returns.
fn returns_from_script(line: &str) -> bool {
    line.strip_prefix("return").is_some_and(|rest| rest.starts_with([' ', ';', '(', '[', '{']))
}

fn is_typescript(line: &str) -> bool {
    let begins =
        ["const ", "let ", "var ", "function ", "async function", "export ", "interface ", "//", "}"];
    let holds = ["=>", "===", "!==", "&&", "||", "`", "console.", " new ", "null", "undefined"];
    begins.iter().any(|begin| line.starts_with(begin))
        || holds.iter().any(|part| line.contains(part))
        || line.ends_with([';', '{'])
}

fn is_python(line: &str) -> bool {
    let begins = [
        "def ",
        "async def ",
        "elif ",
        "except ",
        "except:",
        "print(",
        "print ",
        "#",
        "\"\"\"",
        "with ",
        "async with ",
        "async for ",
        "raise ",
        "pass",
        "lambda ",
        "result = ",
        "@",
    ];
    let holds = ["None", "True", "False", " not ", " and ", " or ", "asyncio.", " in range(", "lambda "];
    let imports = ["import ", "from "];
    begins.iter().any(|begin| line.starts_with(begin))
        || (imports.iter().any(|begin| line.starts_with(begin)) && !line.contains(['"', '\'', '{']))
        || (line.ends_with(':') && !line.starts_with(['\'', '"']) && !line.starts_with("case "))
        || holds.iter().any(|part| line.contains(part))
        || [" f\"", " f'", "(f\"", "(f'", "len("].iter().any(|part| line.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_speak_for_the_language_that_has_them() {
        for (code, language) in [
            ("def f(x:\n  return x", Some(Language::Python)),
            ("import json\nx = (1,", Some(Language::Python)),
            ("if a:\n  b(\nelif c:\n  d", Some(Language::Python)),
            ("print 'a'", Some(Language::Python)),
            ("x = None if y else", Some(Language::Python)),
            ("const a = ;", Some(Language::TypeScript)),
            ("import { a } from 'b'\nconst c = (", Some(Language::TypeScript)),
            ("if (a) {\n  b(\n}", Some(Language::TypeScript)),
            ("return a ===", Some(Language::TypeScript)),
            ("return 1+1", Some(Language::TypeScript)),
            ("  return 1+1", None),
            ("a b", None),
        ] {
            assert_eq!(Evidence::of(code).language(), language, "{code}");
        }
    }
}
