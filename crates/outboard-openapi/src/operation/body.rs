//! What an operation takes as its body: one or several media types, each with its schema and encodings.
//! Swagger 2.0's `body` and `formData` parameters are read as the same.

use serde_json::{Map, Value};

use super::parameter::own_schema;
use crate::document::{Version, Walk, built, members::Members};

/// Media types of one body at most.
const MOST: usize = 20;

#[derive(Clone, Debug)]
pub(crate) struct Body {
    pub(crate) required: bool,
    pub(crate) description: Option<String>,
    /// The one that is used unless a script asks for another comes first.
    pub(crate) media: Vec<Media>,
}

#[derive(Clone, Debug)]
pub(crate) struct Media {
    /// As the document writes it.
    pub(crate) name: String,
    pub(crate) kind: MediaKind,
    pub(crate) schema: Value,
    pub(crate) encoding: Map<String, Value>,
}

/// How a body of a media type is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum MediaKind {
    Json,
    Form,
    Multipart,
    Text,
    Bytes,
}

/// How a media type is written and read.
pub(crate) fn kind_of_media(name: &str) -> MediaKind {
    let name = name.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match name.as_str() {
        "application/x-www-form-urlencoded" => MediaKind::Form,
        "*/*" | "application/*" | "text/json" => MediaKind::Json,
        "application/xml"
        | "application/yaml"
        | "application/x-yaml"
        | "application/javascript"
        | "application/x-ndjson"
        | "application/jsonl"
        | "application/graphql"
        | "application/sql"
        | "application/toml"
        | "application/x-javascript"
        | "application/json-seq" => MediaKind::Text,
        name if name == "application/json" || name.ends_with("+json") => MediaKind::Json,
        name if name.starts_with("multipart/") => MediaKind::Multipart,
        name if name.starts_with("text/") || name.ends_with("+xml") || name.ends_with("+yaml") => {
            MediaKind::Text
        }
        _ => MediaKind::Bytes,
    }
}

pub(super) fn read<'d>(
    walk: &mut Walk<'d>,
    own: &Members<'d>,
    parameters: &[Map<String, Value>],
) -> Option<Body> {
    if walk.document.version() == Version::V2 {
        return of_parameters(walk, own, parameters);
    }
    let body = walk.follow(own.get("requestBody")?).ok()?;
    let body = Members::of(body)?;
    let content = Members::of(body.get("content")?)?;
    let mut media: Vec<Media> = Vec::new();
    for (name, described) in content.0.into_iter().take(MOST) {
        let Some(Value::Object(mut described)) = walk.follow(described.get()).ok().and_then(built) else {
            continue;
        };
        let encoding = match described.remove("encoding") {
            Some(Value::Object(encoding)) => encoding,
            _ => Map::new(),
        };
        media.push(Media {
            kind: kind_of_media(&name),
            name: name.into_owned(),
            schema: described.remove("schema").unwrap_or(Value::Bool(true)),
            encoding,
        });
    }
    let best = (0..media.len()).min_by_key(|&at| media[at].kind != MediaKind::Json)?;
    media.swap(0, best);
    Some(Body {
        required: body.get("required") == Some("true"),
        description: body.text("description").map(|text| super::plain(&text, 1_000)),
        media,
    })
}

fn of_parameters(walk: &Walk<'_>, own: &Members<'_>, parameters: &[Map<String, Value>]) -> Option<Body> {
    let first = parameters.first()?;
    let text = |parameter: &Map<String, Value>, key: &str| {
        parameter.get(key).and_then(Value::as_str).map(|text| super::plain(text, 1_000))
    };
    let consumes = own.get("consumes").or_else(|| walk.document.member("consumes"));
    let consumes: Vec<String> = consumes.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let required =
        |parameter: &Map<String, Value>| parameter.get("required").and_then(Value::as_bool) == Some(true);
    if let Some(body) = parameters.iter().find(|one| text(one, "in").as_deref() == Some("body")) {
        let schema = body.get("schema").cloned().unwrap_or(Value::Bool(true));
        let mut media: Vec<Media> = consumes
            .into_iter()
            .take(MOST)
            .map(|name| Media {
                kind: kind_of_media(&name),
                name,
                schema: schema.clone(),
                encoding: Map::new(),
            })
            .filter(|media| !matches!(media.kind, MediaKind::Form | MediaKind::Multipart))
            .collect();
        if media.is_empty() {
            media.push(Media {
                name: "application/json".to_owned(),
                kind: MediaKind::Json,
                schema,
                encoding: Map::new(),
            });
        }
        let best = (0..media.len()).min_by_key(|&at| media[at].kind != MediaKind::Json)?;
        media.swap(0, best);
        return Some(Body { required: required(body), description: text(body, "description"), media });
    }
    let has_file = parameters.iter().any(|one| text(one, "type").as_deref() == Some("file"));
    let asks_for_parts = consumes.iter().any(|name| kind_of_media(name) == MediaKind::Multipart);
    let asks_for_form = consumes.iter().any(|name| kind_of_media(name) == MediaKind::Form);
    let (name, kind) = match has_file || (asks_for_parts && !asks_for_form) {
        true => ("multipart/form-data", MediaKind::Multipart),
        false => ("application/x-www-form-urlencoded", MediaKind::Form),
    };
    let mut properties = Map::new();
    let mut encoding = Map::new();
    for parameter in parameters {
        let Some(name) = parameter.get("name").and_then(Value::as_str) else { continue };
        let mut schema = own_schema(parameter);
        if let Some(said) = text(parameter, "description") {
            schema.insert("description".to_owned(), said.into());
        }
        let explode = text(parameter, "collectionFormat").as_deref() == Some("multi");
        encoding.insert(name.to_owned(), serde_json::json!({"style": "form", "explode": explode}));
        properties.insert(name.to_owned(), Value::Object(schema));
    }
    let needed: Vec<&Value> =
        parameters.iter().filter(|one| required(one)).filter_map(|one| one.get("name")).collect();
    let schema = serde_json::json!({"type": "object", "properties": properties, "required": needed});
    Some(Body {
        required: parameters.iter().any(required),
        description: text(first, "x-description"),
        media: vec![Media { name: name.to_owned(), kind, schema, encoding }],
    })
}
