//! The value of `--language`, wherever a command takes one: the names of languages, with those that people also use.
//! What a language is, the runtime knows.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser as _, ValueParser};
use outboard_runtime::Language;

/// Takes `typescript` and `python`, and what their files and people call them.
pub(super) fn parser() -> ValueParser {
    let names = PossibleValuesParser::new([
        PossibleValue::new(Language::TypeScript.as_str()).aliases(["ts", "javascript", "js"]),
        PossibleValue::new(Language::Python.as_str()).aliases(["py", "python3"]),
    ]);
    ValueParser::new(names.try_map(|name| name.parse::<Language>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_that_is_offered_is_a_language() {
        let command =
            clap::Command::new("x").arg(clap::Arg::new("l").value_parser(parser()).ignore_case(true));
        for (name, language) in [
            ("typescript", Some(Language::TypeScript)),
            ("TS", Some(Language::TypeScript)),
            ("js", Some(Language::TypeScript)),
            ("javascript", Some(Language::TypeScript)),
            ("python", Some(Language::Python)),
            ("py", Some(Language::Python)),
            ("python3", Some(Language::Python)),
            ("ruby", None),
        ] {
            let parsed = command.clone().try_get_matches_from(["x", name]);
            let parsed = parsed.ok().and_then(|found| found.get_one::<Language>("l").copied());
            assert_eq!(parsed, language, "{name}");
        }
    }
}
