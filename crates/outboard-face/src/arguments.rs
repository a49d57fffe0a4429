//! The arguments of the tools. Models get them slightly wrong now and then: what is clear is taken, what is not
//! is answered with what the tool takes and what it got, so that the next call is right.

use std::time::Duration;

use outboard_runtime::{
    Language,
    catalogue::{Detail, SearchRequest},
};
use rmcp::model::JsonObject;
use serde_json::Value;

const SEARCH: &str = "{ query: string, limit?: number, detail?: \"name\" | \"signature\" | \"full\", language?: \"typescript\" | \"python\" }";
const EXECUTE: &str = "{ code: string, language?: \"typescript\" | \"python\", max_tokens?: number } or { resume: string, max_tokens?: number }";

const BASH: &str = "{ command: string, timeout?: number of seconds }";

/// Arguments of `bash`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BashArguments {
    pub(crate) command: String,
    pub(crate) timeout: Option<Duration>,
}

/// Arguments of `execute`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ExecuteArguments {
    pub(crate) what: What,
    pub(crate) language: Option<Language>,
    pub(crate) max_tokens: Option<usize>,
    /// Names of arguments that `execute` does not have.
    pub(crate) ignored: Vec<String>,
}

/// What `execute` is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// To run this script.
    Run(String),
    /// To wait for the run of this name.
    Resume(String),
}

/// Reads the arguments of `search`; the error is text for the model.
pub(crate) fn search(arguments: &JsonObject) -> Result<SearchRequest, String> {
    let wrong = || mismatch("search", SEARCH, &Value::Object(arguments.clone()));
    let query = match arguments.get("query") {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(query)) => query.clone(),
        Some(_) => return Err(wrong()),
    };
    let detail = match arguments.get("detail") {
        None | Some(Value::Null) => None,
        Some(Value::String(detail)) => Some(match detail.to_ascii_lowercase().as_str() {
            "name" => Detail::Name,
            "signature" => Detail::Signature,
            "full" => Detail::Full,
            _ => return Err(wrong()),
        }),
        Some(_) => return Err(wrong()),
    };
    let limit = count(arguments, "limit").ok_or_else(wrong)?;
    Ok(SearchRequest { query, limit, detail, language: language(arguments).ok_or_else(wrong)? })
}

/// Reads the arguments of `execute`; the error is text for the model.
pub(crate) fn execute(arguments: &JsonObject) -> Result<ExecuteArguments, String> {
    let wrong = || mismatch("execute", EXECUTE, &Value::Object(arguments.clone()));
    let code = match arguments.get("code") {
        None | Some(Value::Null) => None,
        Some(Value::String(code)) => Some(code.as_str()),
        Some(_) => return Err(wrong()),
    };
    let resume = match arguments.get("resume") {
        None | Some(Value::Null) => None,
        Some(Value::String(name)) => Some(name.trim().to_owned()).filter(|name| !name.is_empty()),
        // `12` is as clear as `r12`.
        Some(Value::Number(number)) if number.is_u64() => Some(format!("r{number}")),
        Some(_) => return Err(wrong()),
    };
    let what = match (code.filter(|code| !code.trim().is_empty()), resume) {
        (Some(code), None) => What::Run(code.to_owned()),
        (None, Some(name)) => What::Resume(name),
        (Some(_), Some(name)) => {
            let name = short(&name, 40);
            return Err(format!(
                "nothing was run: `code` starts a script and `resume` waits for one, so give one of them; to wait for \
                 {name}: {{\"resume\":\"{name}\"}}"
            ));
        }
        (None, None) if code.is_some() => {
            return Err("the code is empty: write a script that ends with `return` and a value".to_owned());
        }
        (None, None) => return Err(wrong()),
    };
    let max_tokens = count(arguments, "max_tokens").ok_or_else(wrong)?;
    let language = language(arguments).ok_or_else(wrong)?;
    let known = ["code", "resume", "language", "max_tokens"];
    let ignored = arguments.keys().filter(|name| !known.contains(&name.as_str())).cloned().collect();
    Ok(ExecuteArguments { what, language, max_tokens, ignored })
}

/// Reads the arguments of `bash`; the error is text for the model.
pub(crate) fn bash(arguments: &JsonObject) -> Result<BashArguments, String> {
    let wrong = || mismatch("bash", BASH, &Value::Object(arguments.clone()));
    let command = match arguments.get("command") {
        Some(Value::String(command)) if !command.trim().is_empty() => command.clone(),
        _ => return Err(wrong()),
    };
    let seconds = match arguments.get("timeout") {
        None | Some(Value::Null) => None,
        Some(Value::Number(number)) => number.as_f64(),
        Some(Value::String(text)) => Some(text.trim().parse().map_err(|_| wrong())?),
        Some(_) => return Err(wrong()),
    };
    let timeout = match seconds {
        None => None,
        Some(seconds) if seconds > 0.0 => Some(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)),
        Some(_) => return Err(wrong()),
    };
    Ok(BashArguments { command, timeout })
}

/// Says that `execute` went on without these arguments.
pub(crate) fn ignored_note(ignored: &[String]) -> String {
    let names: Vec<String> = ignored.iter().take(5).map(|name| short(name, 40)).collect();
    format!("[ignored: {}; execute takes {EXECUTE}]", names.join(", "))
}

/// For arguments that are no object at all.
pub(crate) fn not_an_object(tool: &str, got: &Value) -> Option<String> {
    match tool {
        "search" => Some(mismatch(tool, SEARCH, got)),
        "execute" => Some(mismatch(tool, EXECUTE, got)),
        "bash" => Some(mismatch(tool, BASH, got)),
        _ => None,
    }
}

/// The language by any of its names; `Some(None)` if absent, `None` if it is no language of scripts.
fn language(arguments: &JsonObject) -> Option<Option<Language>> {
    match arguments.get("language") {
        None | Some(Value::Null) => Some(None),
        Some(Value::String(name)) => name.parse().ok().map(Some),
        Some(_) => None,
    }
}

/// A whole number of 0 or more, also written as a string; `Some(None)` if absent, `None` if anything else.
fn count(arguments: &JsonObject, name: &str) -> Option<Option<usize>> {
    let number = match arguments.get(name) {
        None | Some(Value::Null) => return Some(None),
        Some(Value::Number(number)) => number.as_f64()?,
        Some(Value::String(text)) => text.trim().parse().ok()?,
        Some(_) => return None,
    };
    // Casting saturates, so an absurdly large number is a very large limit.
    (number >= 0.0 && number.fract() == 0.0).then_some(Some(number as usize))
}

fn mismatch(tool: &str, takes: &str, got: &Value) -> String {
    format!("{tool} takes {takes}; got {}", outline(got))
}

/// `{ code: array, limit: "many" }`: enough to see the mistake, never the whole.
fn outline(value: &Value) -> String {
    let Value::Object(fields) = value else { return kind(value) };
    if fields.is_empty() {
        return "{}".to_owned();
    }
    let mut shown: Vec<String> =
        fields.iter().take(8).map(|(name, value)| format!("{}: {}", short(name, 40), kind(value))).collect();
    if fields.len() > 8 {
        shown.push("…".to_owned());
    }
    format!("{{ {} }}", shown.join(", "))
}

fn kind(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(value) => value.to_string(),
        Value::String(value) if value.len() <= 20 => format!("{value:?}"),
        Value::String(_) => "string".to_owned(),
        Value::Array(_) => "array".to_owned(),
        Value::Object(_) => "object".to_owned(),
    }
}

fn short(text: &str, bytes: usize) -> String {
    let clean = text.escape_debug().to_string();
    if clean.len() <= bytes { clean } else { format!("{}…", &clean[..clean.floor_char_boundary(bytes)]) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: &Value) -> JsonObject {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn clear_arguments_are_taken() {
        let request = |query: &str, limit, detail| SearchRequest {
            query: query.to_owned(),
            limit,
            detail,
            language: None,
        };
        for (arguments, expected) in [
            (json!({ "query": "issues" }), request("issues", None, None)),
            (
                json!({ "query": "a", "limit": 3, "detail": "full" }),
                request("a", Some(3), Some(Detail::Full)),
            ),
            (json!({ "query": "a", "limit": "3", "detail": null }), request("a", Some(3), None)),
            (json!({ "limit": 5.0, "other": true }), request("", Some(5), None)),
            (
                json!({ "query": "a", "language": "py" }),
                SearchRequest { language: Some(Language::Python), ..request("a", None, None) },
            ),
        ] {
            assert_eq!(search(&object(&arguments)), Ok(expected));
        }
        let python = Some(Language::Python);
        for (arguments, language, max_tokens, ignored) in [
            (json!({ "code": "1" }), None, None, vec![]),
            (
                json!({ "code": "1", "max_tokens": 500, "timeout": 3 }),
                None,
                Some(500),
                vec!["timeout".to_owned()],
            ),
            (json!({ "code": "1", "max_tokens": 1e300 }), None, Some(usize::MAX), vec![]),
            (json!({ "code": "1", "language": "Python" }), python, None, vec![]),
            (json!({ "code": "1", "language": "js" }), Some(Language::TypeScript), None, vec![]),
        ] {
            let what = What::Run("1".to_owned());
            let expected = ExecuteArguments { what, language, max_tokens, ignored };
            assert_eq!(execute(&object(&arguments)), Ok(expected));
        }
        for (arguments, max_tokens) in [
            (json!({ "resume": "r12" }), None),
            (json!({ "resume": " r12\n", "code": "", "max_tokens": 9 }), Some(9)),
            (json!({ "resume": 12, "code": null }), None),
        ] {
            let what = What::Resume("r12".to_owned());
            let expected = ExecuteArguments { what, language: None, max_tokens, ignored: Vec::new() };
            assert_eq!(execute(&object(&arguments)), Ok(expected));
        }
    }

    #[test]
    fn a_command_is_taken_with_a_timeout_that_is_one() {
        let taken = |command: &str, seconds: Option<f64>| {
            let timeout = seconds.map(Duration::from_secs_f64);
            Ok(BashArguments { command: command.to_owned(), timeout })
        };
        for (arguments, expected) in [
            (json!({ "command": "ls" }), taken("ls", None)),
            (json!({ "command": "ls", "timeout": 1.5 }), taken("ls", Some(1.5))),
            (json!({ "command": "ls", "timeout": "20" }), taken("ls", Some(20.0))),
            (json!({ "command": "ls", "timeout": null, "restart": true }), taken("ls", None)),
        ] {
            assert_eq!(bash(&object(&arguments)), expected);
        }
        for (arguments, got) in [
            (json!({}), "{}"),
            (json!({ "command": " " }), "{ command: \" \" }"),
            (json!({ "command": ["ls"] }), "{ command: array }"),
            (json!({ "command": "ls", "timeout": 0 }), "{ command: \"ls\", timeout: 0 }"),
            (json!({ "command": "ls", "timeout": "long" }), "{ command: \"ls\", timeout: \"long\" }"),
        ] {
            assert_eq!(bash(&object(&arguments)), Err(format!("bash takes {BASH}; got {got}")));
        }
        let long = bash(&object(&json!({ "command": "ls", "timeout": 1e300 }))).unwrap();
        assert_eq!(long.timeout, Some(Duration::MAX));
    }

    #[test]
    fn wrong_arguments_are_answered_with_what_the_tool_takes() {
        for (arguments, got) in [
            (json!({}), "{}"),
            (json!({ "code": 1 }), "{ code: 1 }"),
            (json!({ "code": ["a"], "max_tokens": null }), "{ code: array, max_tokens: null }"),
            (json!({ "script": "return 1" }), "{ script: \"return 1\" }"),
            (json!({ "code": "x".repeat(100), "max_tokens": -1 }), "{ code: string, max_tokens: -1 }"),
            (json!({ "code": "1", "max_tokens": "many" }), "{ code: \"1\", max_tokens: \"many\" }"),
            (json!({ "code": "1", "language": "ruby" }), "{ code: \"1\", language: \"ruby\" }"),
            (json!({ "resume": true }), "{ resume: true }"),
            (json!({ "resume": "", "max_tokens": 1 }), "{ resume: \"\", max_tokens: 1 }"),
            (json!({ "code": "1", "max_tokens": 1.5 }), "{ code: \"1\", max_tokens: 1.5 }"),
        ] {
            let expected = format!("execute takes {EXECUTE}; got {got}");
            assert_eq!(execute(&object(&arguments)), Err(expected));
        }
        for arguments in
            [json!({ "query": 1 }), json!({ "query": "a", "detail": "all" }), json!({ "limit": [] })]
        {
            assert!(search(&object(&arguments)).unwrap_err().starts_with("search takes { query: string, "));
        }
        assert!(execute(&object(&json!({ "code": " \n" }))).unwrap_err().starts_with("the code is empty"));
        let both = execute(&object(&json!({ "code": "1", "resume": "r12" }))).unwrap_err();
        assert!(both.starts_with("nothing was run") && both.ends_with("{\"resume\":\"r12\"}"), "{both}");
        assert!(outline(&json!({ "\u{1b}[2J": "\u{1b}" })).is_ascii());
    }
}
