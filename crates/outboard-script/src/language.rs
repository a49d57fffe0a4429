//! The languages that a script can be written in, and the names that people and models give them.
//! It recognises nothing by itself: `recognise` looks at code.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A language that scripts are written in. JavaScript is TypeScript without types.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// TypeScript or JavaScript.
    #[default]
    TypeScript,
    /// Python.
    Python,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::TypeScript, Self::Python];

    /// Its name as an argument: `typescript` or `python`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TypeScript => "typescript",
            Self::Python => "python",
        }
    }

    /// The names that it also goes by, those of Markdown's code blocks included; lower case.
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::TypeScript => &[
                "typescript",
                "ts",
                "javascript",
                "js",
                "mts",
                "cts",
                "mjs",
                "cjs",
                "ecmascript",
                "node",
                "deno",
                "es6",
            ],
            Self::Python => &["python", "py", "python3", "py3", "ipython", "cpython"],
        }
    }
}

impl fmt::Display for Language {
    /// Its name in a sentence.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TypeScript => "TypeScript",
            Self::Python => "Python",
        })
    }
}

/// No language of scripts has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("take `{name}` for a language: it is `typescript` or `python`")]
pub struct UnknownLanguage {
    /// What was given.
    pub name: String,
}

impl FromStr for Language {
    type Err = UnknownLanguage;

    /// Takes `typescript`, `ts`, `javascript`, `js`, `python`, `py` and their kin, in any case.
    fn from_str(name: &str) -> Result<Self, UnknownLanguage> {
        let wanted = name.trim().to_ascii_lowercase();
        let found = Self::ALL.into_iter().find(|language| language.names().contains(&wanted.as_str()));
        found.ok_or_else(|| UnknownLanguage { name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_go_by_many_names() {
        for (names, language) in [
            (&["typescript", "TypeScript", "ts", "js", "JavaScript", " mjs "][..], Language::TypeScript),
            (&["python", "Python", "py", "PY", "python3"], Language::Python),
        ] {
            for name in names {
                assert_eq!(name.parse(), Ok(language), "{name}");
            }
            assert_eq!(language.as_str().parse(), Ok(language));
        }
        let wrong = "ruby".parse::<Language>().unwrap_err();
        assert_eq!(wrong.to_string(), "take `ruby` for a language: it is `typescript` or `python`");
    }
}
