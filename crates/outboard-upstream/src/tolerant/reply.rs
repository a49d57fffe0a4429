//! `tools/call`: the envelope is read, the blocks and the structured value stay text.
//! What the value means to a script is decided elsewhere.

use std::collections::BTreeMap;

use outboard_runtime::{json::Json, reply::CallReply};
use serde_json::value::RawValue;

use super::{Members, Warning, kind};

/// The members of a result, each copied once out of the message that brought it.
pub(crate) type Parts = BTreeMap<String, Json>;

/// Members that outlive their message.
pub(crate) fn parts(members: Members<'_>) -> Parts {
    members.into_iter().map(|(name, raw)| (name, Json::from_raw(raw))).collect()
}

/// Reads the `result` of a call. Fails, saying why, only if no result is there to be read.
pub(crate) fn read_reply(mut parts: Parts) -> Result<(CallReply, Vec<Warning>), String> {
    let mut take = |name: &str| parts.remove(name).filter(|json| json.as_str() != "null");
    if let Some(other) = take("resultType").and_then(|kind| unfinished(&kind)) {
        return Err(other);
    }
    let mut warnings = Vec::new();
    let content = take("content").map(|json| blocks(&json, &mut warnings)).unwrap_or_default();
    // `toolResult` is how servers of 2024-10-07 answered.
    let structured = take("structuredContent").or_else(|| take("toolResult"));
    let is_error = take("isError").is_some_and(|json| is_true(&json, &mut warnings));
    Ok((CallReply { content, structured, is_error, next: None }, warnings))
}

/// 2026-07-28 may answer a call with something that is no result yet.
fn unfinished(kind: &Json) -> Option<String> {
    let kind: String = kind.read().ok()?;
    match kind.as_str() {
        "complete" => None,
        "input_required" => {
            Some("the tool asks for further input (`input_required`), which cannot be given yet".to_owned())
        }
        other => {
            Some(format!("its `resultType` is `{}`, only `complete` is understood", other.escape_debug()))
        }
    }
}

fn blocks(json: &Json, warnings: &mut Vec<Warning>) -> Vec<Json> {
    let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(json.as_str()) else {
        warn(warnings, "content", format!("expected an array, found {}", kind(json.as_str())));
        return block(json.clone(), "content", warnings).into_iter().collect();
    };
    items
        .into_iter()
        .enumerate()
        .filter_map(|(index, item)| block(Json::from_raw(item), &format!("content[{index}]"), warnings))
        .collect()
}

fn block(json: Json, part: &str, warnings: &mut Vec<Warning>) -> Option<Json> {
    match json.as_str().as_bytes().first() {
        Some(b'{') => Some(json),
        Some(b'"') => {
            warn(warnings, part, "a bare string was taken as a text block".to_owned());
            Json::parse(format!(r#"{{"type":"text","text":{json}}}"#)).ok()
        }
        _ => {
            let found = kind(json.as_str());
            warn(warnings, part, format!("expected an object, found {found}; it was left out"));
            None
        }
    }
}

fn is_true(json: &Json, warnings: &mut Vec<Warning>) -> bool {
    if !matches!(json.as_str(), "true" | "false") {
        // An upstream that says anything but `false` here means that something went wrong.
        let found = kind(json.as_str());
        warn(warnings, "isError", format!("expected a boolean, found {found}; taken as true"));
    }
    json.as_str() != "false"
}

fn warn(warnings: &mut Vec<Warning>, part: &str, reason: String) {
    warnings.push(Warning::Result { part: part.to_owned(), reason });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Json {
        Json::parse(text).unwrap()
    }

    fn members(text: &str) -> Parts {
        parts(serde_json::from_str(text).unwrap())
    }

    #[test]
    fn whatever_can_be_read_of_a_result_is_kept() {
        let text = r#"{"type":"text","text":"a"}"#;
        let odd = r#"{"type":"hologram"}"#;
        // (the result, its blocks, its structured value, isError, warnings)
        let cases = [
            ("{}".to_owned(), vec![], None, false, 0),
            (format!(r#"{{"content":[{odd},{text}]}}"#), vec![odd, text], None, false, 0),
            (format!(r#"{{"content":[7,null,{text},"a"]}}"#), vec![text, text], None, false, 3),
            (format!(r#"{{"content":{text}}}"#), vec![text], None, false, 1),
            (r#"{"content":null,"structuredContent":[1]}"#.to_owned(), vec![], Some("[1]"), false, 0),
            (r#"{"structuredContent":null,"isError":true}"#.to_owned(), vec![], None, true, 0),
            (r#"{"isError":"yes"}"#.to_owned(), vec![], None, true, 1),
            (r#"{"toolResult":{"old":1}}"#.to_owned(), vec![], Some(r#"{"old":1}"#), false, 0),
            (r#"{"resultType":"complete","content":[]}"#.to_owned(), vec![], None, false, 0),
        ];
        for (result, content, structured, is_error, warned) in cases {
            let (reply, warnings) = read_reply(members(&result)).unwrap();
            let content = content.into_iter().map(json).collect();
            let expected = CallReply { content, structured: structured.map(json), is_error, next: None };
            assert_eq!(reply, expected, "{result}");
            assert_eq!(warnings.len(), warned, "{result}: {warnings:?}");
        }
    }

    #[test]
    fn what_is_no_result_is_not_taken_for_one() {
        for result in [r#"{"resultType":"input_required"}"#, r#"{"resultType":"task"}"#] {
            assert!(read_reply(members(result)).is_err(), "{result}");
        }
    }
}
