//! JSON-RPC messages: writes ours, reads theirs. A message keeps its text, and large values are only
//! pointed into. It does not know which request an answer belongs to.

use std::{ops::Range, sync::Arc};

use outboard_runtime::ports::upstream::Advance;
use serde::{Deserialize, Serialize};
use serde_json::{json, value::RawValue};

use super::{Failure, Refusal};
use crate::tolerant::{Members, Parts, member, parts};

/// What an upstream sent.
#[derive(Debug)]
pub(crate) enum Message {
    /// To one of our requests.
    Answer { id: u64, answer: Result<Answer, Failure> },
    /// A request of the upstream; the id as JSON.
    Request { id: String, method: String },
    /// A notification of the upstream.
    Notification(Notice),
}

/// What an upstream tells by itself, as far as it matters here.
#[derive(Debug)]
pub(crate) enum Notice {
    /// Its tools, prompts or templates are others now.
    Changed,
    /// Its resources are, and its templates may be.
    ResourcesChanged,
    /// This resource is another now.
    Updated(Arc<str>),
    /// How far one of our requests is.
    Advance { id: u64, advance: Advance },
    /// Something else.
    Other(String),
}

impl Notice {
    fn read(method: String, params: Option<&RawValue>) -> Self {
        #[derive(Deserialize)]
        struct Updated {
            uri: String,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Progress<'a> {
            #[serde(borrow)]
            progress_token: &'a RawValue,
            #[serde(flatten)]
            advance: Advance,
        }
        let params = params.map_or("", RawValue::get);
        match method.as_str() {
            "notifications/tools/list_changed" | "notifications/prompts/list_changed" => Self::Changed,
            "notifications/resources/list_changed" => Self::ResourcesChanged,
            "notifications/resources/updated" => match serde_json::from_str::<Updated>(params) {
                Ok(updated) => Self::Updated(updated.uri.into()),
                Err(_) => Self::Other(method),
            },
            "notifications/progress" => {
                let read = serde_json::from_str::<Progress<'_>>(params).ok();
                match read.and_then(|told| Some((own_id(told.progress_token.get())?, told.advance))) {
                    Some((id, advance)) => Self::Advance { id, advance },
                    None => Self::Other(method),
                }
            }
            _ => Self::Other(method),
        }
    }
}

/// The result of a request.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The whole message.
    text: String,
    read: Read,
}

#[derive(Debug)]
enum Read {
    /// The result is an object; its members were read together with the message.
    Parts(Parts),
    /// Where the result lies in the message.
    Whole(Range<usize>),
}

impl Answer {
    /// The result as JSON. Where only its members are known, the message is read once more.
    pub(crate) fn result(&self) -> &str {
        #[derive(Deserialize)]
        struct OfResult<'a> {
            #[serde(borrow)]
            result: &'a RawValue,
        }
        match &self.read {
            Read::Whole(range) => &self.text[range.clone()],
            Read::Parts(_) => {
                let message: OfResult<'_> =
                    serde_json::from_str(&self.text).expect("it has been read before, its result too");
                message.result.get()
            }
        }
    }

    /// The members of the result. Fails if it is no object.
    pub(crate) fn into_parts(self) -> Result<Parts, serde_json::Error> {
        match self.read {
            Read::Parts(parts) => Ok(parts),
            Read::Whole(range) => Ok(parts(serde_json::from_str(&self.text[range])?)),
        }
    }
}

/// A request as one line.
pub(crate) fn request(id: u64, method: &str, params: &impl Serialize) -> Result<String, Failure> {
    #[derive(Serialize)]
    struct Envelope<'a, P> {
        jsonrpc: &'a str,
        id: u64,
        method: &'a str,
        params: &'a P,
    }
    serde_json::to_string(&Envelope { jsonrpc: "2.0", id, method, params })
        .map(one_line)
        .map_err(|error| Failure::Unavailable(format!("the arguments are no JSON: {error}")))
}

/// A notification as one line.
pub(crate) fn notification(method: &str, params: Option<&serde_json::Value>) -> String {
    let mut notification = json!({"jsonrpc": "2.0", "method": method});
    if let Some(params) = params {
        notification["params"] = params.clone();
    }
    notification.to_string()
}

/// `notifications/cancelled` for a request.
pub(crate) fn cancelled(id: u64) -> String {
    notification("notifications/cancelled", Some(&json!({"requestId": id, "reason": "no longer needed"})))
}

/// The answer to a request of the upstream: an empty result, or that there is no such method.
pub(crate) fn answer(id: &str, method: &str) -> String {
    let outcome = match method {
        "ping" => r#""result":{}"#,
        _ => r#""error":{"code":-32601,"message":"method not found"}"#,
    };
    one_line(format!(r#"{{"jsonrpc":"2.0","id":{id},{outcome}}}"#))
}

/// Reads one message, or the several of a batch. Fails if `text` is neither.
pub(crate) fn read(text: String) -> Result<Vec<Message>, serde_json::Error> {
    if text.trim_start().starts_with('[') {
        let batch: Vec<&RawValue> = serde_json::from_str(&text)?;
        return batch.into_iter().map(|raw| read_one(raw.get().to_owned())).collect();
    }
    read_one(text).map(|message| vec![message])
}

/// The id of an answer that is too long to be read, from its two ends.
pub(crate) fn id_of_ends(head: &[u8], tail: &[u8]) -> Option<u64> {
    const ID: &str = "\"id\":";
    let number = |text: &str| {
        let digits = text.trim_start().trim_start_matches('"');
        digits[..digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len())].parse().ok()
    };
    let head = String::from_utf8_lossy(head);
    let envelope = head.split("\"result\"").next()?;
    if let Some(at) = envelope.find(ID) {
        return number(&envelope[at + ID.len()..]);
    }
    let tail = String::from_utf8_lossy(tail);
    let last = &tail[tail.rfind(ID)? + ID.len()..];
    // Anything but the closing brace after it would make it an id within the result.
    let rest = last.trim_start_matches(|c: char| c.is_ascii_digit() || c.is_whitespace() || c == '"');
    (rest.trim() == "}").then(|| number(last)).flatten()
}

/// The JSON-RPC error in `text`, whatever it answers.
pub(crate) fn refusal(text: &str) -> Option<Refusal> {
    let members: Members<'_> = serde_json::from_str(text).ok()?;
    member(&members, "error").map(read_error)
}

/// An answer as nearly every one is: our number as a number, and an object as its result. Whatever else it may be,
/// `read_one` finds out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Plain<'a> {
    #[serde(default, rename = "jsonrpc", borrow)]
    _version: Option<&'a RawValue>,
    id: u64,
    #[serde(borrow)]
    result: Members<'a>,
}

fn read_one(text: String) -> Result<Message, serde_json::Error> {
    // A large result is gone through once, and its members are known then.
    if let Ok(plain) = serde_json::from_str::<Plain<'_>>(&text) {
        let (id, parts) = (plain.id, parts(plain.result));
        return Ok(Message::Answer { id, answer: Ok(Answer { text, read: Read::Parts(parts) }) });
    }
    let members: Members<'_> = serde_json::from_str(&text)?;
    let id = member(&members, "id");
    if let Some(method) = member(&members, "method") {
        let method = serde_json::from_str(method.get())?;
        return Ok(match id {
            Some(id) => Message::Request { id: id.get().to_owned(), method },
            None => Message::Notification(Notice::read(method, member(&members, "params"))),
        });
    }
    let Some(id) = id.and_then(|raw| own_id(raw.get())) else {
        return Err(serde::de::Error::custom("neither a request nor an answer to one of ours"));
    };
    if let Some(error) = member(&members, "error") {
        let answer = Err(Failure::Refused(read_error(error)));
        return Ok(Message::Answer { id, answer });
    }
    let Some(result) = members.get("result").map(|raw| span(&text, raw.get())) else {
        let answer = Err(Failure::Unreadable("it has neither a result nor an error".to_owned()));
        return Ok(Message::Answer { id, answer });
    };
    drop(members);
    Ok(Message::Answer { id, answer: Ok(Answer { text, read: Read::Whole(result) }) })
}

/// Where `part` lies in `text`, which it was borrowed from.
fn span(text: &str, part: &str) -> Range<usize> {
    let start = part.as_ptr() as usize - text.as_ptr() as usize;
    start..start + part.len()
}

/// Our ids are numbers; some upstreams give them back as strings or floats.
fn own_id(raw: &str) -> Option<u64> {
    let bare = raw.trim_matches('"');
    bare.strip_suffix(".0").unwrap_or(bare).parse().ok()
}

fn read_error(raw: &RawValue) -> Refusal {
    let members: Members<'_> = serde_json::from_str(raw.get()).unwrap_or_default();
    let code = member(&members, "code").and_then(|code| serde_json::from_str(code.get()).ok()).unwrap_or(0);
    let message = member(&members, "message").and_then(|message| serde_json::from_str(message.get()).ok());
    Refusal {
        code,
        message: message.unwrap_or_else(|| raw.get().to_owned()),
        data: member(&members, "data").map(|data| data.get().to_owned()),
    }
}

/// Arguments may be written over several lines; within JSON a line break is only ever white space.
fn one_line(text: String) -> String {
    if text.contains(['\n', '\r']) { text.replace(['\n', '\r'], " ") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(text: &str) -> String {
        match read(text.to_owned()) {
            Err(_) => "junk".to_owned(),
            Ok(messages) => {
                let each = messages.iter().map(|message| match message {
                    Message::Answer { id, answer: Ok(answer) } => format!("{id}={}", answer.result()),
                    Message::Answer { id, answer: Err(failure) } => format!("{id}!{failure}"),
                    Message::Request { id, method } => format!("{method}?{id}"),
                    Message::Notification(Notice::Other(method)) => method.clone(),
                    Message::Notification(notice) => format!("{notice:?}"),
                });
                each.collect::<Vec<_>>().join(" ")
            }
        }
    }

    #[test]
    fn messages_are_read_in_every_shape_that_servers_send() {
        let cases = [
            (r#"{"jsonrpc":"2.0","id":7,"result":{"a":[1]}}"#, r#"7={"a":[1]}"#),
            (r#"{"result": {} , "id":"7"}"#, "7={}"),
            (r#"{"id":7.0,"result":null}"#, "7=null"),
            (r#"{"id":7,"error":null,"result":{}}"#, "7={}"),
            (r#"{"id":7,"result":{},"id":8}"#, "8={}"),
            (r#"{"id":7}"#, "7!it has neither a result nor an error"),
            (r#"{"id":7,"error":{"code":-32601,"message":"no"}}"#, "7!no (code -32601)"),
            (r#"{"id":7,"error":{"code":"x","message":3}}"#, r#"7!{"code":"x","message":3} (code 0)"#),
            (r#"{"id":7,"error":"broken"}"#, r#"7!"broken" (code 0)"#),
            (r#"{"id":"a","method":"ping"}"#, r#"ping?"a""#),
            (r#"{"id":null,"method":"notifications/x"}"#, "notifications/x"),
            (r#"[{"id":1,"result":1},{"method":"m"}]"#, "1=1 m"),
            (r#"{"id":null,"error":{"code":-32700,"message":"parse error"}}"#, "junk"),
            (r#"{"id":"a","result":{}}"#, "junk"),
            (r#"{"id":-1,"result":{}}"#, "junk"),
            (r#"{"method":"notifications/tools/list_changed"}"#, "Changed"),
            (r#"{"method":"notifications/resources/updated","params":{"uri":"x:y"}}"#, r#"Updated("x:y")"#),
            (
                r#"{"method":"notifications/resources/updated","params":{}}"#,
                "notifications/resources/updated",
            ),
            (
                r#"{"method":"notifications/progress","params":{"progressToken":"7","progress":1,"total":2,"x":3}}"#,
                "Advance { id: 7, advance: Advance { progress: 1.0, total: Some(2.0), message: None } }",
            ),
            (
                r#"{"method":"notifications/progress","params":{"progressToken":"mine","progress":1}}"#,
                "notifications/progress",
            ),
            ("Server started", "junk"),
            ("{\"half\":", "junk"),
            ("7", "junk"),
        ];
        for (text, expected) in cases {
            assert_eq!(described(text), expected, "{text}");
        }
    }

    #[test]
    fn a_result_that_is_no_object_has_no_members() {
        let answer = |text: &str| match read(text.to_owned()).unwrap().remove(0) {
            Message::Answer { answer, .. } => answer.unwrap(),
            other => panic!("{other:?}"),
        };
        for result in ["null", "[]", "7", r#""text""#] {
            let text = format!(r#"{{"jsonrpc":"2.0","id":7,"result":{result}}}"#);
            assert!(answer(&text).into_parts().is_err(), "{result}");
        }
        // Once read with the message, once after it.
        for text in [r#"{"id":7,"result":{"a":[1],"b":2}}"#, r#"{"id":"7","result":{"a":[1],"b":2}}"#] {
            assert_eq!(answer(text).result(), r#"{"a":[1],"b":2}"#);
            let parts = answer(text).into_parts().unwrap();
            let parts: Vec<_> = parts.iter().map(|(name, json)| (name.as_str(), json.as_str())).collect();
            assert_eq!(parts, [("a", "[1]"), ("b", "2")]);
        }
    }

    #[test]
    fn arguments_over_several_lines_stay_one_line() {
        let params: Box<RawValue> = RawValue::from_string("{\n\"a\":\r\n\"b\\n\"}".to_owned()).unwrap();
        let text = request(1, "m", &params).unwrap();
        assert_eq!(text, r#"{"jsonrpc":"2.0","id":1,"method":"m","params":{ "a":  "b\n"}}"#);
    }

    #[test]
    fn the_id_of_an_unreadably_long_answer_is_found_at_either_end() {
        let cases: [(&str, &str, Option<u64>); 5] = [
            (r#"{"jsonrpc":"2.0","id":7,"result":{"id":9"#, "}}", Some(7)),
            (r#"{"jsonrpc":"2.0","id": "7" ,"result":{"id":9"#, "}}", Some(7)),
            (r#"{"result":{"id":9"#, r#"}]},"jsonrpc":"2.0","id":7}"#, Some(7)),
            (r#"{"result":{"x":"#, r#"{"id":9}]}}"#, None),
            ("junk without end", "still junk", None),
        ];
        for (head, tail, id) in cases {
            assert_eq!(id_of_ends(head.as_bytes(), tail.as_bytes()), id, "{head}…{tail}");
        }
    }
}
