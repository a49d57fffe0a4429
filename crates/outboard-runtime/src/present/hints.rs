//! What to do about errors and limits: one sentence each, for the model that wrote the script.
//! No hint ever says to run the same script again.

use outboard_script::Language;

use super::plain::{duration, limit_size};
use crate::{
    limits::{Limit, Limits},
    reply::FailureCode,
};

/// What reached a limit, with its value, and what to do about it.
pub(super) fn limit(limit: Limit, limits: &Limits, language: Language) -> (String, &'static str) {
    match limit {
        Limit::Wall => (
            format!(
                "the run took longer than its time limit of {} (setting `limits.wallSeconds`)",
                duration(limits.wall)
            ),
            match language {
                Language::TypeScript => {
                    "Do less in one script: fewer calls, independent calls together with Promise.all, or the task in parts."
                }
                Language::Python => {
                    "Do less in one script: fewer calls, independent calls together with asyncio.gather, or the task in parts."
                }
            },
        ),
        Limit::Cpu => (
            format!(
                "computing took longer than its limit of {} (setting `limits.cpuSeconds`; waiting does not count)",
                duration(limits.cpu)
            ),
            "Look for a loop that does not end or a pattern that backtracks; otherwise work on less data at a time.",
        ),
        Limit::Memory => (
            format!(
                "the script used more than its memory limit of {} (setting `limits.memoryMegabytes`)",
                limit_size(limits.memory)
            ),
            "Work page by page and keep only the fields that are needed.",
        ),
        Limit::Stack => (
            "the script's calls were nested deeper than the stack allows".to_owned(),
            "Replace deep recursion by a loop.",
        ),
        Limit::Value => (
            format!(
                "the returned value is larger than its limit of {} (setting `limits.valueBytes`)",
                limit_size(limits.value)
            ),
            "Return a summary or a part of it: filter and aggregate in the script.",
        ),
    }
}

/// What to do about a failed call, where its message does not say it.
pub(super) fn call(code: FailureCode) -> Option<&'static str> {
    match code {
        FailureCode::Denied => Some("It is not allowed here: do the task without it, or ask the person."),
        FailureCode::UpstreamUnavailable => {
            Some("Its server cannot be reached now: do what is possible without it.")
        }
        FailureCode::Limit => {
            Some("Make fewer calls in one script: ask for larger pages or filter at the source.")
        }
        FailureCode::Unrecorded => {
            Some("Nothing is sent without a record of it: the person has to mend the journal first.")
        }
        FailureCode::UnknownHandle => {
            Some("Kept values last as long as this connection; the oldest go first.")
        }
        // Whether it was carried out stands with what was done.
        FailureCode::Timeout
        | FailureCode::UpstreamLost
        | FailureCode::UpstreamError
        | FailureCode::Interrupted
        | FailureCode::ToolError
        | FailureCode::UnknownTool
        | FailureCode::InvalidArguments
        | FailureCode::UpstreamRefused => None,
    }
}

/// What to do about an error that the script threw, if it is one that is typical of the sandbox and does not say so
/// itself.
pub(super) fn thrown(language: Language, name: &str, message: &str) -> Option<&'static str> {
    match language {
        Language::TypeScript => thrown_by_typescript(name, message),
        Language::Python => raised_by_python(name, message),
    }
}

/// What to do about a name that is not defined, if people expect it to be; goes on after a semicolon.
pub(crate) fn undefined_name(language: Language, name: &str) -> Option<String> {
    let sentence = match language {
        Language::TypeScript => thrown_by_typescript("ReferenceError", &format!("{name} is not defined")),
        Language::Python => raised_by_python("NameError", &format!("name '{name}' is not defined")),
    };
    sentence.map(fragment)
}

/// A sentence as the part of one.
fn fragment(sentence: &str) -> String {
    let sentence = sentence.trim_end_matches('.');
    let mut rest = sentence.chars();
    rest.next().map_or_else(String::new, |first| first.to_lowercase().chain(rest).collect())
}

fn thrown_by_typescript(name: &str, message: &str) -> Option<&'static str> {
    const PYTHON: &str = "This is Python's: if the script is, give `python` as the language.";
    const NETWORK: &str = "A script has no network: only the tools reach the outside.";
    const MODULES: &str =
        "A script has no modules, files or processes: use the language itself and the tools.";
    const MISSING: [(&str, &str); 16] = [
        ("print", PYTHON),
        ("len", PYTHON),
        ("None", PYTHON),
        ("True", PYTHON),
        ("False", PYTHON),
        ("fetch", NETWORK),
        ("XMLHttpRequest", NETWORK),
        ("WebSocket", NETWORK),
        ("axios", NETWORK),
        ("require", MODULES),
        ("module", MODULES),
        ("process", MODULES),
        ("Buffer", "There is no Buffer: use Uint8Array, TextEncoder, atob and btoa."),
        ("fs", MODULES),
        ("window", "There is no browser: a script has the language itself and the tools."),
        ("document", "There is no browser: a script has the language itself and the tools."),
    ];
    if name == "ReferenceError" {
        let missing = message.strip_suffix(" is not defined")?.trim_matches(['\'', '"', '`']);
        return MISSING.iter().find(|(name, _)| *name == missing).map(|(_, hint)| *hint);
    }
    let of_nothing = message.contains("of undefined") || message.contains("of null");
    (name == "TypeError" && of_nothing)
        .then_some("The value is not what the script expects: return it, or a part of it, to see what it is.")
}

fn raised_by_python(name: &str, message: &str) -> Option<&'static str> {
    /// What scripts use most and may forget to import.
    const MODULES: [&str; 16] = [
        "asyncio",
        "base64",
        "collections",
        "csv",
        "datetime",
        "functools",
        "hashlib",
        "io",
        "itertools",
        "json",
        "math",
        "random",
        "re",
        "statistics",
        "time",
        "uuid",
    ];
    const ODD: &str =
        "The value is not what the script expects: print it, or a part of it, to see what it is.";
    match name {
        "TypeError" | "AttributeError" if message.contains("'coroutine'") => {
            Some("A tool's value is there only after `await`: `(await namespace.tool(…))[\"field\"]`.")
        }
        "AttributeError" if message.contains("'dict' object") => {
            Some("Results are dicts: read a field as `value[\"field\"]`.")
        }
        "NameError" => {
            let missing = message.strip_prefix("name '")?.split('\'').next()?;
            MODULES.contains(&missing).then_some("The standard library is there: import it at the top.")
        }
        "TypeError" | "AttributeError" if message.contains("'NoneType'") => Some(ODD),
        "KeyError" | "IndexError" => Some(ODD),
        _ => None,
    }
}

/// What a script does that waits for what never comes, and what to do about it.
pub(super) fn stuck(language: Language) -> (&'static str, &'static str) {
    match language {
        Language::TypeScript => (
            "the script waits for a promise that nothing will settle",
            "Every promise that the script makes itself needs a call of its resolve or reject; tool calls settle by themselves.",
        ),
        Language::Python => (
            "the script waits for something that will never happen",
            "A future, event, queue or lock of the script's own needs other code of it to set, fill or release it; tool calls settle by themselves.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typical_errors_of_python_are_answered_with_what_to_do() {
        for (name, message, says) in [
            ("NameError", "name 'asyncio' is not defined", Some("import it")),
            ("NameError", "name 'thing' is not defined", None),
            ("TypeError", "'coroutine' object is not subscriptable", Some("after `await`")),
            ("AttributeError", "'dict' object has no attribute 'records'", Some("value[\"field\"]")),
            ("KeyError", "'records'", Some("print it")),
            ("ValueError", "odd", None),
        ] {
            let hint = thrown(Language::Python, name, message);
            assert_eq!(hint.is_some(), says.is_some(), "{message}");
            assert!(
                says.is_none_or(|says| hint.is_some_and(|hint| hint.contains(says))),
                "{message}: {hint:?}"
            );
        }
    }
}
