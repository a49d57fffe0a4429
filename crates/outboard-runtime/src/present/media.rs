//! Images and audio inside a value: base64 is replaced by a placeholder in text, and blocks that the script
//! returned on their own are handed on as they are. It does not decode them.

use std::ops::Range;

use serde_json::Value;

use super::{plain::size, scan};
use crate::json::Json;

/// Objects nested deeper than this are not looked at.
const DEPTH: usize = 100;
/// What one answer carries at most.
const BLOCKS: usize = 20;
const BYTES: usize = 6 << 20;
/// Longer media types are no media types.
const MIME: usize = 100;

/// `value` with each image and audio block, at any depth, as `"[image/png, 12 kB]"`; `None` if it has none.
pub(super) fn with_placeholders(value: &Json) -> Option<Json> {
    let text = value.as_str();
    if !may_hold_media(text) {
        return None;
    }
    let found = find(text);
    if found.is_empty() {
        return None;
    }
    let mut placed = String::with_capacity(text.len());
    let mut copied = 0;
    for (range, placeholder) in found {
        placed.push_str(&text[copied..range.start]);
        placed.push_str(&placeholder);
        copied = range.end;
    }
    placed.push_str(&text[copied..]);
    Json::parse(placed).ok()
}

/// [`with_placeholders`], and without the bytes of resources, which clients show no more than those of pictures. `None` if it has
/// neither.
pub(crate) fn without_media(value: &Json) -> Option<Json> {
    let placed = with_placeholders(value);
    let text = placed.as_ref().unwrap_or(value).as_str();
    if memchr::memmem::find(text.as_bytes(), b"\"blob\"").is_none() {
        return placed;
    }
    let Ok(mut shown) = serde_json::from_str(text) else { return placed };
    drop_blobs(&mut shown);
    Some(Json::from(shown))
}

/// As deep as the value is: readers of JSON take no more than 128 levels.
fn drop_blobs(value: &mut Value) {
    match value {
        Value::Object(members) => {
            if members.get("uri").is_some_and(Value::is_string)
                && let Some(Value::String(bytes)) = members.get_mut("blob")
            {
                bytes.clear();
            }
            members.values_mut().for_each(drop_blobs);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_blobs),
        _ => {}
    }
}

/// The media blocks of a value that is one, or is a list of content blocks. Others are reached only by scripts.
pub(super) fn blocks(value: &Json) -> Vec<Json> {
    let text = value.as_str();
    if !may_hold_media(text) {
        return Vec::new();
    }
    let bytes = text.as_bytes();
    let start = scan::skip_space(bytes, 0);
    let mut found = Vec::new();
    match bytes.get(start) {
        Some(b'{') => found.extend(block(text, start..text.trim_end().len())),
        Some(b'[') => {
            for child in scan::children(bytes, start) {
                match block(text, child.value.clone()) {
                    Some(media) => found.push(media),
                    None if is_text_block(text, child.value) => {}
                    None => return Vec::new(),
                }
            }
        }
        _ => {}
    }
    let mut left = BYTES;
    found.truncate(BLOCKS);
    found.retain(|block| left.checked_sub(block.as_str().len()).map(|rest| left = rest).is_some());
    found
}

fn may_hold_media(text: &str) -> bool {
    let has = |needle: &str| memchr::memmem::find(text.as_bytes(), needle.as_bytes()).is_some();
    has("\"mimeType\"") && has("\"data\"") && (has("\"image\"") || has("\"audio\""))
}

fn block(text: &str, range: Range<usize>) -> Option<Json> {
    if !text[range.clone()].starts_with('{') {
        return None;
    }
    let mut fields = Fields::default();
    for child in scan::children(text.as_bytes(), range.start) {
        fields.take(text, &child.key, &child.value);
    }
    fields.placeholder(text)?;
    Json::parse(&text[range]).ok()
}

fn is_text_block(text: &str, range: Range<usize>) -> bool {
    text[range.clone()].starts_with('{')
        && scan::children(text.as_bytes(), range.start)
            .any(|child| &text[child.key] == "\"type\"" && &text[child.value] == "\"text\"")
}

/// The fields of an object that make it a media block.
#[derive(Default)]
struct Fields {
    is_media: bool,
    data: Option<Range<usize>>,
    mime: Option<Range<usize>>,
}

impl Fields {
    fn take(&mut self, text: &str, key: &Range<usize>, value: &Range<usize>) {
        let is_string = text.as_bytes().get(value.start) == Some(&b'"');
        match &text[key.clone()] {
            "\"type\"" => self.is_media = matches!(&text[value.clone()], "\"image\"" | "\"audio\""),
            "\"data\"" => self.data = is_string.then(|| inner(value)),
            "\"mimeType\"" => self.mime = is_string.then(|| inner(value)),
            _ => {}
        }
    }

    /// What stands for the block in text, a JSON string; `None` if it is no media block.
    fn placeholder(&self, text: &str) -> Option<String> {
        let data = &text[self.data.clone().filter(|_| self.is_media)?];
        let mime = &text[self.mime.clone()?];
        let well_formed = mime.len() <= MIME
            && mime.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/+-._; =".contains(&byte))
            && data.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=-_".contains(&byte));
        let padding = data.len() - data.trim_end_matches('=').len();
        let bytes = (data.len() - padding) / 4 * 3 + (data.len() - padding) % 4 * 3 / 4;
        well_formed.then(|| format!("\"[{mime}, {}]\"", size(bytes as u64)))
    }
}

fn inner(string: &Range<usize>) -> Range<usize> {
    string.start + 1..string.end.saturating_sub(1).max(string.start + 1)
}

/// The outermost media blocks of `text` in order, each with its placeholder.
fn find(text: &str) -> Vec<(Range<usize>, String)> {
    let mut found: Vec<(Range<usize>, String)> = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    // Containers that are open beyond `DEPTH`.
    let mut deeper = 0usize;
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let start = at;
        at += 1;
        match byte {
            b'"' => {
                at = scan::string_end(bytes, start);
                if let Some(top) = open.last_mut().filter(|_| deeper == 0) {
                    top.string(text, start..at);
                }
            }
            b'{' | b'[' if open.len() >= DEPTH => deeper += 1,
            b'{' | b'[' => open.push(Open::new(start, *byte == b'{')),
            b'}' | b']' if deeper > 0 => deeper -= 1,
            b'}' | b']' => {
                let placeholder = open.pop().and_then(|top| Some((top.start, top.fields.placeholder(text)?)));
                if let Some((opened, placeholder)) = placeholder {
                    found.truncate(found.partition_point(|(range, _)| range.start < opened));
                    found.push((opened..at, placeholder));
                }
                // The container was a value: what follows in the one around it is a key again.
                if let Some(top) = open.last_mut() {
                    top.key = None;
                }
            }
            b',' => {
                if let Some(top) = open.last_mut().filter(|_| deeper == 0) {
                    top.key = None;
                }
            }
            _ => {}
        }
    }
    found
}

/// A container that [`find`] is inside.
struct Open {
    start: usize,
    keyed: bool,
    key: Option<Range<usize>>,
    fields: Fields,
}

impl Open {
    fn new(start: usize, keyed: bool) -> Self {
        Self { start, keyed, key: None, fields: Fields::default() }
    }

    /// A string in this container: a key, or the value of the key before it.
    fn string(&mut self, text: &str, range: Range<usize>) {
        if !self.keyed {
            return;
        }
        match self.key.take() {
            Some(key) => self.fields.take(text, &key, &range),
            None => self.key = Some(range),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn placed(value: Value) -> Option<String> {
        with_placeholders(&Json::from(value)).map(|json| json.as_str().to_owned())
    }

    #[test]
    fn media_become_placeholders_at_any_depth() {
        let image = json!({"type": "image", "data": "QUJD".repeat(4_000), "mimeType": "image/png"});
        let sound =
            json!({"mimeType": "audio/wav", "note": {"a": ["type"]}, "data": "QUI=", "type": "audio"});
        for (value, expected) in [
            (image.clone(), Some("\"[image/png, 12 kB]\"")),
            (sound.clone(), Some("\"[audio/wav, 2 B]\"")),
            (
                json!({"a": 1, "b": [{"c": image}, 2, sound]}),
                Some(r#"{"a":1,"b":[{"c":"[image/png, 12 kB]"},2,"[audio/wav, 2 B]"]}"#),
            ),
            (
                json!({"type": "image", "data": {"x": image}, "mimeType": "image/png"}),
                Some(r#"{"type":"image","data":{"x":"[image/png, 12 kB]"},"mimeType":"image/png"}"#),
            ),
            (json!({"type": "image", "data": "no base64!", "mimeType": "image/png"}), None),
            (json!({"type": "text", "data": "QUJD", "mimeType": "image/png"}), None),
            (json!(["type", "image", "data", "QUJD", "mimeType", "image/png"]), None),
            (json!("plain"), None),
        ] {
            assert_eq!(placed(value.clone()).as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn only_blocks_returned_on_their_own_are_handed_on() {
        let image = json!({"type": "image", "data": "QUJD", "mimeType": "image/png"});
        let words = json!({"type": "text", "text": "look"});
        for (value, count) in [
            (image.clone(), 1),
            (json!([image, words, image]), 2),
            (json!([image, 1]), 0),
            (json!({"shot": image}), 0),
            (json!([words]), 0),
            (Value::Array(vec![image; 50]), BLOCKS),
        ] {
            assert_eq!(blocks(&Json::from(value.clone())).len(), count, "{value}");
        }
        let large = json!({"type": "image", "data": "QUJD".repeat(BYTES / 4), "mimeType": "image/png"});
        assert!(blocks(&Json::from(large)).is_empty());
    }

    #[test]
    fn deep_nesting_is_passed_over() {
        let text = format!(
            "{}{{\"type\":\"image\",\"data\":\"QUJD\",\"mimeType\":\"a/b\"}}{}",
            "[".repeat(200),
            "]".repeat(200)
        );
        assert!(find(&text).is_empty());
    }
}
