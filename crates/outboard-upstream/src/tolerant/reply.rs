//! `tools/call`: the envelope is read, the blocks and the structured value stay text.
//! What the value means to a script is decided elsewhere.

use outboard_runtime::{json::Json, reply::CallReply};
use serde_json::value::RawValue;

use super::{Members, Warning, kind, member};

/// Reads the `result` of a call. Fails, saying why, only if no result is there to be read.
pub(crate) fn read_reply(text: &str) -> Result<(CallReply, Vec<Warning>), String> {
    let members: Members<'_> =
        serde_json::from_str(text).map_err(|error| format!("expected an object: {error}"))?;
    if let Some(other) = unfinished(&members) {
        return Err(other);
    }
    let mut warnings = Vec::new();
    let content = member(&members, "content").map(|raw| blocks(raw, &mut warnings)).unwrap_or_default();
    // `toolResult` is how servers of 2024-10-07 answered.
    let structured = member(&members, "structuredContent").or_else(|| member(&members, "toolResult"));
    let is_error = member(&members, "isError").is_some_and(|raw| is_true(raw, &mut warnings));
    Ok((CallReply { content, structured: structured.map(Json::from_raw), is_error }, warnings))
}

/// 2026-07-28 may answer a call with something that is no result yet.
fn unfinished(members: &Members<'_>) -> Option<String> {
    let kind: String = serde_json::from_str(member(members, "resultType")?.get()).ok()?;
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

fn blocks(raw: &RawValue, warnings: &mut Vec<Warning>) -> Vec<Json> {
    let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(raw.get()) else {
        warn(warnings, "content", format!("expected an array, found {}", kind(raw)));
        return block(raw, "content", warnings).into_iter().collect();
    };
    items
        .into_iter()
        .enumerate()
        .filter_map(|(index, item)| block(item, &format!("content[{index}]"), warnings))
        .collect()
}

fn block(raw: &RawValue, part: &str, warnings: &mut Vec<Warning>) -> Option<Json> {
    match raw.get().as_bytes().first() {
        Some(b'{') => Some(Json::from_raw(raw)),
        Some(b'"') => {
            warn(warnings, part, "a bare string was taken as a text block".to_owned());
            Json::parse(format!(r#"{{"type":"text","text":{}}}"#, raw.get())).ok()
        }
        _ => {
            warn(warnings, part, format!("expected an object, found {}; it was left out", kind(raw)));
            None
        }
    }
}

fn is_true(raw: &RawValue, warnings: &mut Vec<Warning>) -> bool {
    if !matches!(raw.get(), "true" | "false") {
        // An upstream that says anything but `false` here means that something went wrong.
        warn(warnings, "isError", format!("expected a boolean, found {}; taken as true", kind(raw)));
    }
    raw.get() != "false"
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
            let (reply, warnings) = read_reply(&result).unwrap();
            let content = content.into_iter().map(json).collect();
            assert_eq!(reply, CallReply { content, structured: structured.map(json), is_error }, "{result}");
            assert_eq!(warnings.len(), warned, "{result}: {warnings:?}");
        }
    }

    #[test]
    fn what_is_no_result_is_not_taken_for_one() {
        for result in
            ["null", "[]", "7", r#""text""#, r#"{"resultType":"input_required"}"#, r#"{"resultType":"task"}"#]
        {
            assert!(read_reply(result).is_err(), "{result}");
        }
    }
}
