//! What an operation answers when it succeeds: the media types to ask for and the schemas of what comes.
//! What it says about failures is not read: a failure's body is shown as it comes.

use serde_json::Value;

use super::{MediaKind, kind_of_media};
use crate::document::{Version, Walk, built, members::Members};

/// Responses and media types that are read.
const MOST: usize = 20;

#[derive(Clone, Debug, Default)]
pub(crate) struct Responses {
    /// Media types that a success may have, in their order.
    pub(crate) media: Vec<String>,
    /// What a success gives: schemas of JSON, without repetition.
    pub(crate) schemas: Vec<Value>,
    /// A success may also be a text, bytes, or nothing.
    pub(crate) text: bool,
    pub(crate) bytes: bool,
    pub(crate) nothing: bool,
}

pub(super) fn read<'d>(walk: &mut Walk<'d>, own: &Members<'d>) -> Responses {
    let mut responses = Responses::default();
    let Some(all) = own.get("responses").and_then(Members::of) else { return responses };
    let is_success = |status: &str| status.starts_with('2') && status.len() == 3;
    let has_success = all.0.iter().any(|(status, _)| is_success(status));
    let produces = own.get("produces").or_else(|| walk.document.member("produces"));
    let produces: Vec<String> = produces.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    for (status, response) in all.0.into_iter().take(MOST) {
        if !is_success(&status) && (has_success || status != "default") {
            continue;
        }
        let Some(response) = walk.follow(response.get()).ok().and_then(Members::of) else { continue };
        if walk.document.version() == Version::V2 {
            responses.of_swagger(response.get("schema").and_then(built), &produces);
            continue;
        }
        let content = response.get("content").and_then(Members::of).unwrap_or_default();
        responses.nothing |= content.0.is_empty();
        for (name, media) in content.0.into_iter().take(MOST) {
            let media = walk.follow(media.get()).ok().and_then(Members::of).unwrap_or_default();
            responses.add(&name, media.get("schema").and_then(built));
        }
    }
    responses
}

impl Responses {
    fn of_swagger(&mut self, schema: Option<Value>, produces: &[String]) {
        let Some(schema) = schema else {
            self.nothing = true;
            return;
        };
        if schema.get("type").and_then(Value::as_str) == Some("file") {
            self.bytes = true;
            self.media.extend(produces.iter().cloned());
            return;
        }
        let json = produces.iter().find(|name| kind_of_media(name) == MediaKind::Json);
        let name = json.or(produces.first()).map_or("application/json", String::as_str);
        self.add(name, Some(schema));
    }

    fn add(&mut self, name: &str, schema: Option<Value>) {
        if !self.media.iter().any(|known| known == name) {
            self.media.push(name.to_owned());
        }
        match kind_of_media(name) {
            MediaKind::Json => {
                let schema = schema.unwrap_or(Value::Bool(true));
                if !self.schemas.contains(&schema) {
                    self.schemas.push(schema);
                }
            }
            MediaKind::Text => self.text = true,
            MediaKind::Form | MediaKind::Multipart | MediaKind::Bytes => self.bytes = true,
        }
    }
}
