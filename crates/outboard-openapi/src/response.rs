//! From an HTTP response to a reply: JSON as it is, texts as texts, images and sounds as the blocks that clients show, other
//! bytes as Base64. Failures carry their status and body. Nothing of ours that a server echoes comes through.

mod link;

use std::collections::BTreeSet;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use outboard_runtime::{json::Json, ports::upstream::SendFailure, reply::CallReply};
use reqwest::{
    StatusCode,
    header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderMap, RETRY_AFTER},
};
use serde_json::{Map, Value, json};

use crate::{
    document::shown,
    http::asked_pause,
    operation::{MediaKind, Method, Operation, kind_of_media, plain},
    request,
};

/// Bytes of a failure's body that are kept, and that are shown in its message.
pub(crate) const FAILURE: usize = 1 << 20;
const SAID: usize = 2_000;
/// Headers that never reach a script.
const HIDDEN: [&str; 3] = ["set-cookie", "set-cookie2", "proxy-authenticate"];
/// Shorter secrets are not looked for in what comes back.
const SHORTEST_SECRET: usize = 8;

/// A response that has been read.
pub(crate) struct Read {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Read {
    /// The same without these texts.
    pub(crate) fn without(mut self, secrets: &[String]) -> Self {
        let looked_for = secrets.iter().filter(|secret| secret.len() >= SHORTEST_SECRET);
        let forms: BTreeSet<String> = looked_for.flat_map(|secret| written(secret)).collect();
        for secret in &forms {
            self.body = replaced(self.body, secret.as_bytes());
            for value in self.headers.values_mut() {
                if memchr::memmem::find(value.as_bytes(), secret.as_bytes()).is_some() {
                    *value = reqwest::header::HeaderValue::from_static("***");
                }
            }
        }
        self
    }

    /// What the script gets.
    pub(crate) fn reply(
        self,
        operation: &Operation,
        raw: bool,
        advice: Option<String>,
    ) -> Result<CallReply, SendFailure> {
        if !self.status.is_success() {
            return self.failed(operation.method, advice);
        }
        let next = link::next(&self.headers, operation);
        if raw || operation.method == Method::Head {
            let body = self.value();
            let mut whole = json!({
                "status": self.status.as_u16(),
                "headers": shown_headers(&self.headers),
                "next": next,
            });
            if let (Value::Object(members), Some(body)) =
                (&mut whole, body.filter(|_| operation.method != Method::Head))
            {
                members.insert("body".to_owned(), body.into_value());
            }
            return Ok(CallReply { structured: Some(whole.into()), ..CallReply::default() });
        }
        let next = next.map(|next| Json::from(Value::Object(next)));
        Ok(match self.value() {
            None => CallReply { structured: Some(Json::null()), next, ..CallReply::default() },
            Some(Body::Json(json)) => CallReply { structured: Some(json), next, ..CallReply::default() },
            Some(Body::Block(block)) => {
                CallReply { content: vec![block.into()], next, ..CallReply::default() }
            }
        })
    }

    /// The body's value; none if there is no body.
    fn value(&self) -> Option<Body> {
        if self.body.is_empty() {
            return None;
        }
        let kind = self.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let base = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let media = match base.as_str() {
            "" => sniffed(&self.body),
            name => kind_of_media(name),
        };
        let text = || text_of(&self.body, kind);
        Some(match media {
            MediaKind::Json => match std::str::from_utf8(&self.body)
                .ok()
                .and_then(|text| Json::parse(text.trim_start_matches('\u{feff}').trim()).ok())
            {
                Some(json) => Body::Json(json),
                // It is not what it says, and no less for that.
                None => Body::Json(Json::string(&text())),
            },
            MediaKind::Text | MediaKind::Form => Body::Json(Json::string(&text())),
            MediaKind::Bytes | MediaKind::Multipart => {
                let coded = BASE64_STANDARD.encode(&self.body);
                let family = base.split('/').next().unwrap_or_default();
                if matches!(family, "image" | "audio") && base != "image/svg+xml" {
                    return Some(Body::Block(json!({"type": family, "data": coded, "mimeType": base})));
                }
                let mut file = json!({"base64": coded, "contentType": if base.is_empty() { "application/octet-stream" } else { &base }});
                if let Some(name) = self.filename() {
                    file["filename"] = name.into();
                }
                Body::Json(file.into())
            }
        })
    }

    fn filename(&self) -> Option<String> {
        let said = self.headers.get(CONTENT_DISPOSITION)?.to_str().ok()?;
        let name = said.split(';').find_map(|part| part.trim().strip_prefix("filename="))?;
        let name = name.trim_matches('"').rsplit(['/', '\\']).next()?.to_owned();
        (!name.is_empty()).then_some(name)
    }

    fn failed(self, method: Method, advice: Option<String>) -> Result<CallReply, SendFailure> {
        let mut message = format!("HTTP {}", self.status);
        let value = self.value();
        let body = match &value {
            Some(Body::Json(json)) => json.to_value(),
            _ => Value::Null,
        };
        let said = match &body {
            Value::Null => String::new(),
            Value::String(text) => plain(text, 500),
            other => plain_json(other),
        };
        if !said.is_empty() {
            message += &format!(": {said}");
        }
        if let Some(pause) = asked_pause(self.status, &self.headers) {
            message += &format!("; the server asks to wait {} s", pause.as_secs().max(1));
        } else if let Some(after) = self.headers.get(RETRY_AFTER).and_then(|after| after.to_str().ok()) {
            message += &format!("; the server says: retry after {}", shown(after));
        }
        if let Some(advice) = advice.filter(|_| matches!(self.status.as_u16(), 401 | 403)) {
            message += &format!("; {advice}");
        }
        // What stands before a server says so when it does not know what the server did.
        if matches!(self.status.as_u16(), 502 | 504) && !method.is_safe() {
            return Err(SendFailure::Lost { reason: message });
        }
        let details = json!({
            "type": "response",
            "status": self.status.as_u16(),
            "headers": shown_headers(&self.headers),
            "body": body,
        });
        let content = vec![json!({"type": "text", "text": message}).into(), details.into()];
        Ok(CallReply { content, is_error: true, ..CallReply::default() })
    }
}

enum Body {
    Json(Json),
    Block(Value),
}

impl Body {
    fn into_value(self) -> Value {
        match self {
            Self::Json(json) => json.to_value(),
            Self::Block(block) => block,
        }
    }
}

fn plain_json(value: &Value) -> String {
    let text = value.to_string();
    match text.len() > SAID {
        false => text,
        true => format!("{}…", &text[..text.floor_char_boundary(SAID)]),
    }
}

fn shown_headers(headers: &HeaderMap) -> Map<String, Value> {
    let mut shown = Map::new();
    for name in headers.keys().filter(|name| !HIDDEN.contains(&name.as_str())) {
        let values: Vec<String> = headers
            .get_all(name)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .collect();
        shown.insert(name.as_str().to_owned(), values.join(", ").into());
    }
    shown
}

fn sniffed(body: &[u8]) -> MediaKind {
    match std::str::from_utf8(body) {
        Ok(text) if text.trim_start().starts_with(['{', '[']) && Json::parse(text.trim()).is_ok() => {
            MediaKind::Json
        }
        Ok(text) if !text.contains('\0') => MediaKind::Text,
        _ => MediaKind::Bytes,
    }
}

fn text_of(body: &[u8], kind: &str) -> String {
    let kind = kind.to_ascii_lowercase();
    let is_latin =
        ["iso-8859-1", "latin1", "windows-1252", "us-ascii"].iter().any(|name| kind.contains(name));
    match std::str::from_utf8(body) {
        Ok(text) => text.trim_start_matches('\u{feff}').to_owned(),
        Err(_) if is_latin => body.iter().map(|byte| char::from(*byte)).collect(),
        Err(_) => String::from_utf8_lossy(body).into_owned(),
    }
}

/// The ways in which a body or a header writes a text: plainly, in JSON with or without its slashes escaped, in an address.
fn written(text: &str) -> [String; 4] {
    let quoted = Value::from(text).to_string();
    let json = quoted[1..quoted.len() - 1].to_owned();
    [text.to_owned(), json.replace('/', "\\/"), json, request::value(text)]
}

fn replaced(body: Vec<u8>, secret: &[u8]) -> Vec<u8> {
    let finder = memchr::memmem::Finder::new(secret);
    let mut out = Vec::new();
    let mut from = 0;
    for at in finder.find_iter(&body) {
        out.extend_from_slice(&body[from..at]);
        out.extend_from_slice(b"***");
        from = at + secret.len();
    }
    if from == 0 {
        return body;
    }
    out.extend_from_slice(&body[from..]);
    out
}

#[cfg(test)]
mod tests;
