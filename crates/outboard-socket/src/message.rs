//! What is said over the socket: frames of a length (four bytes, most significant first) and that much JSON, one object with one
//! member that says what it is. The first of each side is `hello` and `welcome`. What a peer sends is hostile.
//!
//! Version 1. A side that does not know the other's version says so and ends; members that are not known are passed over.

use bytes::{BufMut as _, Bytes, BytesMut};
use outboard_runtime::{
    json::Json,
    reply::{FailureCode, ToolFailure},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The version of what is said.
pub const VERSION: u32 = 1;

/// Longest frame that a peer may send, in bytes. Answers are as long as upstreams' messages may be.
pub const LONGEST_REQUEST: usize = 32 << 20;

/// What a peer says.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Request<'a> {
    /// The first frame.
    Hello { version: u32 },
    /// Calls a tool. The number is the peer's own, and no other call under way has it.
    #[serde(borrow)]
    Call(Call<'a>),
    /// Does not want the answer any more.
    Cancel { id: u64 },
}

#[derive(Debug, Deserialize)]
pub(crate) struct Call<'a> {
    pub(crate) id: u64,
    pub(crate) namespace: String,
    pub(crate) tool: String,
    #[serde(borrow)]
    pub(crate) arguments: &'a RawValue,
}

/// Why a peer is not served: it is told, and the connection ends.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("the socket belongs to another user")]
    Stranger,
    #[error("{0} programs are connected, which is as many as are served")]
    Crowded(usize),
    #[error("it begins with `hello`")]
    NoHello,
    #[error(
        "version {0} is spoken, and this Outboard speaks {VERSION}: write the package anew with `outboard generate`"
    )]
    Version(u32),
    #[error("a frame may have up to {LONGEST_REQUEST} bytes")]
    TooLong,
    #[error("a frame cannot be understood: {0}")]
    Malformed(String),
    #[error("call {0} is still under way")]
    Repeated(u64),
}

#[derive(Serialize)]
struct Failed<'a> {
    id: u64,
    code: &'a str,
    message: &'a str,
    tool: &'a str,
    content: &'a [Json],
}

pub(crate) fn welcome() -> Bytes {
    frame(&[format!("{{\"welcome\":{{\"version\":{VERSION}}}}}").as_bytes()])
}

pub(crate) fn refusal(refused: &Refused) -> Bytes {
    let said = serde_json::json!({"refused": {"message": refused.to_string()}});
    frame(&[said.to_string().as_bytes()])
}

pub(crate) fn value(id: u64, value: &Json) -> Bytes {
    frame(&[format!("{{\"value\":{{\"id\":{id},\"value\":").as_bytes(), value.as_str().as_bytes(), b"}}"])
}

pub(crate) fn failed(id: u64, tool: &str, failure: &ToolFailure) -> Bytes {
    let ToolFailure { code, message, content, .. } = failure;
    let failed = Failed { id, code: code.as_str(), message, tool, content };
    // Texts always serialise.
    let body = serde_json::to_vec(&failed).unwrap_or_default();
    frame(&[b"{\"failed\":", &body, b"}"])
}

/// A person has to decide, under this name.
pub(crate) fn waiting(id: u64, question: &str) -> Bytes {
    let said = serde_json::json!({"waiting": {"id": id, "question": question}});
    frame(&[said.to_string().as_bytes()])
}

/// The failure of a call that was given up.
pub(crate) fn given_up(effect_unknown: bool) -> ToolFailure {
    match effect_unknown {
        true => ToolFailure::new(
            FailureCode::Interrupted,
            "the call was given up after it had been sent: check what it did before you make it again",
        ),
        false => {
            ToolFailure::new(FailureCode::UpstreamUnavailable, "the call was given up before it was sent")
        }
    }
}

fn frame(parts: &[&[u8]]) -> Bytes {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut frame = BytesMut::with_capacity(4 + length);
    // An answer is no longer than a message of an upstream, which is far below.
    frame.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    parts.iter().for_each(|part| frame.put_slice(part));
    frame.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_peer_says_is_one_of_three_things() {
        let call = r#"{"call":{"id":7,"namespace":"a","tool":"b","arguments":{"x":1},"more":0}}"#;
        assert!(matches!(serde_json::from_str(call), Ok(Request::Call(Call { id: 7, .. }))));
        assert!(matches!(serde_json::from_str(r#"{"cancel":{"id":7}}"#), Ok(Request::Cancel { id: 7 })));
        assert!(matches!(
            serde_json::from_str(r#"{"hello":{"version":1}}"#),
            Ok(Request::Hello { version: 1 })
        ));
        for odd in [
            "",
            "{}",
            "[]",
            "null",
            r#"{"stop":{}}"#,
            r#"{"hello":{"version":1},"cancel":{"id":1}}"#,
            r#"{"call":{"id":-1}}"#,
        ] {
            assert!(serde_json::from_str::<Request<'_>>(odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn answers_are_frames_of_json() {
        let failure = ToolFailure::new(FailureCode::ToolError, "no \"such\" thing");
        for (frame, expected) in [
            (welcome(), r#"{"welcome":{"version":1}}"#),
            (value(3, &Json::string("é")), r#"{"value":{"id":3,"value":"é"}}"#),
            (
                failed(4, "a.b", &failure),
                r#"{"failed":{"id":4,"code":"tool_error","message":"no \"such\" thing","tool":"a.b","content":[]}}"#,
            ),
            (waiting(5, "q1"), r#"{"waiting":{"id":5,"question":"q1"}}"#),
        ] {
            let length = u32::from_be_bytes(frame[..4].try_into().unwrap()) as usize;
            assert_eq!((length, &frame[4..]), (expected.len(), expected.as_bytes()));
        }
    }
}
