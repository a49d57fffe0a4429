//! The operations of a document: first where each stands and what it is called, and all of one when it is looked at.
//! An operation that cannot be used is a loss with its reason; it never costs another.

mod body;
mod named;
mod parameter;
mod responses;
mod security;

use std::{
    collections::{BTreeMap, HashSet},
    ops::Range,
    sync::Arc,
};

use outboard_runtime::present::counted;

pub(crate) use body::{Body, Media, MediaKind, kind_of_media};
pub(crate) use parameter::{Parameter, Place, Style};
pub(crate) use responses::Responses;
pub(crate) use security::{CodeFlow, Requirement, Scheme, Schemes, schemes};

use crate::document::{Document, Version, Walk, built, members::Members, shown};

/// Operations of a document at most.
const MOST: usize = 20_000;
/// Other documents that are named one by one.
const NAMED: usize = 3;
/// Levels of nesting of one operation.
const DEEPEST: usize = 100;

/// An HTTP method that an operation has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Method {
    Get,
    Put,
    Post,
    Delete,
    Options,
    Head,
    Patch,
    Trace,
    Query,
}

impl Method {
    const ALL: [(&str, Self); 9] = [
        ("get", Self::Get),
        ("put", Self::Put),
        ("post", Self::Post),
        ("delete", Self::Delete),
        ("options", Self::Options),
        ("head", Self::Head),
        ("patch", Self::Patch),
        ("trace", Self::Trace),
        ("query", Self::Query),
    ];

    pub(crate) fn lower(self) -> &'static str {
        Self::ALL.iter().find(|(_, method)| *method == self).map_or("get", |(name, _)| name)
    }

    pub(crate) fn upper(self) -> String {
        self.lower().to_uppercase()
    }

    /// Whether it asks for nothing to be changed (RFC 9110, 9.2.1).
    pub(crate) fn is_safe(self) -> bool {
        matches!(self, Self::Get | Self::Head | Self::Options | Self::Trace | Self::Query)
    }

    /// Whether twice is as good as once (RFC 9110, 9.2.2).
    pub(crate) fn is_idempotent(self) -> bool {
        self.is_safe() || matches!(self, Self::Put | Self::Delete)
    }
}

/// Where an operation stands and what it is called.
#[derive(Clone, Debug)]
pub(crate) struct Outline {
    pub(crate) method: Method,
    pub(crate) path: Arc<str>,
    /// Unique among the operations of the document.
    pub(crate) name: String,
    pub(crate) title: Option<String>,
    pub(crate) description: String,
    pub(crate) tags: Vec<String>,
    item: Range<usize>,
    own: Range<usize>,
}

/// An operation that is not there, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// `GET /path`, or where it should have been.
    pub place: String,
    /// Why it cannot be used.
    pub reason: String,
}

impl std::fmt::Display for Loss {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.place, self.reason)
    }
}

/// Everything about an operation that its schemas and requests are made of.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) method: Method,
    pub(crate) path: Arc<str>,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) body: Option<Body>,
    /// The argument that chooses among several kinds of bodies, if there are several.
    pub(crate) body_type_key: Option<String>,
    /// The argument that asks for the whole response.
    pub(crate) raw_key: String,
    pub(crate) responses: Responses,
    /// Alternatives, each a set of schemes, if the document says anything about it.
    pub(crate) security: Option<Vec<Requirement>>,
    /// Where the document says that it is, if not where everything is.
    pub(crate) server: Option<String>,
}

/// All operations of a document, and what was lost.
pub(crate) fn outlines(document: &Document) -> (Vec<Outline>, Vec<Loss>) {
    let (mut found, mut losses) = (Vec::new(), Vec::new());
    let mut walk = Walk::new(document);
    let Some(paths) = document.member("paths").and_then(Members::of) else {
        return (found, losses);
    };
    for (path, item) in &paths.0 {
        if path.starts_with("x-") {
            continue;
        }
        let lost = |reason: &str| Loss { place: shown(path), reason: reason.to_owned() };
        if !path.starts_with('/') {
            losses.push(lost("a path must begin with `/`"));
            continue;
        }
        let item = match walk.follow(item.get()) {
            Ok(item) => item,
            Err(unresolved) => {
                losses.push(lost(unresolved.reason()));
                continue;
            }
        };
        let Some(members) = Members::of(item) else {
            losses.push(lost("it is no object"));
            continue;
        };
        let path: Arc<str> = path.as_ref().into();
        for (name, own) in &members.0 {
            let Some((_, method)) = Method::ALL.iter().find(|(known, _)| known == name) else { continue };
            let place = format!("{} {}", method.upper(), shown(&path));
            if found.len() == MOST {
                losses.push(Loss { place, reason: format!("there are more than {MOST} operations") });
                return (found, losses);
            }
            match outline(document, item, own.get(), *method, &path) {
                Ok(outline) => found.push(outline),
                Err(reason) => losses.push(Loss { place, reason }),
            }
        }
    }
    named::name(&mut found);
    (found, losses)
}

fn outline(
    document: &Document,
    item: &str,
    own: &str,
    method: Method,
    path: &Arc<str>,
) -> Result<Outline, String> {
    if crate::document::members::depth(own) > DEEPEST {
        return Err(format!("it is nested more than {DEEPEST} levels deep"));
    }
    let members = Members::of(own).ok_or("it is no object")?;
    let tags = members.get("tags").and_then(|tags| serde_json::from_str(tags).ok()).unwrap_or_default();
    let title = members.text("summary").map(|text| plain(&text, 300)).filter(|text| !text.is_empty());
    let said = members.text("description").map(|text| plain(&text, 4_000)).filter(|text| !text.is_empty());
    let deprecated = if members.get("deprecated") == Some("true") { "Deprecated. " } else { "" };
    let mut description = String::from(deprecated);
    if let Some(title) = &title {
        description += title;
        description += if title.ends_with(['.', '!', '?']) { "\n\n" } else { ".\n\n" };
    }
    if let Some(said) = said.filter(|said| title.as_ref() != Some(said)) {
        description += &said;
        description += "\n\n";
    }
    description += &format!("{} {path}", method.upper());
    Ok(Outline {
        method,
        path: Arc::clone(path),
        name: members.text("operationId").unwrap_or_default(),
        title,
        description,
        tags,
        item: document.range(item),
        own: document.range(own),
    })
}

impl Outline {
    /// Reads all of the operation.
    pub(crate) fn operation(&self, document: &Document) -> Operation {
        let mut walk = Walk::new(document);
        let item = Members::of(document.at(&self.item)).unwrap_or_default();
        let own = Members::of(document.at(&self.own)).unwrap_or_default();
        let found = parameter::all(&mut walk, &item, &own);
        let body = body::read(&mut walk, &own, &found.of_body);
        let mut taken = HashSet::new();
        if body.is_some() {
            taken.insert("body".to_owned());
        }
        let parameters = parameter::keyed(found.parameters, &mut taken);
        let several = body.as_ref().is_some_and(|body| body.media.len() > 1);
        let body_type_key = several.then(|| free("contentType", &mut taken));
        let raw_key = free("raw", &mut taken);
        Operation {
            method: self.method,
            path: Arc::clone(&self.path),
            parameters,
            body,
            body_type_key,
            raw_key,
            responses: responses::read(&mut walk, &own),
            security: security::requirements(document, &own),
            server: own.get("servers").or_else(|| item.get("servers")).and_then(first_server),
        }
    }
}

/// Other documents that a document refers to and that were not read, by why that is, with what it costs.
pub(crate) fn unread(document: &Document) -> Vec<Loss> {
    let mut by_reason: BTreeMap<&str, (Vec<&str>, usize)> = BTreeMap::new();
    for (name, (times, why)) in document.unread() {
        let (names, all) = by_reason.entry(why).or_default();
        names.push(name);
        *all += times;
    }
    let one = |(why, (names, times)): (&str, (Vec<&str>, usize))| {
        let first: Vec<String> = names.iter().take(NAMED).map(|name| shown(name)).collect();
        let more = match names.len() - first.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        Loss {
            place: format!("{}{more}", first.join(", ")),
            reason: format!(
                "{why}; what is referred to there ({}) is any value, and its paths and parameters are left out",
                counted(times, "reference")
            ),
        }
    };
    by_reason.into_iter().map(one).collect()
}

/// A name that no argument has yet.
fn free(wanted: &str, taken: &mut HashSet<String>) -> String {
    let mut name = wanted.to_owned();
    while !taken.insert(name.clone()) {
        name.push('_');
    }
    name
}

/// The address of the first server, with the defaults of its variables.
pub(crate) fn first_server(servers: &str) -> Option<String> {
    let servers = built(servers)?;
    let server = servers.as_array()?.first()?;
    let mut url = server.get("url")?.as_str()?.to_owned();
    for (name, variable) in server.get("variables").and_then(|them| them.as_object()).into_iter().flatten() {
        let value = variable.get("default").and_then(|value| value.as_str()).unwrap_or_default();
        url = url.replace(&format!("{{{name}}}"), value);
    }
    Some(url)
}

/// Where the document says that its API is. A person has to agree before anything is sent there.
pub fn servers(document: &Document) -> Vec<String> {
    let text = |name: &str| document.member(name).and_then(|text| serde_json::from_str::<String>(text).ok());
    match document.version() {
        Version::V2 => {
            let Some(host) = text("host") else { return Vec::new() };
            let schemes: Vec<String> = document
                .member("schemes")
                .and_then(|text| serde_json::from_str(text).ok())
                .unwrap_or_default();
            let scheme = match schemes.iter().any(|scheme| scheme == "https") || schemes.is_empty() {
                true => "https",
                false => "http",
            };
            vec![format!("{scheme}://{host}{}", text("basePath").unwrap_or_default().trim_end_matches('/'))]
        }
        Version::V30 | Version::V31 => {
            let servers = document.member("servers").map(crate::document::members::items).unwrap_or_default();
            servers.iter().filter_map(|server| first_server(&format!("[{server}]"))).collect()
        }
    }
}

impl crate::document::Unresolved {
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::External => "it refers to another document, which is not read",
            Self::Missing => "it refers to something that is not in the document",
            Self::Circle => "it refers to itself",
            Self::TooMuch => "its references ask for more reading than is done for one operation",
        }
    }
}

/// A text of the document without markup, its runs of spaces folded, shortened to about so many bytes.
pub(crate) fn plain(text: &str, most: usize) -> String {
    let mut out = String::with_capacity(text.len().min(most));
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        let (before, tag) = rest.split_at(start);
        out.push_str(before);
        // `a < b` is no tag.
        let end =
            tag.find('>').filter(|_| tag[1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '/'));
        match end {
            Some(end) => rest = &tag[end + 1..],
            None => {
                out.push('<');
                rest = &tag[1..];
            }
        }
        if out.len() > most {
            break;
        }
    }
    out.push_str(rest);
    let out = out.trim();
    if out.len() <= most {
        return out.to_owned();
    }
    format!("{}…", out[..out.floor_char_boundary(most)].trim_end())
}
