//! Parameters: where each goes, in which style, and under which argument a script gives it.
//! Swagger 2.0's are read as what they are in OpenAPI 3.

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::document::{
    Version, Walk, built,
    members::{Members, items},
};

/// Parameters of one operation at most.
const MOST: usize = 500;
/// Headers that say how a message is sent or who sends it. They are the host's.
const OF_THE_HOST: [&str; 21] = [
    "accept",
    "content-type",
    "authorization",
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "cookie",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "accept-encoding",
    "via",
];

/// Where a parameter goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Place {
    Path,
    Query,
    /// The whole query is one value (OpenAPI 3.2).
    QueryString,
    Header,
    Cookie,
}

impl Place {
    fn word(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query | Self::QueryString => "query",
            Self::Header => "header",
            Self::Cookie => "cookie",
        }
    }
}

/// How a value becomes text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Simple,
    Label,
    Matrix,
    Form,
    SpaceDelimited,
    PipeDelimited,
    /// Swagger 2.0's `tsv`.
    TabDelimited,
    DeepObject,
}

#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    /// The argument's name in scripts.
    pub(crate) key: String,
    /// Its name in the request.
    pub(crate) name: String,
    pub(crate) place: Place,
    pub(crate) required: bool,
    pub(crate) style: Style,
    pub(crate) explode: bool,
    pub(crate) allow_reserved: bool,
    /// Its value may have several segments of a path, as the document says.
    pub(crate) segments: bool,
    /// It is a document of this type instead of having a style.
    pub(crate) content: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) schema: Value,
}

/// What stands under `parameters`.
#[derive(Default)]
pub(super) struct Found {
    pub(super) parameters: Vec<Parameter>,
    /// Those of Swagger 2.0 that make up the body.
    pub(super) of_body: Vec<Map<String, Value>>,
}

/// Those of the path and of the operation; the operation's win.
pub(super) fn all<'d>(walk: &mut Walk<'d>, item: &Members<'d>, own: &Members<'d>) -> Found {
    let mut read: Vec<Map<String, Value>> = Vec::new();
    for list in [item.get("parameters"), own.get("parameters")].into_iter().flatten() {
        for text in items(list).into_iter().take(MOST) {
            // One that leads nowhere is left out; if the path needs it, the call says so.
            let Some(Value::Object(parameter)) = walk.follow(text).ok().and_then(built) else { continue };
            let same = |other: &Map<String, Value>| {
                other.get("name") == parameter.get("name") && other.get("in") == parameter.get("in")
            };
            match read.iter_mut().find(|other| same(other)) {
                Some(earlier) => *earlier = parameter,
                None => read.push(parameter),
            }
        }
    }
    let mut found = Found::default();
    for parameter in read {
        match parameter.get("in").and_then(Value::as_str) {
            Some("body" | "formData") => found.of_body.push(parameter),
            _ => found.parameters.extend(one(&parameter, walk.document.version())),
        }
    }
    found.parameters.sort_by_key(|parameter| (parameter.place, !parameter.required));
    found
}

fn one(parameter: &Map<String, Value>, version: Version) -> Option<Parameter> {
    let text = |key: &str| parameter.get(key).and_then(Value::as_str);
    let flag = |key: &str| parameter.get(key).and_then(Value::as_bool);
    let name = text("name").filter(|name| !name.is_empty())?.to_owned();
    let place = match text("in")? {
        "path" => Place::Path,
        "query" => Place::Query,
        "querystring" => Place::QueryString,
        "header" => Place::Header,
        "cookie" => Place::Cookie,
        _ => return None,
    };
    let is_the_hosts =
        OF_THE_HOST.contains(&name.to_lowercase().as_str()) || name.to_lowercase().starts_with("sec-");
    if place == Place::Header && is_the_hosts {
        return None;
    }
    let by_place = match place {
        Place::Path | Place::Header => Style::Simple,
        Place::Query | Place::QueryString | Place::Cookie => Style::Form,
    };
    let (style, explode) = match version {
        Version::V2 => collection(text("collectionFormat"), by_place),
        Version::V30 | Version::V31 => {
            let style = match text("style") {
                Some("simple") => Style::Simple,
                Some("label") => Style::Label,
                Some("matrix") => Style::Matrix,
                Some("form") => Style::Form,
                Some("spaceDelimited") => Style::SpaceDelimited,
                Some("pipeDelimited") => Style::PipeDelimited,
                Some("deepObject") => Style::DeepObject,
                _ => by_place,
            };
            (style, flag("explode").unwrap_or(matches!(style, Style::Form | Style::DeepObject)))
        }
    };
    let content =
        parameter.get("content").and_then(Value::as_object).and_then(|content| content.iter().next());
    let schema = match (version, content) {
        (Version::V2, _) => Value::Object(own_schema(parameter)),
        (_, Some((_, media))) => media.get("schema").cloned().unwrap_or(Value::Bool(true)),
        (_, None) => parameter.get("schema").cloned().unwrap_or(Value::Bool(true)),
    };
    Some(Parameter {
        key: String::new(),
        name,
        place,
        required: place == Place::Path || flag("required") == Some(true),
        style,
        explode,
        allow_reserved: flag("allowReserved") == Some(true),
        segments: flag("x-multi-segment") == Some(true) || flag("allowReserved") == Some(true),
        content: content.map(|(media, _)| media.clone()).or_else(|| {
            (place == Place::QueryString).then(|| "application/x-www-form-urlencoded".to_owned())
        }),
        description: text("description").map(|text| super::plain(text, 1_000)),
        schema,
    })
}

fn collection(format: Option<&str>, by_place: Style) -> (Style, bool) {
    match format {
        Some("multi") => (by_place, true),
        Some("ssv") => (Style::SpaceDelimited, false),
        Some("pipes") => (Style::PipeDelimited, false),
        Some("tsv") => (Style::TabDelimited, false),
        _ => (by_place, false),
    }
}

/// The schema that a parameter of Swagger 2.0 is itself.
pub(super) fn own_schema(parameter: &Map<String, Value>) -> Map<String, Value> {
    let about = ["name", "in", "required", "description", "collectionFormat", "allowEmptyValue"];
    parameter
        .iter()
        .filter(|(key, _)| !about.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// Gives each parameter the argument's name that it has in scripts: its own, with its place where two would meet.
pub(super) fn keyed(mut parameters: Vec<Parameter>, taken: &mut HashSet<String>) -> Vec<Parameter> {
    for parameter in &mut parameters {
        let mut key = parameter.name.clone();
        if taken.contains(&key) {
            key = format!("{key}_{}", parameter.place.word());
        }
        parameter.key = super::free(&key, taken);
    }
    parameters
}
