//! Bytes as scripts give them: a text, `{ base64 }` or `{ text }` with a name and a type, or a block of bytes as tools give
//! them, so that what one tool gave can be handed to another as it is.

use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use serde_json::Value;

use super::{Unsendable, wrong};
use crate::document::shown;

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct File {
    pub(crate) bytes: Vec<u8>,
    pub(crate) filename: Option<String>,
    pub(crate) content_type: Option<String>,
}

impl File {
    /// The bytes that are given as `name`.
    pub(crate) fn of(name: &str, value: &Value) -> Result<Self, Unsendable> {
        let members = match value {
            Value::String(text) => {
                return Ok(Self { bytes: text.clone().into_bytes(), filename: None, content_type: None });
            }
            // What an MCP tool gives: an image, a sound, or a resource.
            Value::Object(members) => match members.get("resource") {
                Some(Value::Object(resource)) => resource,
                _ => members,
            },
            _ => {
                return wrong(format!(
                    "`{}` must be a text or {{ base64, filename?, contentType? }}",
                    shown(name)
                ));
            }
        };
        let text = |keys: &[&str]| keys.iter().find_map(|key| members.get(*key)?.as_str());
        let bytes = match (text(&["base64", "data", "blob"]), text(&["text"])) {
            (Some(coded), _) => decoded(coded)
                .ok_or_else(|| Unsendable(format!("the `base64` of `{}` is no Base64", shown(name))))?,
            (None, Some(text)) => text.as_bytes().to_vec(),
            (None, None) => return wrong(format!("`{}` has neither `base64` nor `text`", shown(name))),
        };
        Ok(Self {
            bytes,
            filename: text(&["filename", "name"]).map(str::to_owned),
            content_type: text(&["contentType", "mimeType"]).map(str::to_owned),
        })
    }
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    let text: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let bare = text.trim_end_matches('=');
    BASE64_STANDARD.decode(&text).or_else(|_| BASE64_URL_SAFE_NO_PAD.decode(bare)).ok()
}
